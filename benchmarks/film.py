"""What does a film cost to index: time, memory, and how many of its shots are found?

``python -m benchmarks film FOLDER [MINUTES]`` makes a film of the photos in a folder, each of them
a shot of 2 to 12 seconds that the camera moves over, and indexes it with the bundled model, beside
a clip of its first two minutes. Encoded as films are (H.264, 1280 x 720, 24 frames a second, a key
frame at most every 250 frames and at cuts). Peak memory is that of a process of its own.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
from PIL import Image

from pixfind.photos.decode import decode_file
from pixfind.photos.formats import is_picture_name

SIZE = (1280, 720)
RATE = 24
# Encoded once, in minutes; a longer film repeats it.
PIECE = 3
CLIP = 2
SHOT_SECONDS = (2, 12)
OPTIONS = {"preset": "veryfast", "crf": "28"}
INDEX = """
import json, resource, sys, time
from pathlib import Path
from indexer import Indexer
from pixfind.catalog.moments import moments_of
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
film, folder = map(Path, sys.argv[1:])
with Library.create(folder) as library:
    encoder = ModelStore(folder).load("pocket")
    started = time.perf_counter()
    summary = Indexer(library, encoder).run([film])
    seconds = time.perf_counter() - started
    assert summary.embedded == 1
    with library.catalog.read() as session:
        moments = moments_of(session, 1, library.model().id)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak": peak, "moments": moments}))
"""


def run(photos: str, minutes: str = "120") -> None:
    """Make the film and the clip, index both, and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        piece, cuts = _piece(Path(photos), Path(folder, "piece.mp4"))
        for length in (CLIP, float(minutes)):
            film = Path(folder, f"{length:g}.mp4")
            _repeated(piece, film, length)
            made = film.stat().st_size / 2**20
            command = [sys.executable, "-c", INDEX, str(film), f"{folder}/library-{length:g}"]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            told = json.loads(done.stdout)
            found, shots = _shots_found(told["moments"], cuts, length * 60)
            moments = len(told["moments"])
            print(f"{length:g} minutes, {made:.0f} MiB: {told['seconds']:.1f} s", end=", ")
            print(f"peak memory {told['peak']:.0f} MiB", end=", ")
            print(f"{moments} moments in {found} of {shots} shots")


def _piece(photos: Path, film: Path) -> tuple[Path, list[float]]:
    """Write the piece that the film repeats; return it and the seconds of its cuts."""
    cuts = []
    with av.open(film, "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options=OPTIONS)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.gop_size = 250
        count = 0
        for shot in _shots(photos):
            cuts.append(count / RATE)
            for picture in shot:
                container.mux(stream.encode(av.VideoFrame.from_image(picture)))
                count += 1
            if count >= PIECE * 60 * RATE:
                break
        container.mux(stream.encode())
    return film, [*cuts, count / RATE]


def _shots(photos: Path) -> Iterator[Iterator[Image.Image]]:
    chance = random.Random(0)  # noqa: S311 - nothing is secret here
    files = sorted(file for file in photos.iterdir() if is_picture_name(file.name))
    chance.shuffle(files)
    width, height = SIZE
    while True:
        for file in files:
            image = decode_file(file, max(SIZE)).image.resize((width * 5 // 4, height * 5 // 4))
            frames = round(chance.uniform(*SHOT_SECONDS) * RATE)
            lefts = (int(width / 4 * i / frames) for i in range(frames))
            yield (
                image.crop((left, left // 2, left + width, left // 2 + height)) for left in lefts
            )


def _repeated(piece: Path, film: Path, minutes: float) -> None:
    with av.open(film, "w") as target:
        shift, written = 0, None
        while True:
            with av.open(piece) as source:
                stream = source.streams.video[0]
                written = written or target.add_stream_from_template(stream)
                length = stream.duration
                for packet in source.demux(stream):
                    if packet.pts is None or packet.dts is None:
                        continue
                    if (shift + packet.dts) * stream.time_base >= minutes * 60:
                        return
                    packet.pts += shift
                    packet.dts += shift
                    packet.stream = written
                    target.mux(packet)
                shift += length


def _shots_found(moments: list[float], cuts: list[float], seconds: float) -> tuple[int, int]:
    """Return how many shots have a moment, and how many there are."""
    found = total = 0
    start = 0.0
    while start < seconds:
        for begin, end in pairwise(cuts):
            if start + begin < seconds:
                total += 1
                found += any(start + begin <= moment < start + end for moment in moments)
        start += cuts[-1]
    return found, total
