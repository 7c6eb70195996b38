"""Which files are taken for pictures and videos."""

from __future__ import annotations

import functools
import os

# By extension, so that a scan need not open files. Camera raw formats are not read.
EXTENSIONS = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".mpo",
        ".png",
        ".apng",
        ".webp",
        ".gif",
        ".tif",
        ".tiff",
        ".bmp",
        ".dib",
        ".heic",
        ".heif",
        ".hif",
        ".avif",
        ".jp2",
        ".j2k",
        ".jpx",
        ".jpf",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".tga",
        ".ico",
    ]
)

VIDEO_EXTENSIONS = frozenset([".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"])
INDEXED_EXTENSIONS = EXTENSIONS | VIDEO_EXTENSIONS

# What may be inside, whatever the name says: Pillow knows formats that start other programs.
FORMATS = (
    "JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "HEIF", "AVIF", "JPEG2000", "PPM",
    "TGA", "ICO",
)  # fmt: skip

# Folders that programs keep beside photos: previews, bins.
IGNORED_FOLDERS = frozenset(
    {"@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
)

# Pillow warns above this and refuses twice as much.
HEADER_PIXELS = 1_000_000_000


def is_indexed_name(name: str) -> bool:
    """Return whether a file of that name is indexed: a picture or a video, and not hidden."""
    # A scan asks this of every file, and ``_extension`` takes several times as long.
    return name[name.rfind(".") :].lower() in INDEXED_EXTENSIONS and not name.startswith(".")


def is_picture_name(name: str) -> bool:
    """Return whether a file of that name is a picture by its extension, and not hidden."""
    return not name.startswith(".") and _extension(name) in EXTENSIONS


def is_video_name(name: str) -> bool:
    """Return whether a file of that name is a video by its extension."""
    return _extension(name) in VIDEO_EXTENSIONS


def _extension(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - quicker than a Path


def is_photo_folder_name(name: str) -> bool:
    """Return whether a folder of that name is entered: not hidden, and not a program's own."""
    return not name.startswith(".") and name not in IGNORED_FOLDERS


@functools.cache
def prepare_pillow() -> None:
    """Teach Pillow to read HEIC (it reads AVIF by itself) and to leave the limit to us.

    Its own limit counts the pixels of the header, and so refuses the 200-megapixel JPEGs of
    today's phones, which are never decoded at full size here (``decode.MAX_DECODED_PIXELS``).
    """
    import pillow_heif
    from PIL import Image

    pillow_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = HEADER_PIXELS
