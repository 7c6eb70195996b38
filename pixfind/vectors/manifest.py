"""What tells which index files belong together, what they reflect, and whether they are whole."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

from pixfind.durable import replace_file

READ_CHUNK = 1 << 22
# So much of an index file is checked before it is used: more than what FAISS has to make sense of.
HEAD_BYTES = 1 << 25


@dataclass(frozen=True)
class Manifest:
    """What index files reflect, and how to tell that they are whole.

    ``head_crc32`` is the checksum of the file's first ``HEAD_BYTES``.
    """

    file: str
    model: str
    library_id: str
    generation: int
    count: int
    crc32: int
    head_crc32: int
    changes: str | None = None
    changes_crc32: int = 0

    def __post_init__(self) -> None:
        names = (self.file, self.changes or self.file)
        numbers = (self.generation, self.count, self.crc32, self.head_crc32, self.changes_crc32)
        if not all(isinstance(name, str) and Path(name).name == name for name in names):
            raise ValueError("a file of another folder")
        if not all(isinstance(number, int) for number in numbers):
            raise TypeError("no numbers")

    @classmethod
    def read(cls, file: Path) -> Manifest | None:
        """Read what ``write`` wrote; ``None`` if it is not there, or damaged."""
        try:
            return cls(**json.loads(file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, file: Path) -> None:
        """Put it in the place of another one, in one step."""
        with replace_file(file) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=1), "utf-8")

    @classmethod
    def describe(
        cls, file: Path, written: Path, *, model: str, library_id: str, generation: int, count: int
    ) -> Manifest:
        """Return the manifest of an index file.

        Args:
            file: what it will be called.
            written: what it is called now.
            model: the model's name.
            library_id: the library's.
            generation: that of the catalog which it reflects.
            count: how many vectors it holds.
        """
        crc32, head_crc32 = checksum(written), checksum(written, HEAD_BYTES)
        return cls(file.name, model, library_id, generation, count, crc32, head_crc32)

    def check(self, folder: Path) -> tuple[Path, Path | None]:
        """Return the files, whose beginnings, at least, are as they were written.

        Raises:
            OSError: they are not, or cannot be read.
        """
        file = folder / self.file
        changes = None if self.changes is None else folder / self.changes
        is_whole = checksum(file, HEAD_BYTES) == self.head_crc32
        if not is_whole or (changes is not None and checksum(changes) != self.changes_crc32):
            raise OSError(f"{file} is damaged")
        return file, changes


def is_checked_whole(file: Path) -> bool:
    """Return whether ``Manifest.check`` looks at all of an index file."""
    return file.stat().st_size <= HEAD_BYTES


def checksum(file: Path, most: int | None = None) -> int:
    """Return the CRC-32 of a file, or of so many of its first bytes."""
    crc32 = 0
    with file.open("rb") as opened:
        while chunk := opened.read(READ_CHUNK if most is None else min(READ_CHUNK, most)):
            crc32 = zlib.crc32(chunk, crc32)
            most = None if most is None else most - len(chunk)
    return crc32
