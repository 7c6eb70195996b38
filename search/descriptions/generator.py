"""Sentences from a model's own decoder (CoCa: Yu et al. 2022), where it has one."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from pixfind.encoders.base import Encoder

Generator = Callable[[Image.Image], str]
MARK = "<end_of_text>"


def generator_of(encoder: Encoder) -> Generator | None:
    """Return what writes a sentence about an upright RGB picture; ``None`` for most models.

    Only a model that runs in torch has its decoder with it; an exported one is searched with.
    """
    # Importing the one in torch is cheap; only asking it for its decoder loads the weights.
    from pixfind.encoders.openclip import OpenClipEncoder

    if not isinstance(encoder, OpenClipEncoder) or not encoder.has_decoder:
        return None
    return lambda image: as_sentence(encoder.generate([image])[0])


def as_sentence(generated: str) -> str:
    """Return what a decoder wrote as one sentence, without its marks."""
    said = " ".join(generated.partition(MARK)[0].split()).strip(" .")
    return f"{said[0].upper()}{said[1:]}." if said else "A photo."
