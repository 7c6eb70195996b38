"""Searching with a script: while somebody types, with completions, by picture, back and forth."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import JSHandle, Locator, Page, Request, Route, expect

from browser.checks import assert_accessible, assert_no_sideways_scrolling
from browser.conftest import NewPage
from browser.serving import Site
from browser.watching import Watch

QUIET_MS = 600  # longer than anything that waits for more letters
HOME = re.compile(r"^http://[^/]+/$")


def box(page: Page) -> Locator:
    return page.locator("#q")


def options(page: Page) -> Locator:
    return page.get_by_role("listbox").get_by_role("option")


def first_photo(page: Page) -> Locator:
    return page.locator("#results .grid a[href*='/photos/']").first


def address_of(site: Site, name: str) -> re.Pattern[str]:
    return re.compile(rf"/photos/{site.photo(name)}\b")


@pytest.fixture
def searches(page: Page) -> list[str]:
    """The addresses of results that the page asks for."""
    asked: list[str] = []

    def note(request: Request) -> None:
        path = request.url.partition("://")[2].partition("/")[2]
        if not path or path.startswith("?"):
            asked.append(request.url)

    page.on("request", note)
    return asked


@pytest.fixture
def same_page(page: Page) -> Callable[[], bool]:
    """Tells whether the page that was open is open still, and has not been loaded anew."""

    def tell() -> bool:
        return bool(page.evaluate("window.stays ??= performance.timeOrigin") == origin[0])

    page.goto("/")
    origin = [page.evaluate("window.stays ??= performance.timeOrigin")]
    return tell


def test_results_come_while_somebody_types(
    page: Page, site: Site, same_page: Callable[[], bool], searches: list[str]
) -> None:
    box(page).press_sequentially("a cat", delay=20)
    expect(first_photo(page)).to_have_attribute("href", address_of(site, "chelsea.jpg"))
    expect(page).to_have_url(re.compile(r"\?q=a\+cat$"))
    expect(page).to_have_title(re.compile("^a cat"))
    expect(box(page)).to_be_focused()
    assert box(page).evaluate("input => input.selectionStart") == len("a cat")
    expect(page.get_by_role("status").filter(has_text="match")).to_have_count(1)
    assert len(searches) < len("a cat"), searches
    assert same_page()


def test_an_answer_that_comes_too_late_is_not_shown(
    page: Page, site: Site, same_page: Callable[[], bool]
) -> None:
    held: list[Route] = []
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))

    def hold(route: Route) -> None:  # Playwright takes no method of a list
        held.append(route)

    page.route(re.compile(r"/\?q=a\+rocket$"), hold)
    box(page).press_sequentially("a rocket")
    page.wait_for_timeout(QUIET_MS)
    assert len(held) == 1
    expect(page.locator(".progress")).to_be_visible()
    box(page).fill("a cat")
    expect(first_photo(page)).to_have_attribute("href", address_of(site, "chelsea.jpg"))
    expect(page.locator(".progress")).to_be_hidden()
    assert any(url.endswith("?q=a+rocket") for url in failed)
    expect(page).to_have_url(re.compile(r"\?q=a\+cat$"))
    assert same_page()


def test_back_and_forward(page: Page, site: Site, same_page: Callable[[], bool]) -> None:
    box(page).press_sequentially("a cat")
    box(page).press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=a\+cat$"))
    expect(first_photo(page)).to_have_attribute("href", address_of(site, "chelsea.jpg"))
    box(page).fill("camera:nikon")
    expect(first_photo(page)).to_have_attribute("href", address_of(site, "cameraman.jpg"))
    page.go_back()
    expect(box(page)).to_have_value("a cat")
    expect(first_photo(page)).to_have_attribute("href", address_of(site, "chelsea.jpg"))
    page.go_back()
    expect(page).to_have_url(HOME)
    expect(box(page)).to_have_value("")
    expect(page.get_by_role("heading", level=1)).to_contain_text("newest first")
    page.go_forward()
    expect(box(page)).to_have_value("a cat")
    expect(first_photo(page)).to_have_attribute("href", address_of(site, "chelsea.jpg"))
    assert same_page()


def test_chips_facets_and_likes_need_no_new_page(
    page: Page, site: Site, same_page: Callable[[], bool]
) -> None:
    box(page).fill("type:photo year:2018")
    box(page).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("4 photos")
    page.get_by_title("Search without this").first.click()
    expect(box(page)).to_have_value("year:2018")
    expect(page.locator("#count")).to_be_focused()
    page.get_by_text("Folder", exact=True).click()
    page.locator(".facets a", has_text="Space").click()
    expect(box(page)).to_have_value(re.compile(r"^year:2018 folder:.*Space"))
    expect(page.locator(".facets summary.chosen")).to_have_count(2)
    page.locator(".grid li").first.hover()
    page.locator(".grid li button[name=more]").first.click()
    expect(box(page)).to_have_value(re.compile(r"like:\d+$"))
    expect(page.locator(".chips img")).to_have_count(1)
    assert same_page()
    page.go_back()
    expect(box(page)).to_have_value(re.compile(r"Space$|Space\"$"))


def test_menus_close_by_escape_and_beside_them(page: Page) -> None:
    page.goto("/?q=type:photo")
    menu = page.locator(".facets details").first
    menu.locator("summary").click()
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()
    menu.locator("summary").click()
    page.locator("#count").click()
    expect(menu).not_to_have_attribute("open", "")


def test_a_mistake_is_told_quietly_and_the_results_stay(
    page: Page, watch: Watch, same_page: Callable[[], bool], searches: list[str]
) -> None:
    watch.expect("status of 400")
    box(page).fill("a cat")
    expect(page).to_have_url(re.compile("q=a"))
    shown = page.locator(".grid li").count()
    box(page).press_sequentially(" camera:")
    page.wait_for_timeout(QUIET_MS)
    assert not any("camera" in address for address in searches)  # it can only be unfinished
    box(page).fill("a cat camra:x")
    expect(page.locator(".note")).to_contain_text("camra")
    expect(page.locator("#results")).to_have_class(re.compile("dimmed"))
    assert page.locator(".grid li").count() == shown
    expect(page).to_have_url(re.compile(r"q=a\+cat$"))
    box(page).press_sequentially("y")
    expect(page.locator("#results")).not_to_have_class(re.compile("dimmed"))
    box(page).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("camra")
    expect(box(page)).to_have_attribute("aria-invalid", "true")
    box(page).fill("a cat")
    expect(page.locator(".grid li")).to_have_count(shown)
    expect(box(page)).not_to_have_attribute("aria-invalid", "true")
    assert same_page()


def test_half_a_character_is_no_query(page: Page, searches: list[str]) -> None:
    page.goto("/")
    box(page).focus()
    searches.clear()
    keyboard = page.context.new_cdp_session(page)
    keyboard.send(
        "Input.imeSetComposition", {"text": "mao", "selectionStart": 3, "selectionEnd": 3}
    )
    page.wait_for_timeout(QUIET_MS)
    assert searches == []
    expect(options(page)).to_have_count(0)
    keyboard.send("Input.insertText", {"text": "猫"})
    expect(page).to_have_url(re.compile("q=%E7%8C%AB"))
    expect(box(page)).to_have_value("猫")


def test_completions_by_keyboard(page: Page, site: Site, same_page: Callable[[], bool]) -> None:
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    box(page).press_sequentially("cam")
    expect(options(page).first).to_contain_text("camera:")
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(options(page).first).to_have_attribute("aria-selected", "true")
    active = box(page).get_attribute("aria-activedescendant")
    assert active == options(page).first.get_attribute("id")
    assert_accessible(page)
    page.keyboard.press("Tab")
    expect(box(page)).to_have_value("camera:")
    expect(box(page)).to_be_focused()
    expect(options(page).filter(has_text="Nikon F2")).to_have_count(1)
    page.keyboard.type("nik")
    expect(options(page)).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value('camera:"=Nikon F2" ')
    expect(options(page)).to_have_count(0)
    expect(first_photo(page)).to_have_attribute("href", address_of(site, "cameraman.jpg"))
    assert same_page()


def test_completions_close_by_escape_and_the_query_stays(page: Page) -> None:
    page.goto("/")
    box(page).press_sequentially("cam")
    expect(options(page).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(options(page)).to_have_count(0)
    expect(box(page)).to_have_value("cam")
    page.keyboard.press("ArrowDown")
    expect(options(page).first).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(options(page).last).to_have_attribute("aria-selected", "true")
    page.locator("h1").click()
    expect(options(page)).to_have_count(0)


def test_completions_by_mouse_in_the_middle_of_a_query(page: Page) -> None:
    page.goto("/")
    box(page).fill("folder:sp a cat")
    box(page).evaluate("input => input.setSelectionRange(9, 9)")
    box(page).dispatch_event("input")
    options(page).filter(has_text="Space").click()
    expect(box(page)).to_have_value("folder:Space a cat")
    expect(box(page)).to_be_focused()


def test_searches_are_remembered_and_forgotten(page: Page) -> None:
    page.goto("/")
    for query in ("a cat", "a rocket", "coffee"):
        box(page).fill(query)
        box(page).press("Enter")
        expect(page).to_have_title(re.compile(f"^{query}"))
    page.goto("/help")
    box(page).click()
    expect(options(page)).to_have_text([
        re.compile("^coffee"), re.compile("^a rocket"), re.compile("^a cat"), "Forget all searches"
    ])  # fmt: skip
    assert_accessible(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")
    expect(options(page)).to_have_count(3)
    options(page).first.locator(".forget").click()
    expect(options(page)).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=a\+cat$"))
    expect(box(page)).to_have_role("combobox")
    box(page).fill("")
    options(page).last.click()
    assert page.evaluate("localStorage.length") == 0
    expect(options(page)).to_have_count(0)


def test_a_browser_that_keeps_nothing_searches_all_the_same(page: Page, site: Site) -> None:
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no') }})"
    )
    page.goto("/")
    box(page).fill("a cat")
    box(page).press("Enter")
    expect(first_photo(page)).to_have_attribute("href", address_of(site, "chelsea.jpg"))
    box(page).fill("")
    expect(options(page)).to_have_count(0)


def dragged(page: Page, *paths: Path) -> JSHandle:
    """What is dragged or pasted: files with these contents."""
    files = [[base64.b64encode(p.read_bytes()).decode(), p.name] for p in paths]
    return page.evaluate_handle(
        """files => {
            const data = new DataTransfer();
            for (const [content, name] of files) {
                const bytes = Uint8Array.from(atob(content), c => c.charCodeAt(0));
                const type = name.endsWith(".jpg") ? "image/jpeg" : "text/plain";
                data.items.add(new File([bytes], name, {type}));
            }
            return data;
        }""",
        files,
    )


@pytest.fixture
def cats(site: Site, tmp_path: Path) -> Path:
    """A picture that the library does not have, of something that it has photos of."""
    from PIL import Image

    with Image.open(site.collection.photos / "Animals/chelsea.jpg") as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "my cat.jpg")
    return tmp_path / "my cat.jpg"


def expect_the_cat(page: Page, site: Site, words: str = "") -> None:
    expect(box(page)).to_have_value(re.compile(rf"^{words}like:brought-[0-9a-f]{{16}}$"))
    expect(first_photo(page)).to_have_attribute("href", address_of(site, "chelsea.jpg"))
    chip = page.locator(".chips img").first
    expect(chip).to_be_visible()
    assert chip.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def test_a_picture_can_be_dropped(own_server: Site, page: Page, cats: Path) -> None:
    page.goto("/")
    box(page).fill("type:photo")
    files = dragged(page, cats)
    page.dispatch_event("main", "dragenter", {"dataTransfer": files})
    expect(page.get_by_text("Drop pictures here")).to_be_visible()
    page.dispatch_event("main", "dragleave", {"dataTransfer": files})
    expect(page.get_by_text("Drop pictures here")).to_be_hidden()
    page.dispatch_event("main", "dragenter", {"dataTransfer": files})
    page.dispatch_event("main", "drop", {"dataTransfer": files})
    expect_the_cat(page, own_server, "type:photo ")
    expect(page.get_by_text("Drop pictures here")).to_be_hidden()


def test_a_picture_can_be_pasted(own_server: Site, page: Page, cats: Path) -> None:
    page.goto("/help")
    page.evaluate(
        "data => document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data}))",
        dragged(page, cats),
    )
    expect_the_cat(page, own_server)


def test_a_picture_can_be_picked(own_server: Site, page: Page, cats: Path) -> None:
    page.goto("/")
    with page.expect_file_chooser() as choosing:
        page.get_by_role("link", name="Search by picture").click()
    choosing.value.set_files(cats)
    expect_the_cat(page, own_server)


def test_what_is_no_picture_is_refused(
    own_server: Site, page: Page, watch: Watch, tmp_path: Path
) -> None:
    watch.expect("status of 422")
    (tmp_path / "text.txt").write_text("no picture")
    (tmp_path / "broken.jpg").write_text("no picture")
    page.goto("/")
    for names, told in (
        (["text.txt"], "Only pictures"),
        (["broken.jpg"], "broken.jpg"),
        (["broken.jpg"] * 6, "At most 5"),
    ):
        files = dragged(page, *(tmp_path / name for name in names))
        page.dispatch_event("main", "drop", {"dataTransfer": files})
        expect(page.locator(".note")).to_contain_text(told)
    expect(box(page)).to_have_value("")


def test_a_picture_without_scripts(own_server: Site, no_script: Page, cats: Path) -> None:
    no_script.goto("/?q=type:photo")
    no_script.get_by_role("link", name="Search by picture").click()
    assert_no_sideways_scrolling(no_script)
    no_script.locator("input[type=file]").set_input_files(cats)
    no_script.get_by_role("button", name="Find similar photos").click()
    expect_the_cat(no_script, own_server, "type:photo ")


def test_refining_without_scripts(many_server: Site, no_script: Page) -> None:
    no_script.goto("/?q=type:photo")
    no_script.get_by_role("link", name="Next page").click()
    expect(no_script).to_have_url(re.compile("cursor="))
    assert no_script.locator(".grid li").count() > 0
    no_script.get_by_role("link", name="Back to the first page").click()
    no_script.get_by_text("Year", exact=True).click()
    no_script.locator(".facets a", has_text="2012").click()
    expect(no_script.locator(".facets summary").first).to_have_text("Year: 2012")
    no_script.locator(".chips .remove").last.click()
    expect(box(no_script)).to_have_value("type:photo")


def test_an_empty_result_leads_on(page: Page, same_page: Callable[[], bool]) -> None:
    box(page).fill("year:2018 folder:Kitchen")
    expect(page.get_by_role("heading", name="No photo is like that.")).to_be_visible()
    page.get_by_role("link", name=re.compile("Without “year")).click()
    expect(box(page)).to_have_value("folder:Kitchen")
    expect(page.locator(".grid li")).to_have_count(1)
    assert same_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_how_it_looks(new_page: NewPage, site: Site, shots: Path, width: int, scheme: str) -> None:
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(f"/?q=a+picture+like:{site.photo('coffee.jpg')}@0.1,0.1,0.5,0.5+type:photo&all=1")
    page.locator(".facets summary").last.click()
    assert_no_sideways_scrolling(page)
    assert_accessible(page)
    page.screenshot(path=shots / f"search-{width}-{scheme}.png")
    page.locator(".facets summary").last.click()
    box(page).fill("camera:")
    expect(options(page).first).to_be_visible()
    assert_no_sideways_scrolling(page)
    assert_accessible(page)
    page.screenshot(path=shots / f"completions-{width}-{scheme}.png")
    header = page.locator("body > header").bounding_box()
    assert header is not None
    assert header["height"] <= 100  # sticky, so it must stay slim
