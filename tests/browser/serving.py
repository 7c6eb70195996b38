"""The web app on a real server in a thread, with an end that leaves nothing behind."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from waitress.server import create_server
from waitress_loop import end_loop

from browser.collection import Collection
from pixfind.catalog.schema import File
from pixfind.config import Settings
from pixfind.library import Library
from web import create_app
from web.security.access import Access

THREADS = 4
PATIENCE_S = 30


@dataclass(frozen=True)
class Site:
    """A server that runs: its address, which ends without a slash, and what it serves."""

    address: str
    collection: Collection

    @property
    def settings(self) -> Settings:
        """Which library it serves."""
        return self.collection.settings

    def photo(self, name: str) -> int:
        """Return the id of a photo by its file's name, which only one has."""
        with Library.open(self.settings.library) as library, library.catalog.read() as session:
            return session.scalars(select(File.asset_id).where(File.name == name)).one()


@contextmanager
def serve(
    collection: Collection, index_roots: Sequence[Path] = (), access: Access | None = None
) -> Iterator[Site]:
    """Serve a collection on a free port of this machine.

    Args:
        collection: its library need not be there yet.
        index_roots: under which folders others may be added.
        access: who is let in.
    """
    # As pixfind serve does: a browser asks for more pictures at once than there are threads.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    app = create_app(collection.settings, index_roots=index_roots, access=access)
    server = create_server(
        app, host="127.0.0.1", port=0, threads=THREADS, channel_request_lookahead=1
    )
    thread = threading.Thread(target=server.run, name="browser-test-server")
    thread.start()
    try:
        yield Site(f"http://127.0.0.1:{server.effective_port}", collection)
    finally:
        app.extensions["pixfind"].jobs.end()
        end_loop(server)
        thread.join(PATIENCE_S)
        server.task_dispatcher.shutdown(timeout=PATIENCE_S)
        app.extensions["pixfind"].close()
    assert not thread.is_alive()
    assert not server.task_dispatcher.threads, "a request is being answered still"
