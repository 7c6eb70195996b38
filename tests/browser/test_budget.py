"""What a full page of results may cost the browser. No times: those are the machine's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, Response

from browser.checks import until
from browser.serving import Site

KB = 1000
# The budget of the first page of results. Bytes are counted as they are read, not as they travel;
# pictures are not counted among the requests, because how many are near depends on the window.
MOST_REQUESTS = 30
MOST_HTML = 60 * KB
MOST_STYLES = 60 * KB
MOST_SCRIPTS = 120 * KB
MOST_PICTURES_AT_FIRST = 60
MOST_SHIFT = 0.02  # cumulative layout shift; 0.1 is what Lighthouse calls good

# With words, so that each result tells how well it matches, and all however improbable.
QUERY = "/?q=a+blurred+picture+score:%3E%3D0"
FULL_PAGE = 40

# What content-visibility left out, and draws where its room was kept, Chromium counts as shifted
# from nowhere. Nothing jumps there: only what was drawn before can.
SHIFTS = """
() => new Promise(resolve => {
    let sum = 0;
    const wasDrawn = source => source.previousRect.width > 0 && source.previousRect.height > 0;
    const observer = new PerformanceObserver(list => {
        for (const shift of list.getEntries()) {
            if (!shift.hadRecentInput && shift.sources.some(wasDrawn)) sum += shift.value;
        }
    });
    observer.observe({type: "layout-shift", buffered: true});
    requestAnimationFrame(() => setTimeout(() => resolve(sum), 100));
})
"""


@dataclass
class Load:
    """What a page has asked for: responses by kind, as the browser names it."""

    responses: list[Response] = field(default_factory=list)

    def note(self, response: Response) -> None:
        self.responses.append(response)

    def kinds(self) -> Counter[str]:
        return Counter(response.request.resource_type for response in self.responses)

    def size(self, kind: str) -> int:
        bodies = [r.body() for r in self.responses if r.request.resource_type == kind]
        return sum(map(len, bodies))


@pytest.fixture
def load(many_server: Site, page: Page) -> Load:
    """A full page of results, as a browser loads it that has never been here."""
    loaded = Load()
    page.on("response", loaded.note)
    page.goto(QUERY)
    page.wait_for_load_state("networkidle")
    assert page.locator(".grid li").count() >= FULL_PAGE
    return loaded


def test_the_first_page_of_results_asks_for_little(load: Load) -> None:
    kinds = load.kinds()
    assert kinds["document"] == 1
    assert kinds["image"] <= MOST_PICTURES_AT_FIRST
    assert kinds.total() - kinds["image"] <= MOST_REQUESTS, kinds
    assert all(response.ok for response in load.responses)


def test_the_first_page_of_results_is_small(load: Load) -> None:
    assert 0 < load.size("document") < MOST_HTML
    assert 0 < load.size("stylesheet") < MOST_STYLES
    assert load.size("script") < MOST_SCRIPTS


def test_nothing_jumps_while_results_load_and_scroll(load: Load, page: Page) -> None:
    for _ in range(12):
        page.mouse.wheel(0, 600)
        # Whoever is faster than the server sees the last row of what is there fill up.
        page.wait_for_timeout(250)
        until(page, "!document.querySelector('.more [aria-busy=true]')")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("scrollY") > 0
    assert page.evaluate(SHIFTS) < MOST_SHIFT


def test_a_jump_would_be_measured(load: Load, page: Page) -> None:
    page.evaluate("document.querySelector('main').style.marginTop = '400px'")
    assert page.evaluate(SHIFTS) > MOST_SHIFT
