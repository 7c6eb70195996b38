"""Indexing: one run at a time, in the background."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from flask import Response, abort
from pydantic import Field

from pixfind.messages import said
from web.api.library_answers import Job, JobsAnswer
from web.api.operations import Operations, Request
from web.indexing import IndexingJobs, Kind, Snapshot
from web.indexing.events import event_stream
from web.state import state

blueprint = Operations("jobs", "Indexing")

JobId = Annotated[int, Field(ge=1, description="The number of a run.")]
MOST_PATH_CHARS = 4096


class JobBody(Request):
    """What is to be indexed."""

    kind: Literal["add", "update", "retry"]
    """A folder that is new; all folders again; the same, with the files that failed before."""
    root: Annotated[int, Field(ge=0, le=1000)] = 0
    """To add: the number of one of the folders that the server was started with."""
    folder: Annotated[str, Field(max_length=MOST_PATH_CHARS)] = ""
    """To add: the place in it, with forward slashes; empty for all of it."""


@blueprint.operation("GET", "/jobs")
def all_jobs() -> JobsAnswer:
    """List the last runs."""
    return {"jobs": [_document(one) for one in _runs()]}


@blueprint.operation("POST", "/jobs", status=202, problems=(409,))
def start(body: JobBody) -> Job:
    """Start a run. There is one at a time."""
    jobs = _jobs()
    match Kind(body.kind):
        case Kind.ADD:
            return _document(jobs.add_folder(body.root, body.folder))
        case Kind.UPDATE:
            return _document(jobs.update())
        case Kind.RETRY:
            return _document(jobs.retry_failures())


@blueprint.operation("GET", "/jobs/<int:job_id>")
def job(job_id: JobId) -> Job:
    """Return one run as it stands now."""
    return _document(_found(job_id))


@blueprint.operation("POST", "/jobs/<int:job_id>/pause", problems=(409,))
def pause(job_id: JobId) -> Job:
    """Let a run wait before the next file."""
    return _document(_active(job_id).pause())


@blueprint.operation("POST", "/jobs/<int:job_id>/resume", problems=(409,))
def resume(job_id: JobId) -> Job:
    """Let a run go on."""
    return _document(_active(job_id).resume())


@blueprint.operation("POST", "/jobs/<int:job_id>/cancel", problems=(409,))
def cancel(job_id: JobId) -> Job:
    """Let a run end before the next file. What it has done stays."""
    return _document(_active(job_id).cancel())


@blueprint.operation("GET", "/jobs/<int:job_id>/events", media_type="text/event-stream")
def events(job_id: JobId) -> Response:
    """Follow the latest run.

    Server-sent events: each ``progress`` holds the run as it stands, the first at once; ``end``
    follows the last, and the connection is to be closed then.
    """
    latest = _jobs().latest()
    if latest is None or latest.id != _found(job_id).id:
        abort(404, said("only the latest run can be followed"))
    return event_stream(_jobs())


def _jobs() -> IndexingJobs:
    return state().jobs


def _runs() -> list[Snapshot]:
    current = _jobs().current()
    return [*([current] if current else []), *_jobs().past()]


def _found(job_id: int) -> Snapshot:
    found = next((one for one in _runs() if one.id == job_id), None)
    if found is None:
        abort(404, said("there is no run %(run)s, or it was too long ago", run=job_id))
    return found


def _active(job_id: int) -> IndexingJobs:
    """Return what moves the current run, if that is the one."""
    if _found(job_id).state.is_over:
        abort(409, said("this run has ended"))
    return _jobs()


def _document(snapshot: Snapshot) -> Job:
    return cast("Job", snapshot.document())
