"""What a search answers with."""

from __future__ import annotations

from dataclasses import dataclass

from pixfind.catalog.photos import Photo
from pixfind.parts import Part
from search.query.model import Term


@dataclass(frozen=True)
class Result:
    """A photo, and why it is there.

    Args:
        photo: the photo.
        similarity: the cosine of its embedding with the query's, or that of its best part less a
            margin; ``None`` if it has none, or the query neither words nor pictures.
        probability: that it is one that the query describes, in [0, 1]; ``None`` if there is no
            similarity, or the model has no calibration.
        fields: where the query's words stand as such: ``name``, ``folder``, ``tags``, ``caption``.
        part: the part of it that matches best, where parts have been embedded: of a photo a box, if
            that is so much more similar to the query than the photo as a whole that the photo
            stands higher for it; of a video a moment.
    """

    photo: Photo
    similarity: float | None = None
    probability: float | None = None
    fields: tuple[str, ...] = ()
    part: Part | None = None

    @property
    def score(self) -> float | None:
        """The probability where it is known, else the similarity."""
        return self.similarity if self.probability is None else self.probability


@dataclass(frozen=True)
class FacetValue:
    """A value that photos of a result have, how many, and the filter that keeps only these."""

    value: str
    count: int
    filter: str


@dataclass(frozen=True)
class Facets:
    """What the photos of a whole result have in common; each ordered by count, then value."""

    year: tuple[FacetValue, ...] = ()
    camera: tuple[FacetValue, ...] = ()
    folder: tuple[FacetValue, ...] = ()
    tag: tuple[FacetValue, ...] = ()
    type: tuple[FacetValue, ...] = ()


@dataclass(frozen=True)
class Results:
    """Photos in the order asked for.

    Args:
        query: as it was understood, in the query language.
        terms: the same, term by term.
        model: the name of the model.
        total: how many photos answer the query, of which ``results`` may be a part.
        results: the photos from the offset asked for on.
        cutoff: the probability that results must have unless words found them; ``None`` if there
            was no cutoff: nothing to score by, no calibration, or all were asked for.
        nearest: if nothing answers the query, the photos that come nearest.
        facets: if asked for.
        cursor: what continues behind these results, for ``SearchEngine.search``; ``None`` if
            nothing follows.
    """

    query: str
    terms: tuple[Term, ...]
    model: str
    total: int
    results: tuple[Result, ...]
    cutoff: float | None = None
    nearest: tuple[Result, ...] = ()
    facets: Facets | None = None
    cursor: str | None = None
