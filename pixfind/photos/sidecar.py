"""Sidecars: XMP files beside pictures, in which programs tell each other of keywords and stars.

Lightroom, digiKam and darktable each write keywords in several properties. All of them are read,
and all of them written; what else is in a sidecar stays.

Adobe, "XMP Specification Part 3: Storage in Files", ISO 16684-3, of sidecars; the name space of
``hierarchicalSubject`` is Lightroom's, that of ``TagsList`` digiKam's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pixfind.catalog.names import folded
from pixfind.errors import SidecarError
from pixfind.photos.descriptions import (
    MAX_CAPTION,
    MAX_KEYWORD,
    MOST_STARS,
    REJECTED,
    cleaned,
)
from pixfind.photos.xmp_document import Name, XmpDocument
from pixfind.text import printable

# Histories with drawn masks can fill megabytes; nothing that describes a picture fills more.
MAX_BYTES = 8 << 20
MAX_KEYWORDS = 500

_DC = "http://purl.org/dc/elements/1.1/"
# The slash at the end, because Exiv2, and so digiKam and darktable, would add one.
_OURS = "urn:pixfind:1.0/"
SUBJECT = Name(_DC, "dc", "subject")
DESCRIPTION = Name(_DC, "dc", "description")
RATING = Name("http://ns.adobe.com/xap/1.0/", "xmp", "Rating")
# What of the above a machine said: it must not be taken for the owner's word afterwards.
AUTOMATIC = Name(_OURS, "pixfind", "automatic")
AUTOMATIC_DESCRIPTION = Name(_OURS, "pixfind", "automaticDescription")
# That pixfind has written here: what other programs leave of that may be out of date.
VERSION = Name(_OURS, "pixfind", "version")
_FORMAT = "1"
# Keywords with what they lie under, and what stands between them.
_LIGHTROOM = Name("http://ns.adobe.com/lightroom/1.0/", "lr", "hierarchicalSubject")
_DIGIKAM = Name("http://www.digikam.org/ns/1.0/", "digiKam", "TagsList")
PATHS = ((_LIGHTROOM, "Bag", "|"), (_DIGIKAM, "Seq", "/"))
# Under these, programs note for themselves what they have done with a picture.
_INTERNAL = frozenset({"darktable", "_digikam_internal_tags_"})

Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """What a library says of a picture.

    Attributes:
        keywords: that people gave it, each once.
        automatic: that nobody but a machine gave it; none of ``keywords``.
        paths: of both, from the most general to the keyword; the longest first.
        refused: that the owner says are not true of it.
        recognised: whether ``automatic`` is all that is to be said automatically: what an earlier
            run said is then out of date.
        description: one line.
        is_automatic: whether that is a machine's.
        people_only: whether a description that a machine gave goes, where people gave none.
        rating: 1 to 5 stars, or -1 for rejected.
    """

    keywords: tuple[str, ...] = ()
    automatic: tuple[str, ...] = ()
    paths: tuple[Path_, ...] = ()
    refused: tuple[str, ...] = ()
    recognised: bool = False
    description: str | None = None
    is_automatic: bool = False
    people_only: bool = False
    rating: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.keywords or self.automatic or self.description or self.rating)


@dataclass(frozen=True)
class Said:
    """What a sidecar says that people said: ``None`` where it says nothing; 0 stars are none."""

    keywords: tuple[str, ...]
    description: str | None
    rating: int | None


def content_of(file: Path) -> bytes | None:
    """Return what is in a sidecar, ``None`` if there is none.

    Raises:
        SidecarError: it cannot be read, or it cannot be a sidecar.
    """
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):  # noqa: PTH116 - a pipe would wait for ever
            raise SidecarError(file, "is not a regular file")
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SidecarError(file, f"cannot be read ({error.strerror or error})") from error
    if len(content) > MAX_BYTES:
        raise SidecarError(file, f"has more than {MAX_BYTES >> 20} MiB, too much for a sidecar")
    return content


def said(document: XmpDocument) -> Said:
    """Return what a sidecar says, without what it has from a machine."""
    not_people = {folded(cleaned(text, MAX_KEYWORD)) for text in document.texts(AUTOMATIC)}
    keywords = {key: name for key, name in _keywords(document).items() if key not in not_people}
    description = _description(document)
    if description is not None and description == _automatic_description(document):
        description = None
    return Said(tuple(keywords.values())[:MAX_KEYWORDS], description, _rating(document))


def merge(document: XmpDocument, words: Words, *, replace: bool = False) -> None:
    """Put into a sidecar what a library says, beside what is in it already.

    Keywords are added. A description and stars that people gave stay. What an earlier run put there
    automatically goes where it does not hold any more; what somebody has taken out of it by another
    program is not put back.

    Args:
        document: changed in place.
        words: what to put there.
        replace: let the library's description and stars take the place of others, and take out the
            keywords that the owner refuses.
    """
    _merge_keywords(document, words, replace)
    _merge_description(document, words, replace)
    there = _rating(document)
    if words.rating is not None and words.rating != there and (replace or not there):
        document.set_text(RATING, str(words.rating))


def _merge_keywords(document: XmpDocument, words: Words, replace: bool) -> None:
    present = _keywords(document)
    noted = {folded(cleaned(text, MAX_KEYWORD)): text for text in document.texts(AUTOMATIC)}
    human = {folded(name) for name in words.keywords}
    taken_out = noted.keys() - present.keys() - human
    # What a program has as people's word is that, whatever a machine says as well.
    automatic = [
        name
        for name in words.automatic
        if folded(name) not in taken_out and (folded(name) not in present or folded(name) in noted)
    ]
    refused = {folded(name) for name in words.refused}
    old = (noted.keys() & present.keys()) - human - {folded(name) for name in automatic}
    gone = (old if words.recognised else old & refused) | (refused if replace else set())
    new = [*words.keywords, *automatic]
    _merge_subjects(document, new, gone)
    for name, kind, separator in PATHS:
        _merge_paths(document, (name, kind, separator), words, new, gone)
    if new and not document.texts(VERSION):
        document.set_text(VERSION, _FORMAT)
    still = taken_out | {folded(name) for name in automatic} | (old - gone)
    document.change_items(
        AUTOMATIC,
        "Bag",
        [name for name in automatic if folded(name) not in noted],
        {text for key, text in noted.items() if key not in still},
    )


def _merge_subjects(document: XmpDocument, new: Sequence[str], gone: set[str]) -> None:
    there = {text: folded(cleaned(text, MAX_KEYWORD)) for text in document.texts(SUBJECT)}
    known = set(there.values())
    document.change_items(
        SUBJECT,
        "Bag",
        [printable(name) for name in new if folded(name) not in known],
        {text for text, key in there.items() if key in gone},
    )


def _merge_paths(
    document: XmpDocument,
    where: tuple[Name, str, str],
    words: Words,
    new: Sequence[str],
    gone: set[str],
) -> None:
    """Add paths for what stands in none, and shorten those that lead over what goes."""
    name, kind, separator = where
    there = {text: _path(text, separator) for text in document.texts(name)}
    covered: set[str] = set()
    changed: dict[str, Path_] = {}
    subjects = {folded(one) for one in _names(document.texts(SUBJECT))}
    is_ours = name == _DIGIKAM and bool(document.texts(VERSION))
    for text, path in there.items():
        # digiKam would believe what only it keeps.
        is_stale = is_ours and bool(path) and folded(path[-1]) not in subjects
        left = () if is_stale else tuple(one for one in path if folded(one) not in gone)
        if left != path:
            changed[text] = left
        covered |= {folded(one) for one in left}
    kept = {path for text, path in there.items() if text not in changed}
    add = [path for path in dict.fromkeys(changed.values()) if path and path not in kept]
    allowed = {folded(one) for one in new}
    for wanted in [*words.paths, *((one,) for one in new)]:
        path = tuple(one for one in wanted if folded(one) in allowed)
        if not path or folded(path[-1]) in covered or any(separator in one for one in path):
            continue
        add.append(path)
        covered |= {folded(one) for one in path}
    lines = [printable(separator.join(path)) for path in add]
    document.change_items(name, kind, lines, changed.keys())


def _merge_description(document: XmpDocument, words: Words, replace: bool) -> None:
    there = _description(document)
    is_ours = there is not None and there == _automatic_description(document)
    if words.description is None:
        if is_ours and words.people_only:
            texts = [one for one in document.texts(DESCRIPTION) if _caption(one) == there]
            document.change_items(DESCRIPTION, "Alt", [], texts)
            document.remove(AUTOMATIC_DESCRIPTION)
        return
    if there is not None and not is_ours and (not replace or words.is_automatic):
        return
    text = cleaned(printable(words.description), MAX_CAPTION)
    if text != there:
        document.set_default(DESCRIPTION, text)
    if not words.is_automatic:
        document.remove(AUTOMATIC_DESCRIPTION)
    elif text != _automatic_description(document):
        document.set_text(AUTOMATIC_DESCRIPTION, text)


def _keywords(document: XmpDocument) -> dict[str, str]:
    """Return all keywords by what their spellings have in common.

    All programs keep ``dc:subject``, but each only its own property with paths: in the other one
    stands what has been taken out meanwhile. So a path counts if what it leads to is a subject.
    """
    subjects = _names(document.texts(SUBJECT))
    keys = {folded(name) for name in subjects}
    by_property = [
        [path for path in (_path(text, separator) for text in document.texts(name)) if path]
        for name, _, separator in PATHS
    ]
    if subjects:
        paths = [path for one in by_property for path in one]
    else:
        lightroom, digikam = by_property
        paths = lightroom or ([] if document.texts(VERSION) else digikam)
    internal = {folded(one) for path in paths if _is_internal(path) for one in path}
    given = [
        one
        for path in paths
        if not _is_internal(path) and (not subjects or folded(path[-1]) in keys)
        for one in path
    ]
    internal -= {folded(one) for one in given}
    names = [one for one in subjects if not _is_internal(_path(one, "|"))]
    found: dict[str, str] = {}
    for name in [*names, *given]:
        if folded(name) not in internal:
            found.setdefault(folded(name), name)
    return found


def _is_internal(path: Path_) -> bool:
    return len(path) > 1 and folded(path[0]) in _INTERNAL


def _path(text: str, separator: str) -> Path_:
    return tuple(_names(text.split(separator)))


def _names(texts: Iterable[str]) -> list[str]:
    return [name for name in (cleaned(text, MAX_KEYWORD) for text in texts) if name]


def _description(document: XmpDocument) -> str | None:
    return _first(document, DESCRIPTION)


def _automatic_description(document: XmpDocument) -> str | None:
    return _first(document, AUTOMATIC_DESCRIPTION)


def _first(document: XmpDocument, name: Name) -> str | None:
    return next((_caption(text) for text in document.texts(name)), None) or None


def _caption(text: str) -> str | None:
    return cleaned(text, MAX_CAPTION)


def _rating(document: XmpDocument) -> int | None:
    """Return the stars, 0 for none; ``None`` if it does not tell."""
    for text in document.texts(RATING):
        try:
            number = float(text)
        except ValueError:
            continue
        if number == REJECTED:
            return REJECTED
        if 0 <= number <= MOST_STARS:
            return int(number + 0.5)
    return None
