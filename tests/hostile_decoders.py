"""What hostile files make decoders do; imported by the workers of tests, alone."""

from __future__ import annotations

import ctypes
import json
import math
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pixfind.decoding import limits, worker
from pixfind.errors import PhotoDecodeError
from pixfind.photos import decode as decoding
from pixfind.photos.decode import DecodedPhoto

decode = worker.decode
damage: list[bytes] = []


def act(content: bytes, path: Path, edge: int) -> DecodedPhoto:  # noqa: PLR0912 - a list
    """Do what the bytes say; pictures are decoded."""
    if damage:
        ctypes.string_at(0)
    does, _, of = content.decode("latin-1").partition(":")
    if does == "hang":
        if of:
            os.close(os.open(of, os.O_CREAT))
        time.sleep(600)
    elif does == "spin":
        while True:
            pass
    elif does == "crash":
        ctypes.string_at(0)
    elif does == "abort":
        os.abort()
    elif does == "damage":
        damage.append(content)
        raise PhotoDecodeError(path, "it has done its harm")
    elif does == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif does == "killed once" and not Path(of).exists():
        os.close(os.open(of, os.O_CREAT))
        os.kill(os.getpid(), signal.SIGKILL)
    elif does == "eat":
        bytearray(1 << 40)
    elif does == "write":
        Path(of).write_text("written")
    elif does == "environment":
        raise PhotoDecodeError(path, json.dumps(sorted(os.environ)))
    elif does == "large":
        with decoding._turn:
            return _green()
    elif does == "large twice":
        for _ in range(2):
            with decoding._turn:
                pass
    elif does in LIES:
        lie(*LIES[does])
    elif does == "noise":
        os.write(4, b"\xff" * 100)
        time.sleep(600)
    return _green() if does in ("killed once", "large twice") else decode(content, path, edge)


def lie(head: dict[str, object], pieces: list[bytes]) -> None:
    """Answer something else."""
    talking[0].answer(head, *pieces)
    time.sleep(600)


def film(channel: worker.Channel, pieces: list[bytes], *, edge: int) -> None:
    """Do what a video's bytes say; videos are decoded."""
    does = Path(os.fsdecode(pieces[0])).read_bytes()[:20].decode("latin-1")
    if does in FILMS:
        channel.answer({"film": FILM})
        for head, body in FILMS[does]:
            channel.answer(head, *body)
        channel.answer({"end": True})
        return
    video(channel, pieces, edge=edge)


def _speaking(seconds: float) -> Iterator[tuple[dict[str, object], list[bytes]]]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)
        yield {"at": 0.0}, []


def _green() -> DecodedPhoto:
    from PIL import Image

    from pixfind.photos.exif import Metadata

    return DecodedPhoto(Image.new("RGB", (64, 48), "#0f0"), 64, 48, "PNG", Metadata())


FACTS = dict.fromkeys(
    [
        "taken_at",
        "camera_make",
        "camera_model",
        "lens",
        "iso",
        "focal_length",
        "aperture",
        "exposure_time",
        "latitude",
        "longitude",
        "altitude",
        "rating",
        "caption",
    ]
) | {"keywords": []}
FILM = {"width": 64, "height": 48, "format": "MP4", "duration": 9.0, "metadata": FACTS}
FRAME: tuple[dict[str, object], list[bytes]] = ({"frame": 1.0, "size": [1, 1]}, [b"abc"])
# Each ends by itself, so that a test fails where nobody ends it.
FILMS: dict[str, Iterable[tuple[dict[str, object], list[bytes]]]] = {
    "speaks on and on": _speaking(10),
    "waits": [({"wait": "large"}, [])],
    "two frames": [FRAME] * 2,
    "three frames": [FRAME] * 3,
}
PHOTO = {"width": 64, "height": 48, "format": "PNG", "metadata": FACTS, "size": [1, 1]}
LIES: dict[str, tuple[dict[str, object], list[bytes]]] = {
    "nothing": ({}, []),
    "no photo": ({"photo": None}, [b"", b"", b""]),
    "fewer pixels": ({"photo": {**PHOTO, "size": [1000, 1000]}}, [b"abc", b"", b""]),
    "no size": ({"photo": {**PHOTO, "width": "64"}}, [b"abc", b"", b""]),
    "negative": ({"photo": {**PHOTO, "height": -48}}, [b"abc", b"", b""]),
    "no number": ({"photo": {**PHOTO, "width": math.nan}}, [b"abc", b"", b""]),
    "no JPEG": ({"photo": PHOTO}, [b"abc", b"<script>", b""]),
    "long blur": ({"photo": PHOTO}, [b"abc", b"", b"x" * 49]),
    "surrogate": ({"photo": {**PHOTO, "format": "\udc80"}}, [b"abc", b"", b""]),
    "other facts": ({"photo": {**PHOTO, "metadata": {**FACTS, "id": 1}}}, [b"abc", b"", b""]),
    "list": ({"photo": {**PHOTO, "metadata": {**FACTS, "caption": ["x"]}}}, [b"abc", b"", b""]),
    "wide text": (
        {
            "error": "decode",
            "reason": {"text": "x", "template": "%(a)999999999s", "values": {"a": 1}},
        },
        [],
    ),
    "long text": ({"error": "decode", "reason": {"text": "x" * 100_000}}, []),
    "no text": ({"error": "decode"}, []),
}  # fmt: skip


class Channel(worker.Channel):
    """The worker's own, for the lies."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        talking.append(self)


talking: list[worker.Channel] = []
worker.Channel = Channel  # type: ignore[misc]
worker.decode = act
video = worker.WAYS["video"]
worker.WAYS = {**worker.WAYS, "video": film}
if os.environ.get("LANG") == "little memory":
    limits.FOR_LIBRARIES, limits.FOR_A_PICTURE = 0, 64 * limits.MIB
