"""What a library says of pictures, as sidecars hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy.orm import Session

from pixfind.catalog import owner_tags, sidecars, tags
from pixfind.catalog.names import folded
from pixfind.catalog.schema import AUTOMATIC, FROM_USER
from pixfind.catalog.sidecars import Described
from pixfind.catalog.tags import TagOn
from pixfind.errors import UnknownTagError
from pixfind.library import Library
from pixfind.photos.sidecar import Words
from search.tags.own_vocabulary import vocabulary_of
from search.tags.vocabulary import Label, Vocabulary

# Those that were given under the vocabulary's names, and so mean what it means: a keyword "jaguar"
# of a file may be a car.
OF_VOCABULARY = (AUTOMATIC, FROM_USER)


class Wording:
    """Puts into words what a library says of its pictures.

    Args:
        library: which.
        automatic: whether with automatic tags.
        descriptions: whether with a model's description where people have left none.

    Raises:
        VocabularyError: the owner's vocabulary cannot be read.
    """

    def __init__(self, library: Library, *, automatic: bool, descriptions: bool) -> None:
        with library.catalog.read() as session:
            self._vocabulary = vocabulary_of(library, owner_tags.examples(session))
        self._automatic = automatic
        self._descriptions = descriptions

    def of(self, session: Session, asset_ids: Sequence[int]) -> dict[int, Words]:
        """Return what is said of assets, by id."""
        tagged = tags.tags_on(session, asset_ids)
        refused = sidecars.rejected_names(session, asset_ids)
        return {
            asset_id: self._words(one, tagged.get(asset_id, ()), refused.get(asset_id, ()))
            for asset_id, one in sidecars.described(session, asset_ids).items()
        }

    def _words(self, one: Described, on: Sequence[TagOn], refused: tuple[str, ...]) -> Words:
        labels = self._labels(tag.name for tag in on if tag.source in OF_VOCABULARY)
        not_true = {folded(name) for name in refused}
        people, machine = (
            self._with_ancestors(
                [tag for tag in on if (tag.source == AUTOMATIC) == is_automatic], labels, not_true
            )
            for is_automatic in (False, True)
        )
        machine = {key: name for key, name in machine.items() if key not in people}
        if not self._automatic:
            machine = {}
        allowed = people.keys() | machine.keys()
        paths = [
            tuple(name for name in self._path(label) if folded(name) in allowed)
            for key, label in labels.items()
            if key in allowed
        ]
        sentence = one.sentence if self._descriptions else None
        return Words(
            keywords=tuple(people.values()),
            automatic=tuple(machine.values()),
            paths=tuple(sorted(paths, key=lambda path: (-len(path), path))),
            refused=refused,
            recognised=one.is_tagged or not self._automatic,
            description=one.caption or sentence,
            is_automatic=not one.caption and sentence is not None,
            people_only=not self._automatic,
            rating=one.rating,
        )

    def _labels(self, names: Iterable[str]) -> dict[str, Label]:
        """Return the labels of those names, by the names folded; synonyms are words of others."""
        found: dict[str, Label] = {}
        for name in names:
            label = _label(self._vocabulary, name)
            if label is not None and folded(label.name) == folded(name):
                found[folded(name)] = label
        return found

    def _with_ancestors(
        self, on: Sequence[TagOn], labels: Mapping[str, Label], not_true: set[str]
    ) -> dict[str, str]:
        """Return the names of tags and of all that they imply, by the names folded."""
        names = {folded(tag.name): tag.name for tag in on}
        for tag in on:
            label = labels.get(folded(tag.name))
            if label is not None and tag.source in OF_VOCABULARY:
                for name in self._vocabulary.ancestors(label.name):
                    names.setdefault(folded(name), name)
        return {key: name for key, name in names.items() if key not in not_true}

    def _path(self, label: Label) -> tuple[str, ...]:
        """Return what leads to a label from the most general; of several parents, by the first."""
        path = [label.name]
        above: Label | None = label
        while above is not None and above.parents:
            path.append(above.parents[0])
            above = _label(self._vocabulary, above.parents[0])
        return tuple(reversed(path))


def _label(vocabulary: Vocabulary, name: str) -> Label | None:
    try:
        return vocabulary.label(name)
    except UnknownTagError:
        return None
