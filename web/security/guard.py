"""Refuses whoever has not logged in, but for the page where that is done."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, request, url_for

from pixfind.errors import LoginRequiredError
from web.security.access import Access, Visitor
from web.security.origins import SAFE, refuse_unknown_pages

EXTENSION = "pixfind_access"
# Without credentials: the page to log in on, what it is made of, and the language that it is in.
OPEN = ("static", "login.show", "login.enter", "translation.choose")
COOKIE = "pixfind"
REALM = 'realm="pixfind", charset="UTF-8"'
LONGEST_ADDRESS = 4000


def register(app: Flask, access: Access | None) -> None:
    """Ask for credentials with every request, if there is a door at all."""
    app.extensions[EXTENSION] = access
    app.jinja_env.globals["has_logged_in"] = lambda: _visitor() is not None
    if access is None:
        return

    @app.before_request
    def ask() -> Response | None:
        if request.endpoint == "static":
            return None
        g.visitor = _identified(access)
        if g.visitor is None and request.endpoint not in OPEN:
            if _is_page() or _is_form():
                return redirect(url_for("login.show", next=_asked_for()), 303)  # type: ignore[return-value]
            raise LoginRequiredError
        # Credentials that a program sends with a request no page can make a browser send.
        if g.visitor is None or g.visitor.by_cookie:
            refuse_unknown_pages()
        return None

    @app.after_request
    def challenge(response: Response) -> Response:
        if response.status_code == 401:  # noqa: PLR2004
            # A browser would ask for a password itself, and send it with whatever it is made to ask
            # for from then on. It knows no such scheme as this.
            scheme = "Session" if _is_browser() else access.door.scheme
            response.headers["WWW-Authenticate"] = f"{scheme} {REALM}"
        return response


def is_known() -> bool:
    """Return whether the current request may be told of the library; all may without a door."""
    return current_app.extensions.get(EXTENSION) is None or _visitor() is not None


def still_known() -> Callable[[], bool]:
    """Return what tells, long after the current request began, whether it would be answered still.

    An answer that goes on for hours has to end once whoever asked has logged out.
    """
    access: Access | None = current_app.extensions.get(EXTENSION)
    visitor = _visitor()
    if access is None:
        return lambda: True
    if visitor is None:
        return lambda: False
    return access.still_known(visitor, request.cookies.get(cookie_name(), ""))


def cookie_name() -> str:
    """Return the name of the session's cookie; servers on other ports of a machine have others."""
    port = urlsplit(request.host_url).port
    return f"{COOKIE}-{port}" if port else COOKIE


def safe_address(asked: str) -> str:
    """Return where to go on after a login: an address of this server, whatever a link says."""
    well = asked.startswith("/") and not asked.startswith("//") and len(asked) <= LONGEST_ADDRESS
    # Browsers take a backslash for a slash, and pass over control characters.
    return asked if well and "\\" not in asked and asked.isprintable() else "/"


def _visitor() -> Visitor | None:
    found: Visitor | None = g.get("visitor")
    return found


def _identified(access: Access) -> Visitor | None:
    given = request.authorization
    if given is not None and given.type.casefold() == access.door.scheme.casefold():
        if access.door.has_users and not _is_browser():
            # A browser that was given a name and a password in an address would keep sending them.
            user, secret = given.username or "", given.password or ""
            return access.of_credentials(user, secret, request.remote_addr)
        if not access.door.has_users:
            return access.of_credentials("", given.token or "", request.remote_addr)
    session_id = request.cookies.get(cookie_name())
    return access.of_session(session_id) if session_id else None


def _is_browser() -> bool:
    agent = request.headers.get("User-Agent", "")
    return "Sec-Fetch-Site" in request.headers or agent.startswith("Mozilla/")


def _is_page() -> bool:
    """Return whether somebody goes to a page; a script that asks for one is told in a status."""
    mode = request.headers.get("Sec-Fetch-Mode")
    if request.method not in SAFE or request.path.startswith("/api/"):
        return False
    # Over plain HTTP browsers do not tell the mode, but only they ask for XHTML, and by navigating.
    accepted = request.headers.get("Accept", "")
    return mode == "navigate" if mode is not None else "application/xhtml+xml" in accepted


def _is_form() -> bool:
    sent = "application/xhtml+xml" in request.headers.get("Accept", "")
    return sent and request.method == "POST" and not request.path.startswith("/api/")


def _asked_for() -> str | None:
    if request.method == "GET":
        address = request.full_path.removesuffix("?")
    else:  # what was to change is lost, but not the page
        came_from = request.referrer or ""
        here = came_from.startswith(request.host_url)
        address = "/" + came_from.removeprefix(request.host_url) if here else "/"
    return None if safe_address(address) == "/" else address
