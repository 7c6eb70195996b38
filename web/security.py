"""Headers that keep a page from doing more than it should."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from pixfind.machine import is_loopback

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


def register(app: Flask, *, loopback: bool) -> None:
    """Set the headers on every answer; if ``loopback``, refuse requests to any other host."""
    if loopback:
        app.before_request(_refuse_foreign_hosts)

    @app.after_request
    def set_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response


def _refuse_foreign_hosts() -> None:
    # Not Flask's TRUSTED_HOSTS: it knows no IPv6 addresses, and leaves a refused request without
    # what a page needs to be rendered.
    try:
        host = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        host = ""
    if not is_loopback(host):
        abort(400, "this server answers on this machine only; let others in with: serve --host")
