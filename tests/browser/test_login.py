"""Logging in and out as people do, with and without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.checks import assert_accessible, assert_no_sideways_scrolling
from browser.collection import Collection
from browser.conftest import NewPage, Watches
from browser.serving import Site, serve
from web.security import users
from web.security.access import Access
from web.security.doors import Door, PasswordDoor, TokenDoor
from web.security.users import Users

TOKEN = "a-token-of-this-test-000"
PASSWORD = "correct horse battery"
WIDTHS = (360, 1280, 3840)


@pytest.fixture
def door() -> Door:
    """A test may ask for another one."""
    return TokenDoor(TOKEN)


@pytest.fixture
def by_password(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> PasswordDoor:
    monkeypatch.setattr(users, "METHOD", "scrypt:1024:8:1")
    known = Users(tmp_path_factory.mktemp("users") / "passwords.json")
    known.set("anna", PASSWORD)
    return PasswordDoor(known)


@pytest.fixture
def site(request: pytest.FixtureRequest, collection: Collection) -> Iterator[Site]:
    """A server that answers those who log in."""
    name = "by_password" if "by_password" in request.fixturenames else "door"
    with serve(collection, access=Access(request.getfixturevalue(name))) as served:
        yield served


def test_the_address_that_was_told_logs_in_and_hides_its_token(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.headers}"))
    page.goto(f"/login?next=/timeline/#{TOKEN}")
    page.wait_for_url("**/timeline/")
    assert not any(TOKEN in each for each in asked)
    # Nor is it in what was visited before.
    page.go_back()
    assert TOKEN not in page.url


def test_somebody_logs_in_and_out_with_the_keyboard(
    by_password: PasswordDoor, page: Page, watches: Watches
) -> None:
    watches[page.context].expect("status of 403")
    page.goto("/?q=a+cat")
    expect(page).to_have_title("Log in - pixfind")
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    expect(page.get_by_label("User name")).to_have_value("anna")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/\?q=a(\+|%20)cat$"))
    expect(page.locator("#results img").first).to_be_visible()
    page.get_by_role("button", name="Log out").press("Enter")
    expect(page).to_have_title("Log in - pixfind")
    page.go_back()
    expect(page).to_have_title("Log in - pixfind")


def test_it_needs_no_script(by_password: PasswordDoor, new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/timeline/")
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/timeline/")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")


def test_who_goes_on_when_the_session_is_over_logs_in_and_comes_there(
    page: Page, watches: Watches
) -> None:
    watches[page.context].expect("status of 401")
    page.goto(f"/login?next=/%3Fq=a+cat#{TOKEN}")
    page.wait_for_url("**/?q=*")
    page.context.clear_cookies()
    page.locator("#q").fill("a rocket")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Log in - pixfind")
    page.locator("[name=secret]").fill(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/\?q=a(\+|%20)rocket$"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_the_page_is_accessible_at_every_width(
    by_password: PasswordDoor, new_page: NewPage, watches: Watches, scheme: str, language: str
) -> None:
    page = new_page(color_scheme=scheme, locale=language, reduced_motion="reduce")
    watches[page.context].expect("status of 403")
    page.goto("/login")
    _check(page)
    page.locator("[name=user]").fill("anna")
    page.locator("[name=secret]").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    _check(page)


def test_the_page_for_a_token_is_accessible_too(page: Page) -> None:
    page.goto("/login")
    _check(page)


def _check(page: Page) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert_no_sideways_scrolling(page)
        assert_accessible(page)
