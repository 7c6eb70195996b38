"""The program of a worker: decodes what it is told to, one file after the other, until it ends.

It is started by ``process.py`` and has what it needs from there: requests come through its standard
input, and answers go where its standard output was. It ends when the input does.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pixfind.decoding import START_SECONDS, limits
from pixfind.decoding.answers import (
    Wanted,
    message_document,
    metadata_document,
    picture_document,
)
from pixfind.decoding.framing import read_message, write_message
from pixfind.errors import PhotoError, PhotoReadError
from pixfind.photos import decode as decoding
from pixfind.photos import reasons
from pixfind.photos.decode import MAX_FILE_BYTES, DecodedPhoto, decode
from pixfind.photos.formats import prepare_pillow
from pixfind.photos.header import metadata_of
from pixfind.photos.small import blur_of, jpeg_of

# Between two words on where in a video it is, seconds.
SPEAKS_EVERY_S = 0.5


class Channel:
    """Where requests come from and answers go to.

    Args:
        requests: buffered.
        answers: unbuffered.
        seconds: after which nobody waits for an answer any more.
    """

    def __init__(self, requests: BinaryIO, answers: BinaryIO, seconds: float) -> None:
        self._requests, self._answers = requests, answers
        self._seconds = seconds

    def request(self) -> tuple[dict[str, Any], list[bytes]]:
        """Wait for the next request."""
        limits.end_after(0)
        found = read_message(self._requests, MAX_FILE_BYTES)
        limits.end_after(self._seconds)
        return found

    def answer(self, head: Mapping[str, Any], *pieces: bytes) -> None:
        """Answer, which takes as long as pixfind is busy with something else."""
        limits.end_after(0)
        write_message(self._answers, head, *pieces)
        limits.end_after(self._seconds)


class Turn:
    """Waits until no other worker of this pixfind decodes a large picture."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __enter__(self) -> None:
        self._channel.answer({"wait": "large"})
        self._channel.request()
        limits.allow_memory(limits.FOR_A_LARGE_PICTURE)

    def __exit__(self, *_: object) -> None:
        """Pixfind knows from the answer that the turn is over."""


def main() -> None:
    """Answer requests until there are no more."""
    seconds = float(sys.argv.pop())
    limits.forbid_what_nobody_needs()
    limits.end_after(max(seconds, START_SECONDS))
    channel = _channel(seconds)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    prepare_pillow()
    decoding.let_large_wait_for(Turn(channel))
    limits.allow_memory(limits.FOR_A_PICTURE)
    # From here on libraries are the only ones who would say something.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        channel.answer({"ready": os.getpid()})
        while True:
            head, pieces = channel.request()
            _fulfil(channel, head, pieces)
    except (EOFError, OSError):
        return  # pixfind has ended, or wants this to


def _end_with(parent: int) -> None:
    """End soon after pixfind has been killed, even in the middle of a file that takes long."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _channel(seconds: float) -> Channel:
    """Take hold of both pipes, and lead what any library prints elsewhere."""
    requests, answers = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nowhere, stream)
    return Channel(os.fdopen(requests, "rb"), os.fdopen(answers, "wb", buffering=0), seconds)


def _fulfil(channel: Channel, head: dict[str, Any], pieces: list[bytes]) -> None:
    what = head.pop("do")
    limits.allow_memory(limits.FOR_A_PICTURE + sum(map(len, pieces)))
    try:
        WAYS[what](channel, pieces, **head)
    except PhotoError as error:
        if error.reason == reasons.NO_MEMORY:
            channel.answer({"error": "memory"})
            return
        kind = "read" if isinstance(error, PhotoReadError) else "decode"
        channel.answer({"error": kind, "reason": message_document(error.reason)})
    except MemoryError:
        channel.answer({"error": "memory"})


def _photo(channel: Channel, pieces: list[bytes], *, suffix: str, wanted: dict[str, Any]) -> None:
    want = Wanted(**wanted)
    _answer(channel, decode(pieces[0], Path(f"picture{suffix}"), want.edge), want)


def _still(
    channel: Channel, pieces: list[bytes], *, second: float | None, wanted: dict[str, Any]
) -> None:
    from pixfind.videos.stills import still

    limits.allow_memory(limits.FOR_A_VIDEO)
    want = Wanted(**wanted)
    _answer(channel, still(_path(pieces), want.edge, second), want)


def _answer(channel: Channel, photo: DecodedPhoto, want: Wanted) -> None:
    image = photo.image
    channel.answer(
        {"photo": {**picture_document(photo), "size": list(image.size)}},
        image.tobytes() if want.image else b"",
        jpeg_of(image, want.jpeg) if want.jpeg else b"",
        blur_of(image) if want.blur else b"",
    )


def _facts(channel: Channel, pieces: list[bytes]) -> None:
    found = metadata_of(pieces[0])
    channel.answer({"facts": None if found is None else metadata_document(found)})


def _video_facts(channel: Channel, pieces: list[bytes]) -> None:
    from pixfind.videos.reading import metadata_of_video

    limits.allow_memory(limits.FOR_A_VIDEO)
    found = metadata_of_video(_path(pieces))
    channel.answer({"facts": None if found is None else metadata_document(found)})


def _video(channel: Channel, pieces: list[bytes], *, edge: int) -> None:
    from pixfind.videos.reading import open_video
    from pixfind.videos.shots import chosen_frames

    limits.allow_memory(limits.FOR_A_VIDEO)
    with open_video(_path(pieces)) as video:
        facts = {name: getattr(video, name) for name in ("width", "height", "duration", "format")}
        channel.answer({"film": {**facts, "metadata": metadata_document(video.metadata)}})
        frames = _Speaking(channel).through(video.frames(edge))
        for frame in chosen_frames(frames, video.duration):
            size = list(frame.image.size)
            channel.answer({"frame": frame.second, "size": size}, frame.image.tobytes())
        channel.answer({"end": True})


class _Speaking:
    """Says every now and then that a video goes on, though nothing of it has been chosen."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._next = 0.0

    def through(self, frames: Any) -> Any:
        """Yield the frames."""
        for frame in frames:
            now = time.monotonic()
            if now > self._next:
                self._next = now + SPEAKS_EVERY_S
                self._channel.answer({"at": frame.second})
            yield frame


def _path(pieces: list[bytes]) -> Path:
    return Path(os.fsdecode(pieces[0]))


WAYS: Mapping[str, Callable[..., None]] = {
    "photo": _photo,
    "facts": _facts,
    "still": _still,
    "video": _video,
    "video facts": _video_facts,
}
