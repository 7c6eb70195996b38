"""From a file's bytes to upright RGB pixels, no larger than needed."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from pixfind.errors import PhotoDecodeError, PhotoReadError
from pixfind.messages import said
from pixfind.photos import reasons
from pixfind.photos.exif import Metadata, read_metadata, read_orientation
from pixfind.photos.formats import FORMATS, is_video_name, prepare_pillow

# A file beyond this is no photo; reading it would only fill the memory.
MAX_FILE_BYTES = 1 << 30
# Of the pixels that are really decoded, after JPEG has been scaled down while decoding: 150
# million are 450 MB as RGB. The largest phone sensors have 200 million, in JPEG or HEIC.
MAX_DECODED_PIXELS = 150_000_000
# Decoded one at a time, so that many threads do not each hold hundreds of megabytes.
LARGE_PIXELS = 40_000_000
_turn: AbstractContextManager[object] = threading.Semaphore()
# Larger pictures are shrunk before anything else is done with them, whatever their mode.
MAX_WHOLE_PIXELS = 4_000_000
# Nothing smaller shows anything, and nothing longer and thinner is a picture.
MIN_EDGE = 2
MAX_ASPECT = 100
UNKNOWN_FORMAT = said("it is not in a picture format that can be read")
VIDEO = said("it is a video, and a picture is needed here; save one of its frames")
# What makes the picture upright, by EXIF orientation.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ON_THE_SIDE = {TURNS[5], TURNS[6], TURNS[7], TURNS[8]}

# What Pillow's plugins raise for bytes that they cannot make sense of.
_DECODE_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    OverflowError,
    AssertionError,
    RuntimeError,
    NotImplementedError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True)
class DecodedPhoto:
    """A picture ready to be looked at, and what its file says of it.

    ``image`` is upright RGB, at least as large as was asked for or as the file is; ``width`` and
    ``height`` are those of the full upright picture.
    """

    image: Image.Image
    width: int
    height: int
    format: str
    metadata: Metadata


def read_bytes(path: Path) -> bytes:
    """Read a whole file.

    Raises:
        PhotoReadError: it is not there, not a regular file, not readable or too large.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise PhotoReadError(path, reasons.NOT_REGULAR)
        if size > MAX_FILE_BYTES:
            reason = said(
                "it has %(size)s bytes; more than %(most)s",
                size=f"{size:,}",
                most=f"{MAX_FILE_BYTES:,}",
            )
            raise PhotoReadError(path, reason)
        return path.read_bytes()
    except OSError as error:
        raise PhotoReadError(path, error.strerror or str(error)) from error


def decode(content: bytes, path: Path, edge: int) -> DecodedPhoto:
    """Decode a picture whose short edge is at least ``edge`` pixels, where the file has them.

    JPEG is scaled down by the decoder itself, which saves most of the work. The first frame of an
    animation is taken; transparency is laid on white; EXIF orientation is applied.

    Args:
        content: the file's bytes.
        path: named in errors.
        edge: the shortest edge wanted, in pixels.

    Raises:
        PhotoDecodeError: the bytes are not a picture, are damaged, or would be too large.
        PhotoReadError: there is not the memory for it now.
    """
    prepare_pillow()
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            # All bytes in one piece: Pillow takes the interpreter's lock between pieces of 64 KiB,
            # and each time may wait for milliseconds until another thread lets go of it.
            opened.decodermaxblock = max(1, len(content))
            return _decoded(opened, path, edge)
    except PhotoDecodeError:
        raise
    except MemoryError as error:
        raise PhotoReadError(path, reasons.NO_MEMORY) from error
    except UnidentifiedImageError as error:
        is_video = is_video_name(path.name)
        raise PhotoDecodeError(path, VIDEO if is_video else UNKNOWN_FORMAT) from error
    except _DECODE_ERRORS as error:
        raise PhotoDecodeError(path, _reason(error)) from error


def let_large_wait_for(turn: AbstractContextManager[object]) -> None:
    """Hold this while decoding a large picture, for which others than this process's threads wait.

    Args:
        turn: entered from any thread, and left when the picture is small.
    """
    global _turn  # noqa: PLW0603 - a property of the process, as its memory is
    _turn = turn


def _decoded(opened: Image.Image, path: Path, edge: int) -> DecodedPhoto:
    width, height = opened.size
    if min(width, height) < MIN_EDGE or max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoDecodeError(path, reasons.no_picture(width, height))
    in_scans = _is_in_several_scans(opened)
    opened.draft("RGB", _scaled_to(edge, width, height))
    held = width * height if in_scans else opened.width * opened.height
    if held > MAX_DECODED_PIXELS:
        raise PhotoDecodeError(path, reasons.too_large(width, height, MAX_DECODED_PIXELS))
    if held > LARGE_PIXELS:
        with _turn:
            return _loaded(opened, width, height, edge)
    return _loaded(opened, width, height, edge)


def _is_in_several_scans(opened: Image.Image) -> bool:
    """Return whether a JPEG is progressive, or has its colours one after another.

    Its decoder then holds the coefficients of all pixels, up to 6 bytes each, however far it scales
    down: 843 bytes of such a file asked for 2.3 GiB.
    """
    if not isinstance(opened, JpegImageFile) or opened.fp is None:
        return False
    components = opened.layers
    after_scan = opened.fp.tell()  # Pillow has read as far as the head of the first scan
    opened.fp.seek(max(0, after_scan - 2 * components - 8))
    head = opened.fp.read(5)
    opened.fp.seek(after_scan)
    whole = b"\xff\xda" + struct.pack(">HB", 2 * components + 6, components)
    return bool(opened.info.get("progressive")) or head != whole


def _loaded(opened: Image.Image, width: int, height: int, edge: int) -> DecodedPhoto:
    opened.load()
    # Only now: Pillow looks for a PNG's EXIF by loading all of it, and a load that fails inside
    # ``read_metadata`` would go unseen.
    metadata = read_metadata(opened)
    # Not ``ImageOps.exif_transpose``, which writes the EXIF anew and fails where it is odd.
    turn = TURNS.get(read_orientation(opened))
    if turn in ON_THE_SIDE:
        width, height = height, width
    rgb = as_rgb(_manageable(opened, edge))
    if rgb.width * rgb.height > MAX_WHOLE_PIXELS:
        rgb = _reduced(rgb, edge)
    # Not the file's own object, which holds more than pixels.
    rgb = rgb.copy() if rgb is opened else rgb
    return DecodedPhoto(
        image=rgb if turn is None else rgb.transpose(turn),
        width=width,
        height=height,
        format=opened.format or "",
        metadata=metadata,
    )


def _manageable(image: Image.Image, edge: int) -> Image.Image:
    """Shrink a picture, a large one as soon as its mode allows it: each copy may be 600 MB."""
    if image.width * image.height <= MAX_WHOLE_PIXELS or image.mode.startswith(("I", "F")):
        return _reduced(image, edge)
    if image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
    elif image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    factor = min(image.size) // (2 * edge)
    # Where they are transparent, Pillow weighs colours by how much they cover.
    return image.reduce(factor) if factor > 1 else image


def _reduced(image: Image.Image, edge: int) -> Image.Image:
    """Shrink by a whole factor what no decoder could scale, and keep twice the edge asked for."""
    factor = min(image.size) // (2 * edge)
    return image.reduce(factor) if factor > 1 and image.mode in ("RGB", "L") else image


def _scaled_to(edge: int, width: int, height: int) -> tuple[int, int]:
    scale = edge / min(width, height)
    return max(1, int(width * scale)), max(1, int(height * scale))


def as_rgb(image: Image.Image) -> Image.Image:
    """Return the picture as 8-bit RGB: transparency on white, 16 bits scaled rather than cut."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _stretched(image)
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return image.convert("RGB")


def _stretched(image: Image.Image) -> Image.Image:
    import numpy as np  # half of what a worker would import, for few pictures

    if image.mode.startswith("I;16"):
        grey = Image.fromarray((np.asarray(image, np.uint16) >> 8).astype(np.uint8))
        return grey.convert("RGB")
    values = np.asarray(image, np.float32)
    values = np.where(np.isfinite(values), values, 0)
    highest = 65535.0 if image.mode.startswith("I") else float(values.max(initial=1.0))
    scaled = values * (255.0 / highest)
    grey = Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
    return grey.convert("RGB")


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return reasons.damaged(text)


def decode_file(path: Path, edge: int) -> DecodedPhoto:
    """Read and decode a file (see ``read_bytes`` and ``decode``)."""
    return decode(read_bytes(path), path, edge)
