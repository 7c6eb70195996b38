"""What the API answers with, field by field.

These types are for readers, for the checks of the code and for the OpenAPI document; nothing is
compared with them while requests are answered.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, with_config
from typing_extensions import NotRequired, TypedDict

documented = with_config(ConfigDict(use_attribute_docstrings=True))


@documented
class MistakeFound(TypedDict):
    """One thing that is wrong with a request."""

    detail: str
    """What is wrong."""
    parameter: NotRequired[str]
    """The parameter of the address that it is about."""
    pointer: NotRequired[str]
    """The place in the body that it is about: a JSON pointer after a #."""


@documented
class Problem(TypedDict):
    """A problem document (RFC 9457)."""

    type: Literal["about:blank"]
    """The status says it all."""
    title: str
    """What kind of problem it is."""
    status: int
    """The answer's status."""
    detail: str
    """What is wrong with this request, and what to do."""
    errors: NotRequired[list[MistakeFound]]
    """Each mistake, if it is the request's parameters or body."""
    position: NotRequired[int]
    """Of a mistake in a query: the character where it begins, the first being 1."""
    expected: NotRequired[str]
    """Of a mistake in a query: what could stand there."""
    suggestion: NotRequired[str]
    """Of a mistake in a query: another one that can be read."""


@documented
class Box(TypedDict):
    """A part of a photo, as shares of its width and height."""

    left: float
    top: float
    width: float
    height: float


@documented
class Photo(TypedDict):
    """A photo or video, and where its pictures are."""

    id: int
    """Its number, which stays when its files are moved or renamed."""
    path: str
    """The first of its files that is there."""
    paths: list[str]
    """All files that hold it."""
    sha256: str
    """Of its bytes, 64 hex digits."""
    bytes: int
    """The file's size."""
    format: str
    """As its decoder calls it, for example JPEG."""
    width: int
    """In pixels, upright."""
    height: int
    """In pixels, upright."""
    taken_at: str | None
    """When it was taken, by the camera's clock (ISO 8601, without a zone)."""
    camera: str | None
    """Make and model."""
    lens: str | None
    """The lens's name."""
    iso: int | None
    """Sensitivity."""
    focal_length: float | None
    """In millimetres."""
    aperture: float | None
    """The f-number."""
    exposure_time: float | None
    """In seconds."""
    latitude: float | None
    """In degrees, north positive (WGS 84)."""
    longitude: float | None
    """In degrees, east positive (WGS 84)."""
    altitude: float | None
    """In metres above the sea."""
    rating: int | None
    """1 to 5 stars; -1: rejected."""
    caption: str | None
    """As the file has it."""
    tags: list[str]
    """All names, from wherever."""
    seen_at: str | None
    """When the library first saw it (ISO 8601, UTC), if that is known."""
    duration: float | None
    """Of a video, in seconds; of a photo, null."""
    thumbnail: str
    """The address of a small JPEG."""
    preview: str
    """The address of a JPEG that fills a screen."""
    original: str
    """The address of the file as it is."""


@documented
class Result(Photo):
    """A photo or video, and why it was found."""

    score: float | None
    """The probability where it is known, else the similarity."""
    probability: float | None
    """That it is one that the query describes, from 0 to 1."""
    similarity: float | None
    """The cosine of its embedding and the query's."""
    matched: list[str]
    """Where the query's words stand as such: name, folder, tags, caption."""
    box: Box | None
    """Where in a photo the match is."""
    second: float | None
    """When in a video the match is, in seconds."""


@documented
class Term(TypedDict):
    """A part of a query."""

    term: str
    """As it is written."""
    meaning: str
    """As it was understood."""


@documented
class FacetValue(TypedDict):
    """What some photos of a result have in common."""

    value: str
    count: int
    """How many have it."""
    filter: str
    """The term that keeps only these."""


@documented
class SearchAnswer(TypedDict):
    """Ranked photos."""

    query: str
    """As it was understood, in the query language."""
    understood: list[Term]
    """The same, term by term."""
    model: str
    """The name of the model that was asked."""
    total: int
    """How many photos answer the query."""
    cutoff: float | None
    """The probability that results must have unless words found them; null for none."""
    results: list[Result]
    """The page that was asked for."""
    nearest: list[Result]
    """If nothing answers the query, what comes nearest."""
    facets: NotRequired[dict[str, list[FacetValue]]]
    """By kind, if they were asked for: year, camera, folder, tag, type."""
    cursor: str | None
    """Asks for the next page; null on the last."""


@documented
class SimilarAnswer(TypedDict):
    """The photos most like one, the most similar first."""

    total: int
    """How many there are to compare."""
    results: list[Result]


@documented
class PhotosAnswer(TypedDict):
    """Photos, without being asked why."""

    total: int
    """How many there are on all pages."""
    photos: list[Photo]
    cursor: str | None
    """Asks for the next page; null on the last."""


@documented
class NeighboursAnswer(TypedDict):
    """The photos taken just before and after one; both the earliest first."""

    before: list[Photo]
    after: list[Photo]


@documented
class TagSource(TypedDict):
    """Who says that a tag is true."""

    source: str
    """user, file, sidecar, or automatic."""
    score: float | None
    """Of an automatic one, its probability."""


@documented
class TagOfPhoto(TypedDict):
    """A tag of one photo."""

    name: str
    sources: list[TagSource]
    """None if the tag was rejected."""
    score: float | None
    """The probability, if the tag is automatic."""
    rejected: bool
    """The owner has said that it is not true; then the photo does not have it."""


@documented
class PhotoTagsAnswer(TypedDict):
    """The tags of one photo, with those that were rejected."""

    tags: list[TagOfPhoto]


@documented
class TagChange(TypedDict):
    """What was said of a tag."""

    tag: str
    """Its name, which a synonym may have stood for."""
    photos: list[int]
    """The photos for which that was something new."""
    accepted: list[int]
    """Those of them that had it by the owner's word until then."""
    rejected: list[int]
    """Those of them of which the owner had said that they have it not."""


@documented
class TagCount(TypedDict):
    """A tag, and how many photos have it."""

    name: str
    photos: int
    automatic: int
    """How many of them have it from a model alone."""
    rejected: int
    """For how many it was rejected."""


@documented
class TagsAnswer(TypedDict):
    """All tags, the most used first."""

    tags: list[TagCount]
    cursor: str | None
    """Asks for the next page; null on the last."""


@documented
class Description(TypedDict):
    """What a model says of a photo."""

    alt: str
    """An alternative text, for those who cannot see it."""
    sentence: str
    """One sentence."""
    long: str
    """A paragraph."""
    model: str | None
    """The model's name."""


@documented
class Completion(TypedDict):
    """What could stand in the query."""

    insert: str
    """The text to put there."""
    label: str
    """The text to show."""
    detail: str
    """What it means."""
    count: int | None
    """How many photos have it, if that is known."""


@documented
class CompletionsAnswer(TypedDict):
    """What the characters from ``start`` to ``end`` of a query could be replaced with."""

    start: int
    end: int
    completions: list[Completion]


@documented
class PictureAnswer(TypedDict):
    """A picture to search by."""

    like: str
    """What names it in a query, after like: - the number of a photo, or a token."""
    thumbnail: str
    """The address of a small JPEG."""
