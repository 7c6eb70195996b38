"""The library as a whole: what it holds, what failed, what it has more than once."""

from __future__ import annotations

from flask import abort

from pixfind.catalog import files
from pixfind.status import library_status
from pixfind.text import printable
from search.duplicates.grouping import Group, Member
from web.api.cursors import page_of
from web.api.fields import Page
from web.api.library_answers import (
    DuplicateGroup,
    DuplicatePhoto,
    DuplicatesAnswer,
    FailuresAnswer,
    Status,
)
from web.api.operations import Operations
from web.api.presenting import photo_document
from web.security.places import without_places
from web.state import state
from web.translation import translated

blueprint = Operations("library", "Library")


@blueprint.operation("GET", "/status")
def status() -> Status:
    """Say what the library holds, and how much room it takes."""
    known = library_status(state().library(), state().disk_use())
    return {
        "library": without_places(printable(known.library)),
        "model": known.model,
        "photos": known.photos,
        "videos": known.videos,
        "regions": known.regions,
        "moments": known.moments,
        "tagged": known.tagged,
        "accepted": known.accepted,
        "described": known.described,
        "files": known.files,
        "roots": [
            {"path": printable(root.path), "available": root.available} for root in known.roots
        ],
        "failures": len(known.failures),
        "bytes": known.bytes,
    }


@blueprint.operation("GET", "/failures")
def failures(query: Page) -> FailuresAnswer:
    """List the files that could not be indexed, and why."""
    with state().library().catalog.read() as session:
        known = sorted(files.failures(session), key=lambda one: (one.root, one.path))
    page, cursor = page_of(known, lambda one: (one.root, one.path), query)
    return {
        "total": len(known),
        "failures": [
            {
                "root": printable(one.root),
                "path": printable(one.path),
                "kind": one.kind,
                "reason": printable(one.reason),
                "failed_at": one.failed_at,
            }
            for one in page
        ],
        "cursor": cursor,
    }


@blueprint.operation("GET", "/duplicates")
def duplicates(query: Page) -> DuplicatesAnswer:
    """Find the photos that the library has more than once.

    They are compared in the background when this is first asked, and again after a change.
    """
    looking = state().duplicates().look()
    if looking.problem is not None:
        abort(503, printable(translated(looking.problem)))
    if looking.found is None:
        return {"ready": False, "total": 0, "groups": [], "cursor": None}
    groups = looking.found.groups
    page, cursor = page_of(groups, lambda group: (-group.spare_bytes, _path(group)), query)
    return {
        "ready": True,
        "total": len(groups),
        "groups": [_group(group) for group in page],
        "cursor": cursor,
    }


def _path(group: Group) -> str:
    return str(group.best.files[0].path)


def _group(group: Group) -> DuplicateGroup:
    return {
        "kind": group.kind,
        "reason": group.reason.value,
        "spare_files": group.spare_files,
        "spare_bytes": group.spare_bytes,
        "photos": [_member(member) for member in group.members],
    }


def _member(member: Member) -> DuplicatePhoto:
    return {
        "photo": photo_document(member.photo),
        "files": [
            {"path": printable(str(file.path)), "there": file.there} for file in member.files
        ],
        "similarity": round(member.similarity, 6),
        "hash_distance": member.hash_distance,
        "sharpness": None if member.sharpness is None else round(member.sharpness, 6),
    }
