"""The smallest parts of a query: words, quoted text, operators, the beginnings of fields.

White space, quotes and operators mean something only where they can; a backslash takes that
meaning away, and is itself wherever there is nothing to take.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from pixfind.photos.brought import is_token
from search.query import mistakes
from search.query.fields import FIELDS

QUOTES = '"“”„«»'
WHITE = "\t\n\r"  # the control characters that are white space
JOINERS = "\u200c\u200d"  # inside words of many scripts, and inside emoji
SIGNS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
FLAG = "\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"  # of a region, spelled invisibly
# Compiled when they are first needed, which most searches never do.
WEIGHT = rf"\^([0-9]+\.?[0-9]*|\.[0-9]+)(?=[\s+\-{QUOTES}]|$)"
# The beginning of an impossible part is one, too; 29@2x.png is a file's name.
PART = rf"@[0-9.,+\-%]*(?=[\s^{QUOTES}]|$)"
PLAIN_START = r"\\([+\-])|([A-Za-z]+)\\:"


class Lexer:
    """A cursor (``at``) on the text of a query."""

    def __init__(self, text: str) -> None:
        _check(text)
        self.text = text
        self.at = 0

    @property
    def rest(self) -> str:
        """What has not been read."""
        return self.text[self.at :]

    @property
    def next(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def skip_space(self) -> bool:
        """Skip white space; tell whether anything follows."""
        while self.next.isspace():
            self.at += 1
        return bool(self.next)

    def take(self, character: str) -> bool:
        """Read the character, if it is next."""
        found = self.next == character
        self.at += found
        return found

    def at_quote(self) -> bool:
        """Tell whether a quote is next."""
        return self.next != "" and self.next in QUOTES

    def at_minus(self) -> bool:
        """Tell whether a dash that excludes is next: one with a word behind it."""
        following = self.text[self.at + 1 : self.at + 2]
        return self.next == "-" and following not in ("", "-") and not following.isspace()

    def at_word(self) -> bool:
        """Tell whether a plain word follows, possibly after white space."""
        if not self.skip_space() or self.at_quote() or self.next == "+":
            return False
        return not self.at_minus() and self.field() is None

    def at_weight(self, at: int | None = None) -> bool:
        """Tell whether a weight is next, or at another place."""
        at = self.at if at is None else at
        return self.text[at : at + 1] == "^" and bool(re.compile(WEIGHT).match(self.text, at))

    def at_part(self, at: int | None = None) -> bool:
        """Tell whether the part of a picture is next, or at another place."""
        at = self.at if at is None else at
        return self.text[at : at + 1] == "@" and bool(re.compile(PART).match(self.text, at))

    def field(self) -> str | None:
        """Return the name before a colon, if letters that can be a field are next."""
        end = self.at
        while self.text[end : end + 1].isalpha() and self.text[end].isascii():
            end += 1
        name = self.text[self.at : end].lower()
        if not name or self.text[end : end + 1] != ":":
            return None
        following = self.text[end + 1 : end + 2]
        # "Note: a dog" is a sentence, "camera: canon" a slip.
        sentence = not following or following.isspace()
        return None if sentence and name not in FIELDS else name

    def weight(self) -> float:
        """Read the weight behind a phrase; 1 if there is none."""
        if self.next != "^":
            return 1.0
        match = re.compile(WEIGHT).match(self.text, self.at)
        if match is None:
            raise mistakes.no_weight(self.at, self.rest)
        weight = float(match[1])
        if not mistakes.MIN_WEIGHT <= weight <= mistakes.MAX_WEIGHT:
            raise mistakes.impossible_weight(self.at, weight, match[0])
        self.at = match.end()
        return weight

    def part(self) -> str | None:
        """Read what stands behind a picture's @; ``None`` if it is all of the picture."""
        match = re.compile(PART).match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[0][1:]

    def quoted(self) -> str:
        """Read from a quote to the next one that no backslash makes plain."""
        start, text = self.at, ""
        self.at += 1
        while self.next:
            character = self.next
            self.at += 1
            if character in QUOTES:
                return text
            if character == "\\" and self.next and self.next in QUOTES + "\\":
                character = self.next
                self.at += 1
            text += character
        raise mistakes.unclosed_quote(start, self.text)

    def word(self) -> str:
        """Read a plain word, up to white space, a quote or its weight."""
        plain = re.compile(PLAIN_START).match(self.text, self.at) if "\\" in self.text else None
        beginning = ""
        if plain is not None:
            beginning = plain[1] or f"{plain[2]}:"
            self.at = plain.end()
        # A weight needs something to weigh.
        first = self.at + (not beginning)
        return beginning + self._bare(
            lambda at: self.text[at] in QUOTES or (at >= first and self.at_weight(at))
        )

    def picture(self) -> str:
        """Read a path; or a photo's number, or a token, up to its part or its weight."""
        start = self.at

        def ends(at: int) -> bool:
            before = self.text[start:at].rstrip("\\")
            ended = self.at_weight(at) or self.at_part(at)
            return self.text[at] in QUOTES or (ended and is_short_name(before))

        return self._bare(ends)

    def value(self, *, grouped: bool) -> str:
        """Read one of a field's values; inside parentheses, white space belongs to it."""
        beginning = ""
        if self.rest.startswith("\\("):
            beginning = "("
            self.at += 2
        ends = QUOTES + "|)" if grouped else QUOTES + "|"
        return beginning + self._bare(lambda at: self.text[at] in ends, spaces=grouped).rstrip()

    def _bare(self, ends: Callable[[int], bool], *, spaces: bool = False) -> str:
        """Read up to white space or an end.

        Backslashes before an end come in pairs that stand for one, and the odd one makes the end
        plain; all others are themselves, as in C:\\photos.
        """
        text = ""
        while self.next:
            at = self.at
            while self.text[at : at + 1] == "\\":
                at += 1
            slashes = at - self.at
            if at == len(self.text) or (self.text[at].isspace() and not spaces):
                text += "\\" * slashes
                self.at = at
                break
            if not ends(at):
                text += "\\" * slashes + self.text[at]
            elif slashes % 2:
                text += "\\" * (slashes // 2) + self.text[at]
            else:
                text += "\\" * (slashes // 2)
                self.at = at
                break
            self.at = at + 1
        return text


def is_short_name(picture: str) -> bool:
    """Tell whether a picture is named by a number or a token, which no path goes on behind."""
    return (picture.isascii() and picture.isdecimal()) or is_token(picture)


def _check(text: str) -> None:
    if len(text) > mistakes.MAX_QUERY_CHARS:
        raise mistakes.too_long()
    if text.isprintable():  # nearly always
        return
    # Of the same length, so that places stay what they are.
    visible = re.sub(FLAG, lambda flag: "_" * len(flag[0]), text)
    for at, character in enumerate(visible):
        if _hides(character):
            cleaned = "".join(c for c in text if not _hides(c))
            raise mistakes.hidden(at, character, cleaned)


def _hides(character: str) -> bool:
    hiding = unicodedata.category(character) in ("Cc", "Cf")
    return hiding and character not in WHITE + JOINERS + SIGNS
