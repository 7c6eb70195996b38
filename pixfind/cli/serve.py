"""``pixfind serve``."""

from __future__ import annotations

import logging
import sys

import click

from pixfind.cli.output import json_option, model_option, notice, print_json
from pixfind.config import Settings
from pixfind.machine import is_loopback

THREADS = 8


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=7860, show_default=True,
    help="Port to listen on; 0 takes a free one.",
)  # fmt: skip
@click.option("--open", "open_browser", is_flag=True, help="Open the page in your browser.")
@model_option
@json_option
@click.pass_obj
def serve(
    settings: Settings, host: str, port: int, open_browser: bool, model: str | None, as_json: bool
) -> None:
    """Search in the browser. Only this machine can connect unless you give another --host.

    With --json, the document that tells the address is printed as soon as it answers.

    \b
    Example:
      pixfind serve --open
    """
    from waitress.server import create_server

    from web import create_app

    # It warns whenever a request has to wait for a thread, which users need not know.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    app = create_app(settings, model=model, loopback=is_loopback(host))
    try:
        server = create_server(app, host=host, port=port, threads=THREADS, ident="pixfind")
    except (OSError, ValueError) as error:  # a taken port, a host that is not this machine's
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(
            f"cannot listen on {host} port {port} ({reason}); choose others with --host and --port"
        ) from error
    if not is_loopback(host):
        notice(f"anyone who can reach {host} can see all photos of this library")
    address = f"http://{host_in_url(host)}:{bound_port(server)}/"
    notice(f"searching {settings.library} at {address}  (Ctrl-C ends)")
    if as_json:
        print_json({"url": address, "library": str(settings.library)})
        sys.stdout.flush()
    if open_browser:
        click.launch(address)
    try:
        server.run()
    finally:
        server.close()
        app.extensions["pixfind"].close()


def host_in_url(host: str) -> str:
    """Return the host as a URL spells it."""
    return f"[{host}]" if ":" in host else host


def bound_port(server: object) -> int:
    """Return the port that the server really listens on."""
    port = getattr(server, "effective_port", None)
    if port is None:  # several sockets, as for "localhost"
        port = server.effective_listen[0][1]  # type: ignore[attr-defined]
    return int(port)
