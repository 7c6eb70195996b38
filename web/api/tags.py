"""Tags: on photos, by number, and the owner's word on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import Field

from pixfind.catalog import owner_tags, tags
from pixfind.catalog.names import folded
from pixfind.library import Library
from pixfind.text import printable
from search.tags import owner
from search.tags.vocabulary import MAX_WORD
from web import parameters
from web.api.answers import PhotoTagsAnswer, TagChange, TagOfPhoto, TagsAnswer
from web.api.cursors import page_of
from web.api.fields import Page, PhotoId, PhotoNumber
from web.api.operations import Operations, Request
from web.state import state

blueprint = Operations("tags", "Tags")

Standing = Mapping[int, tuple[frozenset[int], frozenset[int]]]


class TagsQuery(Page):
    """Which tags."""

    prefix: Annotated[str, Field(max_length=MAX_WORD)] = ""
    """What their names begin with, in whatever case."""


class TagSaid(Request):
    """A tag, and the photos of which something is said."""

    tag: Annotated[str, Field(min_length=1, max_length=MAX_WORD)] = Field(examples=["dog"])
    """A name or a synonym; a new one is the owner's own."""
    photos: Annotated[list[PhotoNumber], Field(min_length=1, max_length=parameters.MAX_SHOWN)] = (
        Field(examples=[[1]])
    )
    """Their numbers."""


@blueprint.operation("GET", "/tags")
def all_tags(query: TagsQuery) -> TagsAnswer:
    """List the tags, the most used first."""
    wanted = folded(query.prefix)
    counts = state().read(tags.counts, tags.counts)
    known = [tag for tag in counts if folded(tag.name).startswith(wanted)]
    page, cursor = page_of(known, lambda tag: (-tag.pictures, folded(tag.name)), query)
    return {
        "tags": [
            {
                "name": printable(tag.name),
                "photos": tag.pictures,
                "automatic": tag.automatic,
                "rejected": tag.rejected,
            }
            for tag in page
        ],
        "cursor": cursor,
    }


@blueprint.operation("GET", "/photos/<int:photo_id>/tags")
def tags_of(photo_id: PhotoId) -> PhotoTagsAnswer:
    """Return a photo's tags, who says so, and which were rejected."""
    shown = state().engine().photo(photo_id)
    with state().library().catalog.read() as session:
        held = tags.tags_on(session, [shown.id]).get(shown.id, ())
        refused = owner_tags.rejected_names(session, shown.id)
    found: dict[str, TagOfPhoto] = {}
    for tag in held:
        name = printable(tag.name)
        said = found.setdefault(
            name, {"name": name, "sources": [], "score": None, "rejected": False}
        )
        said["sources"].append({"source": tag.source, "score": tag.score})
        said["score"] = tag.score if tag.score is not None else said["score"]
    for name in map(printable, refused):
        found.setdefault(name, {"name": name, "sources": [], "score": None, "rejected": True})
    return {"tags": list(found.values())}


@blueprint.operation("POST", "/tags/accept")
def accept(body: TagSaid) -> TagChange:
    """Say that photos show what a tag says; they get what it implies, too."""
    return _said(body, owner.accept)


@blueprint.operation("POST", "/tags/reject")
def reject(body: TagSaid) -> TagChange:
    """Say that photos do not show what a tag says. No run of tagging brings it back."""
    return _said(body, owner.reject)


@blueprint.operation("POST", "/tags/withdraw")
def withdraw(body: TagSaid) -> TagChange:
    """Take back what was said of a tag, one way or the other."""
    return _said(body, owner.withdraw)


def _said(body: TagSaid, say: Callable[..., str]) -> TagChange:
    library = state().library()
    known, before = _standing(library, body)
    name = say(library, body.tag, [str(one) for one in body.photos], read_files=False)
    _, after = _standing(library, body)
    changed = [i for i in before if before[i] != after[i]]
    # Whoever takes it back says the same again of these.
    tag_id = known.get(folded(name))
    return {
        "tag": printable(name),
        "photos": changed,
        "accepted": [i for i in changed if tag_id in before[i][0]],
        "rejected": [i for i in changed if tag_id in before[i][1]],
    }


def _standing(library: Library, body: TagSaid) -> tuple[Mapping[str, int], Standing]:
    """Return the ids of all tags, and what the owner has said of each photo until now."""
    with library.catalog.read() as session:
        return tags.known_ids(session), owner_tags.said_of(session, body.photos)
