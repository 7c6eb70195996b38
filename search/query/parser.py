"""From a line of text to a query, by recursive descent; ``docs/QUERY.md`` has the grammar."""

from __future__ import annotations

from pixfind.messages import said
from search.query import mistakes
from search.query.fields import FIELDS, Field
from search.query.lexer import QUOTES, Lexer
from search.query.model import (
    Filter,
    Like,
    Limit,
    Numbers,
    Order,
    Phrase,
    Query,
    Score,
    Sort,
    Term,
    Text,
    Value,
)
from search.query.values import one_line, read_box, read_value


def parse(text: str) -> Query:
    """Read a query; one without any words has no terms.

    Raises:
        QuerySyntaxError: it does not follow the query language.
    """
    return _Parser(text).query()


class _Parser:
    """One method for each rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._lexer = Lexer(text)
        self._settings: set[str] = set()

    def query(self) -> Query:
        lexer = self._lexer
        terms: list[Term] = []
        while lexer.skip_space():
            start = lexer.at
            if lexer.take("+") and (not lexer.skip_space() or lexer.next == "+"):
                raise mistakes.nothing_after_plus(start)
            if len(terms) == mistakes.MAX_TERMS:
                raise mistakes.too_many_terms(lexer.at)
            terms.append(self._term())
        return Query(tuple(terms))

    def _term(self) -> Term:
        start = self._lexer.at
        negative = self._lexer.at_minus() and self._lexer.take("-")
        if self._lexer.at_quote():
            return self._quoted(negative)
        if self._lexer.field() is None:
            return self._words(negative)
        field = self._field()
        if field.name == "like":
            return self._like(negative)
        if field.setting:
            return self._setting(field, start, negative)
        return Filter(field.name, self._values(field), negative)

    def _quoted(self, negative: bool) -> Phrase:
        start = self._lexer.at
        text = one_line(self._lexer.quoted())
        if not text:
            raise mistakes.empty_quotes(start)
        return Phrase(text, self._lexer.weight(), negative)

    def _words(self, negative: bool) -> Phrase:
        """Read the words that stand next to each other; a dash excludes only one."""
        words = [self._lexer.word()]
        while not negative and not self._lexer.at_weight() and self._lexer.at_word():
            words.append(self._lexer.word())
        return Phrase(one_line(" ".join(words)), self._lexer.weight(), negative)

    def _field(self) -> Field:
        """Read the beginning of a filter, colon included."""
        lexer = self._lexer
        start, name = lexer.at, lexer.field() or ""
        if name not in FIELDS:
            raise mistakes.unknown_field(start, name, lexer.rest.split()[0])
        lexer.at += len(name) + 1
        if not lexer.next or lexer.next.isspace():
            raise mistakes.no_value(start, FIELDS[name])
        return FIELDS[name]

    def _like(self, negative: bool) -> Like:
        lexer = self._lexer
        start = lexer.at
        picture = lexer.quoted() if lexer.at_quote() else lexer.picture()
        if not picture.strip():
            raise mistakes.no_value(start, FIELDS["like"])
        at, part = lexer.at, lexer.part()
        box = None if part is None else read_box(part, at)
        if lexer.next != "^":
            self._end_of_value(start)
        return Like(picture, lexer.weight(), negative, box)

    def _setting(self, field: Field, start: int, negative: bool) -> Term:
        if negative:
            raise mistakes.wrong_setting(start, field, said("cannot be excluded"))
        if field.name in self._settings:
            raise mistakes.wrong_setting(start, field, said("is there twice"))
        self._settings.add(field.name)
        at = self._lexer.at
        value, *others = self._values(field)
        if others:
            raise mistakes.wrong_setting(start, field, said("has more than one value"))
        match value:
            case Text():
                return Sort(Order(value.text))
            case Numbers() if field.name == "score":
                return Score(value)
            case Numbers(low, high) if low is not None and low == high:
                return Limit(int(low))
        raise mistakes.wrong_value(at, field, self._lexer.text[at : self._lexer.at])

    def _values(self, field: Field) -> tuple[Value, ...]:
        """Read ``a``, ``a|b`` or ``(a|b)``."""
        lexer = self._lexer
        start = lexer.at
        grouped = lexer.take("(")
        values = [self._value(field, grouped)]
        while lexer.take("|"):
            if len(values) == mistakes.MAX_VALUES:
                raise mistakes.too_many_values(start, field)
            values.append(self._value(field, grouped))
        if grouped and not lexer.take(")"):
            raise mistakes.unclosed_group(start, lexer.text[start : lexer.at])
        self._end_of_value(start)
        return tuple(values)

    def _value(self, field: Field, grouped: bool) -> Value:
        lexer = self._lexer
        if grouped:
            lexer.skip_space()
        start = lexer.at
        text = lexer.quoted() if lexer.at_quote() else lexer.value(grouped=grouped)
        if not text.strip():
            raise mistakes.no_value(min(start, len(lexer.text) - 1), field)
        if grouped:
            lexer.skip_space()
        return read_value(field, text, start)

    def _end_of_value(self, start: int) -> None:
        """Behind a value there is white space; something else may follow a closing quote."""
        lexer = self._lexer
        if not lexer.next or lexer.next.isspace():
            return
        if lexer.next == "^" or lexer.text[lexer.at - 1] not in QUOTES:
            raise mistakes.not_separated(lexer.at, lexer.text[start : lexer.at], lexer.rest)
