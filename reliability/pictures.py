"""A tree of small pictures of several formats that changes from round to round, by chance."""

from __future__ import annotations

import io
import os
import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

EDGE = 64
FORMATS = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".gif": "GIF", ".tif": "TIFF"}
CAMERAS = (("Canon", "Canon EOS 450D"), ("NIKON", "NIKON D40"), ("Apple", "iPhone 6"))
COPIES, BROKEN = 0.05, 0.03
KEYWORDS = ("dog", "beach", "winter", "family", "garden", "old town")
_XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>{}</rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


class Tree:
    """A folder of pictures: some twice, some broken, in folders inside folders.

    Args:
        folder: where they lie; made if it is not there.
        numbers: where chance comes from.
        count: how many files.
    """

    def __init__(self, folder: Path, numbers: random.Random, count: int) -> None:
        self.folder = folder
        self._numbers = numbers
        self._made = 0
        folder.mkdir(parents=True, exist_ok=True)
        for _ in range(count):
            self._add()

    def files(self) -> list[Path]:
        """Return all files, sorted."""
        return sorted(Path(at, name) for at, _, names in os.walk(self.folder) for name in names)

    def change(self, count: int) -> None:
        """Add, remove, rewrite and rename so many files each; sometimes rename a folder."""
        chosen = self._numbers.sample(self.files(), 3 * count)
        for file in chosen[:count]:
            file.unlink()
        for file in chosen[count : 2 * count]:
            file.write_bytes(self._content(file.suffix))
        for file in chosen[2 * count :]:
            file.rename(self._place(file.suffix))
        for _ in range(count):
            self._add()
        if self._numbers.random() < 0.2:
            folder = self._numbers.choice(sorted(p for p in self.folder.iterdir() if p.is_dir()))
            folder.rename(self.folder / f"folder {self._next():05}")

    def _add(self) -> None:
        suffix = self._numbers.choice(list(FORMATS))
        file = self._place(suffix)
        chance = self._numbers.random()
        if chance < COPIES and self._made > 20:
            others = sorted(file.parent.iterdir())
            other = self._numbers.choice(others) if others else None
            if other is not None and other.is_file():
                file.with_suffix(other.suffix).write_bytes(other.read_bytes())
                return
        content = self._content(suffix)
        file.write_bytes(content[: len(content) // 3] if chance > 1 - BROKEN else content)

    def _place(self, suffix: str) -> Path:
        number = self._next()
        folder = self.folder / f"{number % 7}" / f"trip {number % 5}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"IMG {number:06}{suffix}"

    def _next(self) -> int:
        self._made += 1
        return self._made

    def _content(self, suffix: str) -> bytes:
        return picture(self._numbers, suffix)


def picture(numbers: random.Random, suffix: str = ".jpg") -> bytes:
    """Return a small picture in the format of an extension, some with a date, camera, keywords."""
    ground = np.random.default_rng(numbers.getrandbits(32)).integers(0, 256, (4, 4, 3), np.uint8)
    image = Image.fromarray(ground).resize((EDGE, EDGE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(3):
        x, y, size = (numbers.randrange(4, EDGE // 2) for _ in range(3))
        colour = tuple(numbers.randrange(256) for _ in range(3))
        draw.ellipse((x, y, x + size, y + size), fill=colour)
    exif = Image.Exif()
    options: dict[str, object] = {}
    if suffix == ".jpg" and numbers.random() < 0.6:
        exif[0x010F], exif[0x0110] = numbers.choice(CAMERAS)
        day = f"{numbers.randrange(2000, 2025)}:{numbers.randrange(1, 13):02}:15 12:30:00"
        exif.get_ifd(0x8769)[0x9003] = day
        words = "".join(f"<rdf:li>{word}</rdf:li>" for word in numbers.sample(KEYWORDS, 2))
        options = {"exif": exif, "xmp": _XMP.format(words).encode()}
    written = io.BytesIO()
    image.save(written, FORMATS[suffix], **options)
    return written.getvalue()
