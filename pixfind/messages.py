"""Texts for people that remember how they were made, so that others can translate them.

What is said below the pages is English. ``said`` makes such a text, and is what marks it for
translators (``web/translations``); here, nobody knows of languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce


class Message(str):
    """An English text, made of a template and values.

    Args:
        text: the text as it is read.
        template: the same with ``%(name)s`` for each value; translators know it by this.
        values: what the names stand for: numbers, plain texts, or messages again.
    """

    template: str
    values: Mapping[str, object]

    def __new__(
        cls, text: str, template: str = "", values: Mapping[str, object] | None = None
    ) -> Message:
        """Make the text; without a template it is its own."""
        message = super().__new__(cls, text)
        message.template = template or text
        message.values = values or {}
        return message


def said(template: str, /, **values: object) -> Message:
    """Return a text in English. The template has to be a literal, so that it can be extracted.

    Example:
        >>> said("there is no photo %(number)s", number=3)
        'there is no photo 3'
    """
    return Message(template % values if values else template, template, values)


def any_of(texts: Iterable[str]) -> str:
    """Return texts with ``or`` between them; none gives an empty text."""
    some = list(texts)
    return reduce(_either, some) if some else ""


def _either(one: str, other: str) -> str:
    return said("%(one)s or %(other)s", one=one, other=other)
