"""``pixfind serve``."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pixfind.cli.output import json_option, model_option, notice, print_json
from pixfind.config import Settings
from pixfind.machine import is_loopback

THREADS = 8
# A request read ahead tells that its sender has gone, also while an answer goes on for long.
READ_AHEAD = 1
# Pictures up to that many times too large are refused with a page, larger ones with a word.
OFTEN_TOO_LARGE = 4


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=7860, show_default=True,
    help="Port to listen on; 0 takes a free one.",
)  # fmt: skip
@click.option(
    "--allow-index",
    "index_roots",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Folders in this one may be added to the library from the browser; can be repeated.",
)
@click.option(
    "--allow-changes",
    is_flag=True,
    help="Others too may tag, keep albums and index, where --host lets others in.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="Answer by this name, too, as behind a proxy: where --host lets others in, names that "
    "are not of a local network are refused; can be repeated.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the page in your browser.")
@model_option
@json_option
@click.pass_obj
def serve(
    settings: Settings,
    host: str,
    port: int,
    index_roots: tuple[Path, ...],
    allow_changes: bool,
    names: tuple[str, ...],
    open_browser: bool,
    model: str | None,
    as_json: bool,
) -> None:
    """Search in the browser. Only this machine can connect unless you give another --host.

    Folders that the library covers can be brought up to date from the browser; others can be added
    only in those that --allow-index names. With another --host everything is read-only unless
    --allow-changes is given. With --json, the document that tells the address is printed as soon
    as it answers.

    \b
    Example:
      pixfind serve --open
      pixfind serve --allow-index ~/Pictures --allow-index /media
      pixfind serve --host 192.168.1.5 --allow-changes
    """
    from waitress.server import create_server

    from web import create_app
    from web.searching.bringing import MOST_BYTES

    # It warns whenever a request has to wait for a thread, which users need not know.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    is_private = is_loopback(host)
    changes = is_private or allow_changes
    app = create_app(
        settings,
        model=model,
        loopback=is_private,
        changes=changes,
        index_roots=index_roots,
        names=(host, *names),
    )
    try:
        server = create_server(
            app,
            host=host,
            port=port,
            threads=THREADS,
            channel_request_lookahead=READ_AHEAD,
            # It writes all of a request to the disk before anything here can refuse it.
            max_request_body_size=OFTEN_TOO_LARGE * MOST_BYTES,
            ident="pixfind",
        )
    except (OSError, ValueError) as error:  # a taken port, a host that is not this machine's
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(
            f"cannot listen on {host} port {port} ({reason}); choose others with --host and --port"
        ) from error
    if not is_private:
        notice(
            f"anyone who can reach {host} can see all photos of this library"
            + (", tag them and index" if changes else "; changes are refused (--allow-changes)")
        )
    address = f"http://{host_in_url(host)}:{bound_port(server)}/"
    notice(f"searching {settings.library} at {address}  (Ctrl-C ends)")
    if as_json:
        print_json({"url": address, "library": str(settings.library)})
        sys.stdout.flush()
    if open_browser:
        click.launch(address)
    state = app.extensions["pixfind"]
    try:
        with told_of_the_end(state.jobs.end):
            server.run()
    finally:
        server.close()
        state.close()


@contextmanager
def told_of_the_end(tell: Callable[[], None]) -> Iterator[None]:
    """Call that on Ctrl-C, or when the system ends the program, before the server waits.

    It gives its threads some seconds to end, which those that answer for long would use up.
    """

    def stop(*_: object) -> None:
        tell()
        raise KeyboardInterrupt

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def host_in_url(host: str) -> str:
    """Return the host as a URL spells it."""
    return f"[{host}]" if ":" in host else host


def bound_port(server: object) -> int:
    """Return the port that the server really listens on."""
    port = getattr(server, "effective_port", None)
    if port is None:  # several sockets, as for "localhost"
        port = server.effective_listen[0][1]  # type: ignore[attr-defined]
    return int(port)
