"""The query language, as the help page shows it; ``search.query`` says what there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from search.query import Query, describe, parse
from search.query.fields import FIELDS
from search.query.grammar import EBNF, ESCAPES, EXAMPLES, INTRODUCTION, NOTES, OPERATORS
from web.translation import gettext, translated


@dataclass(frozen=True)
class Example:
    """A query, what it asks for, and whether every library can answer it."""

    query: str
    meaning: str
    can_be_tried: bool


@dataclass(frozen=True)
class ExplainedField:
    """A field as it is typed, what it means, and filters with it."""

    typed: str
    meaning: str
    filters: tuple[str, ...]


@dataclass(frozen=True)
class Notes:
    """The rest: texts, and tables of what is typed and what it means."""

    introduction: str
    operators: tuple[tuple[str, str], ...]
    escapes: tuple[tuple[str, str], ...]
    details: str
    grammar: str


def examples() -> list[Example]:
    """Return queries to learn from; those that name a photo cannot be tried in any library."""
    known = [(text, parse(text)) for text in EXAMPLES]
    return [Example(text, conditions(query), not query.likes) for text, query in known]


def explained_fields() -> list[ExplainedField]:
    """Return the fields in the order in which they are worth reading."""
    return [
        ExplainedField(
            f"{field.name}:",
            translated(field.meaning),
            tuple(f"{field.name}:{value}" for value in field.choices or field.examples),
        )
        for field in FIELDS.values()
    ]


def notes() -> Notes:
    """Return what holds for all queries."""
    return Notes(
        translated(INTRODUCTION), _table(OPERATORS), _table(ESCAPES), translated(NOTES), EBNF
    )


def conditions(query: Query) -> str:
    """Return what a query asks for, in a line."""
    return gettext("; ").join(translated(describe(term)) for term in query.terms)


def _table(rows: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((typed, translated(meaning)) for typed, meaning in rows)
