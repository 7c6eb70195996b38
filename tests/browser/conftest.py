"""Servers, browsers and pages. All of them end with the last test of this folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from browser.collection import Collection, make_collection, make_many
from browser.serving import Site, serve
from browser.watching import Watch
from pixfind.encoders.base import Encoder

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Each new window would start a process that draws the address bar's menus, which nobody sees, and
# one to spare. Of several such lists Chromium reads the last, so Playwright's own is repeated here.
WITHOUT = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "SpareRendererForSitePerProcess",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # in a container there is none
    "--disable-gpu",
    "--disable-background-networking",
    f"--disable-features={','.join(WITHOUT)}",
    # No name leads anywhere, and no number: what asks for another machine is told to be offline.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
# Slow machines may be very busy; a test that passes never waits so long.
PATIENCE_MS = 15_000

expect.set_options(timeout=PATIENCE_MS)

NewPage = Callable[..., Page]
Watches = dict[BrowserContext, Watch]


# Package, not session: while Playwright runs, its event loop is in every other test's way.
@pytest.fixture(scope="package")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser that the system has."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    home = str(tmp_path_factory.mktemp("chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=ARGUMENTS, env={**os.environ, "HOME": home}
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def collection(tmp_path_factory: pytest.TempPathFactory, pocket: Encoder) -> Collection:
    """Photos of real things, to read only; see ``collection.py``."""
    pytest.importorskip("skimage", reason="scikit-image, whose pictures these are, is missing")
    return make_collection(tmp_path_factory.mktemp("collection"), pocket)


@pytest.fixture(scope="package")
def server(collection: Collection) -> Iterator[Site]:
    """Serves the collection, to tests that write nothing."""
    with serve(collection) as site:
        yield site


@pytest.fixture(scope="package")
def many_server(tmp_path_factory: pytest.TempPathFactory, pocket: Encoder) -> Iterator[Site]:
    """Serves more plain pictures than fit on a page, to tests that write nothing."""
    with serve(make_many(tmp_path_factory.mktemp("many"), pocket)) as site:
        yield site


@pytest.fixture
def own_server(collection: Collection, tmp_path: Path) -> Iterator[Site]:
    """Serves a copy of the collection, to a test that changes the library or the files."""
    with serve(collection.copy(tmp_path)) as site:
        yield site


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Site:
    """The server that this test asks for by name, else the shared one."""
    servers = ("own_server", "many_server", "empty_server")
    asked = [name for name in servers if name in request.fixturenames]
    return request.getfixturevalue(asked[0] if asked else "server")


@pytest.fixture
def watches() -> Iterator[Watches]:
    """What watches each of the test's pages, by the page's context.

    Whatever goes wrong there and is not expected fails the test.
    """
    kept: Watches = {}
    yield kept
    faults = [fault for watch in kept.values() for fault in watch.faults()]
    assert not faults, "\n".join(faults)


@pytest.fixture
def new_page(chromium: Browser, site: Site, watches: Watches) -> Iterator[NewPage]:
    """Opens pages, each like a browser's first: ``new_page(color_scheme="dark", ...)``.

    The options are those of Playwright's ``Browser.new_context``. Addresses begin at the server.
    """

    def open_page(**options: Any) -> Page:
        options = {"viewport": DESKTOP, "base_url": site.address, "locale": "en-GB"} | options
        context = chromium.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        watches[context] = Watch(context, site.address)
        return context.new_page()

    yield open_page
    for context in watches:
        context.close()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page in a window of 1280 by 800, in light colours, with scripts."""
    return new_page()


@pytest.fixture
def watch(page: Page, watches: Watches) -> Watch:
    """What watches ``page``, for tests that expect something to go wrong there."""
    return watches[page.context]


@pytest.fixture
def phone(new_page: NewPage) -> Page:
    """A page on a small phone, touched with fingers."""
    return new_page(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)


@pytest.fixture
def dark(new_page: NewPage) -> Page:
    """A page for somebody who prefers dark colours."""
    return new_page(color_scheme="dark")


@pytest.fixture
def no_script(new_page: NewPage) -> Page:
    """A page without scripts."""
    return new_page(java_script_enabled=False)


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """A folder for screenshots: the one in ``$PIXFIND_SCREENSHOTS``, else one that goes away."""
    folder = Path(os.environ.get("PIXFIND_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
