"""Describes photos with one model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from PIL import Image

from pixfind.encoders.base import Encoder, Vectors
from search.descriptions.account import Account, Facts, Subject
from search.descriptions.beam import Search, unsure
from search.descriptions.evidence import Evidence, Witness
from search.descriptions.generator import generator_of
from search.descriptions.nouns import row_of
from search.descriptions.pixels import Pixels, measure
from search.descriptions.seen import Seen, look, subjects_of, without_count
from search.descriptions.sentence import sentence
from search.descriptions.where import place_of, tile_pictures
from search.descriptions.writing import alt_text, long_text
from search.text_vectors import Working

# Decoded at this many times the edge that a model sees, tiles of a picture show it more.
TILES_NEED = 2


class Describer:
    """Describes photos; the phrases' vectors are made, or read from the cache, at the start.

    Args:
        encoder: the model. One with a decoder writes its own sentences.
        cache: see ``search.text_vectors``.
        preparing: called with how many phrases are embedded and how many there are.
    """

    def __init__(
        self, encoder: Encoder, cache: Path, preparing: Working = lambda done, total: None
    ) -> None:
        self.encoder = encoder
        self._witness = Witness(encoder, cache, preparing)
        self._search = Search(encoder)
        self._generator = generator_of(encoder)

    @property
    def edge(self) -> int:
        """The shortest edge that a picture should have, in pixels."""
        return TILES_NEED * self.encoder.spec.image_size

    def describe(
        self,
        image: Image.Image,
        facts: Facts = Facts(),  # noqa: B008 - it is frozen
        vector: Vectors | None = None,
        *,
        places: bool = True,
    ) -> Account:
        """Describe an upright RGB picture.

        Args:
            image: of any size.
            facts: what its file says.
            vector: its unit vector, (dim,), if that is known.
            places: whether to look where in the frame things are, which takes a while.
        """
        if vector is None:
            vector = self.encoder.encode_images([image])[0]
        evidence = self._witness.evidence(vector)
        pixels = measure(image)
        seen = look(evidence, pixels)
        said, written_by = self._sentence(evidence, vector, image, pixels)
        subjects = self._placed(seen, image) if places else subjects_of(seen)
        scene = seen.scene.text if seen.scene else None
        return Account(
            said, alt_text(said),
            long_text(said, subjects, seen.people, scene, seen.light, pixels, facts),
            subjects, seen.people, scene, seen.light, pixels.colours, pixels.black_and_white,
            facts, self.encoder.spec.name, written_by, evidence.calibrated,
        )  # fmt: skip

    def _sentence(
        self, evidence: Evidence, vector: Vectors, image: Image.Image, pixels: Pixels
    ) -> tuple[str, Literal["decoder", "search"]]:
        if self._generator is not None:
            return self._generator(image), "decoder"
        found = self._search.best(evidence, vector)
        if not found:
            return _of_colours(pixels), "search"
        best = found[0].parts
        perhaps = unsure(best, evidence)
        counted = without_count(best, evidence)
        if best.subject.key in perhaps:
            perhaps |= {counted.subject.key}
        return sentence(counted, perhaps), "search"

    def _placed(self, seen: Seen, image: Image.Image) -> tuple[Subject, ...]:
        subjects = subjects_of(seen)
        if not subjects:
            return ()
        boxes, pictures = tile_pictures(self.encoder, image)
        above = self._witness.above(self.encoder.encode_images(pictures))
        placed = []
        for subject, (phrase, _) in zip(subjects, seen.things, strict=True):
            row = row_of(phrase.key)
            place = None if row is None else place_of(boxes, above[row])
            placed.append(replace(subject, place=place.words, box=place.box) if place else subject)
        return tuple(placed)


def _of_colours(pixels: Pixels) -> str:
    """Say of a photo in which nothing is recognised what can be measured."""
    what = "black and white" if pixels.black_and_white else next(iter(pixels.colours), "")
    light = f"{pixels.light} " if pixels.light and pixels.light != what else ""
    kind = f"mostly {what} " if what and not pixels.black_and_white else f"{what} ".lstrip()
    article = "an" if f"{light}{kind}"[:1] in "aeio" and f"{light}{kind}" else "a"
    return f"{article.capitalize()} {light}{kind}photo whose content is not clear."
