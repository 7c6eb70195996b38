"""Vocabularies: the labels that photos are told apart by, with what each implies and means.

A file of one is UTF-8 text, a label a line. Columns may follow it, TABs between: kind, parents,
synonyms (``|`` between several) and the phrase that stands in "a photo of PHRASE".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

from pixfind.catalog.names import folded
from pixfind.errors import UnknownTagError, VocabularyError
from pixfind.text import printable
from search.tags.phrases import phrase_of
from search.tags.relations import related

COLUMNS = ("tag", "kind", "parents", "synonyms", "phrase")
MAX_LABELS = 50_000
MAX_BYTES = 10_000_000
MAX_WORD = 100  # characters; what is longer is a text and no label
GIVEN = "--labels"


@dataclass(frozen=True)
class Label:
    """One label.

    Attributes:
        name: what a photo is tagged with.
        kind: what sort of thing it is ("animal", "scene", ...), if anybody has said.
        parents: names of labels that are true of every photo for which this one is.
        synonyms: other words for the same.
        phrase: how it stands in "a photo of PHRASE", with its article.
    """

    name: str
    kind: str | None
    parents: tuple[str, ...]
    synonyms: tuple[str, ...]
    phrase: str


@dataclass(frozen=True)
class Vocabulary:
    """Labels that belong together; no word stands for two of them."""

    name: str
    labels: tuple[Label, ...]

    def __len__(self) -> int:
        """Return how many labels there are."""
        return len(self.labels)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content in hex; neither its name nor the order of labels is in it."""
        content = sorted(
            [one.name, one.kind or "", sorted(one.parents), sorted(one.synonyms), one.phrase]
            for one in self.labels
        )
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def label(self, name: str) -> Label:
        """Return the label of that name or synonym, whatever its case.

        Raises:
            UnknownTagError: there is none.
        """
        key = folded(" ".join(name.split()))
        if key not in self._words:
            close = [self._words[word].name for word in get_close_matches(key, self._words, n=6)]
            raise UnknownTagError(name, list(dict.fromkeys(close))[:3])
        return self._words[key]

    def ancestors(self, name: str) -> tuple[str, ...]:
        """Return all that a label implies: its parents, then theirs, each once.

        Raises:
            UnknownTagError: there is no such label.
        """
        found: dict[str, None] = {}
        level = self.label(name).parents
        while level:
            found.update(dict.fromkeys(level))
            above = (p for one in level if one in self._names for p in self._names[one].parents)
            level = tuple(parent for parent in dict.fromkeys(above) if parent not in found)
        return tuple(found)

    def children(self, name: str) -> tuple[str, ...]:
        """Return the labels of which this one is a parent.

        Raises:
            UnknownTagError: there is no such label.
        """
        return self._children.get(self.label(name).name, ())

    def descendants(self, name: str) -> tuple[str, ...]:
        """Return all labels that imply one, each once.

        Raises:
            UnknownTagError: there is no such label.
        """
        found: dict[str, None] = {}
        todo = list(self.children(name))
        while todo:
            one = todo.pop()
            if one not in found:
                found[one] = None
                todo.extend(self.children(one))
        return tuple(found)

    @cached_property
    def _names(self) -> dict[str, Label]:
        return {label.name: label for label in self.labels}

    @cached_property
    def _words(self) -> dict[str, Label]:
        words = {folded(label.name): label for label in self.labels}
        for label in self.labels:
            for synonym in label.synonyms:
                words.setdefault(folded(synonym), label)
        return words

    @cached_property
    def _children(self) -> dict[str, tuple[str, ...]]:
        below: dict[str, list[str]] = {}
        for label in self.labels:
            for parent in label.parents:
                below.setdefault(parent, []).append(label.name)
        return {name: tuple(names) for name, names in below.items()}


def read_vocabulary(file: Path, beside: Vocabulary | None = None) -> Vocabulary:
    """Read a vocabulary; blank lines and those that begin with ``#`` say nothing.

    Args:
        file: a plain list, or with columns; a first line that begins with ``tag`` and a TAB names
            them in their order, else they are those of ``COLUMNS``.
        beside: its labels may be parents too; for what will be ``merged`` with it.

    Raises:
        VocabularyError: the file cannot be read, or something in it cannot be right.
    """
    entries: list[tuple[Label, int | None]] = []
    columns: tuple[str, ...] = COLUMNS
    for number, line in _lines(file):
        cells = [cell.strip() for cell in line.split("\t")]
        if not entries and len(cells) > 1 and folded(cells[0]) == COLUMNS[0]:
            columns = _columns(file, number, cells)
            continue
        if len(entries) == MAX_LABELS:
            raise VocabularyError(file, number, f"more than {MAX_LABELS:,} labels; take fewer")
        entries.append((_label(file, number, cells, columns), number))
    return Vocabulary(file.stem, related(file, entries, beside))


def labels_of(text: str) -> Vocabulary:
    """Make a vocabulary of labels with commas between.

    Raises:
        VocabularyError: there is none, or one twice.
    """
    return vocabulary_of([word for word in text.split(",") if word.strip()])


def vocabulary_of(labels: Sequence[str]) -> Vocabulary:
    """Make a vocabulary of labels in plain words.

    Raises:
        VocabularyError: there is none, or one twice.
    """
    words = [" ".join(word.split()) for word in labels]
    entries = [(_label(GIVEN, None, [word], COLUMNS), None) for word in words]
    return Vocabulary("labels", related(GIVEN, entries))


@cache
def shipped() -> Vocabulary:
    """Return the vocabulary of photo tags that comes with the program."""
    data = Path(str(resources.files("pixfind_data")))
    return read_vocabulary(data / "vocabulary" / "photo_tags.tsv")


def merged(first: Vocabulary, second: Vocabulary) -> Vocabulary:
    """Put two vocabularies together; of labels and synonyms that both have, the first's stand.

    Raises:
        VocabularyError: together they go in a circle.
    """
    names = {folded(label.name) for label in first.labels}
    taken = names | {folded(word) for label in first.labels for word in label.synonyms}
    others = [
        replace(label, synonyms=tuple(s for s in label.synonyms if folded(s) not in taken))
        for label in second.labels
        if folded(label.name) not in names
    ]
    # A name of the second is nobody's synonym, or it would stand for two labels.
    kept = {folded(label.name) for label in others}
    own = [
        replace(label, synonyms=tuple(s for s in label.synonyms if folded(s) not in kept))
        for label in first.labels
    ]
    name = f"{first.name}+{second.name}"
    # An own "Dog" becomes the parent of what is under "dog" in the second.
    return Vocabulary(name, related(name, [(label, None) for label in (*own, *others)]))


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, with their numbers."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise VocabularyError(file, None, f"cannot be read ({error.strerror})") from error
    if len(content) > MAX_BYTES:
        raise VocabularyError(file, None, f"larger than {MAX_BYTES // 1_000_000} MB; take less")
    # By line, so that an error names one; a byte of another encoding may stand anywhere.
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise VocabularyError(file, number, "not UTF-8; save it as UTF-8 text") from None
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


def _columns(file: Path, number: int, cells: list[str]) -> tuple[str, ...]:
    columns = tuple(folded(cell) for cell in cells)
    for column in columns:
        if column not in COLUMNS or columns.count(column) > 1:
            raise VocabularyError(
                file, number, f"a column {column!r}; each of {', '.join(COLUMNS)} may be there once"
            )
    return columns


def _label(
    file: Path | str, number: int | None, cells: list[str], columns: tuple[str, ...]
) -> Label:
    if len(cells) > len(columns):
        raise VocabularyError(
            file, number, f"{len(cells)} columns; there are only {', '.join(columns)}"
        )
    given = dict(zip(columns, cells, strict=False))
    name = " ".join(given["tag"].split())
    parents, synonyms = _words(given.get("parents", "")), _words(given.get("synonyms", ""))
    if not name:
        raise VocabularyError(file, number, "no label in the first column; write one there")
    for word in (name, *parents, *synonyms):
        if len(word) > MAX_WORD or printable(word) != word:
            raise VocabularyError(
                file, number, f"{word[:30]!r} is no label; write up to {MAX_WORD} visible letters"
            )
    phrase = " ".join(given.get("phrase", "").split()) or phrase_of(name)
    return Label(name, given.get("kind") or None, parents, synonyms, phrase)


def _words(cell: str) -> tuple[str, ...]:
    words = (" ".join(word.split()) for word in cell.split("|"))
    return tuple(dict.fromkeys(word for word in words if word))
