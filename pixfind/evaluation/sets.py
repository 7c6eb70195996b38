"""Labelled photos: which texts people have found right for which of a folder's photos."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pixfind.errors import EvaluationError
from pixfind.photos.formats import is_picture_name

CAPTIONED = "a set is a folder with images/ and captions.tsv"
QUERIES = "each line is a query and the photos in the folder that it should find, TABs between"
CLASSES = "each line is a class's name and photos of it in the folder, TABs between"


@dataclass(frozen=True)
class Captions:
    """Photos, and texts with the position of the photo that each belongs to."""

    images: list[Path]
    texts: list[str]
    owners: list[int]


@dataclass(frozen=True)
class Labels:
    """Texts (queries, or names of classes), and for each the photos that it is right for.

    Attributes:
        file: where the labels stand; named in errors.
        texts: each once.
        right: for each text the positions in ``images`` of its photos.
        images: every photo once: first those that ``file`` names, then those beside them.
        named: how many ``file`` names.
    """

    file: Path
    texts: list[str]
    right: list[list[int]]
    images: list[Path]
    named: int


def read_captions(folder: Path, split: Path | None = None, column: int = 1) -> Captions:
    """Read ``folder/captions.tsv``: file name, TAB, caption, perhaps further columns.

    Args:
        folder: it also holds ``images/``.
        split: a file that names the photos to use, one a line; looked for in ``folder`` too.
        column: which column the caption stands in, counted from 0.

    Raises:
        EvaluationError: a file is missing, or no caption is left.
    """
    chosen = None if split is None else set(_lines(_located(folder, split), CAPTIONED))
    captions = Captions([], [], [])
    positions: dict[str, int] = {}
    for line in _lines(folder / "captions.tsv", CAPTIONED):
        cells = line.split("\t")
        if len(cells) <= column or not cells[column].strip():
            raise EvaluationError(
                f"{folder / 'captions.tsv'} has a line without column {column + 1}: {line[:60]!r}"
            )
        if chosen is not None and cells[0] not in chosen:
            continue
        if cells[0] not in positions:
            positions[cells[0]] = len(captions.images)
            captions.images.append(folder / "images" / cells[0])
        captions.texts.append(cells[column])
        captions.owners.append(positions[cells[0]])
    if not captions.texts:
        raise EvaluationError(f"{folder / 'captions.tsv'} names none of the chosen photos")
    return captions


def read_queries(folder: Path, file: Path) -> Labels:
    """Read queries: a line for each, QUERY, TAB, PHOTO, TAB, PHOTO ..., all that should be found.

    Lines of the same query are one query. Ranked are all pictures that lie in ``folder``, and in
    any other folder that holds a named photo; not in the folders inside.

    Args:
        folder: photos are looked for in it, then in its ``images/``.
        file: looked for in ``folder`` too.

    Raises:
        EvaluationError: a file or a photo is missing, or a line names no photo.
    """
    file = _located(folder, file)
    labels, photos = _read_labels(file, [folder, folder / "images"], QUERIES)
    for query, right in labels.items():
        if not right:
            raise EvaluationError(f"{file} names no photo for {query[:60]!r}; {QUERIES}")
    named = len(photos.files)
    for place in dict.fromkeys([folder, *(photo.parent for photo in photos.files)]):
        for photo in _pictures(place):
            photos.add(photo)
    return Labels(file, list(labels), list(labels.values()), photos.files, named)


def read_classes(folder: Path, file: Path) -> Labels:
    """Read classes: a line for each, NAME, TAB, PHOTO, TAB, PHOTO ...

    A name may be several, divided by commas. A name without a photo is one more to choose among;
    a photo of several classes is right with any of them. Lines of the same name are one class: a
    model that sees the names alone could not tell them apart.

    Args:
        folder: photos are named from here.
        file: looked for in ``folder`` too.

    Raises:
        EvaluationError: a file or a photo is missing, or there are fewer than two classes.
    """
    file = _located(folder, file)
    labels, photos = _read_labels(file, [folder], CLASSES)
    if len(labels) == 1:
        raise EvaluationError(f"{file} has one class, and nothing to choose among; {CLASSES}")
    return Labels(file, list(labels), list(labels.values()), photos.files, len(photos.files))


@dataclass
class _Photos:
    """Files in the order of their coming, each once whatever it is called."""

    files: list[Path] = field(default_factory=list)
    positions: dict[tuple[int, int | Path], int] = field(default_factory=dict)

    def add(self, photo: Path) -> int | None:
        """Return the file's position, or ``None`` if there is no such file."""
        try:
            found = photo.stat()
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        # By what the file is and not by name: links, ``..``, and names that only a file system
        # takes for equal would put a photo against itself, and such ties count as lost.
        identity = (found.st_dev, found.st_ino or photo.resolve())
        position = self.positions.setdefault(identity, len(self.files))
        if position == len(self.files):
            self.files.append(photo)
        return position


def _read_labels(
    file: Path, places: list[Path], expected: str
) -> tuple[dict[str, list[int]], _Photos]:
    labels: dict[str, list[int]] = {}
    photos = _Photos()
    for line in _lines(file, expected):
        text, *names = (cell.strip() for cell in line.split("\t"))
        if not text:
            raise EvaluationError(f"{file} has a line that begins with a TAB; {expected}")
        right = labels.setdefault(text, [])
        for name in filter(None, names):
            tried = (photos.add(place / name) for place in places)
            position = next((at for at in tried if at is not None), None)
            if position is None:
                raise EvaluationError(f"{file} names {name}, which {places[0]} lacks; {expected}")
            if position not in right:
                right.append(position)
    if not photos.files:
        raise EvaluationError(f"{file} names no photo; {expected}")
    return labels, photos


def _pictures(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(entry for entry in folder.iterdir() if is_picture_name(entry.name))
    except OSError as error:
        raise EvaluationError(f"{folder} cannot be read ({error.strerror}); {QUERIES}") from error


def _located(folder: Path, file: Path) -> Path:
    return file if file.is_file() else folder / file


def _lines(file: Path, expected: str) -> list[str]:
    try:
        # Not ``splitlines``, which also splits at characters that captions may hold.
        return [line for line in file.read_text("utf-8-sig").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise EvaluationError(f"{file} cannot be read ({reason}); {expected}") from error
