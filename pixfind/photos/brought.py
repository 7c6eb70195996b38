"""Pictures that somebody brought to search by: kept for a while, beside the library's own."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pixfind.durable import make_cache_folder, replace_file

if TYPE_CHECKING:
    from PIL import Image

# What a query names such a picture by: this, and the first digits of its bytes' SHA-256.
PREFIX, DIGITS = "brought-", 16
HEX = frozenset("0123456789abcdef")
MOST_KEPT = 200
LOCK = "pictures.lock"


def is_token(text: str) -> bool:
    """Tell whether a text is the token of a picture, which need not be kept."""
    digits = text.removeprefix(PREFIX)
    return text.startswith(PREFIX) and len(digits) == DIGITS and HEX.issuperset(digits)


class BroughtPictures:
    """The newest pictures that were brought, as previews in a folder that can be deleted any time.

    Safe for threads and processes: a picture is there as a whole or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, content: bytes, name: str) -> str:
        """Keep an upright preview of a picture and return its token.

        Args:
            content: the file's bytes.
            name: what the file was called; for errors only.

        Raises:
            PhotoError: the bytes are no picture that could be indexed.
        """
        # Imported here because the query language asks for tokens alone.
        from filelock import FileLock

        from pixfind.decoding.safely import small_jpeg
        from pixfind.photos.thumbnails import PREVIEW_EDGE

        token = PREFIX + hashlib.sha256(content).hexdigest()[:DIGITS]
        jpeg = small_jpeg(content, _shown(name), PREVIEW_EDGE)
        make_cache_folder(self._folder)
        with FileLock(self._folder / LOCK):
            with replace_file(self._file(token), sync=False) as temporary:
                temporary.write_bytes(jpeg)
            self._drop_oldest(self._file(token))
        return token

    def file(self, token: str) -> Path | None:
        """Return the JPEG file of a picture; ``None`` if it is not kept, or that is no token."""
        file = self._file(token) if is_token(token) else None
        return file if file is not None and file.is_file() else None

    def image(self, token: str, edge: int) -> Image.Image | None:
        """Return an upright RGB picture, ``None`` if it is not kept (any more).

        Args:
            token: as ``keep`` returned it.
            edge: the shortest edge wanted, in pixels, as for ``decode``.
        """
        from pixfind.errors import PhotoError
        from pixfind.photos.decode import decode_file

        file = self.file(token)
        if file is None:
            return None
        try:
            return decode_file(file, edge).image
        except PhotoError:  # dropped just now, or damaged: either way to be brought again
            return None

    def _file(self, token: str) -> Path:
        return self._folder / f"{token}.jpg"

    def _drop_oldest(self, kept: Path) -> None:
        others = [file for file in self._folder.glob(f"{PREFIX}*.jpg") if file != kept]
        others.sort(key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True)
        for file in others[MOST_KEPT - 1 :]:
            file.unlink(missing_ok=True)


def _shown(name: str) -> Path:
    """Return the last part of a name as browsers tell it, which may be of another system."""
    return Path(Path(name.replace("\\", "/")).name or "the picture")
