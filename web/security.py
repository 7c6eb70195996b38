"""Headers that keep a page from doing more than it should."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from pixfind.machine import is_loopback
from pixfind.messages import said

POLICY = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


# What reads, and changes nothing.
SAFE = ("GET", "HEAD", "OPTIONS")
# Requests of that kind that change nothing in the library all the same.
READING = (
    "translation.choose",
    "selection.export",
    "pictures.take",
    "api_pictures.bring",
)
# What a page of this server, or somebody who types the address, is known by.
OWN_SITE = ("same-origin", "none")
# What another site's page may lead to, by a link: a page of its own, and no part of that site's.
LED_TO = ("navigate", "document")


# Names that only a network of one's own gives.
LOCAL_NAMES = (
    ".local", ".lan", ".home", ".home.arpa", ".internal", ".intranet", ".localdomain",
)  # fmt: skip


def register(app: Flask, *, loopback: bool, changes: bool, names: Collection[str] = ()) -> None:
    """Set the headers on every answer, and refuse what nobody here has asked for.

    Args:
        app: the application.
        loopback: refuse requests to any other host.
        changes: take requests that change something, if they come from a page of this server.
        names: what this server may be called besides, where others may ask it.
    """
    known = {name.lower() for name in (*names, socket.gethostname())}

    def refuse_strange_names() -> None:
        host = _asked_host()
        if host not in known and not _is_local_name(host):
            abort(400, said("this server does not go by that name; give it one with: serve --name"))

    app.before_request(_refuse_other_machines if loopback else refuse_strange_names)
    if not changes:
        app.before_request(_refuse_changes)
    app.before_request(_refuse_foreign_pages)

    @app.after_request
    def set_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        # Pages are for nobody else, and asked for each time. What says otherwise is no page, even
        # where Flask takes it for one, as an answer without a body.
        if response.mimetype == "text/html" and "Cache-Control" not in response.headers:
            response.cache_control.private = response.cache_control.no_cache = True
        return response


def _refuse_other_machines() -> None:
    if not is_loopback(_asked_host()):
        abort(
            400, said("this server answers on this machine only; let others in with: serve --host")
        )


def _is_local_name(host: str) -> bool:
    """Tell whether nobody elsewhere can make a name lead here: addresses, and names of a network.

    A page's own name can be pointed at this machine once the page is in a browser, which then lets
    it read everything here (DNS rebinding). Browsers say which name they ask by.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(LOCAL_NAMES)
    return True


def _asked_host() -> str:
    # Not Flask's TRUSTED_HOSTS: it knows no IPv6 addresses, and leaves a refused request without
    # what a page needs to be rendered.
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""


def _refuse_foreign_pages() -> None:
    """Refuse what a page elsewhere makes a browser ask for, unless it is a link to a page here.

    Browsers say where a request comes from, and no page can make them say otherwise. Programs,
    which are nobody's victims, say nothing. No page elsewhere can read an answer anyhow, but asking
    is work: without somebody's knowing, it could have photos described, or every thread at work.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if request.method in SAFE:
        asked = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
        foreign = site is not None and site not in OWN_SITE and None not in asked
        refused = foreign and asked != LED_TO
    elif site is not None:
        refused = site not in OWN_SITE
    else:
        origin = request.headers.get("Origin")
        refused = origin is not None and origin != request.host_url.rstrip("/")
    if refused:
        abort(403, said("this request comes from a page of another server, and is refused"))


def _refuse_changes() -> None:
    if request.method not in SAFE and request.endpoint not in READING:
        abort(403, said("nothing can be changed here; allow it with: serve --allow-changes"))
