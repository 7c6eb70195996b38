"""Does the grid stay quick when there are very many photos on the page?

``python -m benchmarks many_results [PHOTOS]`` makes a library of so many small pictures (10,000) in
a temporary folder: rows, and thumbnails that are copies of a few dozen. It serves them, opens the
page of all photos in headless Chromium, and loads page after page to the end. At the first page
(the baseline), and when so many tiles are there as ``STEPS`` says, it prints how long a page takes
that is added (without the server's time), a step of scrolling, the arrow keys, and Ctrl+A, and how
large the scripts' heap is. Times are the work of the page's main thread, without its waiting.
"""

from __future__ import annotations

import hashlib
import io
import logging
import shutil
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import CDPSession, Page, sync_playwright
from sqlalchemy import insert
from waitress import wasyncore
from waitress.server import create_server

from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import WHOLE, Asset, Embedding, File, Root
from pixfind.config import Settings
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.photos.small import blur_of
from pixfind.photos.thumbnails import Thumbnails
from web import create_app

MODEL = "pocket"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--enable-precise-memory-info")  # fmt: skip
SHAPES = ((400, 300), (300, 400), (400, 267), (400, 225), (400, 400), (400, 160))
PICTURES = 48
STEPS = (1000, 5000, 10_000)
ADDED, PRESSED, SCROLLED = 5, 5, 20
PAGE = 60
PATIENCE_MS = 120_000

# Returns how long it takes from a key until the frame is there that shows what it has done.
PRESS = """async ({key, ctrl}) => {
    const begun = performance.now();
    const event = {key, ctrlKey: ctrl, bubbles: true, cancelable: true};
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", event));
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - begun;
}"""
# The same for a turn of the wheel.
SCROLL = """async () => {
    const begun = performance.now();
    scrollBy({top: -120, behavior: "instant"});
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - begun;
}"""
# One more page, as if somebody had come to the end.
MORE = """() => new Promise(done => {
    const count = document.querySelectorAll(".grid > li").length;
    const link = document.querySelector(".more a[rel~='next']");
    if (!link) return done(count);
    document.addEventListener("pixfind:added", () =>
        done(document.querySelectorAll(".grid > li").length), {once: true});
    document.dispatchEvent(new CustomEvent("pixfind:more"));
})"""
FOCUS_MIDDLE = """() => {
    const tiles = document.querySelectorAll(".grid > li > a");
    tiles[Math.floor(tiles.length / 2)].focus();
}"""
COUNT = "document.querySelectorAll('.grid > li').length"


def run(photos: str = "10000") -> None:
    """Measure and print times in milliseconds."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise SystemExit("no Chromium on this machine (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(*(Path(folder, name) for name in ("library", "models", "demo")))
        encoder = ModelStore(settings.models).load(MODEL)
        with Library.create(settings.library) as library:
            there = int(photos) + ADDED * PAGE  # so that pages can be added at the end, too
            model = library.add_model(encoder.spec)
            _fill(library, model.id, encoder.spec.dim, there)
            library.save_vectors(model)
        with _served(settings) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(PATIENCE_MS)
            _measure(page, address, int(photos))
            browser.close()


def _measure(page: Page, address: str, photos: int) -> None:
    page.goto(f"{address}/")
    page.locator(".grid .choose").first.wait_for(state="attached")
    browser = page.context.new_cdp_session(page)
    browser.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
    browser.send("Performance.enable")
    print("thousandths of a second that the page's thread works, and until a frame is painted")
    _report(page, browser)
    for step in (*(step for step in STEPS if step < photos), photos):
        _grow(page, step)
        _report(page, browser)


def _grow(page: Page, count: int) -> None:
    there = page.evaluate(COUNT)
    while there < count:
        before, there = there, page.evaluate(MORE)
        if there == before:
            return


def _report(page: Page, browser: CDPSession) -> None:
    """Print how quick the page is with as many tiles as there are now, to which it adds some."""
    count, heap = page.evaluate(COUNT), _heap(page, browser)

    def timed(script: str, *keys: str, ctrl: bool = False) -> str:
        works, waits = [], []
        for key in keys:
            page.wait_for_timeout(50)
            before = _worked(browser)
            waits.append(page.evaluate(script, {"key": key, "ctrl": ctrl}))
            works.append(1e3 * (_worked(browser) - before))
        return f"{_middle(works)} / {_middle(waits)}"

    page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
    page.wait_for_timeout(1000)
    scrolled = timed(SCROLL, *[""] * SCROLLED)
    page.evaluate(FOCUS_MIDDLE)
    page.wait_for_timeout(1000)
    keys = timed(PRESS, *("ArrowRight", "ArrowDown", "ArrowLeft") * PRESSED)
    everything, cleared = timed(PRESS, "a", ctrl=True), timed(PRESS, "Escape")
    added = _middle([_added(page, browser) for _ in range(ADDED)])
    print(
        f"{count:6} tiles: a page more {added}; a step of scrolling {scrolled}; "
        f"arrow keys {keys}; Ctrl+A {everything}; Escape {cleared}; heap {heap:.1f} MB",
        flush=True,
    )


def _added(page: Page, browser: CDPSession) -> float:
    """Return how long the page's thread works when a page is added, in milliseconds."""
    before = _worked(browser)
    page.evaluate(MORE)
    page.wait_for_timeout(200)
    return 1e3 * (_worked(browser) - before)


def _worked(browser: CDPSession) -> float:
    """Return the seconds of processor time that the page's thread has worked in tasks."""
    metrics = {m["name"]: m["value"] for m in browser.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def _heap(page: Page, browser: CDPSession) -> float:
    browser.send("HeapProfiler.collectGarbage")
    return float(page.evaluate("performance.memory.usedJSHeapSize")) / 1e6


def _middle(times: list[float]) -> str:
    if len(times) == 1:
        return f"{times[0]:.0f}"
    return f"{statistics.median(times):.0f} (most {max(times):.0f})"


@contextmanager
def _served(settings: Settings) -> Iterator[str]:
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    app = create_app(settings)
    server = create_server(app, host="127.0.0.1", port=0, threads=4, channel_request_lookahead=1)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join()
        server.task_dispatcher.shutdown()
        app.extensions["pixfind"].close()


def _fill(library: Library, model: int, dims: int, count: int) -> None:
    """Write rows and thumbnails of photos that were never there."""
    numbers = np.random.default_rng(0)
    pictures = [_picture(SHAPES[number % len(SHAPES)], numbers) for number in range(PICTURES)]
    files = [_jpeg(picture) for picture in pictures]
    blurs = [blur_of(picture) for picture in pictures]
    thumbnails = Thumbnails(library.thumbnails)
    vectors = numbers.standard_normal((count, dims)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = range(1, count + 1)
    with library.catalog.write() as session:
        session.add(Root(id=1, path="/photos", whole=True))
        session.flush()
        session.execute(insert(Asset), [
            _asset(n, pictures[n % PICTURES].size, blurs[n % PICTURES]) for n in ids
        ])  # fmt: skip
        session.execute(insert(File), [_file(n) for n in ids])
        session.execute(insert(Embedding), [
            {"asset_id": n, "model_id": model, "kind": WHOLE, "vector": vector.tobytes()}
            for n, vector in zip(ids, vectors.astype("<f2"), strict=True)
        ])  # fmt: skip
        bump_generation(session)
    for number in ids:
        file = thumbnails.file(_content(number), "grid")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(files[number % PICTURES])


def _picture(size: tuple[int, int], numbers: np.random.Generator) -> Image.Image:
    fields = Image.fromarray(numbers.integers(0, 256, (6, 6, 3), np.uint8))
    return fields.resize(size, Image.Resampling.BICUBIC)


def _jpeg(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=82)
    return written.getvalue()


def _content(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def _asset(number: int, size: tuple[int, int], blur: bytes) -> dict[str, object]:
    width, height = size
    day = f"{2000 + number % 25}-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
    return {
        "id": number, "content_id": _content(number), "byte_size": 1, "format": "JPEG",
        "width": 10 * width, "height": 10 * height, "blur": blur, "metadata_version": 1,
        "taken_at": f"{day}T{number % 24:02d}:{number % 60:02d}:00",
    }  # fmt: skip


def _file(number: int) -> dict[str, object]:
    return {
        "root_id": 1, "folder": f"trip {number % 40}", "name": f"IMG_{number}.jpg", "size": 1,
        "mtime_ns": 1, "asset_id": number,
    }  # fmt: skip
