"""The application in Chinese: what scripts say, that it fits, and how to get there and back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.checks import assert_accessible, assert_no_sideways_scrolling
from browser.conftest import PHONE, NewPage
from browser.serving import Site

WIDTHS = (360, 1280)
PAGES = ("/", "/?q=a+cat", "/?q=camera:none", "/help", "/timeline/", "/cameras/", "/library/")
# Names that are the same in every language.
NAMES = {"ZIP", "CSV", "JSON"}
# What is read in an element, but for what is typed, names of files, and parts in English.
READ = """root => {
    const read = [];
    const own = element => !element.closest("code, kbd, [lang=en], .of-photo");
    for (const element of [root, ...root.querySelectorAll("*")]) {
        if (!own(element) || !element.checkVisibility()) continue;
        for (const name of ["aria-label", "title", "placeholder"]) {
            read.push(element.getAttribute(name) || "");
        }
        for (const node of element.childNodes) {
            if (node.nodeType === Node.TEXT_NODE) read.push(node.data);
        }
    }
    return read;
}"""


@pytest.fixture
def chinese(new_page: NewPage) -> Page:
    """A page in the browser of somebody who reads Chinese."""
    return new_page(locale="zh-CN")


def assert_chinese(shown: Locator) -> None:
    """Fail if an element says something in English, or nothing in Chinese."""
    expect(shown).to_be_visible()
    texts = shown.evaluate(READ)
    assert any(re.search("[一-鿿]", text) for text in texts)
    assert [text for text in texts if set(re.findall("[A-Za-z]{2,}", text)) - NAMES] == []


def test_a_reader_of_chinese_finds_it_in_chinese_and_can_change_that(
    chinese: Page, site: Site
) -> None:
    chinese.goto("/?q=a+cat")
    expect(chinese.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(chinese.get_by_role("link", name="时间线")).to_be_visible()
    chinese.get_by_role("button", name="English").click()
    expect(chinese).to_have_url(f"{site.address}/?q=a+cat")
    expect(chinese.locator("html")).to_have_attribute("lang", "en")
    chinese.get_by_role("link", name="Timeline").click()
    expect(chinese.get_by_role("heading", name="Timeline")).to_be_visible()
    chinese.get_by_role("button", name="简体中文").click()
    expect(chinese.get_by_role("heading", name="时间线")).to_be_visible()


def test_the_language_changes_without_scripts(no_script: Page) -> None:
    no_script.goto("/?q=a+cat")
    no_script.get_by_role("button", name="简体中文").click()
    expect(no_script.locator("html")).to_have_attribute("lang", "zh-Hans")
    assert "q=a+cat" in no_script.url


def test_scripts_speak_chinese(chinese: Page) -> None:
    chinese.goto("/?q=a+cat")
    photos = chinese.locator("main li[data-id]")
    photos.first.locator("a").first.focus()
    chinese.keyboard.press("?")
    assert_chinese(chinese.get_by_role("dialog", name="快捷键"))
    chinese.keyboard.press("Escape")
    photos.first.locator("a").first.focus()
    chinese.keyboard.press("x")
    bar = chinese.get_by_role("region", name="所选照片")
    expect(bar).to_contain_text("已选择 1 张照片")
    assert_chinese(bar)
    assert_accessible(chinese)


@pytest.mark.parametrize("address", PAGES)
def test_pages_in_chinese_fit_and_are_accessible(chinese: Page, address: str) -> None:
    chinese.goto(address)
    for width in WIDTHS:
        chinese.set_viewport_size({**PHONE, "width": width})
        assert_no_sideways_scrolling(chinese)
        assert_accessible(chinese)
