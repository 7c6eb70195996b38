"""Photos and videos: their facts, what is like them, when they were taken."""

from __future__ import annotations

from pydantic import Field

from pixfind.catalog import photos
from pixfind.catalog.neighbours import EACH, neighbours_of
from pixfind.text import printable
from search.engine import DEFAULT_LIMIT
from web.api.answers import Description, NeighboursAnswer, Photo, PhotosAnswer, SimilarAnswer
from web.api.fields import Limit, Listed, Page, PhotoId, SmallLimit
from web.api.operations import Operations, Request
from web.api.presenting import photo_document, photo_documents, result_documents
from web.errors import InvalidRequest, Mistake
from web.state import state

blueprint = Operations("photos", "Photos")


class PhotosQuery(Page):
    """Which photos."""

    ids: Listed = Field(default=[], examples=[[1, 2]])
    """These alone, in this order: numbers with commas between them. Those that are not there are
    left out."""


class Many(Request):
    """How many."""

    limit: Limit = DEFAULT_LIMIT
    """How many results at most."""


class Few(Request):
    """How many to each side."""

    limit: SmallLimit = EACH
    """How many at most, before and after each."""


@blueprint.operation("GET", "/photos")
def several(query: PhotosQuery) -> PhotosAnswer:
    """List all photos, the latest first, or those of some numbers."""
    if "ids" not in query.model_fields_set:
        found = state().engine().browse(query.limit, cursor=query.cursor or None)
        shown = photo_documents(result.photo for result in found.results)
        return {"total": found.total, "photos": shown, "cursor": found.cursor}
    if query.cursor:
        raise InvalidRequest([Mistake("ids come on one page, without a cursor", "cursor")])
    with state().library().catalog.read() as session:
        known = photos.photos_by_id(session, query.ids)
    chosen = [known[photo_id] for photo_id in dict.fromkeys(query.ids) if photo_id in known]
    return {"total": len(chosen), "photos": photo_documents(chosen), "cursor": None}


@blueprint.operation("GET", "/photos/<int:photo_id>")
def photo(photo_id: PhotoId) -> Photo:
    """Return one photo's facts."""
    return photo_document(state().engine().photo(photo_id))


@blueprint.operation("GET", "/photos/<int:photo_id>/similar")
def similar(photo_id: PhotoId, query: Many) -> SimilarAnswer:
    """Find the photos most like one."""
    found = state().engine().similar(photo_id, query.limit)
    return {"total": found.total, "results": result_documents(found.results)}


@blueprint.operation("GET", "/photos/<int:photo_id>/neighbours")
def neighbours(photo_id: PhotoId, query: Few) -> NeighboursAnswer:
    """Find the photos taken just before and after one; none if nobody knows when it was."""
    shown = state().engine().photo(photo_id)
    with state().library().catalog.read() as session:
        near = neighbours_of(session, shown, query.limit)
    return {"before": photo_documents(near.before), "after": photo_documents(near.after)}


@blueprint.operation("POST", "/photos/<int:photo_id>/description")
def describe(photo_id: PhotoId) -> Description:
    """Describe a photo. What is said is kept, so that only the first time takes a while."""
    shown = state().engine().photo(photo_id)
    said = state().describer().describe(shown)
    model = said.account.get("model")
    return {
        "alt": printable(said.alt),
        "sentence": printable(said.sentence),
        "long": printable(str(said.account.get("long", said.sentence))),
        "model": None if model is None else printable(str(model)),
    }
