"""What must hold on every page."""

from __future__ import annotations

import time
from importlib import resources
from typing import Any

from playwright.sync_api import Page

POLL_MS = 50

# WCAG 2.2 at levels A and AA, and what axe's authors recommend beyond.
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
OPTIONS = {
    "runOnly": {"type": "tag", "values": RULES},
    "rules": {"target-size": {"enabled": True}},  # off in axe by default
    "resultTypes": ["violations"],
    # Without the style sheets: no rule of these reads them, and axe would bring some in again in a
    # way that the pages' policy forbids.
    "preload": {"assets": ["media"]},
}


def assert_accessible(page: Page) -> None:
    """Fail with what axe-core finds wrong: the rule, how bad, why, and the elements."""
    if not page.evaluate("'axe' in window"):
        page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("options => axe.run(document, options)", OPTIONS)
    told = [_told(violation) for violation in found["violations"]]
    assert not told, "\n".join([f"{page.url} has {len(told)} kinds of violations:", *told])


def assert_no_sideways_scrolling(page: Page) -> None:
    """Fail if the page is wider than the window, naming the elements that are."""
    wide, window = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    outside = page.evaluate(
        """() => [...document.body.querySelectorAll("*")]
            .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
            .slice(0, 5).map(e => e.outerHTML.slice(0, 120))"""
    )
    assert wide <= window, "\n".join([f"{page.url} is {wide} wide in {window}:", *outside])


def wait_for_pictures(page: Page) -> None:
    """Wait until every picture in the window is there, so that a screenshot shows it."""
    until(
        page,
        """() => [...document.images]
            .filter(image => image.getBoundingClientRect().top < window.innerHeight)
            .every(image => image.complete && image.naturalWidth > 0)""",
    )


def until(page: Page, condition: str, patience_s: float = 20.0) -> None:
    """Wait until an expression is true.

    Not Playwright's ``wait_for_function``, which hands a page text to run, as its policy forbids.
    """
    deadline = time.monotonic() + patience_s
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"not within {patience_s:g} s: {condition}"
        page.wait_for_timeout(POLL_MS)


def _told(violation: dict[str, Any]) -> str:
    lines = [f"{violation['id']} ({violation['impact']}): {violation['help']}"]
    for node in violation["nodes"]:
        lines.append(f"    {node['html']}")
        lines += [f"      {line.strip()}" for line in node["failureSummary"].splitlines()[1:]]
    return "\n".join(lines)
