"""A real ``pixfind serve`` in a process of its own, and what it takes of the machine (Linux)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from pixfind.config import Settings

PROGRAM = "from pixfind.cli.main import main; main()"
END_S = 60


@dataclass(frozen=True)
class Server:
    """A server that runs; ``log`` holds what it says on stderr."""

    process: subprocess.Popen[str]
    host: str
    port: int
    log: IO[str]

    def memory(self) -> int:
        """Return the bytes of memory that it and the processes it has started hold now."""
        page = os.sysconf("SC_PAGE_SIZE")
        total = 0
        for number in _family(self.process.pid):
            with suppress(OSError, IndexError):
                total += int(Path(f"/proc/{number}/statm").read_text("ascii").split()[1]) * page
        return total

    def descriptors(self) -> int:
        """Return how many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))  # noqa: PTH208 - names are enough

    def said(self) -> str:
        """Return what it has said on stderr until now."""
        self.log.seek(0)
        return self.log.read()

    def faults(self) -> int:
        """Return how many errors it has reported that it did not foresee."""
        return self.said().count("Traceback (most recent call last)")

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal, wait, and return its exit status."""
        self.process.send_signal(how)
        return self.process.wait(END_S)


@contextmanager
def served(settings: Settings, *options: str, program: str = PROGRAM) -> Iterator[Server]:
    """Start a server on a library, at a port that is free; end it if nobody has.

    Args:
        settings: which library and models.
        options: more of the command line.
        program: Python that runs the command line.
    """
    environment = {
        **os.environ,
        "PIXFIND_LIBRARY": str(settings.library),
        "PIXFIND_MODELS": str(settings.models),
    }
    command = [sys.executable, "-c", program, "serve", "--port", "0", "--json", *options]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            parts = urlsplit(_address(process))
            yield Server(process, parts.hostname or "", parts.port or 0, log)
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()


class Watched:
    """Looks once a second what a server takes, while the block of its ``with`` is at work."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.memory: list[int] = []
        self.descriptors: list[int] = []

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(1):
            with suppress(OSError):
                self.descriptors.append(self._server.descriptors())
                self.memory.append(self._server.memory())


def _address(process: subprocess.Popen[str]) -> str:
    if process.stdout is None:
        raise RuntimeError("the server has no output")
    document = "".join(iter(process.stdout.readline, "}\n")) + "}"
    return str(json.loads(document)["url"])


def _family(number: int) -> Sequence[int]:
    """Return a process and those that it has started."""
    found = [number]
    for parent in found:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found.extend(int(child) for child in (task / "children").read_text().split())
    return found
