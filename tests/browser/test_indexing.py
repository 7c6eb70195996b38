"""Indexing a folder as a person does: from an empty library to photos that are found."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from browser.checks import assert_accessible, assert_no_sideways_scrolling
from browser.collection import Collection, settings_in
from browser.serving import Site, serve
from browser.watching import Watch
from indexer import run as running
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore

WAIT_S = 20
PHOTOS = 12
BATCH = 3
PLACE = "2019/summer"
NO_PHOTOS = "status of 503"  # what the browser notes of a page that says so


class Gate(FakeEncoder):
    """Encodes as many batches as it is let."""

    def __init__(self) -> None:
        super().__init__()
        self._let = threading.Semaphore(0)
        self.came = threading.Event()

    def encode_images(self, images):
        if images:
            self.came.set()
            assert self._let.acquire(timeout=WAIT_S)
        return super().encode_images(images)

    def let(self, batches: int = 1000) -> None:
        self._let.release(batches)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """What decides how far a run comes."""
    made = Gate()
    monkeypatch.setattr(ModelStore, "load", lambda _, name: made)
    monkeypatch.setattr(running, "ENCODE_BATCH", BATCH)
    yield made
    made.let()


@pytest.fixture
def empty_server(gate: Gate, tmp_path: Path) -> Iterator[Site]:
    """Serves a library that is not there yet; a folder of pictures may be added."""
    collection = Collection(tmp_path / "Pictures", settings_in(tmp_path))
    folder = collection.photos / PLACE
    folder.mkdir(parents=True)
    for number in range(PHOTOS):
        Image.new("RGB", (64, 48), (20 * number, 0, 90)).save(folder / f"{number:02}.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    with serve(collection, index_roots=[collection.photos]) as site:
        yield site
        gate.let()


def add_folder(page: Page) -> None:
    """Go from the start page to a run."""
    page.goto("/")
    page.get_by_role("link", name="Choose a folder").click()
    for name in PLACE.split("/"):
        page.get_by_role("link", name=name).click()
    page.get_by_role("button", name="Add this folder").click()
    expect(panel(page)).to_be_visible()


def panel(page: Page) -> Locator:
    return page.get_by_role("region", name="Add ")


def told(page: Page) -> Locator:
    return page.locator("#told")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def outcome(page: Page) -> Locator:
    return page.locator("#outcome")


@pytest.fixture
def begun(empty_server: Site, gate: Gate, page: Page, watch: Watch) -> Page:
    """A page on which a run can be followed, which has a batch at hand."""
    watch.expect(NO_PHOTOS)
    add_folder(page)
    expect(panel(page)).to_contain_text(f"0 of {PHOTOS + 1} files")
    assert gate.came.wait(WAIT_S)
    return page


def test_a_newcomer_adds_a_folder_and_finds_its_photos(
    empty_server: Site, gate: Gate, page: Page, watch: Watch
) -> None:
    watch.expect(NO_PHOTOS)
    page.goto("/library/")
    assert_accessible(page)
    page.goto("/library/add?root=0&in=2019")
    expect(page.get_by_role("listitem").filter(has_text="summer")).to_contain_text("13 photos")
    assert_accessible(page)
    add_folder(page)
    expect(told(page)).to_have_text("Indexing has begun")
    expect(panel(page)).to_contain_text("Reading photos")
    assert_accessible(page)
    gate.let(2)
    expect(panel(page)).to_contain_text(f"6 of {PHOTOS + 1} files")
    expect(page.get_by_role("progressbar", name="Files done")).to_have_js_property("value", 6)
    expect(told(page)).to_have_text("25 percent done")
    rooms = page.locator("nav.rooms")
    expect(rooms).to_contain_text("Library indexing")
    gate.let()
    expect(outcome(page)).to_contain_text(f"Done: {PHOTOS} new, 1 failed.")
    expect(rooms).not_to_contain_text("indexing")
    expect(told(page)).to_contain_text(f"{PHOTOS} photos can be found")
    expect(page.get_by_role("heading", name="1 file that failed")).to_be_visible()
    assert_accessible(page)
    outcome(page).get_by_role("link", name="See the photos").click()
    expect(page.locator(".grid > li")).to_have_count(PHOTOS)
    page.goto("/?q=red")
    expect(page.locator(".grid > li").first).to_be_visible()


def test_a_run_pauses_and_goes_on_under_the_same_button(begun: Page, gate: Gate) -> None:
    button(begun, "Pause").focus()
    begun.keyboard.press("Enter")
    expect(button(begun, "Go on")).to_be_focused()
    expect(told(begun)).to_have_text("Paused")
    gate.let()  # the batch at hand is done, and nothing after it
    expect(panel(begun)).to_contain_text(f"{BATCH} of {PHOTOS + 1} files")
    expect(panel(begun)).not_to_contain_text("left")
    assert_accessible(begun)
    begun.reload()
    expect(panel(begun)).to_contain_text("Paused")
    button(begun, "Go on").click()
    expect(outcome(begun)).to_contain_text(f"Done: {PHOTOS} new")


def test_a_run_is_cancelled_and_the_next_one_continues(begun: Page, gate: Gate) -> None:
    button(begun, "Cancel").focus()
    begun.keyboard.press("Enter")
    expect(panel(begun)).to_contain_text("Ending; what is done stays")
    expect(button(begun, "Cancel")).to_be_focused()
    assert_accessible(begun)
    gate.let()
    expect(outcome(begun)).to_contain_text("Cancelled; what was done stays")
    expect(begun.get_by_role("heading", name="Library", exact=True)).to_be_focused()
    button(begun, "Bring up to date").click()
    expect(outcome(begun)).to_contain_text(f"{PHOTOS} photos can be found")


def test_a_file_that_was_mended_is_tried_again(begun: Page, gate: Gate, empty_server: Site) -> None:
    gate.let()
    failures = begun.get_by_role("region", name="1 file that failed")
    expect(failures).to_contain_text("broken.jpg")
    mended = empty_server.collection.photos / PLACE / "broken.jpg"
    Image.new("RGB", (9, 9), "white").save(mended)
    button(begun, "Try failures again").click()
    expect(outcome(begun)).to_contain_text("Done: 1 new.")
    expect(failures).to_have_count(0)


def test_where_nobody_tells_the_page_asks(
    empty_server: Site, gate: Gate, page: Page, watch: Watch
) -> None:
    watch.expect(NO_PHOTOS)
    page.route("**/events", lambda route: route.fulfill(status=503))
    add_folder(page)
    gate.let(1)
    expect(panel(page)).to_contain_text(f"{BATCH} of {PHOTOS + 1} files")
    gate.let()
    expect(outcome(page)).to_contain_text(f"Done: {PHOTOS} new")


def test_two_windows_agree(begun: Page, gate: Gate) -> None:
    other = begun.context.new_page()
    other.goto("/library/")
    button(other, "Pause").click()
    expect(button(begun, "Go on")).to_be_visible()
    button(begun, "Cancel").click()
    gate.let()
    expect(outcome(other)).to_contain_text("Cancelled")


def test_without_scripts(empty_server: Site, gate: Gate, no_script: Page, watches) -> None:
    watches[no_script.context].expect(NO_PHOTOS)
    add_folder(no_script)
    button(no_script, "Pause").click()
    expect(panel(no_script)).to_contain_text("Paused")
    button(no_script, "Go on").click()
    expect(button(no_script, "Pause")).to_be_visible()
    gate.let()
    for _ in range(200):
        if outcome(no_script).count():
            break
        no_script.wait_for_timeout(50)
        if no_script.get_by_role("link", name="Look again").count():
            no_script.get_by_role("link", name="Look again").click()
    expect(outcome(no_script)).to_contain_text(f"Done: {PHOTOS} new, 1 failed.")
    no_script.goto("/")
    expect(no_script.locator(".grid > li")).to_have_count(PHOTOS)


def test_on_a_phone(empty_server: Site, gate: Gate, phone: Page, watches) -> None:
    watches[phone.context].expect(NO_PHOTOS)
    phone.emulate_media(color_scheme="dark", reduced_motion="reduce")
    phone.goto("/library/add?root=0&in=2019/summer")
    assert_no_sideways_scrolling(phone)
    assert_accessible(phone)
    add_folder(phone)
    assert_no_sideways_scrolling(phone)
    assert_accessible(phone)
    gate.let()
    expect(outcome(phone)).to_be_visible()
    expect(phone.locator("nav.rooms [aria-current]")).to_be_in_viewport(ratio=1)
    assert_no_sideways_scrolling(phone)
    assert_accessible(phone)
