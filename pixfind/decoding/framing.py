"""Messages between pixfind and a worker: a head in JSON, pieces of bytes, nothing that acts."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO, NoReturn

_LENGTH = struct.Struct(">I")
MOST_IN_HEAD = 1 << 20
MOST_PIECES = 8
LENGTHS = "lengths"


class FramingError(ValueError):
    """What came is no message."""


def write_message(stream: BinaryIO, head: Mapping[str, Any], *pieces: bytes) -> None:
    """Write a message to an unbuffered stream.

    Raises:
        OSError: nobody reads any more.
    """
    text = json.dumps({**head, LENGTHS: [len(piece) for piece in pieces]}).encode("ascii")
    for part in (_LENGTH.pack(len(text)) + text, *pieces):
        rest = memoryview(part)
        while rest:
            rest = rest[stream.write(rest) :]


def read_message(stream: BinaryIO, most: int) -> tuple[dict[str, Any], list[bytes]]:
    """Read a message: its head and its pieces.

    Args:
        stream: a buffered one.
        most: how many bytes all pieces may have together.

    Raises:
        EOFError: the other side has ended, in the middle of a message or before it.
        FramingError: what came is no message, or too long.
    """
    (length,) = _LENGTH.unpack(_read(stream, _LENGTH.size))
    if length > MOST_IN_HEAD:
        raise FramingError("a head that is too long")
    try:
        head = json.loads(_read(stream, length), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FramingError("a head that is no JSON") from error
    lengths = head.pop(LENGTHS, None) if isinstance(head, dict) else None
    if not isinstance(lengths, list) or len(lengths) > MOST_PIECES:
        raise FramingError("a head without lengths")
    if not all(type(size) is int and size >= 0 for size in lengths) or sum(lengths) > most:
        raise FramingError("pieces that are too long")
    return head, [_read(stream, size) for size in lengths]


def _read(stream: BinaryIO, size: int) -> bytes:
    found = stream.read(size) if size else b""
    if len(found) < size:
        raise EOFError
    return found


def _refuse(constant: str) -> NoReturn:
    raise FramingError(f"{constant} is no number")
