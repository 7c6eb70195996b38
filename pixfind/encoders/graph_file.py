"""Which other files an ONNX graph reads: read from its bytes, by nothing that would follow them.

A graph's tensors may lie outside of it: "external data", at any path. ONNX Runtime reads what is
there; 1.19 even ``../../somewhere`` and ``/anywhere``. So a graph is asked for its paths first. Its
file is a protobuf message; to import onnx's own reader would take as long as a search may last.

ONNX, "External Data" and ``onnx.proto``; Protocol Buffers, "Encoding".
"""

from __future__ import annotations

from collections.abc import Iterator

# Messages with tensors somewhere in them, and by the numbers of their fields what these hold.
_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {},
}  # fmt: skip
_KEY, _VALUE = 1, 2
_LONGEST_KEY = 20
_VARINT, _EIGHT_BYTES, _PIECE, _FOUR_BYTES = 0, 1, 2, 5
_LONGEST_VARINT = 10
_DEEPEST = 60  # graphs in graphs; protobuf's own readers stop at 100 messages


def external_files(content: bytes) -> set[str]:
    """Return the paths of all files beside a graph that its tensors are read from.

    Args:
        content: the graph's file.

    Raises:
        ValueError: it is no ONNX graph.
    """
    return {path.decode("utf-8", "replace") for path in _paths(memoryview(content), "model", 0)}


def _paths(message: memoryview, kind: str, depth: int) -> Iterator[bytes]:
    if depth > _DEEPEST:
        raise ValueError("its graphs lie too deep in each other")
    inner = _MESSAGES[kind]
    is_location, values = False, []
    for number, piece in _pieces(message):
        if kind == "entry":
            is_location |= number == _KEY and bytes(piece[:_LONGEST_KEY]) == b"location"
            values += [bytes(piece)] * (number == _VALUE)
        elif number in inner:
            yield from _paths(piece, inner[number], depth + 1)
    if is_location:
        yield from values


def _pieces(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the numbers and contents of the fields that have a length."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == _PIECE:
            length, at = _varint(message, at)
            if length > end - at:
                raise ValueError("it is cut short")
            yield number, message[at : at + length]
            at += length
        elif kind == _VARINT:
            _, at = _varint(message, at)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            at += 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError("it is no ONNX graph")
    if at != end:
        raise ValueError("it is cut short")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and where it ends."""
    number = 0
    for count, byte in enumerate(message[at : at + _LONGEST_VARINT]):
        number |= (byte & 0x7F) << 7 * count
        if byte < 0x80:  # noqa: PLR2004 - the last one
            return number, at + count + 1
    raise ValueError("it is no ONNX graph")
