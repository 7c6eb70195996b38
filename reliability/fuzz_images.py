"""Can a picture break the reading of pictures? Seeded mutations of eight formats.

``python -m reliability fuzz_images [COUNT=20000] [SEED=0] [FOLDER ...]`` damages pictures: those
in the folders named, and small ones that are made here. COUNT is divided equally among JPEG, PNG,
WebP, HEIC, GIF, TIFF, AVIF and BMP. Each is read as an indexing run reads it, in the workers of
``pixfind.decoding``, with their limits: decoded, turned, made a thumbnail and a blur, its metadata
read.

What must hold: a picture comes out, or a ``PhotoError`` with its reason. No other exception, and no
wait beyond the workers' time. Pictures that a worker crashed on, or that took too much time or
memory, are counted apart: such a worker is lost, which costs that picture alone. They are kept in a
folder that is printed, like those that break the promise.
"""

from __future__ import annotations

import io
import multiprocessing
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw

from pixfind.decoding import SECONDS
from pixfind.decoding.answers import Wanted
from pixfind.decoding.workers import Workers
from pixfind.errors import PhotoError
from pixfind.photos import reasons
from pixfind.photos.thumbnails import GRID_EDGE, THUMBNAIL_SHORT_EDGE
from reliability.mutations import mutated

AT_ONCE = 2
MOST_SEED_BYTES = 1 << 20
RESTART_AFTER = 500  # so that leaks would not add up to a limit
FORMATS = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "WebP": (".webp",),
    "HEIC": (".heic", ".heif", ".hif"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    "BMP": (".bmp",),
}
OUTCOMES = ("decoded", "refused", "too large", "too slow", "crashed", "other")
KEPT = OUTCOMES[2:]
_REASONS: dict[str, str] = {
    reasons.TOO_MUCH: "too large",
    reasons.too_slow(SECONDS): "too slow",
    reasons.crashed(None): "crashed",
}
_CRASHES = {reasons.crashed(1).template, reasons.ended(1).template}


@dataclass
class Tally:
    """What came of one format's inputs."""

    seeds: int
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    peak_mib: int = 0
    slowest_s: float = 0.0


def run(count: str = "20000", seed: str = "0", *folders: str) -> None:
    """Mutate and read; exit with 1 if any input did what none may."""
    each = max(1, int(count) // len(FORMATS))
    broken = Path(tempfile.mkdtemp(prefix="fuzz-images-"))
    files = sorted(file for folder in folders for file in Path(folder).rglob("*") if file.is_file())
    seeds = {
        name: [*_real(files, extensions), *generated(name)] for name, extensions in FORMATS.items()
    }
    work = [(name, seeds, each, seed, broken) for name in FORMATS]
    # A process for each format, so that the memory of its workers can be told from that of others.
    with multiprocessing.get_context("spawn").Pool(AT_ONCE, maxtasksperchild=1) as pool:
        tallies = dict(zip(FORMATS, pool.imap(_tried, work, chunksize=1), strict=True))
    _report(tallies, each, seed)
    if any(tally.outcomes[kind] for tally in tallies.values() for kind in KEPT):
        print(f"kept in {broken}")
    else:
        broken.rmdir()
    if any(tally.outcomes["other"] for tally in tallies.values()):
        sys.exit(1)


def inputs(
    name: str, seeds: dict[str, list[bytes]], count: int, seed: str
) -> Iterable[tuple[str, bytes]]:
    """Yield file names and damaged contents of one format, always the same."""
    others = [content for contents in seeds.values() for content in contents]
    own = seeds[name]
    # Small pictures more often: as many of their bytes mean something, and they take less time.
    weights = [1 / (5_000 + len(content)) for content in own]
    for number in range(count):
        random = Random(f"{seed} {name} {number}")
        content = random.choices(own, weights)[0]
        other = random.choice(own if random.random() < 0.7 else others)
        any_name = random.choice(tuple(FORMATS.values()))
        extension = (any_name if random.random() < 0.1 else FORMATS[name])[0]
        yield f"{name}-{number}{extension}", mutated(random, content, other)


def read(workers: Workers, content: bytes, path: Path) -> tuple[str, str]:
    """Do with one picture what a run does with it; return one of ``OUTCOMES``, and why."""
    try:
        workers.facts(content, path)
        workers.photo(content, path, Wanted(THUMBNAIL_SHORT_EDGE, jpeg=GRID_EDGE, blur=True))
    except PhotoError as error:
        template = getattr(error.reason, "template", "")
        usual = "crashed" if template in _CRASHES else "refused"
        return _REASONS.get(error.reason, usual), str(error.reason)
    except Exception as error:  # what must not happen is counted by its kind
        return "other", f"{type(error).__name__}: {str(error)[:100]}"
    return "decoded", ""


def generated(name: str) -> list[bytes]:
    """Return small pictures of a format in several of its kinds."""
    from reliability.fuzz_targets import pictures

    image = Image.radial_gradient("L").resize((96, 72)).convert("RGB")
    ImageDraw.Draw(image).rectangle((10, 10, 60, 40), fill=(200, 40, 30), outline=(0, 0, 255))
    alpha = image.copy()
    alpha.putalpha(image.getchannel("R"))
    grey, palette = image.convert("L"), image.quantize(32)
    many = {"save_all": True, "append_images": [image.rotate(90), image.rotate(180)]}
    kinds: dict[str, list[tuple[Image.Image, dict[str, object]]]] = {
        "JPEG": [
            (image, {"progressive": True}), (grey, {"restart_marker_blocks": 2}),
            (image.convert("CMYK"), {}), (image, {"subsampling": 0, "optimize": True}),
        ],
        "PNG": [
            (alpha, {}), (palette, {"transparency": 3}), (image.convert("1"), {}), (image, many),
            (grey.convert("I;16"), {}), (grey.convert("LA"), {"compress_level": 0}),
        ],
        "WebP": [(image, {"lossless": True}), (alpha, {}), (image, many)],
        "HEIC": [(alpha, {}), (grey, {}), (image, many)],
        "GIF": [
            (palette, {}), (image, many), (grey, {"interlace": 1}), (palette, {"transparency": 1}),
        ],
        "TIFF": [
            (image, {"compression": "tiff_lzw"}), (image, {"compression": "jpeg"}),
            (image, {"compression": "packbits"}), (image.convert("1"), {"compression": "group4"}),
            (alpha, {"compression": "tiff_adobe_deflate"}), (grey.convert("I;16"), {}),
            (grey.convert("F"), {}), (palette, {}), (image, many), (image, {"big_tiff": True}),
        ],
        "AVIF": [(alpha, {}), (image, many)],
        "BMP": [(palette, {}), (image.convert("1"), {}), (alpha, {})],
    }  # fmt: skip
    made = [pictures()[FORMATS[name][0]]]
    for picture, options in kinds[name]:
        written = io.BytesIO()
        picture.save(written, "HEIF" if name == "HEIC" else name.upper(), **options)
        made.append(written.getvalue())
    return made


def _real(files: Sequence[Path], extensions: tuple[str, ...]) -> list[bytes]:
    wanted = [file for file in files if file.suffix.lower() in extensions]
    return [file.read_bytes() for file in wanted if file.stat().st_size <= MOST_SEED_BYTES]


def _tried(work: tuple[str, dict[str, list[bytes]], int, str, Path]) -> Tally:
    """Read all inputs of one format, in this process's own worker."""
    name, seeds, count, seed, broken = work
    warnings.simplefilter("ignore")  # of seeds that are damaged, as they are meant to be
    tally = Tally(len(seeds[name]))
    everything = list(inputs(name, seeds, count, seed))
    for start in range(0, count, RESTART_AFTER):
        with Workers(1) as workers:
            for file, content in everything[start : start + RESTART_AFTER]:
                begun = time.monotonic()
                outcome, reason = read(workers, content, Path(file))
                tally.slowest_s = max(tally.slowest_s, time.monotonic() - begun)
                tally.outcomes[outcome] += 1
                if outcome in KEPT:
                    tally.reasons[f"{outcome}: {reason}"] += 1
                    (broken / f"{outcome.replace(' ', '-')}-{file}").write_bytes(content)
    tally.peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    return tally


def _report(tallies: dict[str, Tally], each: int, seed: str) -> None:
    print(f"{each:,} mutated pictures of each of {len(tallies)} formats, seed {seed}")
    heads = ("format", "seeds", *OUTCOMES, "peak MiB", "slowest s")
    print(f"{heads[0]:7}" + "".join(f"{head:>10}" for head in heads[1:]))
    for name, tally in tallies.items():
        numbers = [tally.seeds, *(tally.outcomes[kind] for kind in OUTCOMES), tally.peak_mib]
        print(f"{name:7}" + "".join(f"{n:10,}" for n in numbers) + f"{tally.slowest_s:10.1f}")
        for reason, times in tally.reasons.most_common():
            print(f"    {times:,} x {reason}")
    sums: Counter[str] = sum((tally.outcomes for tally in tallies.values()), Counter())
    print(f"{sums.total():,} pictures: " + ", ".join(f"{sums[kind]:,} {kind}" for kind in OUTCOMES))
