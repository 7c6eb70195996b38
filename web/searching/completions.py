"""What can follow in a query that is being typed: fields, and values that the library has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from sqlalchemy.orm import Session

from pixfind.catalog import Catalog, browse, tags, values
from pixfind.catalog.names import folded
from pixfind.text import printable
from search.query import Order, Sort, describe
from search.query.caret import Place, place
from search.query.fields import FIELDS, MONTHS, Field
from search.query.naming import can_be_typed, named
from web.remembered import Remembered
from web.translation import translated

MOST = 10
# Beside words, which may well be meant as such, only what is likely to be meant is offered.
MOST_FOR_WORDS, LEAST_LETTERS = 6, 2
FOR_WORDS = ("tag", "camera", "folder")
SEPARATORS = str.maketrans("/\\_-.,", "      ")


@dataclass(frozen=True)
class Completion:
    """A text to insert, how it is shown, what it is, and how many pictures have it."""

    insert: str
    label: str
    detail: str = ""
    count: int | None = None


@dataclass(frozen=True)
class Completions:
    """What may stand in place of ``text[start:end]``."""

    start: int
    end: int
    items: tuple[Completion, ...] = ()


@dataclass(frozen=True)
class Known:
    """A value that the library has. ``key`` and ``words`` are what it is found by."""

    value: str
    count: int | None
    key: str
    words: str
    label: str
    detail: str = ""


class Completer:
    """Completes queries with what one library has; safe to share by threads."""

    def __init__(self, catalog: Catalog) -> None:
        self._remembered = Remembered(catalog)

    def complete(self, text: str, at: int) -> Completions:
        """Return what can follow where the caret stands.

        Args:
            text: the query as far as it is typed.
            at: the caret, as the number of characters before it.
        """
        at = max(0, min(at, len(text)))
        where = place(text, at)
        if where is None:
            return Completions(at, at)
        items = self._words(where) if where.field is None else self._values(where.field, where)
        return Completions(where.start, where.end, tuple(items))

    def _values(self, field: Field, where: Place) -> list[Completion]:
        begun = where.begun.lstrip("=") if field.name == "camera" else where.begun
        found = (_as_value(field, known) for known in _matching(self._known(field), begun))
        return list(islice(filter(None, found), MOST))

    def _words(self, where: Place) -> list[Completion]:
        begun = folded(where.begun)
        if len(begun) < LEAST_LETTERS:
            return []
        names = [field for field in FIELDS.values() if field.name.startswith(begun.rstrip(":"))]
        items = [Completion(f"{f.name}:", f"{f.name}:", translated(f.meaning)) for f in names]
        for name in FOR_WORDS:
            begins = (one for one in self._known(FIELDS[name]) if one.key.startswith(begun))
            found = (_as_filter(FIELDS[name], known) for known in begins)
            items += islice(filter(None, found), MOST_FOR_WORDS // 2)
        return items[:MOST_FOR_WORDS]

    def _known(self, field: Field) -> tuple[Known, ...]:
        reader = READERS.get(field.name)
        if reader is None:
            examples = () if field.name in EXAMPLES_MISLEAD else field.choices or field.examples
            return tuple(_plain((value, None) for value in examples))
        return self._remembered.get(field.name, lambda session: tuple(reader(session)))


def _matching(known: Iterable[Known], begun: str) -> Iterator[Known]:
    """Yield what begins like that, then what has a word that does."""
    prefix = folded(begun)
    later = []
    for one in known:
        if one.key.startswith(prefix):
            yield one
        elif f" {prefix}" in one.words:
            later.append(one)
    yield from later


def _as_value(field: Field, known: Known) -> Completion | None:
    typed = _typed(field, known.value)
    if typed is None:
        return None
    insert = typed.partition(":")[2]
    return Completion(insert, known.label, translated(known.detail), known.count)


def _as_filter(field: Field, known: Known) -> Completion | None:
    typed = _typed(field, known.value)
    if typed is None:
        return None
    return Completion(typed, f"{field.name}:{known.label}", translated(known.detail), known.count)


def _typed(field: Field, value: str) -> str | None:
    """Return the filter with a value; ``None`` if nobody could type it."""
    whole = field.name in NAMED
    typed = named(field.name, value) if whole else f"{field.name}:{value}"
    return typed if not whole or can_be_typed(typed) else None


def _plain(counts: Iterable[tuple[str, int | None]]) -> Iterator[Known]:
    for value, count in counts:
        if count != 0:
            key = folded(value)
            yield Known(value, count, key, f" {key.translate(SEPARATORS)}", printable(value))


def _tags(session: Session) -> Iterator[Known]:
    return _plain((tag.name, tag.pictures) for tag in tags.counts(session))


def _cameras(session: Session) -> Iterator[Known]:
    return _plain((camera.name, camera.pictures) for camera in browse.cameras(session))


def _lenses(session: Session) -> Iterator[Known]:
    counts: Counter[str] = Counter()
    for camera in browse.cameras(session):
        counts.update(dict(camera.lenses))
    return _plain(counts.most_common())


def _folders(session: Session) -> Iterator[Known]:
    """Yield the folders by their names, where that tells them apart, else by their paths."""
    known = sorted(browse.folders(session).values(), key=lambda f: (-f.pictures, str(f.path)))
    names = Counter(folded(folder.path.name) for folder in known)
    for folder in known:
        path, name = folder.path, folder.path.name
        key = folded(name)
        alone = names[key] == 1 and bool(name)
        words = f" {folded(str(path)).translate(SEPARATORS)}"
        value, outer = (name if alone else str(path)), printable(str(path.parent))
        yield Known(value, folder.pictures, key, words, printable(name) or outer, outer)


def _years(session: Session) -> Iterator[Known]:
    return _plain(_by_year(session).items())


def _dates(session: Session) -> Iterator[Known]:
    yield from _years(session)
    yield from _plain((f"{m.year}-{m.month:02}", m.pictures) for m in browse.months(session))


def _months(session: Session) -> Iterator[Known]:
    counts: Counter[int] = Counter()
    for month in browse.months(session):
        counts[month.month] += month.pictures
    return _plain((name.lower(), counts[at]) for at, name in enumerate(MONTHS, 1))


def _by_year(session: Session) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for month in browse.months(session):
        counts[str(month.year)] += month.pictures
    return counts  # the latest first, as the months come


def _ratings(session: Session) -> Iterator[Known]:
    return _plain((str(stars), count) for stars, count in values.ratings(session).items())


def _orders(_: Session) -> Iterator[Known]:
    for order in Order:
        yield Known(order.value, None, order.value, "", order.value, describe(Sort(order)))


# Values of these fields are written as whole names; all others as they are.
NAMED = frozenset({"tag", "camera", "lens", "folder"})
# These name photos, which examples of other libraries do not.
EXAMPLES_MISLEAD = frozenset({"like", "id", "file"})
READERS: dict[str, Callable[[Session], Iterator[Known]]] = {
    "tag": _tags,
    "camera": _cameras,
    "lens": _lenses,
    "folder": _folders,
    "year": _years,
    "date": _dates,
    "month": _months,
    "rating": _ratings,
    "type": lambda session: _plain(values.kinds(session).items()),
    "has": lambda session: _plain(values.knowledge(session).items()),
    "orientation": lambda session: _plain(values.shapes(session).items()),
    "sort": _orders,
}
