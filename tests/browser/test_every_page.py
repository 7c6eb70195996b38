"""On every page: nothing that axe finds fault with, nothing wider than the window."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from browser.checks import assert_accessible, assert_no_sideways_scrolling
from browser.conftest import NewPage, Watches
from browser.serving import Site

WIDTHS = (360, 1280)
WIDEST = 3840  # nothing differs for axe there, but lines and rows may fall apart
PAGES = {
    "latest": "/",
    "results": "/?q=a+cat",
    "results with filters": "/?q=a+cat+-dog+camera:fujifilm+date:2021",
    "nothing found": "/?q=camera:none",
    "nearest": "/?q=a+submarine+under+ice",
    "help": "/help",
    "photo": "/photos/{chelsea.jpg}?q=a+cat",
    "match in a photo": "/photos/{coffee.jpg}?q=a+spoon&box=0.5,0.4,0.3,0.4",
    "film": "/photos/{launch.mp4}?t=2",
    "timeline": "/timeline/",
    "year": "/timeline/2021",
    "folders": "/folders/",
    "folder": "/folders/?root=1",
    "cameras": "/cameras/",
    "tags": "/tags/",
    "albums": "/albums/",
    "duplicates": "/duplicates/",
    "library": "/library/",
    "reference": "/reference/",
    "reference documents": "/reference/documents",
}
WRONG = {"mistake": (400, "/?q=date:never"), "no such photo": (404, "/photos/99999999")}


@pytest.fixture(params=["light", "dark"])
def either(request: pytest.FixtureRequest, new_page: NewPage) -> Page:
    """A page in either of the colour schemes."""
    return new_page(color_scheme=request.param, reduced_motion="reduce")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_at_every_width(either: Page, site: Site, name: str) -> None:
    either.goto(_address(site, PAGES[name]))
    _check(either)


@pytest.mark.parametrize("name", WRONG)
def test_a_page_of_an_error_is_accessible_too(either: Page, watches: Watches, name: str) -> None:
    status, address = WRONG[name]
    watches[either.context].expect(f"status of {status}")
    answer = either.goto(address)
    assert answer is not None
    assert answer.status == status
    _check(either)


def test_the_page_that_describes_a_photo_is_accessible(own_server: Site, page: Page) -> None:
    page.goto(_address(own_server, "/photos/{rocket.jpg}/description"))
    _check(page)


def _check(page: Page) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert_no_sideways_scrolling(page)
        assert_accessible(page)
    page.set_viewport_size({"width": WIDEST, "height": 2160})
    assert_no_sideways_scrolling(page)


def _address(site: Site, pattern: str) -> str:
    """Fill in the ids of the photos that an address names."""
    before, brace, rest = pattern.partition("{")
    name, _, after = rest.partition("}")
    return f"{before}{site.photo(name)}{after}" if brace else pattern
