"""The grid in a browser: rows, previews, keys, a selection and what is done with it, no end."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from browser.checks import assert_accessible, assert_no_sideways_scrolling, until
from browser.collection import MANY
from browser.conftest import NewPage
from browser.serving import Site
from browser.watching import Watch

ALL = "/?q=type:photo+sort:name"
PICTURES = "**/thumbnails/**"
TILES = ".grid > li"
# What has the focus: the number of its tile and what it is.
FOCUSED = """() => {
    const tiles = [...document.querySelectorAll(".grid > li")];
    return tiles.indexOf(document.activeElement.closest(".grid > li"));
}"""
# Where tiles are: left, top, width, height.
PLACES = """() => [...document.querySelectorAll(".grid > li")].map(tile => {
    const place = tile.getBoundingClientRect();
    return [place.left, place.top, place.width, place.height];
})"""
# Asks for the next page, as if somebody had come to the end.
MORE = "document.dispatchEvent(new CustomEvent('pixfind:more'))"

Place = list[float]


def shown(page: Page) -> list[str]:
    """The ids of the photos on a page, in order."""
    ids: list[str] = page.eval_on_selector_all(TILES, "tiles => tiles.map(t => t.dataset.id)")
    return ids


def rows(page: Page) -> list[list[Place]]:
    found: list[list[Place]] = []
    for place in page.evaluate(PLACES):
        if not found or abs(found[-1][0][1] - place[1]) > 1:
            found.append([])
        found[-1].append(place)
    return found


def photo(page: Page, number: int) -> Locator:
    return page.locator(f"{TILES} > a").nth(number)


def box(page: Page, number: int) -> Locator:
    return page.locator(TILES).nth(number).get_by_role("checkbox")


def search_box(page: Page) -> Locator:
    return page.locator("#q")


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="Chosen photos")


def chosen(page: Page) -> list[int]:
    """Which tiles are chosen, as their boxes and their looks both say."""
    ticked: list[int] = page.eval_on_selector_all(
        TILES, "tiles => [...tiles.keys()].filter(n => tiles[n].matches('.chosen'))"
    )
    boxes: list[int] = page.eval_on_selector_all(
        TILES, "tiles => [...tiles.keys()].filter(n => tiles[n].querySelector(':checked'))"
    )
    assert set(boxes) <= set(ticked)
    return ticked


def assert_apart(parts: Locator) -> None:
    """No two of these lie over each other."""
    places = [part.bounding_box() for part in parts.all()]
    for one, other in itertools.combinations(filter(None, places), 2):
        beside = min(one["x"] + one["width"], other["x"] + other["width"])
        below = min(one["y"] + one["height"], other["y"] + other["height"])
        overlap = max(one["x"], other["x"]) < beside and max(one["y"], other["y"]) < below
        assert not overlap, (one, other)


@pytest.fixture
def many(many_server: Site, page: Page) -> Page:
    """A page of more photos than it shows at first."""
    page.goto(ALL)
    expect(box(page, 0)).to_be_attached()  # what scripts add is there
    return page


@pytest.fixture
def few(site: Site, page: Page) -> Page:
    page.goto(ALL)
    expect(box(page, 0)).to_be_attached()
    return page


# Rows


def assert_justified(page: Page) -> None:
    """All rows end where the first does, but the last, which is no higher than the others."""
    *full, last = rows(page)
    right = max(left + wide for left, _, wide, _ in full[0])
    for row in full:
        assert max(left + wide for left, _, wide, _ in row) == pytest.approx(right, abs=1.5)
        heights = [high for *_, high in row]
        assert max(heights) - min(heights) < 1
    lowest = min(high for row in full for *_, high in row)
    assert all(high <= lowest + 1 for *_, high in last)


def test_rows_are_justified_and_the_last_is_not_stretched(
    many_server: Site, no_script: Page
) -> None:
    no_script.goto(ALL)
    for width in (360, 1280, 3840):
        no_script.set_viewport_size({"width": width, "height": 800})
        assert_justified(no_script)


def test_tiles_have_the_shapes_of_their_pictures_which_are_not_all_asked_for(many: Page) -> None:
    shapes: list[list[float]] = many.eval_on_selector_all(
        TILES,
        """tiles => tiles.map(tile => {
            const image = tile.querySelector("img");
            return [tile.offsetWidth / tile.offsetHeight, image.width / image.height,
                    image.getAttribute("width") / image.getAttribute("height")];
        })""",
    )
    for tile, image, picture in shapes:
        assert image == pytest.approx(tile, rel=0.02)
        assert tile == pytest.approx(picture, rel=0.06)
    lazy = many.eval_on_selector_all(f"{TILES} img", "all => all.map(image => image.loading)")
    assert lazy[:4] == ["auto"] * 4
    assert lazy[-1] == "lazy"
    urgent = many.locator(f"{TILES} img[fetchpriority='high']")
    assert 0 < urgent.count() < 10


def test_previews_stand_in_for_pictures_and_nothing_moves_when_these_arrive(
    many_server: Site, page: Page
) -> None:
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(PICTURES, hold)
    page.goto(ALL, wait_until="domcontentloaded")
    expect(box(page, 0)).to_be_attached()
    canvas, image = (page.locator(f"{TILES}:first-child {name}") for name in ("canvas", "img"))
    expect(canvas).to_be_visible()
    colours = canvas.evaluate("c => [...c.getContext('2d').getImageData(0, 0, 4, 4).data]")
    assert len({tuple(colours[at : at + 4]) for at in range(0, 64, 4)}) > 4
    assert image.evaluate("i => getComputedStyle(i).opacity") == "0"
    before = page.evaluate(PLACES)
    for route in waiting:
        route.continue_()
    page.unroute(PICTURES)
    expect(page.locator(f"{TILES}:nth-child(-n+12) .waiting")).to_have_count(0)
    assert page.evaluate(PLACES) == before
    expect(canvas).not_to_be_attached()
    expect(image).to_have_css("opacity", "1")


# Keys


def test_arrows_go_as_the_rows_are_seen(many: Page) -> None:
    first, second = rows(many)[:2]
    photo(many, 0).focus()
    many.keyboard.press("ArrowRight")
    assert many.evaluate(FOCUSED) == 1
    many.keyboard.press("ArrowLeft")
    many.keyboard.press("ArrowLeft")
    assert many.evaluate(FOCUSED) == 0
    many.keyboard.press("ArrowDown")
    assert many.evaluate(FOCUSED) == len(first)
    many.keyboard.press("ArrowUp")
    assert many.evaluate(FOCUSED) == 0
    at = len(first) - 1
    photo(many, at).focus()
    many.keyboard.press("ArrowDown")
    below = many.evaluate(FOCUSED) - len(first)
    left, _, wide, _ = second[below]
    middle = first[at][0] + first[at][2] / 2
    assert left - 10 <= middle <= left + wide + 10
    many.keyboard.press("ArrowUp")
    assert many.evaluate(FOCUSED) == at


def test_home_end_and_on_beyond_what_is_loaded(many: Page) -> None:
    loaded = many.locator(TILES).count()
    photo(many, 2).focus()
    many.keyboard.press("Home")
    assert many.evaluate(FOCUSED) == 0
    photo(many, loaded - 1).focus()
    many.keyboard.press("ArrowRight")
    expect(photo(many, loaded)).to_be_focused()
    expect(many.locator(TILES)).not_to_have_count(loaded)
    many.keyboard.press("End")
    assert many.evaluate(FOCUSED) >= loaded
    # More photos may be coming in, above which it stays in sight, but for a part of a pixel.
    until(many, "document.activeElement.getBoundingClientRect().bottom <= innerHeight + 1")


def test_the_grid_is_one_stop_of_the_tab_key(few: Page) -> None:
    photo(few, 3).focus()
    inside = []
    for _ in range(8):
        few.keyboard.press("Tab")
        inside.append(few.evaluate(FOCUSED))
    assert inside[:2] == [3, 3]  # its box, more like it
    after = inside.index(-1)
    assert set(inside[:after]) == {3}
    assert set(inside[after:]) == {-1}
    assert few.locator(".grid a[tabindex='0']").count() == 1
    # and what has the focus is seen
    photo(few, 0).focus()
    few.keyboard.press("ArrowRight")
    style = photo(few, 1).evaluate("a => getComputedStyle(a).outlineStyle")
    assert style == "solid"
    # The ring lies over the picture: its colour is what is seen at the tile's edge.
    ring = photo(few, 1).evaluate("a => getComputedStyle(a).outlineColor")
    left, top, _, high = few.evaluate(PLACES)[1]
    edge = {"x": round(left) + 1, "y": round(top + high / 2), "width": 1, "height": 1}
    with Image.open(io.BytesIO(few.screenshot(clip=edge))) as seen:
        assert f"rgb{seen.convert('RGB').getpixel((0, 0))}" == ring
    expect(few.locator(TILES).nth(1).get_by_role("button", name="More like this")).to_have_css(
        "opacity", "1"
    )


def test_question_mark_slash_and_escape(few: Page) -> None:
    photo(few, 0).focus()
    few.keyboard.press("?")
    dialog = few.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("Go to the search box")
    for said in ("Larger", "Smaller", "All of it", "About this photo"):  # in the large view
        expect(dialog).to_contain_text(said)
    assert_apart(dialog.locator("h2, h3, dl, button"))
    title, edge = dialog.locator("h2").bounding_box(), dialog.bounding_box()
    assert title
    assert edge
    assert title["y"] - edge["y"] < 40
    assert_accessible(few)
    few.keyboard.press("x")
    assert chosen(few) == []
    few.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    assert few.evaluate(FOCUSED) == 0
    photo(few, 1).focus()
    few.keyboard.press("/")
    expect(search_box(few)).to_be_focused()
    few.keyboard.type("/?x")  # are letters there
    assert search_box(few).input_value() == "/?x"
    photo(few, 1).focus()
    few.keyboard.press("Escape")
    expect(search_box(few)).to_be_focused()


def test_down_leads_from_the_search_box_to_the_photos(few: Page) -> None:
    search_box(few).focus()
    few.keyboard.press("ArrowDown")
    expect(photo(few, 0)).to_be_focused()
    # while results change, what has come is gone to
    few.keyboard.press("/")
    few.keyboard.type("a cat")
    few.keyboard.press("ArrowDown")
    expect(few).to_have_title(re.compile("^a cat"))
    expect(photo(few, 0)).to_be_focused()
    # an open list comes first
    few.keyboard.press("/")
    few.keyboard.type("cam")
    expect(search_box(few)).to_have_attribute("aria-expanded", "true")
    few.keyboard.press("ArrowDown")
    expect(search_box(few)).to_be_focused()


def test_enter_opens_the_photo(site: Site, page: Page) -> None:
    page.goto(ALL)
    expect(box(page, 0)).to_be_attached()
    number = shown(page)[1]
    page.evaluate(
        """() => document.addEventListener("click", event => {
            event.preventDefault(); window.opened = event.target.closest("a")?.pathname;
        })"""
    )
    photo(page, 1).focus()
    page.keyboard.press("Enter")
    assert page.evaluate("window.opened") == f"/photos/{number}"


# A selection


def test_photos_are_chosen_by_boxes_and_with_keys_held(few: Page) -> None:
    photo(few, 1).hover()
    box(few, 1).click()
    assert chosen(few) == [1]
    expect(bar(few)).to_contain_text("1 photo chosen")
    photo(few, 4).click(modifiers=["Shift"])
    assert chosen(few) == [1, 2, 3, 4]
    photo(few, 2).click(modifiers=["ControlOrMeta"])
    photo(few, 6).click(modifiers=["ControlOrMeta"])
    assert chosen(few) == [1, 3, 4, 6]
    assert urlsplit(few.url).path == "/"
    expect(bar(few)).to_contain_text("4 photos chosen")
    few.keyboard.press("Escape")
    assert chosen(few) == []
    expect(bar(few)).not_to_be_visible()


def test_photos_are_chosen_without_a_mouse(few: Page) -> None:
    photo(few, 0).focus()
    few.keyboard.press("x")
    few.keyboard.press("ArrowRight")
    few.keyboard.press("Space")
    assert chosen(few) == [0, 1]
    few.keyboard.press("Shift+ArrowRight")
    few.keyboard.press("Shift+ArrowRight")
    assert chosen(few) == [0, 1, 2, 3]
    few.keyboard.press("x")
    assert chosen(few) == [0, 1, 2]
    few.keyboard.press("Control+a")
    assert len(chosen(few)) == len(shown(few))
    few.keyboard.press("Escape")
    assert chosen(few) == []
    assert few.evaluate(FOCUSED) == 3  # the next one goes to the search box
    few.keyboard.press("Escape")
    expect(search_box(few)).to_be_focused()


def test_what_was_chosen_far_away_has_its_box_ticked(many: Page) -> None:
    photo(many, 0).focus()
    many.keyboard.press("Control+a")
    count = len(shown(many))
    assert len(chosen(many)) == count
    many.keyboard.press("End")
    expect(box(many, count - 1)).to_be_checked()


def test_a_selection_is_accessible(site: Site, new_page: NewPage) -> None:
    page = new_page(reduced_motion="reduce")
    page.goto("/?q=a+cat&all=1")
    expect(box(page, 0)).to_be_attached()
    photo(page, 0).focus()
    page.keyboard.press("Control+a")
    bar(page).get_by_text("Export").click()
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme, width in itertools.product(schemes, (360, 1280)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        assert_no_sideways_scrolling(page)
        assert_accessible(page)


def test_a_selection_on_a_phone(site: Site, phone: Page) -> None:
    phone.goto(ALL)
    expect(box(phone, 0)).to_be_visible()
    box(phone, 0).tap()
    box(phone, 1).tap()
    expect(bar(phone)).to_contain_text("2 photos chosen")
    place = bar(phone).bounding_box()
    assert place
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= 360
    size = box(phone, 0).bounding_box()
    assert size
    assert min(size["width"], size["height"]) >= 24
    assert_no_sideways_scrolling(phone)


def test_a_tap_on_the_middle_of_a_photo_opens_it(site: Site, phone: Page) -> None:
    phone.goto("/?q=a+cat&all=1")
    expect(box(phone, 0)).to_be_visible()
    numbers = shown(phone)
    for number in range(4):
        phone.locator(TILES).nth(number).tap()  # in its middle
        expect(phone).to_have_url(re.compile(rf"/photos/{numbers[number]}\b"))
        phone.get_by_role("dialog").get_by_role("button", name="Close").tap()
        expect(phone.get_by_role("dialog")).not_to_be_visible()
        expect(photo(phone, number)).to_be_focused()
    assert_accessible(phone)
    more = phone.locator(TILES).first.get_by_role("button", name="More like this")
    size = more.bounding_box()
    assert size
    assert min(size["width"], size["height"]) >= 24
    more.tap()
    expect(phone).to_have_url(re.compile(rf"like:{numbers[0]}\b"))


def test_chosen_photos_are_tagged_and_tags_taken_back(
    own_server: Site, few: Page, watch: Watch
) -> None:
    first, second = shown(few)[:2]
    box(few, 0).check(force=True)
    box(few, 1).check(force=True)
    field = bar(few).get_by_label("Tag", exact=True)
    field.fill("for the wall")
    before = bar(few).bounding_box()
    field.press("Enter")
    expect(bar(few)).to_contain_text("2 photos now have the tag “for the wall”.")
    expect(bar(few).get_by_role("button", name="Undo")).to_be_visible()
    assert bar(few).bounding_box() == before
    tagged = '/?q=tag:"for the wall"'
    other = few.context.new_page()
    other.goto(tagged)
    assert sorted(shown(other)) == sorted([first, second])
    bar(few).get_by_role("button", name="Undo").click()
    expect(bar(few)).to_contain_text("Taken back.")
    other.goto(tagged)
    assert shown(other) == []
    expect(bar(few).get_by_role("button", name="Undo")).not_to_be_attached()
    assert chosen(few) == [0, 1]
    box(few, 1).uncheck(force=True)
    field.fill("mine")
    bar(few).get_by_role("button", name="Add tag").click()
    expect(bar(few)).to_contain_text("1 photo now has the tag “mine”.")
    bar(few).get_by_role("button", name="Remove tag").click()
    expect(bar(few)).to_contain_text("1 photo has the tag “mine” no more.")
    bar(few).get_by_role("button", name="Undo").click()
    expect(bar(few)).to_contain_text("Taken back.")
    other = few.context.new_page()
    other.goto("/?q=tag:mine")
    assert shown(other) == shown(few)[:1]  # as it was said before
    # what is known by now is offered
    field.fill("holiday 2021")
    field.press("Enter")
    expect(bar(few)).to_contain_text("now has the tag")
    field.fill("")
    field.press_sequentially("hol")
    expect(few.locator("#known-tags option[value='holiday 2021']")).to_be_attached()
    watch.expect("status of")
    field.fill("no such tag")
    bar(few).get_by_role("button", name="Remove tag").click()
    expect(bar(few)).to_contain_text("That did not work: no tag 'no such tag'")


def test_chosen_photos_are_exported(few: Page) -> None:
    for number in (0, 2):
        box(few, number).check(force=True)
    ids = [shown(few)[number] for number in (0, 2)]

    def exported(label: str, suffix: str) -> bytes:
        bar(few).get_by_text("Export", exact=True).click()
        with few.expect_download() as started:
            bar(few).get_by_role("button", name=label).click()
        name = started.value.suggested_filename
        assert re.fullmatch(rf"pixfind-\d{{4}}-\d\d-\d\d\.{suffix}", name)
        return Path(started.value.path()).read_bytes()

    table = csv.DictReader(io.StringIO(exported("Table (CSV)", "csv").decode()))
    assert [row["id"] for row in table] == ids
    lines = exported("Lines of JSON", "jsonl").decode().splitlines()
    assert [str(json.loads(line)["id"]) for line in lines] == ids
    with zipfile.ZipFile(io.BytesIO(exported("Originals (ZIP)", "zip"))) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == len(ids)


@pytest.mark.parametrize("clipboard", ["granted", "none"])
def test_paths_of_chosen_photos_are_copied(site: Site, new_page: NewPage, clipboard: str) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    if clipboard == "none":  # as where the page comes from another machine
        page.add_init_script(
            """window.clipboard = navigator.clipboard;
            Object.defineProperty(Navigator.prototype, "clipboard", {value: undefined});"""
        )
    page.goto(ALL)
    expect(box(page, 0)).to_be_attached()
    for number in (0, 1):
        box(page, number).check(force=True)
    bar(page).get_by_role("button", name="Copy paths").click()
    expect(bar(page)).to_contain_text("2 paths copied.")
    copied = page.evaluate("(window.clipboard ?? navigator.clipboard).readText()").splitlines()
    assert len(copied) == 2
    assert all(Path(path).is_file() for path in copied)


def test_more_like_several(few: Page) -> None:
    ids = shown(few)[:2]
    for number in (0, 1):
        box(few, number).check(force=True)
    address = bar(few).get_by_role("link", name="More like these").get_attribute("href")
    assert address
    (query,) = parse_qs(urlsplit(address).query)["q"]
    assert query.endswith(f"like:{ids[0]} like:{ids[1]}")
    assert query.startswith("type:photo")


def test_where_nothing_may_be_changed_no_tags_are_offered(few: Page) -> None:
    few.evaluate("document.querySelector('form.photos').removeAttribute('data-changes')")
    box(few, 0).check(force=True)
    expect(bar(few).get_by_role("button", name="Copy paths")).to_be_visible()
    expect(bar(few).get_by_role("button", name="Add tag")).not_to_be_attached()


# No end


def all_in_order(no_script: Page) -> Iterator[str]:
    """The ids of all photos, page by page, as somebody without scripts sees them."""
    no_script.goto(ALL)
    while True:
        yield from shown(no_script)
        following = no_script.locator(".more a[rel=next]")
        if not following.count():
            return
        following.click()


def test_the_grid_goes_on_until_all_are_there(many: Page, no_script: Page) -> None:
    expected = list(all_in_order(no_script))
    assert len(expected) == len(set(expected)) == MANY
    for _ in range(40):
        many.mouse.wheel(0, 4000)
        many.wait_for_timeout(30)
        if many.locator(TILES).count() == MANY:
            break
    expect(many.locator(TILES)).to_have_count(MANY)
    assert shown(many) == expected
    expect(many.locator(".more a[rel=next]")).not_to_be_attached()
    said = many.get_by_role("status").filter(has_text=f"{MANY} photos are shown")
    expect(said).to_be_attached()


def test_a_long_grid_in_parts_has_full_rows_in_any_window(many: Page) -> None:
    expect(many.locator(TILES)).not_to_have_count(MANY)
    before = shown(many)
    while many.locator(TILES).count() < MANY:
        many.evaluate(MORE)
        many.wait_for_timeout(50)
    order = shown(many)
    assert order[: len(before)] == before
    far = photo(many, MANY - 1).locator("img")
    assert far.get_attribute("src") is None  # nobody has come near
    at = MANY - 20
    photo(many, at).focus()
    photo(many, at).scroll_into_view_if_needed()
    for width in (1280, 700, 1600):
        many.set_viewport_size({"width": width, "height": 800})
        many.wait_for_timeout(250)  # until it is clear that the window stays so wide
        assert many.locator(".grid").count() > 1
        assert_justified(many)
        assert shown(many) == order
        assert many.evaluate(FOCUSED) == at
        expect(photo(many, at)).to_be_in_viewport()
    many.keyboard.press("End")
    expect(far).to_have_js_property("complete", True)
    assert far.evaluate("image => image.naturalWidth") > 0


def test_a_page_that_does_not_come_can_be_asked_for_again(
    many_server: Site, page: Page, watch: Watch
) -> None:
    watch.expect("ERR_FAILED|status of 500")
    page.goto(ALL)
    count = page.locator(TILES).count()
    page.route("**/?*cursor=*", lambda route: route.abort())
    page.locator(".more").scroll_into_view_if_needed()
    retry = page.get_by_role("button", name="Try again")
    expect(retry).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("More photos could not be loaded.")
    assert_accessible(page)
    page.unroute("**/?*cursor=*")
    retry.click()
    expect(page.locator(TILES)).not_to_have_count(count)
    expect(page.get_by_role("alert")).not_to_be_attached()


def test_back_leads_to_where_somebody_was(many: Page) -> None:
    while many.locator(TILES).count() < MANY:
        many.evaluate(MORE)
        many.wait_for_timeout(50)
    target = photo(many, MANY - 8)
    target.scroll_into_view_if_needed()
    before = target.bounding_box()
    address = target.get_attribute("href")
    assert before
    assert address
    many.goto(address)
    many.go_back()
    expect(many.locator(TILES)).to_have_count(MANY)
    expect(target).to_be_in_viewport()
    after = target.bounding_box()
    assert after
    assert after["y"] == pytest.approx(before["y"], abs=40)


def test_other_results_on_the_page_are_taken_in(few: Page) -> None:
    box(few, 0).check(force=True)
    few.evaluate(
        """async () => {
            const answer = await fetch("/?q=type:photo+sort:date");
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            document.querySelector(".grid").replaceWith(page.querySelector(".grid"));
            document.dispatchEvent(new CustomEvent("pixfind:results"));
        }"""
    )
    expect(box(few, 0)).to_be_attached()
    assert few.locator(".grid a[tabindex='0']").count() == 1
    photo(few, 0).focus()
    few.keyboard.press("ArrowRight")
    assert few.evaluate(FOCUSED) == 1


def test_likes_work_without_a_script(site: Site, no_script: Page) -> None:
    no_script.goto("/?q=a+cat&all=1")
    number = shown(no_script)[1]
    no_script.locator(TILES).nth(1).get_by_role("button", name="Less like this").click()
    (query,) = parse_qs(urlsplit(no_script.url).query)["q"]
    assert query.endswith(f"-like:{number}")
    assert number not in shown(no_script)


def test_likes_work_with_scripts(site: Site, page: Page) -> None:
    page.goto("/?q=a+cat&all=1")
    expect(box(page, 0)).to_be_attached()
    number = shown(page)[1]
    photo(page, 1).focus()
    page.locator(TILES).nth(1).get_by_role("button", name="More like this").click()
    page.wait_for_url(re.compile(rf"like(:|%3A){number}"))
    expect(box(page, 0)).to_be_attached()


# Of each tile, whether something else than the photo answers in its middle.
COVERED = """() => [...document.querySelectorAll(".grid > li")].slice(0, 12).map(tile => {
    tile.scrollIntoView({block: "center"});
    const place = tile.getBoundingClientRect();
    const at = [place.left + place.width / 2, place.top + place.height / 2];
    return Boolean(document.elementFromPoint(...at)?.closest(".likes, .choose"));
})"""


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no_script"])
def test_likes_are_never_over_the_middle(
    site: Site, new_page: NewPage, width: int, script: bool
) -> None:
    page = new_page(viewport={"width": width, "height": 800}, java_script_enabled=script)
    page.goto("/?q=a+cat&all=1")
    if script:
        expect(box(page, 0)).to_be_attached()
    assert not any(page.evaluate(COVERED))
    tile = page.locator(TILES).first
    tile.hover()
    more, less = (
        tile.get_by_role("button", name=name) for name in ("More like this", "Less like this")
    )
    for like in (more, less):
        size = like.bounding_box()
        assert size
        assert min(size["width"], size["height"]) >= 24
    assert_apart(tile.locator("button, input, .moment"))
    if script:
        expect(more).to_have_attribute("title", "More like this")
    else:  # the words themselves
        less.hover()
        expect(less).not_to_have_css("font-size", "0px")


def test_a_tile_too_narrow_for_likes_shows_them_to_the_keyboard_alone(
    site: Site, page: Page
) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto("/?q=a+cat&all=1")
    expect(box(page, 0)).to_be_attached()
    page.evaluate("""() => {
        const tile = document.querySelector(".grid > li");
        tile.className = "r40";
        tile.style.flexGrow = 0;
    }""")
    tile = page.locator(TILES).first
    likes = tile.locator(".likes")
    tile.hover()
    expect(likes).to_have_css("width", "0px")
    assert not page.evaluate(COVERED)[0]
    photo(page, 0).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(tile.get_by_role("button", name="More like this")).to_be_focused()
    expect(likes).not_to_have_css("width", "0px")


def test_nothing_over_the_photos_flashes_when_they_come(site: Site, page: Page) -> None:
    page.add_init_script(
        """window.ran = [];
        const run = ({target}) => window.ran.push(target.closest(".likes, .choose, .why, .frame"));
        document.addEventListener("transitionrun", run);"""
    )
    page.goto("/?q=a+cat&all=1")
    expect(box(page, 0)).to_be_attached()
    over = page.locator(TILES).nth(1).locator(".likes, .choose, .why, .frame, .likes button")
    assert over.count() > 3
    for part in over.all():
        expect(part).to_have_css("transition-duration", "0s")
    assert not page.evaluate("ran.filter(part => part).map(part => part.className)")
    photo(page, 1).hover()
    expect(page.locator(TILES).nth(1).locator(".likes")).to_have_css("opacity", "1")
