"""What is done to a text before the tokenizer, by the name that ``model.json`` gives it.

All steps but ``sentence`` are those of ``open_clip.tokenizer`` (Radford et al. 2021): repairing
broken Unicode with ftfy, resolving HTML entities twice, folding white space.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping


def as_is(text: str) -> str:
    """Leave the text to the tokenizer's own normaliser."""
    return text


def whitespace(text: str) -> str:
    """Repair, unescape and fold white space."""
    return " ".join(_basic(text).split())


def lower(text: str) -> str:
    """Do as ``whitespace``, in lower case."""
    return whitespace(text).lower()


def canonicalize(text: str) -> str:
    """Do as ``lower``, without underscores and punctuation (SigLIP's way)."""
    words = _basic(text).replace("_", " ")
    kept = words.translate(str.maketrans("", "", string.punctuation))
    return " ".join(kept.lower().split())


def sentence(text: str) -> str:
    """Fold white space and leave out full stops at the end, which say nothing of a picture."""
    return " ".join(text.split()).rstrip(" .")


def _basic(text: str) -> str:
    # A search with the bundled model does without both.
    import html

    import ftfy  # comes with open_clip_torch

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


CLEANERS: Mapping[str, Callable[[str], str]] = {
    "none": as_is,
    "whitespace": whitespace,
    "lower": lower,
    "canonicalize": canonicalize,
    "sentence": sentence,
}
