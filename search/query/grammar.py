"""The query language, described: ``python -m search.query.grammar`` prints ``docs/QUERY.md``.

What is said of fields and of mistakes comes from the code that reads queries.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from pixfind.errors import QuerySyntaxError
from pixfind.messages import said
from search.query.explanation import describe
from search.query.fields import FIELDS, FIRST_YEAR, LAST_YEAR
from search.query.mistakes import (
    MAX_QUERY_CHARS,
    MAX_TERMS,
    MAX_VALUES,
    MAX_WEIGHT,
    MIN_WEIGHT,
)
from search.query.parser import parse

INTRODUCTION = said(
    "A query is one line: words that say what a photo shows, and filters on what is known of it. "
    "The command line, the API and the web read the same language. A query has at most "
    "%(characters)s characters and %(terms)s terms, a filter at most %(values)s values.",
    characters=MAX_QUERY_CHARS,
    terms=MAX_TERMS,
    values=MAX_VALUES,
)
OPERATORS = (
    ("a dog on grass", said("words next to each other are one phrase")),
    (
        '"a dog" + beach',
        said("+ joins phrases; it does so only where a word could begin, not in C++"),
    ),
    (
        '"a dog"^2 + beach',
        said(
            "the weight of a phrase, %(least)s to %(most)s; 1 by default",
            least=MIN_WEIGHT,
            most=MAX_WEIGHT,
        ),
    ),
    ("-snow", said("not this word; a dash inside a word, alone or doubled is plain")),
    ('-"deep snow"', said("not this phrase")),
    ("like:12^2 -like:holiday.jpg", said("looks like photo 12, and not like the one in the file")),
    (
        "like:12@0.1,0.2,0.3,0.4^2",
        said(
            "like a part of photo 12: left, top, width and height as shares of the upright picture"
        ),
    ),
    (
        "like:brought-0123456789abcdef",
        said("like a picture that was dropped into the web page"),
    ),
    (
        "camera:canon",
        said("a filter; a field with white space behind it (camera: canon) is a mistake"),
    ),
    ("-camera:canon", said("not with this camera")),
    (
        "camera:(canon|nikon) type:photo|video",
        said("one of these; white space only in parentheses"),
    ),
    ("date:2019 date:>2019-06", said("both")),
    (
        "width:1000..2000",
        said("from, to; both included. An end can be left out: 1000.. or ..2000"),
    ),
    (
        "width:>1000 height:<=2000",
        said("or >= and <; of a date, > is after the whole year or month"),
    ),
    ("date:2019-05-01..2021-06", said("from a day to the end of a month")),
    ("file:IMG_* file:\\*1.jpg", said("* stands for any characters, \\* for an asterisk")),
)
ESCAPES = (
    (
        '"a \\"big\\" dog"',
        said('inside quotes, \\" is a plain quote and \\\\ a backslash'),
    ),
    (
        "“a dog” «a cat» „a bird“",
        said("typographic quotes are quotes; any of them closes any other"),
    ),
    (
        "\\-5 \\+1 a\\^2 camera\\:x",
        said("a backslash makes an operator plain where it would be one"),
    ),
    ("folder:C:\\photos", said("any other backslash is itself")),
    ('"camera: an old one"', said("quotes, too, make words of what looks like a field")),
)
EBNF = """\
query   = { [ "+" ] term } ;
term    = phrase | like | filter | setting ;
phrase  = word { space word } [ weight ]    (* a word ends at white space or a quote *)
        | "-" word [ weight ]
        | [ "-" ] quoted [ weight ] ;
weight  = "^" number ;
like    = [ "-" ] "like:" ( ( digits | token | quoted ) [ part ] [ weight ] | path ) ;
part    = "@" number "," number "," number "," number ;
token   = "brought-" 16 * hex ;                             (* a picture that was brought *)
filter  = [ "-" ] field ":" values ;
setting = ( "sort:" | "limit:" | "score:" ) value ;         (* each at most once *)
values  = value { "|" value } | "(" value { "|" value } ")" ;
value   = quoted | text | range | area ;                    (* as the field has it *)
range   = point
        | [ [ ">" ] point ] ".." [ [ "<" ] point ]           (* one of them, at least *)
        | ( ">" | ">=" | "<" | "<=" ) point ;
point   = number | date | month ;
date    = year [ "-" month [ "-" day ] ] ;
area    = degrees "," degrees "," number [ "m" | "km" | "mi" ] ;
quoted  = '"' { character | '\\"' | "\\\\" } '"' ;             (* or typographic quotes *)\
"""
NOTES = said(
    "Field names are ASCII letters in upper or lower case. Letters, a colon and something that is "
    "not white space are a field, and a mistake if there is none of that name; 12:30 and "
    '"Note: ..." are words. Years are from %(first)s to %(last)s. Text is kept as it is typed, in '
    "any script, with one space between words; names of files and folders are kept to the letter.",
    first=FIRST_YEAR,
    last=LAST_YEAR,
)
EXAMPLES = (
    "a dog on grass",
    '"a dog"^2 + beach -snow',
    "sunset over the sea date:2019..2021 sort:-date",
    "birthday cake camera:(canon|nikon) limit:50",
    "like:12 -like:holiday.jpg",
    "a dog -like:12@0.5,0,0.5,1",
    "near:48.137,11.575,10km month:december",
    'tag:"summer trip" rating:>=4 orientation:landscape',
    "red car -type:video has:gps score:>0.5",
    "folder:trips/* width:>=3000 iso:..400",
    '"a \\"no parking\\" sign"^1.5 + street seen:>2024',
)
MISTAKES = (
    "a dog camra:canon",
    "a dog width:big",
    '"a dog',
    "camera: canon",
    "date:2021..2019",
    "has:tags",
    "a dog^200",
    "like:12@0.8,0,0.5,1",
    "http://example.org",
)


@dataclass(frozen=True)
class _Section:
    """A part of the document: text, lines as they are, or a table."""

    title: str
    text: str = ""
    code: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def markdown() -> str:
    """Return the grammar as a Markdown document."""
    return "\n\n".join(part for section in _sections() for part in _markdown(section)) + "\n"


def grammar_text() -> str:
    """Return the grammar as plain text for a terminal."""
    return "\n\n".join(part for section in _sections() for part in _plain(section)) + "\n"


def _sections() -> tuple[_Section, ...]:
    fields = tuple(
        (
            f"{field.name}:",
            field.meaning,
            ", ".join(field.choices) or " ".join(f"{field.name}:{e}" for e in field.examples),
        )
        for field in FIELDS.values()
    )
    examples = tuple((e, "; ".join(map(describe, parse(e).terms))) for e in EXAMPLES)
    mistakes = tuple((typed, _message(typed)) for typed in MISTAKES)
    return (
        _Section("The query language", INTRODUCTION),
        _Section("Examples", head=("query", "what it asks for"), rows=examples),
        _Section("Operators", head=("typed", "meaning"), rows=OPERATORS),
        _Section("Fields", head=("field", "meaning", "values"), rows=fields),
        _Section("Quotes and backslashes", head=("typed", "meaning"), rows=ESCAPES),
        _Section("Grammar", NOTES, code=EBNF),
        _Section("Mistakes", head=("typed", "answer"), rows=mistakes),
    )


def _message(query: str) -> str:
    try:
        parse(query)
    except QuerySyntaxError as error:
        return str(error)
    raise AssertionError(query)


def _markdown(section: _Section) -> list[str]:
    first = section.title == "The query language"
    parts = [f"{'#' if first else '##'} {section.title}", section.text]
    if section.code:
        parts.append(f"```ebnf\n{section.code}\n```")
    if section.rows:
        last = section.head[-1] == "values"  # which are typed, too
        lines = [_cells(section.head), _cells(("---",) * len(section.head))]
        for row in section.rows:
            typed = [0, len(row) - 1] if last else [0]
            cells = (f"`{c}`" if i in typed else _prose(c) for i, c in enumerate(row))
            lines.append(_cells(tuple(cells)))
        parts.append("\n".join(lines))
    return [part for part in parts if part]


def _prose(text: str) -> str:
    return re.sub(r"[\\*<`]", r"\\\g<0>", text)


def _cells(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(section: _Section) -> list[str]:
    from textwrap import fill, indent

    lines = []
    for typed, *rest in section.rows:
        lines.append(f"  {typed}")
        lines += [
            fill(cell, 90, initial_indent=" " * 6, subsequent_indent=" " * 6) for cell in rest
        ]
    text = fill(section.text, 96) if section.text else ""
    parts = (section.title.upper(), text, indent(section.code, "  "), "\n".join(lines))
    return [part for part in parts if part]


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(markdown())
