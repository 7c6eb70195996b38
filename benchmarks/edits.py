"""What becomes of photos on their way through programs and friends: edits for ``duplicates``."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

QUALITY = 90


def saved(image: Image.Image, quality: int = QUALITY) -> bytes:
    """Return a picture as JPEG."""
    content = io.BytesIO()
    image.save(content, "JPEG", quality=quality)
    return content.getvalue()


def _scaled(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def _cropped(image: Image.Image) -> Image.Image:
    """Cut 4% off: 2% at each side."""
    x, y = image.width * 0.02, image.height * 0.02
    return image.crop((round(x), round(y), round(image.width - x), round(image.height - y)))


def _coloured(image: Image.Image) -> Image.Image:
    brighter = ImageEnhance.Brightness(image).enhance(1.2)
    return ImageEnhance.Color(ImageEnhance.Contrast(brighter).enhance(1.15)).enhance(1.3)


def _sharpened(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.UnsharpMask(radius=2, percent=80, threshold=2))


def _captioned(image: Image.Image) -> Image.Image:
    """Add a white bar with words below the picture, 6% of its height."""
    bar = round(image.height * 0.06)
    whole = Image.new("RGB", (image.width, image.height + bar), "white")
    whole.paste(image)
    ImageDraw.Draw(whole).text(
        (bar // 2, image.height), "Summer by the sea", "black", font_size=bar * 0.8
    )
    return whole


def _framed(image: Image.Image) -> Image.Image:
    """Add a white frame, 2% of the width."""
    return ImageOps.expand(image, round(image.width * 0.02), "white")


EDITS: Mapping[str, Callable[[Image.Image], bytes]] = {
    "saved at 60": lambda image: saved(image, 60),
    "scaled to 50%": lambda image: saved(_scaled(image)),
    "cropped by 4%": lambda image: saved(_cropped(image)),
    "colours": lambda image: saved(_coloured(image)),
    "sharpened": lambda image: saved(_sharpened(image)),
    "caption": lambda image: saved(_captioned(image)),
    "frame": lambda image: saved(_framed(image)),
}
