"""What can be wrong with a query, in words: where, what was expected, what to type instead.

Places (``at``) are offsets from 0, as the parser counts them; people count from 1.
"""

from __future__ import annotations

from pixfind.errors import QuerySyntaxError
from pixfind.messages import Message, said
from pixfind.text import printable
from search.query.fields import FIELDS, Field

MAX_QUERY_CHARS = 2000
MAX_TERMS = 64
MAX_VALUES = 32
MIN_WEIGHT = 0.001  # less changes nothing, and far less is nothing to floats
MAX_WEIGHT = 100
SOME_PART = "@0.1,0.2,0.3,0.4"
SHOWN_CHARS = 40  # of what was typed; a message is one line
FEWER = said("fewer words")


def shown(text: str) -> str:
    """Return what was typed as part of a line."""
    # Twice: bytes that a terminal handed on one by one may be white space together.
    line = " ".join(printable(" ".join(text.split())).split())
    return line if len(line) <= SHOWN_CHARS else f"{line[: SHOWN_CHARS - 3]}..."


def too_long() -> QuerySyntaxError:
    """The text is longer than a query may be."""
    problem = said("the query is longer than %(most)s characters", most=MAX_QUERY_CHARS)
    expected = said("at most %(most)s characters", most=MAX_QUERY_CHARS)
    return QuerySyntaxError(MAX_QUERY_CHARS + 1, problem, expected, FEWER)


def hidden(at: int, character: str, cleaned: str) -> QuerySyntaxError:
    """A character that cannot be seen and changes what the others seem to say."""
    problem = said(
        "there is a character that cannot be seen (%(code)s)", code=f"U+{ord(character):04X}"
    )
    suggestion = shown(cleaned) or "a dog on grass"
    return QuerySyntaxError(at + 1, problem, said("visible characters"), suggestion, guessed=True)


def unclosed_quote(at: int, text: str) -> QuerySyntaxError:
    """A quote that goes on to the end of the line."""
    problem = said("a quote is not closed")
    expected = said('a " at its end, or \\" for a plain one')
    if text[:at] and text[at - 1].isalnum():  # 5" nails
        suggestion = f'{shown(text[:at].rsplit(maxsplit=1)[-1])}\\"'
    else:
        # A Windows path's last backslash makes the quote plain: "C:\photos\"
        body = text[at + 1 : -1] + "\\" if text.endswith('\\"') else text[at + 1 :]
        suggestion = f'"{shown(body)}"'
    return QuerySyntaxError(at + 1, problem, expected, suggestion, guessed=True)


def unclosed_group(at: int, rest: str) -> QuerySyntaxError:
    """A group of values that goes on to the end of the line, or is cut short."""
    problem = said("a parenthesis is not closed")
    expected = said("| and another value, or )")
    return QuerySyntaxError(at + 1, problem, expected, f"{shown(rest)})", guessed=True)


def empty_quotes(at: int) -> QuerySyntaxError:
    """A phrase without words."""
    problem = said("there is nothing between the quotes")
    return QuerySyntaxError(at + 1, problem, said("words between the quotes"), '"a dog"')


def nothing_after_plus(at: int) -> QuerySyntaxError:
    """A plus that joins nothing."""
    problem = said("there is nothing after +")
    expected = said("words or a picture after +")
    return QuerySyntaxError(at + 1, problem, expected, "a dog + beach")


def not_separated(at: int, value: str, rest: str) -> QuerySyntaxError:
    """Something sticks to the end of a value."""
    found = rest.split(maxsplit=1)[0]
    problem = _instead_of(said("white space after the value"), found)
    expected = said("white space")
    if found.startswith("^"):  # a filter weighs nothing
        return QuerySyntaxError(at + 1, problem, expected, shown(value), guessed=True)
    suggestion = f"{shown(value)} {shown(found)}"
    if value.endswith(")"):  # which was part of a name: (IMG(1).jpg|...
        name = value.rsplit("|", maxsplit=1)[-1].lstrip("(") + found.split("|")[0].rstrip(")")
        suggestion = f'"{shown(name)}"'
    return QuerySyntaxError(at + 1, problem, expected, suggestion, guessed=True)


def no_weight(at: int, rest: str) -> QuerySyntaxError:
    """A caret after a quote without a number."""
    expected = said("a weight such as ^2 or ^0.5")
    problem = _instead_of(expected, rest.split(maxsplit=1)[0])
    return QuerySyntaxError(at + 1, problem, expected, "^2")


def impossible_weight(at: int, weight: float, typed: str) -> QuerySyntaxError:
    """A weight that is next to nothing, or too much."""
    expected = said("a weight from %(least)s to %(most)s", least=MIN_WEIGHT, most=MAX_WEIGHT)
    nearest = MAX_WEIGHT if weight > MAX_WEIGHT else MIN_WEIGHT
    return QuerySyntaxError(at + 1, _instead_of(expected, typed), expected, f"^{nearest}")


def wrong_part(at: int, typed: str) -> QuerySyntaxError:
    """A part of a picture that is no four numbers."""
    expected = said("left, top, width and height of a part, as shares of the picture")
    return QuerySyntaxError(at + 1, _instead_of(expected, f"@{typed}"), expected, SOME_PART)


def part_outside(at: int, typed: str) -> QuerySyntaxError:
    """A part that goes beyond the picture's right or lower edge."""
    expected = said("a part inside the picture: left + width and top + height up to 1")
    return QuerySyntaxError(at + 1, _instead_of(expected, f"@{typed}"), expected, SOME_PART)


def part_too_small(at: int, typed: str, least: float) -> QuerySyntaxError:
    """A part that nothing could be seen in."""
    expected = said(
        "a part that is large enough to see: at least %(least)s wide and high", least=least
    )
    return QuerySyntaxError(at + 1, _instead_of(expected, f"@{typed}"), expected, SOME_PART)


def unknown_field(at: int, name: str, typed: str) -> QuerySyntaxError:
    """A field that does not exist, or words that look like one."""
    from difflib import get_close_matches

    close = get_close_matches(name, FIELDS, 1)
    suggestion = f"{close[0]}:" if close else f'"{shown(typed)}"'
    expected = said("a field such as camera: or date:, or words in quotes")
    problem = said('there is no field "%(name)s:"', name=shown(name))
    return QuerySyntaxError(at + 1, problem, expected, suggestion, guessed=True)


def no_value(at: int, field: Field) -> QuerySyntaxError:
    """A field, and nothing behind it."""
    problem = said(
        "%(field)s: has no value; expected %(expected)s",
        field=field.name,
        expected=field.expected,
    )
    return QuerySyntaxError(at + 1, problem, field.expected, field.suggestion)


def wrong_value(at: int, field: Field, typed: str) -> QuerySyntaxError:
    """A value that the field cannot have."""
    from difflib import get_close_matches

    close = get_close_matches(typed.lower(), field.choices or [], 1)
    suggestion = f"{field.name}:{close[0]}" if close else field.suggestion
    problem = _instead_of(field.expected, typed)
    return QuerySyntaxError(at + 1, problem, field.expected, suggestion, guessed=bool(close))


def out_of_limits(at: int, field: Field, limits: str, typed: str) -> QuerySyntaxError:
    """A value that is none on earth."""
    return QuerySyntaxError(at + 1, _instead_of(limits, typed), limits, field.suggestion)


def impossible_date(at: int, field: Field, typed: str, instead: str) -> QuerySyntaxError:
    """A day that no calendar has."""
    problem = said('there is no date "%(typed)s"', typed=shown(typed))
    suggestion = f"{field.name}:{instead}"
    return QuerySyntaxError(at + 1, problem, field.expected, suggestion, guessed=True)


def impossible_range(at: int, field: Field, typed: str, instead: str) -> QuerySyntaxError:
    """A range that nothing is in."""
    problem = said('"%(typed)s" is an impossible range', typed=shown(typed))
    expected = said("a range that begins before it ends")
    return QuerySyntaxError(at + 1, problem, expected, f"{field.name}:{instead}", guessed=True)


def too_many_terms(at: int) -> QuerySyntaxError:
    """More terms than a query may have."""
    problem = said("the query has more than %(most)s terms", most=MAX_TERMS)
    expected = said("at most %(most)s terms", most=MAX_TERMS)
    return QuerySyntaxError(at + 1, problem, expected, FEWER)


def too_many_values(at: int, field: Field) -> QuerySyntaxError:
    """More values than a filter may have."""
    problem = said("%(field)s: has more than %(most)s values", field=field.name, most=MAX_VALUES)
    expected = said("at most %(most)s values", most=MAX_VALUES)
    return QuerySyntaxError(at + 1, problem, expected, field.suggestion)


def wrong_setting(at: int, field: Field, problem: str) -> QuerySyntaxError:
    """A setting that is negated, repeated or has several values."""
    expected = said("%(field)s: once, with one value", field=field.name)
    problem = said("%(field)s: %(problem)s", field=field.name, problem=problem)
    return QuerySyntaxError(at + 1, problem, expected, field.suggestion)


def _instead_of(expected: str, typed: str) -> Message:
    return said('expected %(expected)s, found "%(typed)s"', expected=expected, typed=shown(typed))
