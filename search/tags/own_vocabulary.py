"""The vocabulary of one library: the shipped one, the owner's beside it, and what is taught."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from pixfind.catalog.names import folded
from pixfind.catalog.owner_tags import Examples
from pixfind.durable import replace_file
from pixfind.library import Library
from search.tags import lessons
from search.tags.phrases import phrase_of
from search.tags.vocabulary import Label, Vocabulary, merged, read_vocabulary, shipped

# Kept with the library so that later runs have it too.
FILE = "vocabulary.tsv"


def vocabulary_of(library: Library, examples: Mapping[str, Examples]) -> Vocabulary:
    """Return all labels that photos of a library can be tagged with.

    Args:
        library: whose.
        examples: what the owner has said, by tag; tags with enough examples are labels too.

    Raises:
        VocabularyError: the owner's vocabulary cannot be read.
    """
    file = library.folder / FILE
    known = (
        merged(read_vocabulary(file, beside=shipped()), shipped()) if file.exists() else shipped()
    )
    return _with_taught(known, examples)


def keep(library: Library, file: Path) -> None:
    """Keep a copy of the owner's vocabulary with the library, in the place of any before.

    Raises:
        VocabularyError: it cannot be read; then the one before stays.
    """
    merged(read_vocabulary(file, beside=shipped()), shipped())
    with replace_file(library.folder / FILE) as temporary:
        shutil.copyfile(file, temporary)


def drop(library: Library) -> None:
    """Go back to the shipped vocabulary alone."""
    (library.folder / FILE).unlink(missing_ok=True)


def _with_taught(vocabulary: Vocabulary, examples: Mapping[str, Examples]) -> Vocabulary:
    """Add the tags that no vocabulary has but that examples teach."""
    words = {folded(word) for label in vocabulary.labels for word in (label.name, *label.synonyms)}
    new = tuple(
        Label(name, None, (), (), phrase_of(name))
        for name in lessons.teachable(examples)
        if folded(name) not in words
    )
    return Vocabulary(vocabulary.name, (*vocabulary.labels, *new)) if new else vocabulary
