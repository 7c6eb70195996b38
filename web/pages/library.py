"""The library as a whole, and indexing from the browser."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from pixfind.errors import NoIndexingError
from pixfind.messages import said
from web.indexing import IndexingJobs
from web.library import page as showing
from web.state import state

blueprint = Blueprint("library", __name__, url_prefix="/library")


@blueprint.get("/")
def index() -> str:
    """Show what the library holds and what goes on in it, and the ``page`` of its failures."""
    return render_template(
        "library.html",
        contents=showing.contents(request.args.get("page", 1, type=int)),
        run=_jobs().current(),
        past=_jobs().past(),
        can_add=bool(_jobs().roots),
        path=state().settings.library,
        showing=showing,
    )


@blueprint.get("/add")
def browse() -> str:
    """Show the folders that may be added: those in the folder ``in`` of the root ``root``."""
    roots = _jobs().roots
    known = roots.all()
    root = request.args.get("root", 0 if len(known) == 1 else None, type=int)
    place = request.args.get("in", "")
    listing = None if root is None and known else roots.browse(root or 0, place)
    return render_template(
        "library_add.html",
        roots=known,
        listing=listing,
        is_covered=listing is not None and showing.is_covered(roots.resolve(root or 0, place)),
        is_active=_jobs().current() is not None,
    )


@blueprint.post("/add")
def add() -> Response:
    """Index the folder ``in`` of the root ``root``."""
    _jobs().add_folder(request.form.get("root", -1, type=int), request.form.get("in", ""))
    return _back()


@blueprint.post("/update")
def update() -> Response:
    """Look again at all folders of the library."""
    _jobs().update()
    return _back()


@blueprint.post("/retry")
def retry() -> Response:
    """Do the same, and try again what failed."""
    _jobs().retry_failures()
    return _back()


@blueprint.post("/runs/<int:run_id>")
def steer(run_id: int) -> Response:
    """Pause a run, let it go on, or end it, as ``do`` says; one that has ended stays as it is."""
    jobs = _jobs()
    steps = {"pause": jobs.pause, "resume": jobs.resume, "cancel": jobs.cancel}
    step = steps.get(request.form.get("do", ""))
    if step is None:
        abort(400, said("do is one of: pause, resume, cancel"))
    current = jobs.current()
    if current is not None and current.id == run_id:
        with suppress(NoIndexingError):  # it has ended just now
            step()
    return _back()


def _jobs() -> IndexingJobs:
    return state().jobs


def _back() -> Response:
    return redirect(url_for("library.index"), 303)
