"""What people come for: a photo that they describe, with a mouse, a keyboard, or no scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.checks import until
from browser.serving import Site

MOST_TABS = 60


def box(page: Page) -> Locator:
    return page.locator("input[name=q]").first


def results(page: Page) -> Locator:
    return page.locator(".grid a[href*='/photos/']")


@pytest.mark.parametrize(
    ("query", "photo"),
    [
        ("a cat", "chelsea.jpg"),
        ("a cup of coffee on a table type:photo", "coffee.jpg"),
        ("a rocket launch type:photo", "rocket.jpg"),
        ("ancient coins", "coins.jpg"),
        ("camera:nikon", "cameraman.jpg"),
    ],
)
def test_what_is_described_is_found(page: Page, site: Site, query: str, photo: str) -> None:
    page.goto("/")
    box(page).fill(query)
    box(page).press("Enter")
    page.wait_for_url("**q=*")
    expect(results(page).first).to_have_attribute(
        "href", re.compile(rf"/photos/{site.photo(photo)}\b")
    )


def test_a_visit_without_scripts(no_script: Page, site: Site) -> None:
    no_script.goto("/")
    box(no_script).fill("a cat")
    box(no_script).press("Enter")
    expect(box(no_script)).to_have_value("a cat")
    searched = no_script.url
    found = results(no_script).first.get_attribute("href")
    results(no_script).first.click()
    expect(no_script).to_have_url(re.compile(rf"/photos/{site.photo('chelsea.jpg')}\b"))
    expect(no_script.get_by_role("heading", level=1)).to_contain_text("chelsea.jpg")
    assert no_script.locator("main img").first.evaluate("image => image.naturalWidth") > 0
    no_script.go_back()
    expect(no_script).to_have_url(searched)
    assert results(no_script).first.get_attribute("href") == found


def test_a_visit_by_keyboard(page: Page, site: Site) -> None:
    page.goto("/help")
    tab_to(page, box(page))
    page.keyboard.type("a cat")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=a*")
    expect(results(page).first).to_be_visible()
    tab_to(page, results(page).first)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/photos/{site.photo('chelsea.jpg')}\b"))


def test_a_visit_on_a_phone(phone: Page) -> None:
    phone.goto("/")
    box(phone).fill("a cup of coffee")
    box(phone).press("Enter")
    phone.wait_for_url("**q=a*")
    results(phone).first.tap()
    expect(phone).to_have_url(re.compile(r"/photos/\d+"))


def test_the_dark_page_is_dark(page: Page, dark: Page) -> None:
    def lightness(shown: Page) -> int:
        shown.goto("/")
        colour = shown.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert lightness(dark) < 150
    assert lightness(page) > 600


def test_a_film_plays_from_its_moment(page: Page, site: Site) -> None:
    page.goto(f"/photos/{site.photo('launch.mp4')}?t=2.5")
    film = page.locator("video")
    until(page, "document.querySelector('video').readyState >= 2")
    assert film.evaluate("video => video.currentTime") == pytest.approx(2.5, abs=0.1)


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until the element has the focus, as somebody without a mouse does."""
    for _ in range(MOST_TABS):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{wanted} cannot be reached by pressing Tab {MOST_TABS} times")
