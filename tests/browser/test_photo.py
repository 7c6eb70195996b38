"""One photo, on its page and over the grid: turned over, enlarged, searched in, tagged."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.checks import assert_accessible, assert_no_sideways_scrolling, until
from browser.conftest import NewPage
from browser.serving import Site
from browser.watching import Watch

GARAGE = "/?q=folder:Garage+sort:name"
SEARCHED = "**/?q=*like*"
LIKE = re.compile(r"like:(\d+)@([\d.,]+)")


def tiles(page: Page) -> Locator:
    return page.locator(".grid > li > a")


def lightbox(page: Page) -> Locator:
    return page.get_by_role("dialog")


def at(site: Site, name: str) -> re.Pattern[str]:
    return re.compile(rf"/photos/{site.photo(name)}\b")


def opened(page: Page, address: str = GARAGE, place: int = 0) -> Locator:
    """Open the lightbox at a photo of the grid, and wait for what is told of it."""
    page.goto(address)
    tiles(page).nth(place).click()
    box = lightbox(page)
    expect(box).to_be_visible()
    expect(box.locator(".told")).to_be_attached()
    return box


def part_of(page: Page) -> tuple[int, list[float], str]:
    """The photo and the box that were searched for, and what else."""
    page.wait_for_url(SEARCHED)
    query = parse_qs(urlsplit(page.url).query)["q"][0]
    found = LIKE.search(query)
    assert found
    return int(found[1]), [float(s) for s in found[2].split(",")], LIKE.sub("", query).strip()


# The lightbox


def test_photos_are_turned_over_by_keys(page: Page, site: Site) -> None:
    box = opened(page)
    expect(page).to_have_url(at(site, "motorcycle again.jpg"))
    expect(box.get_by_role("heading", level=2).first).to_have_text("motorcycle again.jpg")
    expect(box.get_by_role("button", name="Previous")).to_be_disabled()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(at(site, "motorcycle.jpg"))
    expect(box.get_by_role("heading", level=2).first).to_have_text("motorcycle.jpg")
    expect(box.get_by_text("2 of 2", exact=True)).to_be_visible()
    expect(box.get_by_role("button", name="Next")).to_be_disabled()
    expect(page).to_have_title(re.compile("^motorcycle.jpg"))
    large = box.locator(".large")
    until(page, "document.querySelector('.large')?.naturalWidth > 400")
    assert (large.get_attribute("alt") or "").strip()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/\?q=folder:Garage"))
    # Where somebody went on to, not where they came from.
    expect(tiles(page).nth(1)).to_be_focused()
    expect(page).not_to_have_title(re.compile("motorcycle"))


def test_going_back_closes_it_and_going_forward_leads_on(page: Page, site: Site) -> None:
    box = opened(page)
    box.get_by_role("button", name="Next").click()
    expect(page).to_have_url(at(site, "motorcycle.jpg"))
    page.go_back()
    expect(box).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/\?q=folder:Garage"))
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text("motorcycle.jpg")
    page.go_back()
    expect(tiles(page)).to_have_count(2)
    page.wait_for_load_state()  # until then, a click may be the browser's own
    tiles(page).first.click()
    expect(box).to_be_visible()
    box.get_by_role("button", name="Close").click()
    expect(box).to_be_hidden()
    expect(tiles(page).first).to_be_focused()


def test_its_address_is_that_of_the_photo(page: Page, site: Site) -> None:
    opened(page)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("motorcycle again.jpg")
    page.go_back()
    expect(tiles(page)).to_have_count(2)


def test_a_click_with_a_key_is_the_grids(page: Page, site: Site) -> None:
    page.goto(GARAGE)
    tiles(page).first.click(modifiers=["Shift"])
    page.wait_for_timeout(300)
    expect(lightbox(page)).to_have_count(0)


def test_it_asks_for_more_at_the_end(page: Page, many_server: Site) -> None:
    page.goto("/?q=type:photo")
    shown = tiles(page).count()
    tiles(page).nth(shown - 1).click()
    box = lightbox(page)
    expect(box).to_be_visible()
    until(page, f"document.querySelectorAll('.grid > li').length > {shown}")
    page.keyboard.press("ArrowRight")
    expect(box.locator(".place")).to_contain_text(f"{shown + 1} of")


def test_what_is_known_stands_beside_it(page: Page, site: Site) -> None:
    box = opened(page)
    panel = box.get_by_role("complementary", name="About this photo")
    expect(panel).to_be_hidden()
    page.keyboard.press("i")
    expect(panel.get_by_role("heading", name="Facts")).to_be_visible()
    expect(panel.get_by_role("link", name="SONY ILCE-7M3")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(panel.get_by_text("/motorcycle.jpg")).to_be_visible()
    # In a field, keys write.
    panel.get_by_label("New tag").fill("x")
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(at(site, "motorcycle.jpg"))


def test_a_picture_is_enlarged_and_moved(page: Page) -> None:
    box = opened(page)
    picture = box.locator(".picture")
    page.wait_for_selector(".picture.loaded")

    def width() -> float:
        bounds = picture.bounding_box()
        assert bounds
        return bounds["width"]

    before = width()
    page.keyboard.press("+")
    assert width() == pytest.approx(1.5 * before, rel=0.01)
    left = (picture.bounding_box() or {})["x"]
    page.keyboard.press("ArrowRight")
    assert (picture.bounding_box() or {})["x"] < left
    page.keyboard.press("0")
    assert width() == pytest.approx(before, rel=0.01)
    picture.click()
    assert width() == pytest.approx(2.5 * before, rel=0.01)
    until(page, "document.querySelector('.large').src.includes('/originals/')")
    picture.click()
    assert width() == pytest.approx(before, rel=0.01)


def test_fingers_turn_photos_over(phone: Page, site: Site) -> None:
    opened(phone)
    expect(phone).to_have_url(at(site, "motorcycle again.jpg"))
    phone.locator(".stage").evaluate(
        """stage => {
            const at = { identifier: 1, target: stage, clientY: 300 };
            const from = [new Touch({ ...at, clientX: 250 })];
            const to = [new Touch({ ...at, clientX: 100 })];
            stage.dispatchEvent(new TouchEvent("touchstart", { touches: from }));
            stage.dispatchEvent(new TouchEvent("touchend", { changedTouches: to }));
        }"""
    )
    expect(phone).to_have_url(at(site, "motorcycle.jpg"))


def test_a_film_plays_over_the_grid(page: Page, site: Site) -> None:
    page.goto("/?q=type:video")
    tiles(page).first.click()
    film = lightbox(page).locator("video")
    expect(film).to_be_visible()
    until(page, "document.querySelector('dialog video')?.readyState >= 2")
    expect(lightbox(page).get_by_role("button", name="Search a part")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_in_every_state(new_page: NewPage, scheme: str) -> None:
    page = new_page(color_scheme=scheme, reduced_motion="reduce")
    box = opened(page, "/?q=a+cat&all=1")
    for width in (360, 1280, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        assert_accessible(page)
        page.keyboard.press("i")
        assert_accessible(page)
        page.keyboard.press("i")
        box.get_by_role("button", name="Search a part").click()
        assert_accessible(page)
        assert_no_sideways_scrolling(page)
        page.keyboard.press("Escape")
        expect(box).to_be_visible()


# A part


def test_a_box_is_drawn_with_the_mouse(page: Page, site: Site) -> None:
    coffee = site.photo("coffee.jpg")
    page.goto(f"/photos/{coffee}?q=a+spoon")
    page.get_by_role("button", name="Search a part").click()
    bounds = page.locator(".region").bounding_box()
    assert bounds
    x, y, width, height = (bounds[side] for side in ("x", "y", "width", "height"))
    page.mouse.move(x + 0.6 * width, y + 0.7 * height)
    page.mouse.down()
    page.mouse.move(x + 0.3 * width, y + 0.4 * height)
    page.mouse.move(x + 0.2 * width, y + 0.3 * height)
    page.mouse.up()
    page.get_by_role("button", name="Together with").click()
    photo, box, words = part_of(page)
    assert (photo, words) == (coffee, "a spoon")
    assert box == pytest.approx([0.2, 0.3, 0.4, 0.4], abs=0.01)


def test_a_box_is_moved_by_keys(page: Page, site: Site) -> None:
    coffee = site.photo("coffee.jpg")
    page.goto(f"/photos/{coffee}?q=a+spoon")
    page.get_by_role("button", name="Search a part").click()
    expect(page.get_by_role("application", name="Part of the photo")).to_be_focused()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".region-tools [role=status]")).to_have_text(
        "20% from the left, 25% from the top, 50% wide, 55% high"
    )
    page.keyboard.press("Enter")
    assert part_of(page) == (coffee, [0.2, 0.25, 0.5, 0.55], "")


def test_escape_ends_drawing_and_nothing_else(page: Page, site: Site) -> None:
    box = opened(page)
    start = box.get_by_role("button", name="Search a part")
    start.click()
    page.keyboard.press("ArrowRight")  # moves the box, not on to the next photo
    page.keyboard.press("Escape")
    expect(page.locator(".region")).to_have_count(0)
    expect(box).to_be_visible()
    expect(start).to_be_focused()
    expect(page).to_have_url(at(site, "motorcycle again.jpg"))


def test_a_part_is_searched_from_over_the_grid(page: Page, site: Site) -> None:
    box = opened(page)
    box.get_by_role("button", name="Search a part").click()
    box.get_by_role("button", name="Search this part").click()
    photo, part, words = part_of(page)
    assert photo == site.photo("motorcycle again.jpg")
    assert part == [0.25, 0.25, 0.5, 0.5]
    assert words == ""


def test_a_part_is_named_without_a_script(no_script: Page, site: Site) -> None:
    coffee = site.photo("coffee.jpg")
    no_script.goto(f"/photos/{coffee}?q=a+spoon")
    no_script.get_by_text("Search a part of this photo").click()
    no_script.get_by_label("Left").fill("10")
    no_script.get_by_label("Width").fill("33.3")
    no_script.get_by_label("together with").check()
    no_script.get_by_role("button", name="Search this part").click()
    assert part_of(no_script) == (coffee, [0.1, 0.25, 0.333, 0.5], "a spoon")


# Tags


def say(page: Page, word: str, tag: str) -> None:
    page.get_by_role("button", name=f"{word}: {tag}", exact=True).click()


def add(page: Page, tag: str) -> None:
    page.get_by_label("New tag").fill(tag)
    page.get_by_role("button", name="Add", exact=True).click()


@pytest.mark.parametrize("scripts", [True, False])
def test_tags_are_given_and_taken(new_page: NewPage, own_server: Site, scripts: bool) -> None:
    page = new_page(java_script_enabled=scripts)
    page.goto(f"/photos/{own_server.photo('coins.jpg')}?q=money")
    tags = page.locator("#tags")
    if scripts:
        page.evaluate("window.stayed = true")
    add(page, "our coins")
    expect(tags.get_by_role("link", name="our coins")).to_be_visible()
    say(page, "Take back", "our coins")
    expect(tags.get_by_role("link", name="our coins")).to_have_count(0)
    add(page, "money")
    expect(tags.get_by_role("link", name="money")).to_be_visible()
    if scripts:
        assert page.evaluate("window.stayed")
        expect(page.locator("#tagged")).to_have_text("money is accepted.")
        expect(page.get_by_label("New tag")).to_be_focused()
    else:
        expect(page).to_have_url(re.compile(r"\?q=money#tags$"))


@pytest.mark.parametrize("scripts", [True, False])
def test_a_rejected_tag_can_come_back(new_page: NewPage, own_server: Site, scripts: bool) -> None:
    coins = own_server.photo("coins.jpg")
    new_page().request.post(f"/photos/{coins}/tags", form={"accept": "dog"}, max_redirects=0)
    new_page().request.post(f"/photos/{coins}/tags", form={"reject": "dog"}, max_redirects=0)
    page = new_page(java_script_enabled=scripts)
    page.goto(f"/photos/{coins}")
    tags = page.locator("#tags")
    rejected = tags.locator("details")
    expect(rejected).to_contain_text("rejected tag")
    rejected.locator("summary").click()
    expect(rejected.locator("del").first).to_be_visible()
    if scripts:
        assert_accessible(page)
    say(page, "Take back", "dog")
    expect(tags.locator("del", has_text=re.compile("^dog$"))).to_have_count(0)


def test_a_name_that_no_tag_has_is_refused(page: Page, own_server: Site, watch: Watch) -> None:
    watch.expect("status of 400")
    page.goto(f"/photos/{own_server.photo('coins.jpg')}")
    page.locator("#new-tag").evaluate("field => field.removeAttribute('maxlength')")
    add(page, "x" * 101)
    expect(page.get_by_role("alert")).to_contain_text("1 to 100 visible characters")
    assert_accessible(page)


# A film


def test_a_still_leads_to_its_moment(page: Page, no_script: Page, site: Site) -> None:
    film = f"/photos/{site.photo('launch.mp4')}"
    page.goto(film)
    until(page, "document.querySelector('video').readyState >= 1")
    still = page.locator(".stills a").nth(1)
    second = float(still.get_attribute("data-second") or "")
    page.evaluate("HTMLMediaElement.prototype.play = () => Promise.resolve()")
    still.click()
    until(page, f"Math.abs(document.querySelector('video').currentTime - {second}) < .1")
    assert urlsplit(page.url).query == ""
    no_script.goto(film)
    no_script.locator(".stills a").nth(1).click()
    expect(no_script.locator("video")).to_have_attribute("src", re.compile(rf"#t={second:g}"))


# Neighbours


def test_photos_are_walked_through_in_time(no_script: Page, site: Site) -> None:
    no_script.goto(f"/photos/{site.photo('motorcycle.jpg')}")
    no_script.get_by_role("link", name="Taken after").click()
    expect(no_script).to_have_url(at(site, "motorcycle again.jpg"))
    no_script.get_by_role("link", name="Taken before").click()
    expect(no_script).to_have_url(at(site, "motorcycle.jpg"))


def test_a_result_is_walked_through(no_script: Page, site: Site) -> None:
    no_script.goto(GARAGE)
    tiles(no_script).first.click()
    no_script.get_by_role("link", name="Next").click()
    expect(no_script).to_have_url(at(site, "motorcycle.jpg"))
    expect(no_script.get_by_role("link", name="Next")).to_have_count(0)
    no_script.get_by_role("link", name="Back to").click()
    expect(tiles(no_script)).to_have_count(2)
