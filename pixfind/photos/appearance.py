"""What a picture looks like in two numbers: its perceptual hash, and how sharp it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from pixfind.photos.decode import decode_file
from pixfind.photos.thumbnails import GRID_EDGE

Hashes = npt.NDArray[np.uint8]

HASH_EDGE = 8
HASH_BITS = HASH_EDGE**2
# At one scale, or a smaller copy of a picture would count as the sharper one; and at less than a
# thumbnail's, whose own compression looks like detail.
SHARPNESS_EDGE = 320
# Left out at each side: the letters of a caption and the edge of a frame are sharp in any copy.
MARGIN = 0.1
# Of grey values in 0 to 255: a plain picture has no sharpness, rather than that of its noise.
LEAST_VARIANCE = 1.0
_BITS_OF_BYTE = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1).sum(
    axis=1, dtype=np.uint8
)


@dataclass(frozen=True)
class Look:
    """How a picture looks.

    ``hash`` has ``HASH_BITS`` bits, packed into bytes. ``sharpness`` can only be compared between
    versions of one picture: it is higher the finer the detail.
    """

    hash: bytes
    sharpness: float


def look_of_file(thumbnail: Path) -> Look:
    """Look at a picture's thumbnail of the size ``grid``, in its file.

    Raises:
        PhotoError: the file cannot be read or decoded.
    """
    return look_of(decode_file(thumbnail, GRID_EDGE).image)


def look_of(image: Image.Image) -> Look:
    """Look at an upright RGB picture, best at a thumbnail's size.

    The hash is the DCT hash pHash of ``imagehash``: the signs of a picture's lowest frequencies
    (https://www.hackerfactor.com/blog/index.php?/archives/432-Looks-Like-It.html).
    """
    import imagehash  # brings SciPy, which only this needs

    grey = image.convert("L")
    bits = imagehash.phash(grey, hash_size=HASH_EDGE).hash
    return Look(np.packbits(bits.ravel()).tobytes(), _sharpness(grey))


def hash_distances(
    some: npt.NDArray[np.uint8], others: npt.NDArray[np.uint8]
) -> npt.NDArray[np.int64]:
    """Return in how many bits hashes differ, each from its counterpart.

    Args:
        some: hashes as bytes, uint8 (n, HASH_BITS / 8).
        others: as many, or one for all of them.

    Returns:
        Hamming distances, integers (n,).
    """
    bits: npt.NDArray[np.int64] = _BITS_OF_BYTE[some ^ others].sum(axis=1, dtype=np.int64)
    return bits


def _sharpness(grey: Image.Image) -> float:
    """Return the variance of the Laplacian over that of the grey values, of the middle.

    The measure is LAPV of Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy: a
    comparative study", ICPR 2000. Divided by the picture's own variance it does not take more
    contrast for more detail (benchmarks: duplicates).
    """
    scale = SHARPNESS_EDGE / max(grey.size)
    size = (max(3, round(grey.width * scale)), max(3, round(grey.height * scale)))
    scaled = grey if size == grey.size else grey.resize(size, Image.Resampling.BICUBIC)
    values = np.asarray(scaled, np.float32)
    top, left = (int(edge * MARGIN) for edge in values.shape)
    middle = values[top : len(values) - top, left : values.shape[1] - left]
    centre = middle[1:-1, 1:-1]
    around = middle[:-2, 1:-1] + middle[2:, 1:-1] + middle[1:-1, :-2] + middle[1:-1, 2:]
    return float((4 * centre - around).var() / max(float(middle.var()), LEAST_VARIANCE))
