"""How many large JPEGs a second are indexed, against a plain script and against what is possible?

Photos: 8 to 12 megapixels, 3 to 4 MB, made from real ones (``benchmarks/photographs.py``).

The baselines are the scripts that somebody would write first, each a process of its own: Pillow,
the model's own transform, a DataLoader with a worker for each core, torch, a flat FAISS index. With
open_clip's ViT-B-32, which is what such scripts take; with timm's EfficientNet-Lite2, the tower of
the bundled model in float32; weights are random, which costs the same. pixfind runs with the
bundled model, and with an export of the same ViT-B-32 as ``pixfind models add`` makes it, in a
process, too. What is measured is from the folder's name to an index that can be searched, pixfind's
catalog and thumbnails included. Starting a process, imports and loading a model count for neither.

The bound is what the cores could do if none ever waited: cores / (decode + encode seconds of one
thread). Decoding is what makes of a file the encoder's input and all that is kept of it (read,
hash, pixels, metadata, thumbnail, blur); the strict bound counts reading and pixels alone. On a
machine that others use, too, fewer cores are to be had than there are: the last ratios are to the
bounds of the cores that plain loops, one for each core, got in the same round.

    python -m benchmarks indexing [PHOTOS [ROUNDS [FOLDER]]]

A folder is where photos and the exported model are kept for the next run; else they are made anew.
"""

from __future__ import annotations

import hashlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from benchmarks.machine import describe
from benchmarks.photographs import MEGAPIXELS, make_photographs
from indexer.encoding import MOST_IN_A_THREAD
from pixfind.config import DEFAULT_MODEL
from pixfind.encoders.base import Encoder
from pixfind.encoders.store import ModelStore
from pixfind.machine import cores
from pixfind.photos.decode import decode, read_bytes
from pixfind.photos.small import blur_of
from pixfind.photos.thumbnails import THUMBNAIL_SHORT_EDGE, Thumbnails

PHOTOS = 96
ROUNDS = 5
BUNDLED, VIT = DEFAULT_MODEL, "vit-b-32"
ARCHITECTURE = "ViT-B-32"
# What each is compared with; first the script that people would have instead.
BASELINES = {BUNDLED: ("open_clip", "timm"), VIT: ("open_clip",)}
STRICT, GIVEN = "strict bound", "the cores given"
# Hashes of 16 MiB, a second or so for each thread.
BURNT = 60
# Of what one thread does, so many photos are enough.
MEASURED_APART = 16

PLAIN_SCRIPT = """
import logging, sys, time, warnings
from pathlib import Path
warnings.filterwarnings("ignore")
logging.disable()
import faiss, torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

folder, library, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
if library == "open_clip":
    import open_clip
    model, _, transform = open_clip.create_model_and_transforms("ViT-B-32")
    encode = model.eval().encode_image
else:
    import timm
    model = timm.create_model("tf_efficientnet_lite2", num_classes=0).eval()
    config = timm.data.resolve_model_data_config(model)
    transform = timm.data.create_transform(**config, is_training=False)
    encode = model

class Photos(Dataset):
    def __init__(self, files):
        self.files = files
    def __len__(self):
        return len(self.files)
    def __getitem__(self, number):
        return transform(Image.open(self.files[number]).convert("RGB"))

with torch.inference_mode():
    encode(torch.zeros(1, 3, 224, 224))
    started = time.perf_counter()
    photos = Photos(sorted(Path(folder).glob("*.jpg")))
    vectors = []
    for batch in DataLoader(photos, batch_size=16, num_workers=workers):
        vectors.append(torch.nn.functional.normalize(encode(batch), dim=-1))
    joined = torch.cat(vectors).numpy()
    index = faiss.IndexFlatIP(joined.shape[1])
    index.add(joined)
    index.search(joined[:1], 1)
    print(index.ntotal / (time.perf_counter() - started))
"""
PIXFIND = """
import sys, tempfile, time
from pathlib import Path
from indexer.run import Indexer
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from search.engine import SearchEngine

folder, models, name = sys.argv[1:]
encoder = ModelStore(Path(models)).load(name)

def photos_a_second(photos):
    with tempfile.TemporaryDirectory() as kept, Library.create(Path(kept) / "library") as library:
        started = time.perf_counter()
        summary = Indexer(library, encoder).run(photos)
        SearchEngine(library, encoder).similar(1, limit=1)
        return summary.embedded / (time.perf_counter() - started)

photos_a_second(sorted(Path(folder).glob("*.jpg"))[:1])
print(photos_a_second([Path(folder)]))
"""


def run(photos: str = str(PHOTOS), rounds: str = str(ROUNDS), folder: str | None = None) -> None:
    """Measure and print medians and ratios."""
    with tempfile.TemporaryDirectory() as temporary:
        kept = Path(folder) if folder else Path(temporary)
        figures = measure(kept, int(photos), int(rounds))
    for name, value in figures.items():
        print(f"{name}: {value:.3g}")
    print(describe())


def measure(
    folder: Path,
    photos: int,
    rounds: int,
    *,
    megapixels: tuple[int, ...] = MEGAPIXELS,
    models: tuple[str, ...] = (BUNDLED, VIT),
) -> dict[str, float]:
    """Return photos a second of each way, and ratios.

    Args:
        folder: where photos and the exported model are kept, or made.
        photos: how many.
        rounds: in which the ways take turns.
        megapixels: of the photos.
        models: of pixfind; without the exported one there is less to make.
    """
    taken = folder / f"photos-{photos}-{max(megapixels)}"
    make_photographs(taken, photos, megapixels)
    store = ModelStore(folder / "models")
    if VIT in models:
        _export(store)
    baselines = sorted({baseline for model in models for baseline in BASELINES[model]})
    ways = {name: _script(PLAIN_SCRIPT, taken, name, cores()) for name in baselines}
    ways |= {f"pixfind {name}": _script(PIXFIND, taken, store.folder, name) for name in models}
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            speeds[name].append(way())
        for model in models:
            given = _cores_given()
            for kind, bound in _bounds(taken, store.load(model)).items():
                speeds.setdefault(f"{model}, {kind}", []).append(bound)
                shared = f"{model}, {kind} of {GIVEN}"
                speeds.setdefault(shared, []).append(bound * given / cores())
    return _figures(speeds, models)


def _figures(speeds: dict[str, list[float]], models: tuple[str, ...]) -> dict[str, float]:
    figures = {f"{name}, photos/s": statistics.median(values) for name, values in speeds.items()}
    for model in models:
        others = {f"to {baseline}": speeds[baseline] for baseline in BASELINES[model]}
        for kind in ("bound", STRICT, f"bound of {GIVEN}", f"{STRICT} of {GIVEN}"):
            others[f"to the {kind}"] = speeds[f"{model}, {kind}"]
        ours = speeds[f"pixfind {model}"]
        figures |= {f"pixfind {model} {other}": _ratio(ours, o) for other, o in others.items()}
    return figures


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the rounds' ratios: a slow minute slows both sides of a round."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def _script(text: str, *arguments: object) -> Callable[[], float]:
    """Return what runs a script that prints photos a second."""
    command = [sys.executable, "-c", text, *map(str, arguments)]

    def measured() -> float:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return float(done.stdout.split()[-1])

    return measured


def _export(store: ModelStore) -> None:
    """Add ViT-B-32 with random weights to the models, unless it is there."""
    if VIT in store.names():
        return
    import open_clip
    import torch

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "random.pt"
        torch.save(open_clip.create_model(ARCHITECTURE).state_dict(), checkpoint)
        store.add(ARCHITECTURE, str(checkpoint), VIT)


def _bounds(photos: Path, encoder: Encoder) -> dict[str, float]:
    """Return photos a second of cores that never wait, from the time of one thread."""
    files = sorted(photos.glob("*.jpg"))[:MEASURED_APART]
    alone = encoder.for_threads() or encoder
    with tempfile.TemporaryDirectory() as folder:
        thumbnails = Thumbnails(Path(folder))
        decoding = sum(_seconds(_kept, file, encoder, thumbnails) for file in files)
    pixels = sum(_seconds(_pixels, file, encoder) for file in files)
    images = [_pixels(file, encoder) for file in files]
    pieces = [images[i : i + MOST_IN_A_THREAD] for i in range(0, len(images), MOST_IN_A_THREAD)]
    alone.encode_images(pieces[0])
    encoding = sum(_seconds(alone.encode_images, piece) for piece in pieces)
    return {
        "bound": len(files) * cores() / (decoding + encoding),
        STRICT: len(files) * cores() / (pixels + encoding),
    }


def _kept(file: Path, encoder: Encoder, thumbnails: Thumbnails) -> None:
    """Do what indexing does with a file before it is encoded."""
    content = read_bytes(file)
    content_id = hashlib.sha256(content).digest()
    photo = decode(content, file, max(encoder.spec.image_size, THUMBNAIL_SHORT_EDGE))
    thumbnails.save(content_id, photo.image)
    encoder.prepare(photo.image)
    blur_of(photo.image)


def _pixels(file: Path, encoder: Encoder) -> Image.Image:
    """Do no more than what the encoder needs."""
    with Image.open(file) as opened:
        edge = encoder.spec.image_size / min(opened.size)
        opened.draft("RGB", (int(opened.width * edge), int(opened.height * edge)))
        return encoder.prepare(opened.convert("RGB"))


def _cores_given() -> float:
    """Return how many cores' time a loop for each core gets of the machine now."""

    def burn() -> None:
        for _ in range(BURNT):
            hashlib.sha256(zeros).digest()

    zeros = bytes(1 << 24)
    threads = [threading.Thread(target=burn) for _ in range(cores())]
    started, used = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.process_time() - used) / (time.perf_counter() - started)


def _seconds(work: Callable[..., object], *arguments: object) -> float:
    """Return the processor's time, which other programs do not add to."""
    started = time.thread_time()
    work(*arguments)
    return time.thread_time() - started
