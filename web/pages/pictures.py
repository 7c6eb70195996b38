"""Search by a picture that somebody brings, without a script, and a look at what was brought."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, render_template, request, send_file, url_for

from pixfind.errors import PhotoError, PictureRefusedError
from pixfind.messages import said
from web import parameters
from web.searching.bringing import FIELD, MOST_PICTURES, bring
from web.state import state
from web.translation import translated_error

NOT_KEPT = said("this picture is not kept any more; bring it again")

blueprint = Blueprint("pictures", __name__, url_prefix="/pictures")

# A token names the bytes, so what is behind it never changes.
MAX_AGE_S = 365 * 24 * 3600


@blueprint.get("/")
def index() -> str:
    """Show a form that takes pictures, and words to go with them."""
    return _form(parameters.query())


@blueprint.post("/")
def take() -> Response | tuple[str, int]:
    """Take pictures, and show what is like them."""
    try:
        names = bring(state().library())
    except (PictureRefusedError, PhotoError) as error:
        # The form can be read only where its size was not the problem.
        words = "" if isinstance(error, PictureRefusedError) else request.form.get("q", "")
        return _form(words, translated_error(error)), 400
    words = request.form.get("q", "").strip()
    likes = dict.fromkeys(f"like:{name}" for name in names)
    asked = " ".join([*([words] if words else []), *likes])
    return redirect(url_for("search.index", q=asked), 303)  # type: ignore[return-value]


@blueprint.get("/<token>")
def show(token: str) -> Response:
    """Send a picture that was brought, as a JPEG that fills a screen."""
    file = state().library().brought.file(token)
    if file is None:
        abort(404, NOT_KEPT)
    response = send_file(file, mimetype="image/jpeg", etag=token, max_age=MAX_AGE_S)
    response.cache_control.public = False
    response.cache_control.private = True
    response.cache_control.immutable = True
    return response


def _form(words: str, mistake: str | None = None) -> str:
    return render_template(
        "pictures.html", query=words, mistake=mistake, field=FIELD, most=MOST_PICTURES
    )
