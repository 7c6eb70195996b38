"""The owner's word on tags: accepted, rejected, taken back. It outlives every run and model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy.orm import Session

from pixfind.catalog import owner_tags, places, tagging, tags
from pixfind.catalog.names import folded
from pixfind.catalog.schema import FROM_USER
from pixfind.errors import TaggingError, UnknownTagError
from pixfind.library import Library
from pixfind.messages import said
from pixfind.text import printable
from search.pictures import locate
from search.tags.own_vocabulary import vocabulary_of
from search.tags.vocabulary import MAX_WORD, Vocabulary

# What can be the number of a photo; SQLite knows no longer ones.
NUMBER = re.compile(r"[0-9]{1,18}")


def accept(library: Library, tag: str, photos: Sequence[str], *, read_files: bool = True) -> str:
    """Tag photos, with all that the tag implies.

    Args:
        library: whose photos.
        tag: a label or a synonym of one, or a new tag of the owner's own.
        photos: numbers, paths or file names of photos of the library.
        read_files: see ``search.pictures.locate``.

    Returns:
        The tag's name.

    Raises:
        TaggingError: no tag can have that name, or a photo is not in the library.
        PhotoNotFoundError, PathNotFoundError, QueryError: of a photo.
    """
    name, vocabulary, chosen = _asked(library, tag, photos, read_files)
    above, below = _above(vocabulary, name), _below(vocabulary, name)
    with library.catalog.write() as session:
        owner_tags.accept(session, name, chosen, implied=above, implying=below)
    return name


def reject(library: Library, tag: str, photos: Sequence[str], *, read_files: bool = True) -> str:
    """Say that photos do not show what a tag says, nor anything that implies it.

    Args: as for ``accept``.

    Raises:
        UnknownTagError: nobody knows the tag.
        TaggingError, PhotoNotFoundError, PathNotFoundError, QueryError: of a photo.
    """
    name, vocabulary, chosen = _asked(library, tag, photos, read_files, must_be_known=True)
    with library.catalog.write() as session:
        owner_tags.reject(session, [name], chosen, _below(vocabulary, name))
    return name


def withdraw(library: Library, tag: str, photos: Sequence[str], *, read_files: bool = True) -> str:
    """Forget what was said of a tag for photos, one way or the other.

    What was accepted or rejected together with it is forgotten, too.

    Args: as for ``accept``.

    Raises:
        UnknownTagError: nobody knows the tag.
        TaggingError, PhotoNotFoundError, PathNotFoundError, QueryError: of a photo.
    """
    name, vocabulary, chosen = _asked(library, tag, photos, read_files, must_be_known=True)
    above, below = _above(vocabulary, name), _below(vocabulary, name)
    with library.catalog.write() as session:
        owner_tags.withdraw(session, name, chosen, implied=above, implying=below)
        # Another tag of the owner's may imply as much.
        for asset_id, held in tags.tags_on(session, chosen).items():
            for other in (one.name for one in held if one.source == FROM_USER):
                owner_tags.imply(session, other, [asset_id], _above(vocabulary, other))
    return name


def undo(library: Library, run: int | None = None) -> tuple[int, int]:
    """Take back what a run of automatic tagging has given; else the latest run's.

    Returns:
        The run's number and how many tags went.

    Raises:
        TaggingError: there is no such run.
    """
    with library.writing(), library.catalog.write() as session:
        known = [one.id for one in tagging.runs(session)]
        if not known:
            raise TaggingError(
                said("nothing has been tagged automatically; there is nothing to undo")
            )
        if run is not None and run not in known:
            raise TaggingError(f"there is no run {run}; those that there are: pixfind tags runs")
        chosen = known[0] if run is None else run
        count = tagging.undo(session, chosen)
    return chosen, count


def _asked(
    library: Library,
    tag: str,
    photos: Sequence[str],
    read_files: bool,
    *,
    must_be_known: bool = False,
) -> tuple[str, Vocabulary, list[int]]:
    """Return the tag's name, the vocabulary, and the assets."""
    # Files may have to be looked at, which no other writer should wait for.
    with library.catalog.read() as session:
        name, vocabulary = _named(library, session, tag)
        if must_be_known and folded(name) not in tags.known_ids(session):
            vocabulary.label(name)  # raises, with what it may have meant, if nobody knows it
        return name, vocabulary, _photos(session, photos, read_files)


def _named(library: Library, session: Session, tag: str) -> tuple[str, Vocabulary]:
    """Return the name under which a tag is known, or else as it was given."""
    name = " ".join(tag.split())
    if not name or len(name) > MAX_WORD or printable(name) != name:
        raise TaggingError(said("a tag has 1 to %(most)s visible characters", most=MAX_WORD))
    vocabulary = vocabulary_of(library, owner_tags.examples(session))
    if _has(vocabulary, name):
        return vocabulary.label(name).name, vocabulary
    return name, vocabulary


def _has(vocabulary: Vocabulary, name: str) -> bool:
    try:
        vocabulary.label(name)
    except UnknownTagError:
        return False
    return True


def _above(vocabulary: Vocabulary, name: str) -> tuple[str, ...]:
    return vocabulary.ancestors(name) if _has(vocabulary, name) else ()


def _below(vocabulary: Vocabulary, name: str) -> tuple[str, ...]:
    return vocabulary.descendants(name) if _has(vocabulary, name) else ()


def _photos(session: Session, named: Sequence[str], read_files: bool) -> list[int]:
    # One question for all of them; those that are not there are told one by one.
    numbers = {name: int(name) for name in named if NUMBER.fullmatch(name)}
    known = places.in_files(session, numbers.values())
    found: dict[int, None] = {}
    for name in named:
        if numbers.get(name) in known:
            found[numbers[name]] = None
            continue
        located = locate(session, name, read_files=read_files)
        if not isinstance(located, int):
            raise TaggingError(
                said(
                    "%(name)s is not in the library; add it with: pixfind index",
                    name=printable(name),
                )
            )
        found[located] = None
    return list(found)
