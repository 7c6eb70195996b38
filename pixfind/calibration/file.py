"""A calibration's file, read within bounds: it may come with a stranger's model.

Nothing is believed of it: its size, the names, sizes and shapes of its parts follow from the length
of the model's embeddings, and what is read never becomes more than the file.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# Files of another version are refused: what their numbers stand for is not known here.
VERSION = 2
# By the name of a link, as many numbers as it has.
LINKS = {"text": 7, "image": 7}
NUMBERS = ("scale", "cutoff", "version")
# A file may be anybody's. No model is known whose embeddings are longer.
MAX_DIM = 4096
# What a part takes in a file besides its values: the heads of numpy and of the archive.
ROOM = 1024
# What numpy writes before the values of an array of one dimension or none. Its own reader takes
# far more than that, and makes room for an array on the word of the head.
ARRAY_HEAD = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<>]f[248])', 'fortran_order': False, "
    rb"'shape': \((?:(\d{1,12}),)?\), \} *\n",
    re.DOTALL,
)


def read_bounded(file: Path, dim: int) -> bytes:
    """Return a file's content, unless it is more than a calibration takes.

    Args:
        file: anybody's.
        dim: the length of the model's embeddings.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is too large to be a calibration of such a model.
    """
    most = sum(_most_bytes(dim).values())
    with file.open("rb") as opened:
        content = opened.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it is no calibration: for {dim} numbers it is too large")
    return content


def _most_bytes(dim: int) -> dict[str, int]:
    """Return how many bytes each part of a file may take, by name."""
    if not 0 < dim <= MAX_DIM:
        raise ValueError(f"no embedding has {dim} numbers")
    values = {"mean": 4 * dim, "covariance": dim * (dim + 1)}
    values |= dict.fromkeys(NUMBERS, 8) | {name: 8 * count for name, count in LINKS.items()}
    return {name: size + ROOM for name, size in values.items()}


def read_parts(content: bytes, dim: int) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a file, of the shapes that they must have, by name.

    Raises:
        ValueError: it is damaged, or another file.
    """
    try:
        return _parts(content, dim)
    except (
        EOFError, MemoryError, NotImplementedError, OSError, OverflowError, RuntimeError,
        struct.error, zipfile.BadZipFile,
    ) as error:  # fmt: skip
        raise ValueError(str(error)) from error


def _parts(content: bytes, dim: int) -> dict[str, npt.NDArray[Any]]:
    most = _most_bytes(dim)
    shapes = {"mean": (dim,), "covariance": (dim * (dim + 1) // 2,)}
    shapes |= {name: (count,) for name, count in LINKS.items()}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if sorted(m.filename for m in members) != sorted(f"{name}.npy" for name in most):
            raise ValueError("its parts are others")
        found = {member.filename.removesuffix(".npy"): member for member in members}
        for name, size in most.items():
            member = found[name]
            if member.file_size > size:
                raise ValueError(f"its {name} takes {member.file_size} bytes")
            # As numpy saves it: nothing that is read becomes more than the file.
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"its {name} is compressed")
        parts = {
            name: _array(name, archive.read(found[name]), shapes.get(name, ())) for name in most
        }
    if parts["version"] != VERSION:
        raise ValueError(f"it is of version {parts['version']:g}, not {VERSION}")
    return parts


def _array(name: str, part: bytes, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return the array of that shape that numpy has saved."""
    head = ARRAY_HEAD.match(part)
    if head is None:
        raise ValueError(f"its {name} is no array of numbers")
    known = () if head[2] is None else (int(head[2]),)
    if known != shape:
        raise ValueError(f"its {name} has the shape {known}, not {shape}")
    kind = np.dtype(head[1].decode())
    if len(part) - head.end() != math.prod(shape) * kind.itemsize:
        raise ValueError(f"its {name} is longer or shorter than it says")
    return np.frombuffer(part, kind, offset=head.end()).reshape(shape)
