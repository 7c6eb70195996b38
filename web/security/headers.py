"""What every answer tells the browser that it must not do."""

from __future__ import annotations

from flask import Flask, Response, request

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
# A year, as browsers ask of sites that mean it.
HSTS = "max-age=31536000"
# What is asked for depends on who asks; what lies in between must not mix them up.
CREDENTIALS = ("Cookie", "Authorization")


def register(app: Flask, *, guarded: bool) -> None:
    """Set the headers on every answer.

    Args:
        app: the application.
        guarded: whether only those who log in are answered.
    """

    @app.after_request
    def set_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = HSTS
        # Pages are for nobody else, and asked for each time. What says otherwise is no page, even
        # where Flask takes it for one, as an answer without a body.
        if response.mimetype == "text/html" and "Cache-Control" not in response.headers:
            response.cache_control.private = response.cache_control.no_cache = True
        if guarded and request.endpoint != "static":
            _keep_apart(response)
        return response


def _keep_apart(response: Response) -> None:
    response.vary.update(CREDENTIALS)
    caching = response.cache_control
    # After somebody has logged out, "Back" must not show what was there.
    if response.mimetype == "text/html" or response.status_code >= 400:  # noqa: PLR2004
        caching.no_store = True
    if not caching.no_store:
        caching.private = True
