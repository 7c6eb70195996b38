"""What the API answers with, field by field: albums, the library as a whole, and its indexing."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from web.api.answers import Photo, documented


@documented
class Album(TypedDict):
    """A query with a name."""

    name: str
    query: str
    saved_at: str
    """When it was saved (ISO 8601, UTC)."""


@documented
class AlbumsAnswer(TypedDict):
    """All albums by name."""

    albums: list[Album]


@documented
class Root(TypedDict):
    """A folder that the library covers."""

    path: str
    available: bool
    """Whether it is there now; a drive may not be mounted."""


@documented
class Status(TypedDict):
    """What the library holds."""

    library: str
    """Its own folder."""
    model: str | None
    """The model that it is searched with; null while it is empty."""
    photos: int
    """Pictures that can be found, videos among them."""
    videos: int
    regions: int
    """Parts of photos that were embedded."""
    moments: int
    """Frames of videos that were embedded."""
    tagged: int
    """Pictures that automatic tagging has looked at."""
    accepted: int
    """Pictures that the owner has tagged."""
    described: int
    """Pictures with a description."""
    files: int
    roots: list[Root]
    failures: int
    """Files that could not be indexed."""
    bytes: dict[str, int]
    """The disk used by catalog, vectors and thumbnails."""


@documented
class Failure(TypedDict):
    """A file that could not be indexed."""

    root: str
    """The folder of the library that it lies in."""
    path: str
    """Its place there."""
    kind: str
    """read: it could not be read; decode: it is no picture."""
    reason: str
    failed_at: str
    """When (ISO 8601, UTC)."""


@documented
class FailuresAnswer(TypedDict):
    """The files that could not be indexed, by path."""

    total: int
    failures: list[Failure]
    cursor: str | None
    """Asks for the next page; null on the last."""


@documented
class FileCopy(TypedDict):
    """A file that holds a photo."""

    path: str
    there: bool
    """Whether it is there now, as it was indexed."""


@documented
class DuplicatePhoto(TypedDict):
    """A photo of a group."""

    photo: Photo
    files: list[FileCopy]
    """In the order in which to keep them."""
    similarity: float
    """The cosine with the group's first photo."""
    hash_distance: int
    """In how many of 64 bits the perceptual hashes differ."""
    sharpness: float | None
    """Not measured for exact copies."""


@documented
class DuplicateGroup(TypedDict):
    """Files of one picture; the first photo's first file is the one to keep."""

    kind: Literal["exact", "near"]
    """The same bytes, or photos that look alike."""
    reason: str
    """Why that file is the one to keep."""
    spare_files: int
    spare_bytes: int
    photos: list[DuplicatePhoto]


@documented
class DuplicatesAnswer(TypedDict):
    """The duplicates, those that take the most room first."""

    ready: bool
    """Whether the comparison is done; else ask again in a while."""
    total: int
    """How many groups there are."""
    groups: list[DuplicateGroup]
    cursor: str | None
    """Asks for the next page; null on the last."""


@documented
class Month(TypedDict):
    """A month in which photos were taken."""

    year: int
    month: int
    photos: int
    last: int
    """The number of the last photo of it."""


@documented
class TimelineAnswer(TypedDict):
    """The months in which photos were taken, the latest first."""

    months: list[Month]
    undated: int
    """How many photos do not say when they were taken."""


@documented
class Folder(TypedDict):
    """A folder of the library that photos lie in or below."""

    path: str
    root: str
    """The folder of the library that it is part of."""
    place: str
    """Its place there, with forward slashes; empty for all of it."""
    photos: int
    """In it and below."""
    inside: int
    """In it alone."""


@documented
class FoldersAnswer(TypedDict):
    """All folders, by root and place."""

    folders: list[Folder]
    cursor: str | None
    """Asks for the next page; null on the last."""


@documented
class Lens(TypedDict):
    """A lens of a camera, and how many photos were taken with it."""

    name: str
    photos: int


@documented
class Camera(TypedDict):
    """A camera."""

    name: str
    photos: int
    first: str | None
    """The day of its first photo (ISO 8601)."""
    last: str | None
    """The day of its last photo (ISO 8601)."""
    lenses: list[Lens]


@documented
class CamerasAnswer(TypedDict):
    """All cameras, the most used first."""

    cameras: list[Camera]


@documented
class Job(TypedDict):
    """A run of indexing."""

    id: int
    kind: Literal["add", "update", "retry"]
    """A new folder; all folders again; the same, with the files that failed before."""
    folders: list[str]
    """Those to add."""
    model: str
    state: Literal["running", "paused", "cancelling", "done", "cancelled", "failed"]
    phase: Literal["looking", "working", "finishing"]
    """What it is at: comparing files, reading and embedding them, writing the index."""
    looked: int
    """Files that were compared with the catalog."""
    done: int
    """Files that are in the catalog, of the new or changed ones."""
    total: int
    """Files that are new or changed."""
    failed: int
    """Files that could not be indexed."""
    rate: float | None
    """Files a second."""
    seconds: float
    """How long it has taken, without pauses."""
    seconds_left: float | None
    """How long it may yet take."""
    started_at: str
    """ISO 8601, UTC."""
    ended_at: str | None
    """ISO 8601, UTC."""
    reason: str | None
    """Why it failed."""
    summary: dict[str, Any] | None
    """What was added, changed and removed, once it has ended."""


@documented
class JobsAnswer(TypedDict):
    """The runs of this server, the latest first."""

    jobs: list[Job]
