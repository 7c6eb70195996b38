"""A run's progress as server-sent events (HTML Living Standard, section 9.2)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, request

from web.indexing.jobs import IndexingJobs
from web.indexing.watch import Watch
from web.security.guard import still_known

# A comment now and then, so that nothing in between takes the connection for dead.
HEARTBEAT_S = 15.0
# How soon a thread is free again once its reader has gone, or has logged out.
LISTENS_S = 1.0
# When a browser tries again after the connection was lost.
RETRY_MS = 3000


def event_stream(jobs: IndexingJobs) -> Response:
    """Answer the current request with what happens to the run that was started last.

    Each ``progress`` event holds a ``Snapshot`` as JSON, the first one at once. ``end`` follows the
    last, and the reader has to close the connection then, or the browser would ask again. Where no
    run has ever been started the answer is 204, after which browsers do not ask again. Without
    ``end`` it ends when whoever asked may ask no more.

    Raises:
        TooManyWatchersError: enough others follow it.
    """
    is_known = still_known()
    watch = jobs.watch()
    if watch is None:
        return Response(status=204)
    is_gone = request.environ.get("waitress.client_disconnected", _never)
    response = Response(_messages(watch, is_gone, is_known), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would collect events
    # Not at the generator's end: for a HEAD request it is never begun.
    response.call_on_close(watch.close)
    return response


def _messages(
    watch: Watch, is_gone: Callable[[], bool], is_known: Callable[[], bool]
) -> Iterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    told_at = time.monotonic()
    while not watch.is_over and not is_gone():
        snapshot = watch.next(LISTENS_S)
        if not is_known():
            return
        if snapshot is not None:
            yield _event("progress", snapshot.document())
        elif time.monotonic() - told_at >= HEARTBEAT_S:
            yield ": still here\n\n"
        else:
            continue
        told_at = time.monotonic()
    if watch.has_ended:
        yield _event("end", {})


def _event(name: str, document: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(document)}\n\n"


def _never() -> bool:
    return False
