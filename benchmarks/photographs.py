"""Photos like those of a camera, 8 to 12 megapixels, made from smaller real ones.

A photo of about 1,024 pixels is scaled up with Lanczos, which leaves no fine detail, and gets grain
in its place: like a sensor's noise its variance grows with the light (shot noise over a floor), and
half of it is blurred over neighbouring pixels as demosaicing does. It is stronger than a sensor's,
since it stands for the detail of a scene as well: saved as cameras do, quality 92 with 4:2:0
chroma, files have a third of a byte a pixel, 3 to 4 MB, so that decoding them has as much entropy
coding to undo as a camera's file. EXIF is kept as it is, the orientation included.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

Grain = npt.NDArray[np.float32]

LIBRARY = Path("../shared/photos/library")
MEGAPIXELS = (8, 10, 12)
QUALITY = 92
# Standard deviation of the noise in 8-bit values: of the darkest pixels, and what light adds.
FLOOR, SHOT = 5, 13
# The smallest photo that is scaled up: from less, a megapixel is nothing but noise.
LEAST_EDGE = 480
# Bare pictures of scikit-image, for those who do not have the photos.
BARE = ("astronaut", "chelsea", "coffee", "rocket", "cat", "retina", "immunohistochemistry")


def make_photographs(folder: Path, count: int, megapixels: tuple[int, ...] = MEGAPIXELS) -> None:
    """Write so many different JPEGs, ``00000.jpg`` and so on; those that are there stay.

    Args:
        folder: where to.
        count: how many; the same photo comes again with other noise where there are fewer.
        megapixels: sizes that take turns.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = np.random.default_rng(0)
    grain: Grain = numbers.standard_normal((2048, 2048), np.float32)
    for number, source in zip(range(count), _sources(), strict=False):
        file = folder / f"{number:05}.jpg"
        if not file.exists():
            size = megapixels[number % len(megapixels)]
            file.write_bytes(_photograph(source, size, grain, number))


def _sources() -> Iterator[Image.Image]:
    """Yield real photos, again and again."""
    files = sorted(LIBRARY.glob("*.jpg")) if LIBRARY.is_dir() else []
    while files:
        for file in files:
            with Image.open(file) as opened:
                if opened.mode == "RGB" and min(opened.size) >= LEAST_EDGE:
                    yield opened
    from skimage import data

    while True:
        for name in BARE:
            yield Image.fromarray(getattr(data, name)()).convert("RGB")


def _photograph(source: Image.Image, megapixels: int, grain: Grain, number: int) -> bytes:
    scale = (megapixels * 1e6 / (source.width * source.height)) ** 0.5
    width, height = (round(edge * scale / 16) * 16 for edge in source.size)
    large = source.resize((width, height), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    noisy = Image.fromarray(_with_noise(np.asarray(large), grain, number))
    exif = source.info.get("exif", b"")
    noisy.save(written, "JPEG", quality=QUALITY, subsampling="4:2:0", exif=exif)
    return written.getvalue()


def _with_noise(pixels: npt.NDArray[np.uint8], grain: Grain, number: int) -> npt.NDArray[np.uint8]:
    """Return the picture with grain, a colour at a time: three floats a pixel are a lot."""
    noisy = np.empty_like(pixels)
    light = np.arange(256, dtype=np.float32) / 255
    deviation = np.sqrt(FLOOR**2 + SHOT**2 * light)
    rows, columns = pixels.shape[:2]
    for colour in range(3):
        shift = (number * 577 + colour * 911, number * 1009 + colour * 379)
        own = np.roll(grain, shift, axis=(0, 1))
        soft = (own + np.roll(own, 1, axis=0) + np.roll(own, 1, axis=1)) / 3**0.5
        blended = (own + soft) / 2
        tiled = np.tile(blended, (-(-rows // 2048), -(-columns // 2048)))[:rows, :columns]
        plane = pixels[..., colour]
        noisy[..., colour] = (plane + tiled * deviation[plane] + 0.5).clip(0, 255)
    return noisy
