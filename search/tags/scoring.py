"""How probable every label is for photos of one library, by prompts or by the owner's examples."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from pixfind.calibration.link import sigmoid
from pixfind.catalog import assets, owner_tags, selection
from pixfind.catalog.names import folded
from pixfind.catalog.owner_tags import Examples
from pixfind.encoders.base import Encoder, Vectors
from pixfind.errors import TaggingError
from pixfind.library import Library
from pixfind.messages import said
from pixfind.vectors import Ids
from search.tags import lessons, recognition
from search.tags.choosing import Chooser
from search.tags.lessons import Lesson, Seen
from search.tags.own_vocabulary import vocabulary_of
from search.tags.recognition import Background, Doubles, Rows
from search.text_vectors import Working

# How many photos tell what is usual, for a model without calibration, and what a tag is not.
SAMPLE = 2_000
# Raised when probabilities come about in another way, so that the next run looks at all again.
VERSION = 1
HALF = 0.5
# Fewer photos beside the examples do not tell what the tag is not.
FEWEST_OTHERS = 5
NOTHING_SAID = Examples(frozenset(), frozenset())


class Scorer:
    """Scores photos of one library with one model.

    Args:
        library: whose vocabulary and examples.
        encoder: the model that its photos were embedded with.
        cache: see ``search.text_vectors``.
        preparing: called with how many prompts are embedded and how many there are.

    Raises:
        LibraryEmptyError, ModelMismatchError: the library has no photos of that model.
        VocabularyError: the owner's vocabulary cannot be read.
        TaggingError: there are too few photos to tell what is usual, without a calibration.
    """

    def __init__(
        self,
        library: Library,
        encoder: Encoder,
        cache: Path,
        preparing: Working = lambda done, total: None,
    ) -> None:
        self.model = library.require(encoder.spec)
        self._library = library
        self._encoder = encoder
        with library.catalog.read() as session:
            self._examples = owner_tags.examples(session)
        self._said = {folded(name): given for name, given in self._examples.items()}
        self.vocabulary = vocabulary_of(library, self._examples)
        self._vectors = recognition.label_vectors(encoder, self.vocabulary, cache, preparing)
        self._rows = {label.name: row for row, label in enumerate(self.vocabulary.labels)}
        self._background = self._usual()
        self._usage = recognition.usage_of(self.vocabulary)
        self._size = len(library.index(self.model))

    def probabilities(self, photos: Vectors) -> Doubles:
        """Return how probable each label is for photos (n, dim), float64 (n, labels)."""
        each = self._each(photos, np.arange(len(self.vocabulary)))
        return self._chooser.consistent(each)

    def tags(self, photos: Vectors) -> list[dict[str, float]]:
        """Return the tags of photos (n, dim) with their probabilities, the most probable first."""
        return [self._chooser.choose(row) for row in self.probabilities(photos)]

    def likely(self, tag: str, limit: int) -> list[tuple[int, float]]:
        """Return the photos that most probably have a tag and of which the owner has said nothing.

        Returns:
            Ids of assets with probabilities, the most probable first.

        Raises:
            UnknownTagError: no vocabulary has it, and it has too few examples.
        """
        name = self.vocabulary.label(tag).name
        # A label is as probable as the likeliest that implies it, and the others do not matter.
        rows = np.array([self._rows[n] for n in (name, *self.vocabulary.descendants(name))])
        given = self.said(name)
        with self._library.catalog.read() as session:
            owners = selection.allowed(session, self.model.id, ())
            found: dict[int, float] = {}
            for ids, photos in assets.vectors_of(session, sorted(owners)):
                highest = self._each(photos, rows).max(axis=1)
                found |= zip(ids.tolist(), highest.tolist(), strict=True)
        known = given.accepted | given.rejected
        ranked = sorted(found, key=lambda i: (-found[i], i))
        return [(owners[i], found[i]) for i in ranked if owners[i] not in known][:limit]

    def said(self, tag: str) -> Examples:
        """Return what the owner has said of a tag."""
        return self._said.get(folded(tag), NOTHING_SAID)

    @cached_property
    def lessons(self) -> dict[str, Lesson]:
        """The tags that examples decide, of which this model has seen enough."""
        learned = {}
        for taught in lessons.teachable(self._examples):
            name = self.vocabulary.label(taught).name
            lesson = self._learn(name, self._examples[taught])
            if lesson is not None:
                learned[name] = lesson
        return learned

    @cached_property
    def fingerprint(self) -> str:
        """Of all that the tags of a photo depend on beside itself and the model."""
        taught = lessons.teachable(self._examples)
        said = [[name, *map(sorted, vars(self._examples[name]).values())] for name in taught]
        content = json.dumps([VERSION, self.vocabulary.fingerprint, said])
        return hashlib.sha256(content.encode()).hexdigest()

    def _each(self, photos: Vectors, rows: Rows) -> Doubles:
        """Return how probable labels are by themselves, whatever implies them: (n, rows)."""
        deviations = self._deviations(photos, rows)
        odds = recognition.log_odds(deviations, self._usage[rows])
        for name, lesson in self.lessons.items():
            for column in np.flatnonzero(rows == self._rows[name]):
                odds[:, column] = lesson.log_odds(photos, deviations[:, column])
        return np.asarray(sigmoid(odds), np.float64)

    def _deviations(self, photos: Vectors, rows: Rows) -> Doubles:
        return self._background.of(rows).deviations(photos @ self._vectors[rows].T)

    @cached_property
    def _chooser(self) -> Chooser:
        to_compare = recognition.directions(self._encoder, self._vectors, self._to_learn_from)
        return Chooser(self.vocabulary, to_compare)

    @property
    def _to_learn_from(self) -> Vectors | None:
        """Photos that tell what is usual, where no calibration does."""
        return None if self._encoder.calibration is not None else self._sample[1]

    def _usual(self) -> Background:
        found = recognition.background(self._encoder, self._vectors, self._to_learn_from)
        if found is None:
            raise TaggingError(
                said(
                    "the model %(model)s has no calibration, "
                    "so at least %(count)s photos must be indexed to tell what is usual",
                    model=repr(self._encoder.spec.name),
                    count=recognition.ENOUGH_PHOTOS,
                )
            )
        return found

    def _learn(self, name: str, given: Examples) -> Lesson | None:
        row = np.array([self._rows[name]])
        accepted, rejected = self._photos(given.accepted), self._photos(given.rejected)
        of_others, others = self._sample
        said = np.isin(of_others, list(given.accepted | given.rejected))
        others = others[~said][: lessons.OTHERS]
        if len(accepted) < lessons.FEWEST or len(others) < FEWEST_OTHERS:
            return None
        # So many have it at least, whatever captions say of other people's photos.
        share = max(float(self._usage[row[0]]), min(len(accepted) / self._size, HALF))

        def seen(photos: Vectors) -> Seen:
            return Seen(photos, self._deviations(photos, row)[:, 0])

        return lessons.learn(seen(accepted), seen(rejected), seen(others), share)

    @cached_property
    def _sample(self) -> tuple[Ids, Vectors]:
        """Some photos, the same each time: the ids of assets, and embeddings in random order."""
        with self._library.catalog.read() as session:
            owners = selection.allowed(session, self.model.id, ())
        ids = np.random.default_rng(0).permutation(sorted(owners))[:SAMPLE]
        return self._read(ids, owners)

    def _photos(self, asset_ids: Collection[int]) -> Vectors:
        with self._library.catalog.read() as session:
            owners = selection.embeddings(session, self.model.id, asset_ids)
        return self._read(sorted(owners), owners)[1]

    def _read(self, ids: Sequence[int] | Ids, owners: Mapping[int, int]) -> tuple[Ids, Vectors]:
        found = [np.empty(0, np.int64)]
        vectors = [np.empty((0, self._encoder.spec.dim), np.float32)]
        with self._library.catalog.read() as session:
            for batch, of_batch in assets.vectors_of(session, ids):
                found.append(np.array([owners[int(i)] for i in batch], np.int64))
                vectors.append(of_batch)
        return np.concatenate(found), np.concatenate(vectors)
