"""Logging in and out, where ``pixfind serve --auth`` asks for it."""

from __future__ import annotations

from typing import cast

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)

from pixfind.errors import TooManyAttemptsError
from web.security.access import Access
from web.security.guard import EXTENSION, cookie_name, safe_address
from web.security.sessions import LONGEST_S
from web.translation import gettext as _
from web.translation import translated_error

blueprint = Blueprint("login", __name__)

# Over HTTPS the browser forgets what it has kept of this server's pictures and pages.
FORGET = '"cache", "storage"'


@blueprint.get("/login")
def show() -> str:
    """Show the form; a token after ``#`` in the address is sent by a script, and never in a URL."""
    return _form(request.args.get("next", ""))


@blueprint.post("/login")
def enter() -> Response:
    """Begin a session for somebody who knows the secret, and go on to ``next``."""
    access, form = _access(), request.form
    user, after = form.get("user", ""), form.get("next", "")
    try:
        session_id = access.log_in(user, form.get("secret", ""), request.remote_addr)
    except TooManyAttemptsError as error:
        refused = make_response(_form(after, user, translated_error(error)), 429)
        refused.headers["Retry-After"] = str(error.seconds)
        return refused
    if session_id is None:
        wrong = _("The name or the password is wrong.")
        mistake = wrong if access.door.has_users else _("The token is wrong.")
        return make_response(_form(after, user, mistake), 403)
    _end_session()  # never the same id before and after
    response = cast(Response, redirect(safe_address(after), 303))
    response.set_cookie(
        cookie_name(),
        session_id,
        max_age=LONGEST_S,
        httponly=True,
        secure=request.is_secure,
        samesite="Lax",
    )
    response.cache_control.no_store = True
    return response


@blueprint.post("/logout")
def leave() -> Response:
    """End the session."""
    _end_session()
    response = cast(Response, redirect(url_for("login.show"), 303))
    response.delete_cookie(cookie_name(), httponly=True, secure=request.is_secure, samesite="Lax")
    response.headers["Clear-Site-Data"] = FORGET
    response.cache_control.no_store = True
    return response


def _end_session() -> None:
    session_id = request.cookies.get(cookie_name())
    if session_id:
        _access().log_out(session_id)


def _access() -> Access:
    return cast(Access, current_app.extensions[EXTENSION])


def _form(after: str, user: str = "", mistake: str | None = None) -> str:
    return render_template(
        "login.html",
        has_users=_access().door.has_users,
        after=safe_address(after),
        user=user[:100],
        mistake=mistake,
    )
