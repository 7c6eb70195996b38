"""Seeded damage to pictures: blind, and where it hurts, in lengths, sizes and metadata.

Each mutation takes a random number generator, a picture's bytes and another picture's, and returns
bytes. What is fixed afterwards are a PNG's checksums, most of the time: with wrong ones nothing
behind them is ever looked at.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

Mutation = Callable[[Random, bytes, bytes], bytes]
_LENGTHS = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    255,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFF0,
    0xFFFFFFFF,
)
_SIZES = (0, 1, 2, 3, 0x3FFF, 0x4000, 0x7FFF, 0xFFFF, 30_000, 100_000, 0x7FFFFFFF, 0xFFFFFFFF)
_PNG = b"\x89PNG\r\n\x1a\n"
_CONTAINERS = {b"meta", b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl"}
_TIFF_SIZES = {256, 257, 258, 259, 262, 273, 277, 278, 279, 322, 323, 324, 325, 347}
_MOST_PARTS = 2000


@dataclass(frozen=True)
class Part:
    """Where a length stands: ``size`` bytes at ``at``; and where a picture says how large it is."""

    at: int
    size: int
    big_endian: bool = True
    is_dimension: bool = False


def mutated(random: Random, content: bytes, other: bytes) -> bytes:
    """Return a picture damaged in one to three ways.

    Args:
        random: decides everything.
        content: a picture.
        other: another one, of this format or any.
    """
    damaged = content
    for _ in range(random.choice((1, 1, 1, 1, 2, 3))):
        damaged = random.choice(MUTATIONS)(random, damaged, other)
    return with_checksums(damaged) if random.random() < 0.8 else damaged


def flip_bits(random: Random, content: bytes, _: bytes) -> bytes:
    """Flip 1 to 64 bits anywhere, or a few near the beginning, where heads are."""
    damaged = bytearray(content)
    in_head = random.random() < 0.25
    reach = min(len(damaged), 512) if in_head else len(damaged)
    for _n in range(random.choice((1, 2) if in_head else (1, 2, 8, 64)) if reach else 0):
        damaged[random.randrange(reach)] ^= 1 << random.randrange(8)
    return bytes(damaged)


def overwrite_run(random: Random, content: bytes, _: bytes) -> bytes:
    """Overwrite a run of up to 4 KiB with one byte, or with noise."""
    length = random.choice((1, 2, 4, 16, 256, 4096))
    at = random.randrange(len(content) + 1)
    same = random.choice((b"\0", b"\xff", b"\x7f", b"\x80"))
    run = random.choice((same * length, random.randbytes(length)))
    return content[:at] + run[: len(content) - at] + content[at + length :]


def insert_or_delete(random: Random, content: bytes, _: bytes) -> bytes:
    """Take out a piece, double one, or put noise between."""
    at, length = random.randrange(len(content) + 1), random.choice((1, 2, 16, 512, 8192))
    piece = content[at : at + length]
    return (
        content[:at]
        + random.choice((b"", piece * 2, random.randbytes(length) + piece))
        + (content[at + length :])
    )


def truncate(random: Random, content: bytes, _: bytes) -> bytes:
    """Cut the end off: anywhere, or at times in the head."""
    reach = min(len(content), 256) if random.random() < 0.2 else len(content)
    return content[: random.randrange(reach + 1)]


def splice(random: Random, content: bytes, other: bytes) -> bytes:
    """Begin with one picture and end with another."""
    return content[: random.randrange(len(content) + 1)] + other[random.randrange(len(other) + 1) :]


def edit_lengths(random: Random, content: bytes, _: bytes) -> bytes:
    """Change one to three of the lengths that the format's parts state of themselves."""
    return _edited(random, content, _LENGTHS, [p for p in parts(content) if not p.is_dimension])


def edit_dimensions(random: Random, content: bytes, _: bytes) -> bytes:
    """Change how wide, high or deep the picture says it is: huge, none, or slightly other."""
    return _edited(random, content, _SIZES, [p for p in parts(content) if p.is_dimension])


def garble_metadata(random: Random, content: bytes, _: bytes) -> bytes:
    """Put EXIF, ICC or XMP in that is noise, or damage what is there."""
    noise = random.randbytes(random.choice((0, 1, 6, 200, 5000)))
    if random.random() < 0.5:
        noise = b"II*\0\x08\0\0\0" + noise
    if content[:2] == b"\xff\xd8":
        marker, head = random.choice(
            (
                (0xE1, b"Exif\0\0"), (0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
                (0xE2, b"ICC_PROFILE\0\1\1"), (0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0"),
                (0xEE, b"Adobe\0d"), (0xE2, b"MPF\0"), (0xFE, b""),
            )
        )  # fmt: skip
        segment = struct.pack(">BBH", 0xFF, marker, len(head + noise) + 2) + head + noise
        return content[:2] + segment + content[2:]
    if content.startswith(_PNG):
        kind = random.choice((b"eXIf", b"iCCP", b"iTXt", b"zTXt", b"tRNS", b"PLTE", b"acTL"))
        return content[:33] + _chunk(kind, noise) + content[33:]
    if content[:4] == b"RIFF":
        kind = random.choice((b"EXIF", b"ICCP", b"XMP ", b"ANIM", b"ALPH"))
        return content + kind + struct.pack("<I", len(noise)) + noise + b"\0" * (len(noise) % 2)
    for mark in random.sample((b"Exif\0\0", b"<x:xmpmeta", b"acsp", b"II*\0", b"MM\0*"), 5):
        at = content.find(mark)
        if at >= 0:
            at += random.randrange(len(mark) + 64)
            return content[:at] + noise[:64] + content[at + len(noise[:64]) :]
    return content + noise


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits,
    overwrite_run,
    insert_or_delete,
    truncate,
    splice,
    edit_lengths,
    edit_lengths,
    edit_dimensions,
    edit_dimensions,
    garble_metadata,
)


def parts(content: bytes) -> list[Part]:
    """Return where a picture states lengths and dimensions, as far as it can be followed."""
    found: list[Part] = []
    try:
        for part in _parts(content):
            found.append(part)
            if len(found) >= _MOST_PARTS:
                break
    except (struct.error, IndexError):
        pass  # damaged before: what was found is something to go on with
    return [part for part in found if part.at + part.size <= len(content)]


def _parts(content: bytes) -> Iterator[Part]:
    for starts, at, follow in _FOLLOWED:
        if content[at:].startswith(starts):
            yield from follow(content)
            return


def _jpeg(content: bytes) -> Iterator[Part]:
    at = 2
    while content[at] == 0xFF:
        marker = content[at + 1]
        yield Part(at + 2, 2)
        if marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):
            yield Part(at + 5, 2, is_dimension=True)
            yield Part(at + 7, 2, is_dimension=True)
            yield Part(at + 9, 1, is_dimension=True)
        if marker == 0xDA:
            return
        at += 2 + struct.unpack_from(">H", content, at + 2)[0]


def _png(content: bytes) -> Iterator[Part]:
    for at, kind, length in _chunks(content):
        yield Part(at, 4)
        if kind == b"IHDR":
            yield from (Part(at + 8 + offset, 4, is_dimension=True) for offset in (0, 4))
            yield from (Part(at + 16 + offset, 1, is_dimension=True) for offset in range(5))
        elif kind == b"fcTL":
            yield from (Part(at + 12 + 4 * n, 4, is_dimension=True) for n in range(4))
        elif length >= 4:
            yield Part(at + 8, 4)


def _chunks(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    at = len(_PNG)
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        yield at, content[at + 4 : at + 8], length
        at += 12 + length


def _riff(content: bytes) -> Iterator[Part]:
    yield Part(4, 4, False)
    at = 12
    while at + 8 <= len(content):
        kind, (length,) = content[at : at + 4], struct.unpack_from("<I", content, at + 4)
        yield Part(at + 4, 4, False)
        if kind == b"VP8X":
            yield from (Part(at + 12 + offset, 3, False, True) for offset in (0, 3))
        elif kind == b"VP8L":
            yield Part(at + 9, 4, False, True)
        elif kind == b"VP8 ":
            yield from (Part(at + 14 + offset, 2, False, True) for offset in (0, 2))
        elif kind == b"ANMF":
            yield from (Part(at + 8 + 3 * n, 3, False, True) for n in range(4))
        at += 8 + length + length % 2


def _iso(content: bytes) -> Iterator[Part]:
    return _boxes(content, 0, len(content))


def _boxes(content: bytes, at: int, end: int) -> Iterator[Part]:
    while at + 8 <= min(end, len(content)):
        (length,), kind = struct.unpack_from(">I", content, at), content[at + 4 : at + 8]
        yield Part(at, 4)
        if kind == b"ispe":
            yield from (Part(at + 12 + offset, 4, is_dimension=True) for offset in (0, 4))
        elif kind in (b"iloc", b"iinf", b"iref", b"ipma", b"hvcC", b"av1C", b"grid", b"pixi"):
            yield from (Part(at + offset, 2) for offset in range(12, min(length, 60), 2))
        if kind in _CONTAINERS:
            yield from _boxes(content, at + (12 if kind == b"meta" else 8), at + length)
        if length < 8:
            return
        at += length


def _tiff(content: bytes) -> Iterator[Part]:
    is_big = content[:2] == b"MM"
    order = ">" if is_big else "<"
    yield Part(4, 4, is_big)
    at = struct.unpack_from(f"{order}I", content, 4)[0]
    (count,) = struct.unpack_from(f"{order}H", content, at)
    yield Part(at, 2, is_big)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from(f"{order}H", content, entry)
        yield Part(entry + 4, 4, is_big)
        yield Part(entry + 8, 4, is_big, tag in _TIFF_SIZES)
        yield Part(entry + 2, 2, is_big)


def _gif(content: bytes) -> Iterator[Part]:
    yield from (Part(at, 2, False, True) for at in (6, 8))
    at = content.find(b"\x2c", 13)
    while at >= 0:
        yield from (Part(at + 1 + 2 * n, 2, False, True) for n in range(4))
        yield Part(at + 10, 1)
        at = content.find(b"\0\x2c", at + 1)


def _bmp(content: bytes) -> Iterator[Part]:
    yield from (Part(at, 4, False) for at in (2, 10, 14, 34, 46))
    yield from (Part(at, 4, False, True) for at in (18, 22))
    yield Part(28, 2, False, True)


_FOLLOWED = (
    (b"\xff\xd8", 0, _jpeg),
    (_PNG, 0, _png),
    (b"RIFF", 0, _riff),
    (b"ftyp", 4, _iso),
    (b"GIF", 0, _gif),
    ((b"II", b"MM"), 0, _tiff),
    (b"BM", 0, _bmp),
)


def _edited(random: Random, content: bytes, values: tuple[int, ...], where: list[Part]) -> bytes:
    if not where:
        return flip_bits(random, content, b"")
    damaged = bytearray(content)
    for part in random.sample(where, min(len(where), random.choice((1, 2, 3)))):
        order = "big" if part.big_endian else "little"
        span = slice(part.at, part.at + part.size)
        old = int.from_bytes(damaged[span], order)  # type: ignore[arg-type]
        near = (old - 1, old + 1, old * 2, old // 2, random.getrandbits(8 * part.size))
        new = random.choice((*values, *near)) % (1 << 8 * part.size)
        damaged[span] = new.to_bytes(part.size, order)  # type: ignore[arg-type]
    return bytes(damaged)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def with_checksums(content: bytes) -> bytes:
    """Return a PNG with right checksums, as far as it can be followed; all else as it is."""
    if not content.startswith(_PNG):
        return content
    damaged = bytearray(content)
    for at, _, length in _chunks(content):
        end = at + 8 + length
        if end + 4 > len(damaged):
            break
        damaged[end : end + 4] = struct.pack(">I", zlib.crc32(damaged[at + 4 : end]))
    return bytes(damaged)
