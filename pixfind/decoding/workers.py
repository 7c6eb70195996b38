"""Several workers, handed from file to file; a file that ends one is blamed for it, fairly."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from pixfind.decoding import FILM, SECONDS
from pixfind.decoding.answers import (
    AnswerError,
    Film,
    Picture,
    Wanted,
    film_of,
    image_of,
    metadata_of_document,
    picture_of,
    second_of,
)
from pixfind.decoding.process import LostError, NoMemoryError, RefusedError, Worker
from pixfind.decoding.watch import Watch
from pixfind.errors import (
    DecodersBusyError,
    DecodersStartError,
    PhotoDecodeError,
    PhotoReadError,
)
from pixfind.photos import reasons
from pixfind.photos.exif import Metadata
from pixfind.photos.small import BLUR_BYTES
from pixfind.videos.reading import Frame
from pixfind.videos.shots import MOST

Result = TypeVar("Result")

# Of all workers of this process, so that they do not each hold hundreds of megabytes.
_one_large_at_a_time = threading.Semaphore()
# What somebody else sends, or the system where memory is short: no fault of the file's, perhaps.
_FROM_OUTSIDE = frozenset(
    getattr(signal, name)
    for name in ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGALRM")
    if hasattr(signal, name)
)


class StoppedError(Exception):
    """The workers have been stopped; nobody waits for what this thread does."""


class RemoteVideo:
    """A video that a worker has opened.

    What is made of its frames takes none of its time.
    """

    def __init__(self, worker: Worker, go_on: Callable[[], None]) -> None:
        self._worker, self._go_on = worker, go_on
        head, _ = worker.answer()
        with worker.believed():
            self.film: Film = film_of(head.get("film"))

    def chosen(self) -> Iterator[Frame]:
        """Yield the frames that stand for it (``videos.shots.chosen_frames``), as they come."""
        count = 0
        while True:
            self._go_on()
            head, pieces = self._worker.answer()
            if "end" in head:
                return
            if "at" in head:
                continue
            count += 1
            with self._worker.believed():
                if count > MOST:
                    raise AnswerError("more frames than stand for a video")
                second = second_of(head.get("frame"))
                frame = Frame(second, image_of(head.get("size"), b"".join(pieces)))
            yield frame


class Workers:
    """Decodes files in child processes, which are started when they are first needed.

    Safe to share by threads; each holds a worker for as long as a file takes. To be closed, which
    leaves no process.

    Args:
        most: how many there may be.
        seconds: how long one may take for a file; of a video, from answer to answer, and
            ``FILM`` times as long for all of them.
        wait_s: how long a thread waits for a worker that others have; ``None``: until there is one.

    Its methods raise, beside what is theirs:
        PhotoDecodeError: the file is no use, takes too long or too much memory, or crashes.
        PhotoReadError: it could not be read now.
        DecodersBusyError: others had all workers for ``wait_s``.
        DecodersStartError: no worker can be started, so no file can be decoded.
        StoppedError: ``stop`` was called.
    """

    def __init__(self, most: int, seconds: float = SECONDS, *, wait_s: float | None = None) -> None:
        self._seconds, self._wait_s = seconds, wait_s
        self._free = threading.Semaphore(most)
        self._idle: list[Worker] = []
        self._lock = threading.Lock()
        self._watch = Watch(seconds)
        self._stopped = False

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def photo(self, content: bytes, path: Path, wanted: Wanted) -> Picture:
        """Decode a photo (see ``photos.decode.decode``) and make of it what is wanted.

        Args:
            content: the file's bytes.
            path: named in errors.
            wanted: what of it.
        """
        head = {"do": "photo", "suffix": path.suffix, "wanted": dataclasses.asdict(wanted)}
        return self._lent(path, lambda worker: _picture(worker, head, content, may_wait=True))

    def still(self, path: Path, wanted: Wanted, second: float | None = None) -> Picture:
        """Open a video at a moment; else, at the first frame that shows something."""
        head = {"do": "still", "second": second, "wanted": dataclasses.asdict(wanted)}
        return self._lent(path, lambda worker: _picture(worker, head, _named(path)))

    def facts(self, content: bytes, path: Path) -> Metadata | None:
        """Return what a photo's file says of it; ``None`` if it cannot be read now."""
        return self._lent(path, lambda worker: _facts(worker, "facts", content))

    def video_facts(self, path: Path) -> Metadata | None:
        """Return what a video's file says of it; ``None`` if it cannot be read now."""
        return self._lent(path, lambda worker: _facts(worker, "video facts", _named(path)))

    def video(
        self,
        path: Path,
        edge: int,
        use: Callable[[RemoteVideo], Result],
        go_on: Callable[[], None] = lambda: None,
    ) -> Result:
        """Open a video, and return what is made of it.

        Args:
            path: the video.
            edge: of the frames' short sides, in pixels, where the video has them.
            use: what is made of it; called again, with another, if the worker gets lost.
            go_on: called between frames; what it raises ends the video.
        """

        def used(worker: Worker) -> Result:
            worker.ask({"do": "video", "edge": edge}, _named(path), times=FILM)
            return use(RemoteVideo(worker, go_on))

        return self._lent(path, used)

    def stop(self) -> None:
        """Kill all workers; who waits for one, and whoever comes, gets a ``StoppedError``."""
        self._stopped = True
        for worker in self._watch.all():
            worker.kill()

    def close(self) -> None:
        """Stop, and leave nothing. No thread may be waiting any more."""
        self.stop()
        for worker in self._watch.all():
            self._end(worker)
        self._idle.clear()
        self._watch.end()

    def _lent(self, path: Path, work: Callable[[Worker], Result]) -> Result:
        """Have a worker do something, and another one, if the first may not be to blame."""
        if not self._free.acquire(timeout=self._wait_s):
            raise DecodersBusyError
        try:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            try:
                return self._done(worker or self._start(), path, work, is_last=False)
            except _AgainError:
                return self._done(self._start(), path, work, is_last=True)
        finally:
            self._free.release()

    def _done(
        self, worker: Worker, path: Path, work: Callable[[Worker], Result], *, is_last: bool
    ) -> Result:
        try:
            found = work(worker)
        except RefusedError as error:
            self._give_back(worker)
            kind = PhotoReadError if error.unread else PhotoDecodeError
            raise kind(path, error.reason) from error
        except (LostError, NoMemoryError) as error:
            # What came before may have left a worker damaged, or large.
            may_be_innocent = worker.has_worked and not is_last
            self._end(worker)
            raise self._blamed(path, error, may_be_innocent, is_last) from error
        except BaseException:
            self._end(worker)
            if self._stopped:
                raise StoppedError from None
            raise
        self._give_back(worker)
        return found

    def _blamed(
        self, path: Path, error: LostError | NoMemoryError, may_be_innocent: bool, is_last: bool
    ) -> Exception:
        """Return what to say of a file that a worker was lost with."""
        if self._stopped:
            return StoppedError()
        if isinstance(error, NoMemoryError):
            return _AgainError() if may_be_innocent else PhotoDecodeError(path, reasons.TOO_MUCH)
        if error.overdue_s is not None:
            return PhotoDecodeError(path, reasons.too_slow(error.overdue_s))
        is_from_outside = error.signal in _FROM_OUTSIDE
        if may_be_innocent or (is_from_outside and not is_last):
            return _AgainError()
        if is_from_outside:
            return PhotoDecodeError(path, reasons.ended(error.signal or 0))
        return PhotoDecodeError(path, reasons.crashed(error.signal))

    def _start(self) -> Worker:
        try:
            return self._greeted()
        except DecodersStartError:
            # Somebody may have ended it while it started; if not, that is the end.
            return self._greeted()

    def _greeted(self) -> Worker:
        worker = Worker(self._seconds, _one_large_at_a_time)
        self._watch.add(worker)
        try:
            if self._stopped:
                raise StoppedError
            worker.greet()
        except BaseException:
            self._end(worker)
            if self._stopped:
                raise StoppedError from None
            raise
        return worker

    def _give_back(self, worker: Worker) -> None:
        if worker.is_killed:  # its time was up in the moment that it answered
            self._end(worker)
            return
        worker.done()
        with self._lock:
            if not self._stopped:
                self._idle.append(worker)

    def _end(self, worker: Worker) -> None:
        self._watch.remove(worker)
        worker.end()


class _AgainError(Exception):
    """The file may be no fault of: a fresh worker will tell."""


def _picture(
    worker: Worker, head: dict[str, Any], piece: bytes, *, may_wait: bool = False
) -> Picture:
    worker.ask(head, piece, may_wait=may_wait)
    answer, pieces = worker.answer()
    with worker.believed():
        return picture_of(answer.get("photo"), pieces, BLUR_BYTES)


def _facts(worker: Worker, what: str, piece: bytes) -> Metadata | None:
    worker.ask({"do": what}, piece)
    answer, _ = worker.answer()
    with worker.believed():
        found = answer.get("facts")
        return None if found is None else metadata_of_document(found)


def _named(path: Path) -> bytes:
    return os.fsencode(path.absolute())
