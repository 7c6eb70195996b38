"""``pixfind serve``."""

from __future__ import annotations

import ipaddress
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pixfind.cli.output import json_option, model_option, notice, print_json
from pixfind.config import Settings
from pixfind.errors import UnguardedError
from pixfind.machine import is_address, is_loopback

if TYPE_CHECKING:
    from flask import Flask

    from web.security.access import Access
    from web.server import Server

TOKEN = "PIXFIND_TOKEN"  # noqa: S105 - where it is, not what it is
TOKEN_BYTES = 32
# Of nobody (RFC 5737, RFC 3849): it shows by which address this machine reaches others.
ELSEWHERE_IPV4, ELSEWHERE_IPV6 = "203.0.113.1", "2001:db8::1"
ONE_ADDRESS = (
    "all who come through a proxy count as one address, and wait together when one of them fails "
    "to log in too often; name the proxy with --trusted-proxy ADDRESS"
)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=7860, show_default=True,
    help="Port to listen on; 0 takes a free one.",
)  # fmt: skip
@click.option(
    "--auth",
    type=click.Choice(["token", "password"]),
    help="Let in only those who log in: with a token ($PIXFIND_TOKEN, else one is made and told), "
    "or with a name and a password (set by: pixfind password).",
)
@click.option("--insecure", is_flag=True, help="Let in everybody who can reach the --host.")
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
@click.option(
    "--trusted-proxy",
    metavar="ADDRESS",
    help="Believe the proxy at this address for whom and over which scheme it asks "
    "(X-Forwarded-For, X-Forwarded-Proto).",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the page in your browser.")
@model_option
@json_option
@click.pass_obj
def serve(
    settings: Settings,
    host: str,
    port: int,
    auth: str | None,
    insecure: bool,
    index_roots: tuple[Path, ...],
    allow_changes: bool,
    names: tuple[str, ...],
    trusted_proxy: str | None,
    open_browser: bool,
    model: str | None,
    as_json: bool,
) -> None:
    """Search in the browser. Only this machine can connect unless you give another --host.

    With another --host, or behind a proxy (--name, --trusted-proxy), those who connect have to log
    in (--auth), and everything is read-only unless --allow-changes is given. Folders that the
    library covers can be brought up to date from the browser; others can be added only in those
    that --allow-index names. With --json, the document that tells the address is printed as soon as
    it answers.

    \b
    Example:
      pixfind serve --open
      pixfind serve --allow-index ~/Pictures --allow-index /media
      pixfind serve --host 192.168.1.5 --auth token --allow-changes
      pixfind serve --name photos.example.org --trusted-proxy 127.0.0.1 --auth password
    """
    if auth and insecure:
        raise click.UsageError("--auth asks who connects and --insecure does not; give one of them")
    if trusted_proxy is not None and not is_address(trusted_proxy):
        raise click.UsageError("--trusted-proxy takes the address of one proxy, such as 127.0.0.1")
    trusted_proxy = trusted_proxy and _one_spelling(trusted_proxy)
    # What is behind a proxy is asked by this machine alone, for others.
    is_private = is_loopback(host) and not names and trusted_proxy is None
    if not is_private and auth is None and not insecure:
        raise UnguardedError(_reached(host, names, trusted_proxy))
    from web import create_app

    # It warns whenever a request has to wait for a thread, which users need not know.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    token = _token() if auth == "token" else None
    changes = is_private or allow_changes
    app = create_app(
        settings,
        model=model,
        loopback=is_private,
        changes=changes,
        index_roots=index_roots,
        names=(host, *names),
        access=_access(auth, token, settings),
    )
    server = _listening(app, host, port, trusted_proxy)
    address = f"http://{host_in_url(_shown_host(host))}:{server.port}/"
    if not is_private:
        notice(_exposure(_reached(host, names, trusted_proxy), auth, changes=changes))
    if auth and is_loopback(host) and names and trusted_proxy is None:
        notice(ONE_ADDRESS)
    notice(f"searching {settings.library} at {address}  (Ctrl-C ends)")
    # A token of the user's own is not repeated where others may see it.
    made = None if token is None or os.environ.get(TOKEN) else f"{address}login#{token}"
    if made:
        notice(f"log in at {made}")
    if as_json:
        print_json(
            {"url": address, "library": str(settings.library)} | ({"login": made} if made else {})
        )
        sys.stdout.flush()
    if open_browser:
        # Without the token: other users of this machine see with what programs are started.
        click.launch(address)
    _run(server, app)


def _one_spelling(address: str) -> str:
    """Return an address as the system spells those who connect, with which it is compared."""
    known = ipaddress.ip_address(address)
    return str(getattr(known, "ipv4_mapped", None) or known)


def _token() -> str:
    return os.environ.get(TOKEN) or secrets.token_urlsafe(TOKEN_BYTES)


def _access(auth: str | None, token: str | None, settings: Settings) -> Access | None:
    """Return what lets people in, if they have to log in."""
    if auth is None:
        return None
    from pixfind.errors import UserRefusedError
    from web.security.access import Access
    from web.security.doors import PasswordDoor, TokenDoor
    from web.security.users import Users, file_of

    if token is not None:
        return Access(TokenDoor(token))
    users = Users(file_of(settings))
    if not users.names():
        raise UserRefusedError(
            "nobody could log in yet; set a password first with: pixfind password USER"
        )
    return Access(PasswordDoor(users))


def _reached(host: str, names: tuple[str, ...], trusted_proxy: str | None) -> str:
    """Return where others find this server: what only this machine reaches, through a proxy."""
    if not is_loopback(host):
        return host
    if names:
        return f"{' or '.join(names)} (through a proxy)"
    return f"the proxy at {trusted_proxy}"


def _exposure(place: str, auth: str | None, *, changes: bool) -> str:
    """Say who can do what."""
    who = "anyone who can reach" if auth is None else "those who log in at"
    done = ", tag them and index" if changes else "; changes are refused (--allow-changes)"
    return f"{who} {place} can see all photos of this library{done}"


def _listening(app: Flask, host: str, port: int, trusted_proxy: str | None) -> Server:
    from web.server import Server

    try:
        return Server(app, host, port, trusted_proxy)
    except (OSError, ValueError) as error:  # a taken port, a host that is not this machine's
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(
            f"cannot listen on {host} port {port} ({reason}); choose others with --host and --port"
        ) from error


def _run(server: Server, app: Flask) -> None:
    state = app.extensions["pixfind"]

    def end() -> None:
        state.jobs.end()  # streams, which would go on
        server.end()

    try:
        with told_of_the_end(end):
            server.run()
    except KeyboardInterrupt:  # a second time
        pass
    finally:
        server.close()
        state.close()


@contextmanager
def told_of_the_end(tell: Callable[[], None]) -> Iterator[None]:
    """Call that on Ctrl-C, or when the system ends the program. The second time, it ends at once.

    What has been asked for is answered before the end, so the first does not break in anywhere.
    """
    told: list[bool] = []

    def stop(*_: object) -> None:
        if told:
            raise KeyboardInterrupt
        told.append(True)
        tell()

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def _shown_host(host: str) -> str:
    """Return what others ask for: with 0.0.0.0 and ::, the address of this machine in its network.

    That is the one from which it would send to elsewhere, else its name.
    """
    if not is_address(host) or not ipaddress.ip_address(host).is_unspecified:
        return host
    family, elsewhere = (
        (socket.AF_INET6, ELSEWHERE_IPV6) if ":" in host else (socket.AF_INET, ELSEWHERE_IPV4)
    )
    try:
        # Connecting a datagram's socket sends nothing: the system only looks for the way.
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect((elsewhere, 9))
            return str(way.getsockname()[0])
    except OSError:  # in no network
        return socket.gethostname()


def host_in_url(host: str) -> str:
    """Return the host as a URL spells it."""
    return f"[{host}]" if ":" in host else host
