"""Videos opened within bounds: what they are, and their frames upright, one at a time."""

from __future__ import annotations

import errno
import stat
import struct
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import Image

from pixfind.errors import PhotoDecodeError, PhotoError, PhotoReadError
from pixfind.messages import said
from pixfind.photos import reasons
from pixfind.photos.decode import MAX_ASPECT, MIN_EDGE, ON_THE_SIDE
from pixfind.photos.exif import Metadata
from pixfind.videos.facts import metadata_of_tags

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video import VideoFrame, VideoStream

# Beyond 8K. A decoder holds up to 17 frames at a time, so this is fewer than of a photo.
MAX_PIXELS = 40_000_000
# Frames are looked at this far apart, seconds: no shot that one would remember is shorter.
STEP = 0.5
# Only key frames are decoded, which stand by themselves, where they are no further apart than this,
# in seconds: phones make one every second, and films one at each cut and every few seconds beside.
# From where they are rarer everything is decoded; of a long video only where they are very rare, or
# a film of two hours would take an hour rather than a minute.
RARE = 1.5
VERY_RARE = 15.0  # encoders put 250 frames between them at most, 10 seconds or a little more
LONG = 120.0
# No clip is longer; a header that says so is broken.
DAY = 24 * 3600.0
READ_BUFFER = 1 << 18
# What may be inside, whatever the name says: FFmpeg knows play lists that lead to other files.
DEMUXERS = "mov,matroska,avi"
# What makes the frame upright, by the signs of its display matrix (a, b, c, d), which takes the
# point (x, y) to (ax + cy, bx + dy), y pointing down.
TURNS: Mapping[tuple[int, ...], Image.Transpose] = {
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Frame:
    """One picture of a video: upright RGB, shrunk, and when it is shown, in seconds."""

    second: float
    image: Image.Image


class Video:
    """An open video. One frame is held at a time; sound is never decoded.

    ``width`` and ``height`` are pixels of the upright picture as it is shown, ``duration`` seconds.
    """

    def __init__(self, container: InputContainer, path: Path) -> None:
        self._path = path
        self._container = container
        self._stream = _picture_stream(container, path)
        self._start = (container.start_time or 0) / 1_000_000
        first = next(self._decoded(), None)
        if first is None:
            reason = said(
                "it has no frame of at most %(most)s pixels that can be decoded",
                most=f"{MAX_PIXELS:,}",
            )
            raise PhotoDecodeError(path, reason)
        self._squeezed = float(self._stream.sample_aspect_ratio or 1) or 1.0
        self._turn = _turn_of(first)
        shown = round(first.width * self._squeezed), first.height
        if min(shown) < MIN_EDGE or max(shown) > MAX_ASPECT * min(shown):
            raise PhotoDecodeError(path, reasons.no_picture(*shown))
        self.width, self.height = shown[::-1] if self._turn in ON_THE_SIDE else shown
        self.format = _format_of(container, path)
        self.metadata: Metadata = metadata_of_tags(container.metadata)
        self.duration = self._duration()

    def frames(self, edge: int) -> Iterator[Frame]:
        """Yield frames in order, at least ``STEP`` apart, and at most ``VERY_RARE``.

        Args:
            edge: of the short side of the pictures, in pixels, where the video has them.
        """
        with _explained(self._path):
            rare = VERY_RARE if self.duration > LONG else RARE
            done = yield from self._key_frames(edge, rare)
            if done is None:
                return
            wanted = done + STEP
            self._seek(done, "NONREF")
            for picture in self._decoded():
                second = self._second(picture)
                if second >= wanted:
                    wanted = second + STEP
                    yield Frame(second, self._image(picture, edge))

    def frame_at(self, second: float, edge: int) -> Image.Image | None:
        """Return the picture shown at a moment, or the last one before the video ends.

        ``None`` where there is none; ``edge`` as for ``frames``.
        """
        with _explained(self._path):
            self._seek(second, "DEFAULT")
            last = None
            for picture in self._decoded():
                last = picture
                # What was chosen from is rounded, and so are the times in the file.
                if self._second(picture) >= second - 0.001:
                    break
            return None if last is None else self._image(last, edge)

    def _key_frames(self, edge: int, rare: float) -> Generator[Frame, None, float | None]:
        """Yield key frames; where they become rare, return the second of the last one."""
        self._seek(0.0, "NONKEY")
        last, fed, wanted = -STEP, 0.0, 0.0
        for packet in self._packets():
            time = packet.pts if packet.pts is not None else packet.dts
            if time is not None and packet.size:
                second = self._seconds(time)
                if second > fed + rare:
                    return last
                if not packet.is_keyframe or second < wanted:
                    continue
                fed, wanted = second, second + STEP
            for picture in _pictures(packet):
                last = self._second(picture)
                yield Frame(last, self._image(picture, edge))
        return last if last < 0 else None

    def _decoded(self) -> Iterator[VideoFrame]:
        for packet in self._packets():
            yield from _pictures(packet)

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        from av.error import FFmpegError

        # The end of a file that is cut off: what came before can be played, and so be found.
        with suppress(FFmpegError):
            yield from self._container.demux(self._stream)

    def _seek(self, second: float, skip: Any) -> None:
        from av.error import FFmpegError

        self._stream.codec_context.skip_frame = skip
        # Without an index there is only the beginning to go to, which ``open`` may have left.
        for target in (second, 0.0):
            with suppress(FFmpegError):
                self._container.seek(round((max(0.0, target) + self._start) * 1_000_000))
                return

    def _second(self, picture: VideoFrame) -> float:
        time = picture.pts if picture.pts is not None else picture.dts
        return self._seconds(time or 0)

    def _seconds(self, time: int) -> float:
        return max(0.0, float(time * (self._stream.time_base or 0)) - self._start)

    def _image(self, picture: VideoFrame, edge: int) -> Image.Image:
        width, height = picture.width * self._squeezed, float(picture.height)
        scale = min(1.0, edge / min(width, height))
        image: Image.Image = picture.to_image(  # type: ignore[no-untyped-call]
            width=max(1, round(width * scale)),
            height=max(1, round(height * scale)),
            interpolation="AREA" if scale < 1 else "BICUBIC",
        )
        return image if self._turn is None else image.transpose(self._turn)

    def _duration(self) -> float:
        """Return what the file says, or, as of a recording cut short, when its last frame is."""
        said = (self._container.duration or 0) / 1_000_000
        if 0 < said <= DAY:
            return said
        self._seek(0.0, "DEFAULT")
        seconds = (self._seconds(p.pts) for p in self._packets() if p.pts is not None)
        return min(max(seconds, default=0.0), DAY)


@contextmanager
def open_video(path: Path) -> Iterator[Video]:
    """Open a video.

    Its frames raise the same, where something is wrong further on.

    Raises:
        PhotoReadError: it is not there, not a regular file, not readable, or there is not the
            memory for it now.
        PhotoDecodeError: it is not a video, has no pictures, is damaged or too large.
    """
    with ExitStack() as stack:
        with _explained(path):
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise PhotoReadError(path, reasons.NOT_REGULAR)
            if not status.st_size:
                raise PhotoDecodeError(path, said("it is empty"))
            # An open file rather than its name, which FFmpeg could take for an address.
            file = stack.enter_context(path.open("rb"))
            video = Video(stack.enter_context(_opened(file, path)), path)
        yield video


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say of a file what is wrong, whatever FFmpeg raises."""
    from av.error import FFmpegError

    try:
        yield
    except MemoryError as error:
        raise PhotoReadError(path, reasons.NO_MEMORY) from error
    # The last two: a header speaks of times beyond all numbers, or holds half a matrix.
    except (FFmpegError, ValueError, ArithmeticError, struct.error) as error:
        raise PhotoDecodeError(path, reasons.damaged(_said(error))) from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # FFmpeg was led to before the file's beginning
            raise PhotoDecodeError(path, said("it is damaged")) from error
        raise PhotoReadError(path, error.strerror or str(error)) from error


def _opened(file: BinaryIO, path: Path) -> InputContainer:
    import av
    from av.error import FFmpegError, InvalidDataError

    # FFmpeg decodes what it needs to know of a stream at once.
    options = {"format_whitelist": DEMUXERS, "max_pixels": str(MAX_PIXELS)}
    try:
        return av.open(
            file, "r", options=options, metadata_errors="replace", buffer_size=READ_BUFFER
        )
    except FFmpegError as error:
        # The second of these says that it is in none of the formats that may be read.
        if not isinstance(error, InvalidDataError) and error.errno != errno.EINVAL:
            raise
        reason = said("it is damaged, or not in a video format that can be read")
        raise PhotoDecodeError(path, reason) from error


def _picture_stream(container: InputContainer, path: Path) -> VideoStream:
    from av.stream import Disposition

    # The cover of a song is a video stream, too.
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        sound = container.streams.audio
        silent = said("it is damaged or cut off")
        raise PhotoDecodeError(path, said("it has no pictures, only sound") if sound else silent)
    stream = next((s for s in streams if s.codec_context is not None), None)
    if stream is None:
        reason = said("its pictures are in a format that nobody can decode here")
        raise PhotoDecodeError(path, reason)
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise PhotoDecodeError(path, reasons.too_large(width, height, MAX_PIXELS))
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    # Every thread of a decoder holds frames, and indexing has a thread for each core already.
    stream.codec_context.thread_count = 1
    return stream


def _pictures(packet: Packet[VideoStream]) -> list[VideoFrame]:
    from av.error import FFmpegError

    try:
        return packet.decode()
    except FFmpegError:  # a damaged piece; players go on after it
        return []


def _turn_of(picture: VideoFrame) -> Image.Transpose | None:
    matrix: Any = picture.side_data.get("DISPLAYMATRIX")
    if not matrix:
        return None
    a, b, _, c, d = struct.unpack("=5i", bytes(matrix)[:20])
    # Nearly upright, where somebody has turned it by a few degrees, counts as upright.
    half = max(abs(a), abs(b)) / 2
    signs = tuple(0 if abs(part) < half else (part > 0) - (part < 0) for part in (a, b, c, d))
    return TURNS.get(signs)


def _format_of(container: InputContainer, path: Path) -> str:
    if container.format.name.startswith("mov"):
        quicktime = container.metadata.get("major_brand", "qt").strip() == "qt"
        return "MOV" if quicktime else "MP4"
    if container.format.name.startswith("matroska"):
        return "WebM" if path.suffix.lower() == ".webm" else "Matroska"
    return "AVI"


def _said(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def metadata_of_video(path: Path) -> Metadata | None:
    """Return what a video's file says of it; ``None`` if it cannot be read now."""
    try:
        with open_video(path) as video:
            return video.metadata
    except PhotoError:
        return None
