"""One picture of a video."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from pixfind.errors import PhotoDecodeError
from pixfind.photos.exif import Metadata
from pixfind.videos.reading import Video, open_video
from pixfind.videos.shots import chosen_frames


def still(path: Path, edge: int, second: float | None = None) -> Image.Image:
    """Return an upright RGB picture of a video.

    Args:
        path: the video.
        edge: of the picture's short side, in pixels, where the video has them.
        second: the moment; else, the first frame that shows something.

    Raises:
        PhotoError: the video cannot be read, or has no frame.
    """
    with open_video(path) as video:
        if second is None:
            return _first(video, path, edge)
        image = video.frame_at(second, edge)
    if image is None:
        raise _no_frame(path)
    return image


def opening(path: Path, edge: int) -> tuple[Image.Image, Metadata]:
    """Return the first frame that shows something, and what the file says of itself.

    Args: as for ``still``.

    Raises:
        PhotoError: the video cannot be read, or has no frame.
    """
    with open_video(path) as video:
        return _first(video, path, edge), video.metadata


def _first(video: Video, path: Path, edge: int) -> Image.Image:
    first = next(chosen_frames(video.frames(edge), video.duration), None)
    if first is None:
        raise _no_frame(path)
    return first.image


def _no_frame(path: Path) -> PhotoDecodeError:
    return PhotoDecodeError(path, "it has no frame that can be decoded")
