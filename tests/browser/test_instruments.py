"""The instruments of these tests notice what they are there to notice."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Error, Page

from browser.checks import assert_accessible, assert_no_sideways_scrolling
from browser.collection import NO_PICTURE
from browser.serving import Site
from browser.watching import Watch
from pixfind.library import Library
from pixfind.status import library_status


def test_errors_on_a_page_are_noted(page: Page, watch: Watch) -> None:
    page.goto("/")
    page.evaluate("console.error('said'), setTimeout(() => { throw new Error('thrown') })")
    page.wait_for_timeout(50)
    said, thrown = watch.faults()
    assert said.startswith("console: said")
    assert "thrown" in thrown
    watch.expect("said|thrown")
    assert watch.faults() == []


@pytest.mark.parametrize(
    "refused",
    [
        "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))",
        "document.body.setAttribute('style', 'color: red')",
        "new Image().src = 'http://192.0.2.1/pixel.gif'",
        "void fetch('http://pictures.example/').catch(() => 0)",
    ],
)
def test_what_the_policy_refuses_is_noted(page: Page, watch: Watch, refused: str) -> None:
    page.goto("/")
    page.evaluate(refused)
    page.wait_for_timeout(50)
    assert any("Content Security Policy" in fault for fault in watch.faults())
    watch.expect("Content Security Policy|foreign: ")


@pytest.mark.parametrize("address", ["http://pictures.example/", "http://192.0.2.1/"])
def test_no_other_machine_is_reached(page: Page, watch: Watch, address: str) -> None:
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto(address)
    assert f"foreign: {address}" in watch.faults()
    watch.expect("foreign: |ERR_NAME_NOT_RESOLVED")


def test_what_cannot_be_heard_is_reported(page: Page) -> None:
    page.goto("/help")
    page.evaluate("document.querySelector('main').append(new Image())")
    with pytest.raises(AssertionError, match=r"image-alt \(critical\)(.|\n)*<img>"):
        assert_accessible(page)


def test_what_is_too_wide_is_reported(page: Page) -> None:
    page.goto("/help")
    page.evaluate(
        "document.querySelector('main').append(Object.assign(document.createElement('hr'),"
        " {id: 'wide'})), document.querySelector('#wide').style.width = '3000px'"
    )
    with pytest.raises(AssertionError, match='id="wide"'):
        assert_no_sideways_scrolling(page)


def test_an_own_library_is_whole_and_apart(own_server: Site, server: Site, page: Page) -> None:
    page.goto("/")
    assert page.url.startswith(own_server.address)
    assert page.locator(".grid img").first.evaluate("image => image.naturalWidth") > 0
    with Library.open(own_server.settings.library) as library:
        status = library_status(library)
    (failure,) = status.failures
    assert Path(failure.root) == own_server.collection.photos
    assert failure.path == NO_PICTURE
    assert own_server.settings.library != server.settings.library
