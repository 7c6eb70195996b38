"""How a server that a test runs in a thread is ended."""

from __future__ import annotations

import contextlib
from typing import Any

from waitress import wasyncore


def end_loop(server: Any) -> None:
    """Close all that a waitress server listens to, so that its thread ends.

    Only the loop's own thread may: connections that a browser keeps alive would keep it alive.
    """
    # It may be awake for something else, and have closed what is to wake it before that is used.
    with contextlib.suppress(OSError):
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
