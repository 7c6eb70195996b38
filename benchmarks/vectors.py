"""Are the nearest of a million vectors found, fast, in little memory, whatever has changed?

``python -m benchmarks vectors [PHOTOS] [FOLDER]`` fills a library with so many photos without files
(1,000,000), whose vectors lie as those of photos do (``photo_vectors.py``), and asks with captions.
Everything goes through the library: the files that it keeps, the vectors in its catalog. Baselines,
asked in turns with it, on one core: exact comparison in float32 (FAISS), and the graphs of hnswlib
(M 16, built with 100, searched with 100) and usearch (its own settings, float16), where they are
installed. Filters allow a half, a hundredth and a ten-thousandth of all, drawn at random, against
exact comparison among these. How long it takes to open, and the memory, are those of a fresh
process. FOLDER keeps what takes long to make.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from sqlalchemy import delete, insert

from benchmarks import machine
from benchmarks.alternating import percentile
from benchmarks.photo_vectors import PhotoVectors
from benchmarks.synthetic_library import fill
from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import WHOLE, Asset, Embedding, File
from pixfind.config import Settings
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.vectors import Ids, VectorIndex, Vectors

K = 20
SHARES = (0.5, 0.01, 0.0001)
QUERIES, FILTERED = 300, 50
CHANGED = 1000
# So many queries in a row: each leaves in the processor's caches what the next one may use.
TURN = 25
BATCH = 20_000
OURS, EXACT = "pixfind", "exact, float32"
OPEN = "from benchmarks.vectors import opened; opened()"

Search = Callable[[Vectors], Ids]


def run(photos: str = "1000000", folder: str = "") -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as temporary:
        kept = Path(folder or temporary)
        kept.mkdir(parents=True, exist_ok=True)
        for name, figure in measure(int(photos), kept).items():
            print(f"{name}: {figure:,.3f}")
    print(machine.describe())


def measure(photos: int, folder: Path, *, graphs: bool = True) -> dict[str, float]:
    """Return figures by names that tell their units.

    Args:
        photos: how many.
        folder: where what takes long to make is kept, and found if it is there.
        graphs: also build the graphs of other libraries, which takes long.
    """
    source = PhotoVectors.embedded(folder / "embedded.npz")
    queries = np.random.default_rng(1).permutation(source.queries)[:QUERIES]
    vectors = _made(source, photos, folder / f"{photos}.npy")
    found = {}
    with Library.create(folder / f"library {photos}") as library:
        found |= _filled(library, vectors)
        model = library.models()[0]
        library.save_vectors(model)
        found |= _fresh(library.folder, queries, folder)
        faiss.omp_set_num_threads(1)
        index = library.index(model)
        ways: dict[str, Search] = {
            OURS: lambda query: index.search(query, K)[1][0],
            EXACT: _exact(vectors),
        }
        if graphs:
            ways |= _graphs(vectors, folder)
        truth = [set(ways[EXACT](query[np.newaxis]).tolist()) for query in queries]
        found |= _compared(ways, queries, truth)
        found["pixfind, p50 to exact"] = found[f"{OURS}, p50 ms"] / found[f"{EXACT}, p50 ms"]
        found |= _among_few(index, vectors, queries[:FILTERED])
        faiss.omp_set_num_threads(os.cpu_count() or 1)
        found |= _changed(library, source)
    found["adding, share of a rebuild"] = found["adding 1,000, s"] / found["rebuild, s"]
    found["removing, share of a rebuild"] = found["removing 1,000, s"] / found["rebuild, s"]
    return found


def _made(source: PhotoVectors, count: int, file: Path) -> Vectors:
    """Return the vectors, as float16 has them, float32 (count, dim)."""
    if not file.exists():
        stored = np.empty((count, source.queries.shape[1]), np.float16)
        for start in range(0, count, BATCH):
            rows = stored[start : start + BATCH]
            rows[:] = source.make(len(rows))
        np.save(file, stored)
    return np.load(file).astype(np.float32)


def _filled(library: Library, vectors: Vectors) -> dict[str, float]:
    """Fill the library unless it is full; return what building its index costs."""
    figures = library.folder / "figures.json"
    if not figures.exists():
        encoder = ModelStore(Settings.load(None).models).load("pocket")
        fill(library, encoder, len(vectors), lambda ids: vectors[ids.start - 1 : ids.stop - 1])
        started = time.perf_counter()
        library.save_vectors(library.models()[0])
        built = {"rebuild, s": time.perf_counter() - started}
        bytes_each = {
            "catalog, bytes a photo": _size(library.folder.glob("catalog.db*")) / len(vectors),
            "index, bytes a photo": _size((library.folder / "vectors").iterdir()) / len(vectors),
        }
        whole = sum(bytes_each.values()) / (2 * vectors.shape[1])
        figures.write_text(json.dumps(built | bytes_each | {"disk, of the vectors": whole}))
    return dict(json.loads(figures.read_text("utf-8")))


def _size(files: Any) -> int:
    return sum(file.stat().st_size for file in files)


def _fresh(library: Path, queries: Vectors, folder: Path) -> dict[str, float]:
    """Return what a fresh process needs to open the index and to answer."""
    np.save(folder / "queries.npy", queries)
    command = [sys.executable, "-c", OPEN, str(library), str(folder / "queries.npy")]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def opened() -> None:
    """Open the library named on the command line, ask everything, and print what it took."""
    queries = np.load(sys.argv[2])
    faiss.omp_set_num_threads(1)
    with Library.open(Path(sys.argv[1])) as library:
        model = library.models()[0]
        before = _resident()
        started = time.perf_counter()
        index = library.index(model)
        took = time.perf_counter() - started
        index.search(queries[:1], K)
        first = time.perf_counter() - started
        for query in queries:
            index.search(query[np.newaxis], K)
        after = _resident()
    print(
        json.dumps({
            "open, s": took, "open and one search, s": first, "memory before opening, MB": before,
            f"memory after {len(queries)} searches, MB": after,
        })
    )  # fmt: skip


def _resident() -> float:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000


def _exact(vectors: Vectors) -> Search:
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    return lambda query: flat.search(query, K)[1][0] + 1


def _graphs(vectors: Vectors, folder: Path) -> dict[str, Search]:
    """Return the searches of other libraries that are installed."""
    ways: dict[str, Search] = {}
    count, dim = vectors.shape
    if importlib.util.find_spec("hnswlib"):
        import hnswlib

        graph = hnswlib.Index("ip", dim)
        file = folder / f"{count}.hnswlib"
        if file.exists():
            graph.load_index(str(file))
        else:
            graph.init_index(count, M=16, ef_construction=100)
            graph.add_items(vectors)
            graph.save_index(str(file))
        graph.set_ef(100)
        graph.set_num_threads(1)
        ways["hnswlib"] = lambda query: graph.knn_query(query, K)[0][0].astype(np.int64) + 1
    if importlib.util.find_spec("usearch"):
        from usearch.index import Index

        other = Index(ndim=dim, metric="ip", dtype="f16")
        file = folder / f"{count}.usearch"
        if file.exists():
            other.load(str(file))
        else:
            other.add(np.arange(count), vectors)
            other.save(str(file))
        ways["usearch"] = lambda query: other.search(query[0], K).keys.astype(np.int64) + 1
    return ways


def _compared(ways: dict[str, Search], queries: Vectors, truth: list[set[int]]) -> dict[str, float]:
    """Ask everyone each query, in turns, once everyone has been asked all of them."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    recalls: dict[str, list[float]] = {name: [] for name in ways}
    for search in ways.values():
        for query in queries:
            search(query[np.newaxis])
    asked = list(zip(queries, truth, strict=True))
    for start in range(0, len(asked), TURN):
        for name, search in ways.items():
            for query, right in asked[start : start + TURN]:
                started = time.perf_counter()
                ids = search(query[np.newaxis])
                times[name].append(1e3 * (time.perf_counter() - started))
                recalls[name].append(len(right & set(ids.tolist())) / len(right))
    found = {}
    for name in ways:
        found[f"{name}, recall@{K}"] = statistics.mean(recalls[name])
        found[f"{name}, p50 ms"] = statistics.median(times[name])
        found[f"{name}, p99 ms"] = percentile(times[name], 0.99)
    return found


def _among_few(index: VectorIndex, vectors: Vectors, queries: Vectors) -> dict[str, float]:
    """Search among parts of all."""
    found = {}
    numbers = np.random.default_rng(2)
    for share in SHARES:
        size = max(1, round(share * len(vectors)))
        allowed = np.sort(numbers.choice(len(vectors), size, replace=False)) + 1
        scores = queries @ vectors[allowed - 1].T
        best = np.argpartition(-scores, min(K, size - 1), axis=1)[:, :K]
        truth = [set(allowed[row].tolist()) for row in best]
        del scores
        search = partial(_within, index, allowed)
        name = f"{OURS} among {share:.2%}"
        found |= {
            key.replace(OURS, name): figure
            for key, figure in _compared({OURS: search}, queries, truth).items()
        }
    return found


def _within(index: VectorIndex, allowed: Ids, query: Vectors) -> Ids:
    return index.search(query, K, allowed)[1][0]


def _changed(library: Library, source: PhotoVectors) -> dict[str, float]:
    """Add photos and remove them again; each time until searches know and files are written."""
    model = library.models()[0]
    vectors = source.make(CHANGED)
    first = int(library.index(model).ids[-1]) + 1
    ids = range(first, first + CHANGED)
    with library.catalog.write() as session:
        session.execute(insert(Asset), [_asset(number) for number in ids])
        session.execute(insert(Embedding), [
            {"id": n, "asset_id": n, "model_id": model.id, "kind": WHOLE, "vector": v.tobytes()}
            for n, v in zip(ids, vectors.astype("<f2"), strict=True)
        ])  # fmt: skip
        session.execute(insert(File), [
            {"root_id": 1, "folder": "new", "name": f"{n}.jpg", "size": 1, "mtime_ns": 1,
             "asset_id": n} for n in ids
        ])  # fmt: skip
        bump_generation(session)
    added = _known(library, vectors[:1], first, is_there=True)
    with library.catalog.write() as session:
        session.execute(delete(File).where(File.asset_id >= first))
        session.execute(delete(Embedding).where(Embedding.asset_id >= first))
        session.execute(delete(Asset).where(Asset.id >= first))
        bump_generation(session)
    removed = _known(library, vectors[:1], first, is_there=False)
    return {"adding 1,000, s": added, "removing 1,000, s": removed}


def _asset(number: int) -> dict[str, object]:
    return {
        "id": number, "content_id": number.to_bytes(32, "big"), "byte_size": 1, "format": "JPEG",
        "width": 4, "height": 3, "metadata_version": 1,
    }  # fmt: skip


def _known(library: Library, query: Vectors, number: int, *, is_there: bool) -> float:
    """Return the seconds until a change is known to searches and written."""
    model = library.models()[0]
    started = time.perf_counter()
    index = library.vectors(model).current()
    ids = index.search(query, 1)[1][0]
    library.save_vectors(model)
    took = time.perf_counter() - started
    if (number in ids.tolist()) != is_there:
        raise SystemExit("a search does not know what has changed")
    return took
