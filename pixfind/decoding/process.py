"""One worker as pixfind sees it: a child process that is asked, answers, and can be killed."""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from pixfind.decoding import START_SECONDS
from pixfind.decoding.answers import AnswerError, message_of
from pixfind.decoding.framing import FramingError, read_message, write_message
from pixfind.errors import DecodersStartError
from pixfind.messages import Message

# Not "-m", which would look for modules, Pillow's too, in the folder that pixfind was started in:
# that may be one of photos. The paths are those of this process, wherever pixfind is installed.
PROGRAM = "import sys; sys.path[:] = sys.argv[2:]; del sys.argv[2:]; "
PROGRAM += "from pixfind.decoding.worker import main; main()"
# What a worker is told of the environment; no secret of the user's is among it.
TOLD = {
    "DYLD_FALLBACK_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "LC_CTYPE",
    "LD_LIBRARY_PATH", "PATH", "SYSTEMROOT", "TZ", "TZDIR",
}  # fmt: skip
# Each worker is one of as many as there are cores.
ALONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# What a file of some megabytes took is kept for the next one (glibc): to ask the system for it each
# time costs more than copying it.
KEPT = {"MALLOC_MMAP_THRESHOLD_": str(16 << 20), "MALLOC_TRIM_THRESHOLD_": str(32 << 20)}
# A picture of ``MAX_DECODED_PIXELS`` that nothing has shrunk, and some more.
MOST_ANSWERED = 1 << 29
# A worker ends itself if nobody has killed it after so many times its limit: nobody is left to.
ALONE_FOR = 2
LOOKS_AFTER_S = 0.2
PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031  # Linux, which Python 3.10 has a name for on Linux alone


class LostError(Exception):
    """The worker has ended, or was ended because its answer made no sense.

    ``signal`` is what has ended it, if it was one and nobody here sent it; ``overdue_s`` is how
    long it could have taken, if it was killed because it took longer.
    """

    def __init__(self, *, signal: int | None = None, overdue_s: float | None = None) -> None:
        super().__init__(f"signal {signal}" if signal else "it has ended")
        self.signal = signal
        self.overdue_s = overdue_s


class NoMemoryError(Exception):
    """What the worker was asked for needs more memory than it may have."""


class RefusedError(Exception):
    """The worker has looked at the file and says that it is no use.

    ``unread`` tells that it could not be read now, which may pass.
    """

    def __init__(self, reason: Message, *, unread: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unread = unread


class Worker:
    """A child process; used by one thread at a time. ``tick`` and ``kill`` may come from any.

    Args:
        seconds: how long it may take for an answer, and for all answers of a request.
        large: held while it decodes a large picture.

    Raises:
        DecodersStartError: there can be no such process.
    """

    def __init__(self, seconds: float, large: threading.Semaphore) -> None:
        self.has_worked = False
        self._seconds, self._large = seconds, large
        # What it has left for the next answer, while somebody waits for that, and for all of them.
        self._left: float | None = None
        self._total = self._rest = math.inf
        self._counting = threading.Lock()
        self._overdue_s: float | None = None
        self._killed = self._is_large = self._may_wait = False
        self._process = _started(seconds)
        self._requests = cast(BinaryIO, self._process.stdin)
        self._answers = cast(BinaryIO, io.BufferedReader(cast(Any, self._process.stdout), 1 << 16))
        self._is_ready = False

    @property
    def is_killed(self) -> bool:
        """Whether somebody here has ended it, or is about to."""
        return self._killed

    def greet(self) -> None:
        """Wait until it is ready, if it is not.

        Raises:
            DecodersStartError: it does not start.
        """
        if self._is_ready:
            return
        try:
            self._read(START_SECONDS)
        except LostError as error:
            said = b"" if self._process.stderr is None else self._process.stderr.read(1 << 16)
            self.end()
            lines = said.decode("utf-8", "replace").split("\n")
            reason = next((line.strip() for line in reversed(lines) if line.strip()), str(error))
            raise DecodersStartError(reason) from error
        self._is_ready = True
        if self._process.stderr is not None:
            self._process.stderr.close()

    def ask(
        self, head: Mapping[str, Any], *pieces: bytes, times: float = 1, may_wait: bool = False
    ) -> None:
        """Send a request.

        Args:
            head: what is asked.
            pieces: what about.
            times: how many times ``seconds`` all answers may take together. Only the time counts
                in which somebody waits for them.
            may_wait: whether it may ask, once, to be the only one with a large picture.

        Raises:
            LostError: nobody is there to take it.
        """
        self._overdue_s = None  # whatever the last file did
        self._total = self._rest = times * self._seconds
        self._may_wait = may_wait
        self._send(head, *pieces)

    def answer(self) -> tuple[dict[str, Any], list[bytes]]:
        """Wait for an answer.

        Raises:
            LostError: there will be none.
            NoMemoryError: it is that.
            RefusedError: the file is no use.
        """
        while True:
            head, pieces = self._read()
            if "wait" in head:
                self._wait_for_turn()
                continue
            if "error" not in head:
                return head, pieces
            if head["error"] == "memory":
                raise NoMemoryError
            with self.believed():
                reason = message_of(head.get("reason"))
            raise RefusedError(reason, unread=head["error"] == "read")

    @contextmanager
    def believed(self) -> Iterator[None]:
        """Take an answer that makes no sense, or lacks what belongs into it, for a lost worker.

        Raises:
            LostError: it is.
        """
        try:
            yield
        except AnswerError as error:
            self.kill()
            raise LostError from error

    def done(self) -> None:
        """Say that all answers to the last request are there."""
        self.has_worked = True
        if self._is_large:
            self._is_large = False
            self._large.release()

    def tick(self, seconds: float) -> None:
        """Take note that so much time has passed; kill the worker if it has none left."""
        with self._counting:
            if self._left is None:
                return
            self._left -= seconds
            self._rest -= seconds
            if min(self._left, self._rest) >= 0:
                return
            self._overdue_s = self._seconds if self._left < 0 else self._total
        self.kill()

    def kill(self) -> None:
        """End it now, whatever it is at."""
        self._killed = True
        self._process.kill()

    def end(self) -> None:
        """Kill it and let go of everything that it had; by the thread that used it, or the last."""
        self.kill()
        self._process.wait()
        self.done()
        for stream in (self._requests, self._answers, self._process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _send(self, head: Mapping[str, Any], *pieces: bytes) -> None:
        try:
            with self._in_time(self._seconds):
                write_message(self._requests, head, *pieces)
        except OSError as error:
            raise self._lost() from error

    def _read(self, seconds: float | None = None) -> tuple[dict[str, Any], list[bytes]]:
        try:
            with self._in_time(self._seconds if seconds is None else seconds):
                return read_message(self._answers, MOST_ANSWERED)
        except (EOFError, OSError) as error:
            raise self._lost() from error
        except FramingError as error:
            self.kill()
            raise LostError from error

    def _lost(self) -> LostError:
        """Return how it has ended; its pipes are closed, so it has or soon will have."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        killed = self._killed
        if code is None:
            self.kill()
        signal = -code if code is not None and code < 0 and not killed else None
        return LostError(signal=signal, overdue_s=self._overdue_s)

    def _wait_for_turn(self) -> None:
        """Let the worker go on when no other decodes a large picture; waiting takes no time."""
        if not self._may_wait:
            self.kill()
            raise LostError
        self._may_wait = False
        while not self._is_large:
            if self._killed or self._process.poll() is not None:
                raise self._lost()
            self._is_large = self._large.acquire(timeout=LOOKS_AFTER_S)
        self._send({"go": True})

    @contextmanager
    def _in_time(self, seconds: float) -> Iterator[None]:
        with self._counting:
            self._left = seconds
        try:
            yield
        finally:
            with self._counting:
                self._left = None


def _started(seconds: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-c", PROGRAM, str(ALONE_FOR * seconds + 1), *_paths()]
    environment = {name: value for name, value in os.environ.items() if name in TOLD}
    try:
        process = subprocess.Popen(  # noqa: S603 - Python itself
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment | ALONE | KEPT,
            # Not to keep a drive from being ejected.
            cwd=os.sep,
            # Ctrl-C reaches all processes of a terminal's group; pixfind decides what follows.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, ValueError) as error:
        raise DecodersStartError(str(error)) from error
    _widen(process)
    return process


def _paths() -> list[str]:
    """Return where modules are found: not in the current folder, unless pixfind itself is there."""
    home = Path(__file__).parents[2]
    here = None
    with suppress(OSError):  # there may be no such folder any more
        here = Path.cwd()
    paths = (path or (home if here == home else None) for path in sys.path)
    return [str(Path(path).absolute()) for path in paths if path]


def _widen(process: subprocess.Popen[bytes]) -> None:
    """Let a picture through at once rather than in pieces of 64 KiB, where the system lets us."""
    if sys.platform == "linux":
        import fcntl

        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                fcntl.fcntl(cast(BinaryIO, stream).fileno(), F_SETPIPE_SZ, PIPE_BYTES)
