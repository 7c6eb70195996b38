"""What is being typed where the caret stands: a word, or a value of a field."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pixfind.errors import QuerySyntaxError
from search.query.fields import FIELDS, Field
from search.query.lexer import QUOTES, Lexer

# What follows the caret and belongs to what is typed there.
WORD_GOES_ON = rf"[^\s{QUOTES}:]*:?"
VALUE_GOES_ON = rf"[^\s{QUOTES}()|]*"


@dataclass(frozen=True)
class Place:
    """The part of a query that the caret stands in.

    Args:
        start: where it begins in the text, an opening quote included.
        end: where it ends, which can be behind the caret.
        begun: what was typed of it before the caret, as it is meant: without quotes.
        field: the field whose value it is; ``None`` for a word, or the name of a field.
    """

    start: int
    end: int
    begun: str
    field: Field | None


def place(text: str, at: int) -> Place | None:
    """Return what is being typed in a query, which need not be a correct one.

    Args:
        text: the query.
        at: the caret, as the number of characters before it.

    Returns:
        ``None`` inside a quoted phrase, between terms, and behind what cannot be read.
    """
    try:
        return _Reader(text, at).place()
    except QuerySyntaxError:
        return None


class _Reader:
    """Reads a query up to the caret; the last thing that it meets there is being typed."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._before = text[:at]
        self._lexer = Lexer(self._before)

    def place(self) -> Place | None:
        lexer = self._lexer
        while lexer.skip_space():
            if lexer.take("+"):
                continue
            if lexer.at_minus():
                lexer.take("-")
            if lexer.at_quote():
                lexer.quoted()
                continue
            start, name = lexer.at, lexer.field()
            if name is None:
                word = lexer.word()
                if not lexer.next and word and not self._before[-1].isspace():
                    return Place(start, self._end(WORD_GOES_ON), word, None)
                continue
            lexer.at += len(name) + 1
            found = self._value(FIELDS.get(name))
            if found is not None:
                return found
            while lexer.next and not lexer.next.isspace():
                lexer.at += 1
        return None

    def _value(self, field: Field | None) -> Place | None:
        """Return the value that the caret stands in, or read all values of the field."""
        lexer = self._lexer
        grouped = lexer.take("(")
        while True:
            if grouped:
                lexer.skip_space()
            start, quoted = lexer.at, lexer.at_quote()
            begun = self._quoted() if quoted else lexer.value(grouped=grouped)
            closed = quoted and begun is None
            if not lexer.next:
                if field is None or closed or begun is None:
                    return None
                return Place(start, self._end(VALUE_GOES_ON, quoted=quoted), begun, field)
            if grouped:
                lexer.skip_space()
            if not lexer.take("|"):
                return None

    def _quoted(self) -> str | None:
        """Return what stands behind a quote that is still open; else read up to its end."""
        lexer = self._lexer
        rest = lexer.rest
        try:
            lexer.quoted()
        except QuerySyntaxError:
            lexer.at = len(self._before)
            return Lexer(f'{rest}"').quoted()
        return None

    def _end(self, goes_on: str, *, quoted: bool = False) -> int:
        at = len(self._before)
        rest = re.match(goes_on, self._text[at:])
        end = at + (len(rest[0]) if rest else 0)
        return end + (quoted and self._text[end : end + 1] in tuple(QUOTES))
