"""By which name this server is asked, and by whose page."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Flask, abort, request

from pixfind.machine import is_loopback
from pixfind.messages import said

# What reads, and changes nothing.
SAFE = ("GET", "HEAD", "OPTIONS")
# What a page of this server, or somebody who types the address, is known by.
OWN_SITE = ("same-origin", "none")
# What another site's page may lead to, by a link: a page of its own, and no part of that site's.
LED_TO = ("navigate", "document")
# Names that only a network of one's own gives.
LOCAL_NAMES = (
    ".local", ".lan", ".home", ".home.arpa", ".internal", ".intranet", ".localdomain",
)  # fmt: skip


def register(app: Flask, *, loopback: bool, names: Collection[str]) -> None:
    """Refuse requests by other names, and what pages of other servers make a browser ask for.

    Args:
        app: the application.
        loopback: refuse requests to any other host.
        names: what this server may be called besides, where others may ask it.
    """
    known = {name.lower() for name in (*names, socket.gethostname()) if name}

    def refuse_strange_names() -> None:
        host = _asked_host()
        if host not in known and not _is_local_name(host):
            abort(400, said("this server does not go by that name; give it one with: serve --name"))

    app.before_request(_refuse_other_machines if loopback else refuse_strange_names)
    app.before_request(_refuse_foreign_pages)


def refuse_unknown_pages() -> None:
    """Refuse a change of which nothing tells that a page of this server asks for it.

    A browser sends its cookies along whoever's page makes it ask. All that are in use name the
    page's site or origin when something is to change; the few that name neither are too old to be
    told from a foreign page's victim.
    """
    if request.method in SAFE:
        return
    if "Sec-Fetch-Site" not in request.headers and "Origin" not in request.headers:
        abort(
            403,
            said(
                "nothing tells which page this request comes from; "
                "use a newer browser, or send credentials with each request"
            ),
        )


def _refuse_other_machines() -> None:
    if not is_loopback(_asked_host()):
        abort(
            400, said("this server answers on this machine only; let others in with: serve --host")
        )


def _is_local_name(host: str) -> bool:
    """Tell whether nobody elsewhere can make a name lead here: addresses, and names of a network.

    A page's own name can be pointed at this machine once the page is in a browser, which then lets
    it read everything here (DNS rebinding). Browsers say which name they ask by. A name that no
    host can have is none at all, and nobody's: Werkzeug leaves it empty.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host != "" and ("." not in host or host.endswith(LOCAL_NAMES))
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
