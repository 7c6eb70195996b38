"""Ways in which a catalog's file is damaged: by a failing disk, a broken copy, another program."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

PAGE = 8192
HEADER = 100

Content = bytearray


def _one_bit(content: Content, chance: random.Random) -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _bits(content: Content, chance: random.Random) -> None:
    for _ in range(chance.randint(8, 200)):
        _one_bit(content, chance)


def _noise(content: Content, chance: random.Random) -> None:
    size = chance.choice((16, 512, 4096, 65_536))
    start = chance.randrange(len(content))
    end = min(len(content), start + size)
    content[start:end] = chance.randbytes(end - start)


def _zeros(content: Content, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(content) // PAGE) * PAGE
        content[start : start + PAGE] = bytes(PAGE)


def _pages_begin_with_noise(content: Content, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 12)):
        start = chance.randrange(1, len(content) // PAGE) * PAGE
        content[start : start + 16] = chance.randbytes(16)


def _swapped_pages(content: Content, chance: random.Random) -> None:
    one, other = (chance.randrange(1, len(content) // PAGE) * PAGE for _ in range(2))
    first = bytes(content[one : one + PAGE])
    content[one : one + PAGE] = content[other : other + PAGE]
    content[other : other + PAGE] = first


def _cut_off(content: Content, chance: random.Random) -> None:
    del content[chance.randrange(PAGE, len(content)) :]


def _header(content: Content, chance: random.Random) -> None:
    content[:HEADER] = chance.randbytes(HEADER)


def _first_page(content: Content, chance: random.Random) -> None:
    content[:PAGE] = bytes(PAGE)


DAMAGES: dict[str, Callable[[Content, random.Random], None]] = {
    "one bit": _one_bit,
    "8 to 200 bits": _bits,
    "noise of 16 B to 64 KiB": _noise,
    "1 to 4 pages zeroed": _zeros,
    "1 to 12 pages begin with noise": _pages_begin_with_noise,
    "two pages swapped": _swapped_pages,
    "cut off": _cut_off,
    "header of noise": _header,
    "first page zeroed": _first_page,
}


def damage(file: Path, chance: random.Random) -> str:
    """Damage a file in one of these ways; return which."""
    kind = chance.choice(list(DAMAGES))
    content = bytearray(file.read_bytes())
    if len(content) < 2 * PAGE:  # a log with little in it
        kind = "one bit"
    if content:
        DAMAGES[kind](content, chance)
    file.write_bytes(content)
    return kind
