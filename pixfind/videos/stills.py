"""One picture of a video."""

from __future__ import annotations

from pathlib import Path

from pixfind.errors import PhotoDecodeError
from pixfind.messages import said
from pixfind.photos.decode import DecodedPhoto
from pixfind.videos.reading import open_video
from pixfind.videos.shots import chosen_frames


def still(path: Path, edge: int, second: float | None = None) -> DecodedPhoto:
    """Return an upright RGB picture of a video, and what the file says of itself.

    Args:
        path: the video.
        edge: of the picture's short side, in pixels, where the video has them.
        second: the moment; else, the first frame that shows something.

    Raises:
        PhotoError: the video cannot be read, or has no frame.
    """
    with open_video(path) as video:
        if second is None:
            first = next(chosen_frames(video.frames(edge), video.duration), None)
            image = None if first is None else first.image
        else:
            image = video.frame_at(second, edge)
        if image is None:
            raise PhotoDecodeError(path, said("it has no frame that can be decoded"))
        return DecodedPhoto(image, video.width, video.height, video.format, video.metadata)
