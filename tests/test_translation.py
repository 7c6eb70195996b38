"""The pages in the reader's language: what is translated, who gets which, and nothing left out."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable, Collection, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Message as Entry
from flask.testing import FlaskClient
from jinja2 import Environment
from PIL import Image

from indexer import Summary
from pixfind.catalog import albums
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import PhotoNotFoundError, QuerySyntaxError
from pixfind.library import Library
from pixfind.messages import Message, any_of, said
from search.pictures import locate
from search.query import describe, parse
from search.query.grammar import EXAMPLES
from search.tags import owner
from web import create_app
from web.translation import (
    LANGUAGES,
    English,
    as_alt,
    recalled,
    translated,
    translated_error,
)
from web.translations import collecting
from web.translations.__main__ import main

Index = Callable[..., Summary]
CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
WEB = Path(collecting.__file__).parent.parent
OTHERS = [tag for tag in LANGUAGES if tag != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%")
MAKE, MODEL, DATE, EXIF_IFD = 0x010F, 0x0110, 0x9003, 0x8769
# What is read: text, and these attributes. The rest of a page is for machines.
READ_ATTRIBUTES = ("alt", "aria-description", "aria-label", "placeholder", "title")
CODE = ("code", "kbd", "pre", "samp", "script", "style")
VOID = ("br", "hr", "img", "input", "link", "meta", "source", "wbr")
# What is typed, where a text tells of it: fields with their values, and settings.
QUERY = re.compile(r"\b(?:[a-z]+:\S*|limit\b)")
WORD = re.compile(r"[A-Za-z]{2,}")
# Names that are the same in every language, and what this library's pictures say.
NAMES = {"pixfind", "JPEG", "PNG", "ISO", "CSV", "ZIP", "JSON", "HTTP", "API", "OpenAPI", "RFC"}
NAMES |= {"MiB", "KiB", "px", "mm", "km", "mi", "Ctrl", "ASCII", "Note"}
NAMES |= {"Canon", "EOS", "fake", "jpg", "png"}
# Queries are in English, which is what models read; so is the example in the box.
QUERIES = ("A dog on a beach date:2019", "a dog on grass")
COMMANDS = ("pixfind index FOLDER", "pixfind serve --allow-index FOLDER", "pixfind tag")


class Reader(HTMLParser):
    """Collects what a page says in its own language, elements of code left out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.language = ""
        self.said: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "html":
            self.language = known.get("lang") or ""
        foreign = known.get("lang", self.language) != self.language
        own = known.get("lang") == self.language
        read = (not own and self._is_foreign()) or foreign or tag in CODE
        if not read:
            self.said += [known.get(name) or "" for name in READ_ATTRIBUTES]
        if tag not in VOID:
            self._open.append((tag, read))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            if self._open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self._is_foreign():
            self.said.append(data)

    def _is_foreign(self) -> bool:
        return bool(self._open) and self._open[-1][1]


def english(text: str, path: str = "", words: Collection[str] = ()) -> list[str]:
    """Texts of a page in which a word is English, but for paths and these words."""
    found = []
    for piece in Reader(text).said:
        plain = piece
        for typed in (*QUERIES, *COMMANDS):
            plain = plain.replace(typed, "")
        if path:
            plain = re.sub(re.escape(path) + r"[\w./-]*", "", plain)
        if set(WORD.findall(QUERY.sub("", plain))) - NAMES - set(words):
            found.append(piece.strip())
    return found


@pytest.fixture
def client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))
    app = create_app(settings)
    app.testing = True
    yield app.test_client()
    app.extensions["pixfind"].close()


@pytest.fixture
def holidays(library: Library, tmp_path: Path, index: Index) -> dict[str, int]:
    """Photos with Chinese names, two of them the same, tags, an album and a file that failed."""
    root = tmp_path / "照片"
    for number, name in enumerate(("旅行/海滩.jpg", "旅行/山.jpg", "家/猫.jpg")):
        exif = Image.Exif()
        if number < 2:
            exif[MAKE], exif[MODEL] = "Canon", "Canon EOS"
            exif.get_ifd(EXIF_IFD)[DATE] = f"20{18 + number}:05:03 10:00:00"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        colour = ("red", "blue", "white")[number]
        Image.new("RGB", (640, 480), colour).save(root / name, exif=exif)
    (root / "家/副本.jpg").write_bytes((root / "家/猫.jpg").read_bytes())
    (root / "家/坏.jpg").write_bytes(b"")
    index(root)
    owner.accept(library, "海", ["海滩.jpg"], read_files=False)
    owner.accept(library, "雪", ["山.jpg"], read_files=False)
    owner.reject(library, "雪", ["海滩.jpg"], read_files=False)
    with library.catalog.write() as session:
        albums.save(session, "夏天", "tag:海")
        return {
            name: int(locate(session, f"{name}.jpg", read_files=False))
            for name in ("海滩", "山", "猫")
        }


PAGES = {
    "latest": "/",
    "results": "/?q=红色",
    "results with facets": "/?q=红色+-蓝色+camera:canon+date:2018..2020+score:>0.1&all=1",
    "many conditions": "/?q=type:photo+has:tag+rating:..3+width:>10+height:100..900+seen:>2020"
    "+month:may+near:48.1,11.5,10km+sort:-date+limit:1+like:1+like:1@0.1,0.1,0.5,0.5",
    "nothing found": "/?q=camera:无",
    "mistake": "/?q=date:never",
    "unknown field": "/?q=camra:canon",
    "unclosed quote": '/?q="红色',
    "no such picture": "/?q=like:99",
    "wrong number": "/?q=红色&limit=0",
    "photo": "/photos/{海滩}",
    "photo of results": "/photos/{海滩}?q=红色&box=0.5,0.4,0.3,0.4",
    "description": "/photos/{山}/description",
    "no such photo": "/photos/999",
    "no such page": "/无",
    "no such method": "/language",
    "pictures": "/pictures/",
    "timeline": "/timeline/",
    "year": "/timeline/2018",
    "no such year": "/timeline/1990",
    "folders": "/folders/",
    "folder": "/folders/?root=1",
    "no such folder": "/folders/?root=9",
    "cameras": "/cameras/",
    "tags": "/tags/",
    "albums": "/albums/",
    "duplicates": "/duplicates/",
    "library": "/library/",
    "help": "/help",
    "programs": "/api",
}
ROOMS = ("/", "/timeline/", "/folders/", "/cameras/", "/tags/", "/albums/", "/duplicates/")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_chinese_says_nothing_in_english(
    client: FlaskClient, holidays: dict[str, int], tmp_path: Path, name: str
) -> None:
    address = PAGES[name].format(**holidays)
    page = client.get(address, headers=CHINESE, follow_redirects=True)
    assert page.mimetype == "text/html"
    assert Reader(page.text).language == "zh-Hans"
    asked = WORD.findall(" ".join(EXAMPLES) if name == "help" else address)
    assert english(page.text, str(tmp_path), asked) == []


@pytest.mark.parametrize("address", [*ROOMS, "/library/", "/?q=红色"])
def test_empty_pages_say_so_in_chinese(
    client: FlaskClient, index: Index, settings: Settings, tmp_path: Path, address: str
) -> None:
    without = client.get(address, headers=CHINESE)
    assert english(without.text, str(settings.library)) == []
    (tmp_path / "empty").mkdir()
    index(tmp_path / "empty")
    nothing_there = client.get(address, headers=CHINESE)
    assert english(nothing_there.text, str(tmp_path)) == []


def test_adding_folders_is_told_in_chinese(
    settings: Settings, holidays: dict[str, int], tmp_path: Path
) -> None:
    app = create_app(settings, index_roots=[tmp_path / "照片"])
    app.testing = True
    client = app.test_client()
    for address in (
        "/library/",
        "/library/add",
        "/library/add?root=0",
        "/library/add?root=0&path=x",
    ):
        page = client.get(address, headers=CHINESE)
        assert english(page.text, str(tmp_path)) == []
    refused = client.post("/library/runs/99", headers=CHINESE)
    typed = ("do", "pause", "resume", "cancel")
    assert english(refused.text, str(tmp_path), typed) == []
    app.extensions["pixfind"].close()


def test_what_goes_wrong_is_told_in_chinese(
    client: FlaskClient, holidays: dict[str, int], tmp_path: Path
) -> None:
    typed = ("accept", "reject", "withdraw", "replace", "csv", "jsonl", "paths", "zip")
    for address, form in (
        ("/photos/1/tags", {"accept": "x" * 200}),
        ("/photos/1/tags", {}),
        ("/pictures/", {}),
        ("/albums/", {"name": "", "q": "红"}),
        ("/albums/", {"name": "夏天", "q": "红"}),
        ("/albums/", {"name": "夏", "q": ""}),
        ("/selection/tags", {"photos": ["a"]}),
        ("/selection/export", {}),
        ("/nowhere", {}),
    ):
        refused = client.post(address, data=form, headers=CHINESE)
        assert refused.status_code >= 400
        assert english(refused.text, str(tmp_path), typed) == [], (address, form)


def test_the_test_finds_english() -> None:
    page = """<html lang="zh-Hans"><p>好 <code>code</code><b title="Close">一</b><i>New</i></p>
        <p lang="en">A dog <span lang="zh-Hans">Two</span></p><img alt="照片">jpg</html>"""
    assert english(page) == ["Close", "New", "Two"]


@pytest.mark.parametrize("tag", OTHERS)
def test_everything_is_translated(tag: str) -> None:
    assert collecting.content(collecting.known(tag)) == collecting.content(
        collecting.brought_up_to_date(tag)
    ), "run: python -m web.translations"
    assert [entry.id for entry in collecting.lacking(collecting.known(tag))] == []


def test_the_command_tells_what_is_not_translated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for tag in OTHERS:
        (tmp_path / f"{tag}.po").write_text((collecting.FOLDER / f"{tag}.po").read_text("utf-8"))
    monkeypatch.setattr(collecting, "FOLDER", tmp_path)
    assert main(["--check"]) == 0
    entries = collecting.known("zh-Hans")
    del entries["Search"]
    collecting.save("zh-Hans", entries)
    assert main(["--check"]) == 1
    assert "\n  'Search'\n" in capsys.readouterr().out
    assert main([]) == 0
    assert collecting.known("zh-Hans")["Search"].string == ""


@pytest.mark.parametrize("tag", OTHERS)
def test_translations_have_the_same_values(tag: str) -> None:
    wrong = [entry.id for entry in collecting.known(tag) if entry.id and not _same_values(entry)]
    assert wrong == []


def _same_values(entry: Entry) -> bool:
    ids = (entry.id,) if isinstance(entry.id, str) else tuple(entry.id)
    forms = (entry.string,) if isinstance(entry.string, str) else tuple(entry.string)
    wanted = set(PLACEHOLDER.findall(ids[-1]))
    return all(set(PLACEHOLDER.findall(form)) == wanted for form in forms)


@pytest.mark.parametrize(
    "template", sorted((WEB / "templates").glob("*.html")), ids=lambda file: file.name
)
def test_templates_say_nothing_by_themselves(template: Path) -> None:
    pieces = {"data": str, "variable_begin": lambda _: "{", "variable_end": lambda _: "}"}
    tokens = Environment().lex(template.read_text("utf-8"))
    text = "".join(pieces[kind](value) for _, kind, value in tokens if kind in pieces)
    text = re.sub(r'\b(?:aria-[a-z]+="[^"]*"|autofocus)', "", text)  # of blocks inside a tag
    assert english(f'<html lang="zh-Hans">{text}') == []


@pytest.mark.parametrize(
    "script", sorted((WEB / "static/script").glob("*.js")), ids=lambda file: file.name
)
def test_scripts_say_nothing_by_themselves(script: Path) -> None:
    code = re.sub(r"^\s*//.*|/\*.*?\*/", "", script.read_text("utf-8"), flags=re.MULTILINE)
    marked = re.sub(r'\b(?:_|ngettext)\(\s*"[^"]*"(?:,\s*"[^"]*")?', "", code)
    assert re.findall(r'["`][A-Z][a-z]+ [^"`]*["`]', marked) == []


@pytest.mark.parametrize(
    "module", sorted(WEB.rglob("*.py")), ids=lambda file: str(file.relative_to(WEB))
)
def test_errors_are_raised_with_messages(module: Path) -> None:
    plain = r'\b(?:abort\(\s*\d+,|raise \w*(?:Error|Refused)\()\s*f?"[^"]*"'
    found = re.findall(plain, module.read_text("utf-8"))
    assert [one for one in found if "ValueError" not in one and "RuntimeError" not in one] == []


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (None, "en"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("ZH-cn", "zh-Hans"),
        ("zh-Hans-CN", "zh-Hans"),
        ("zh-SG,en;q=0.5", "zh-Hans"),
        ("zh-TW,zh-Hant;q=0.8", "en"),
        ("zh-HK", "en"),
        ("en-GB,zh-CN;q=0.9", "en"),
        ("en;q=0.2,zh-CN;q=0.7", "zh-Hans"),
        ("de-DE,de;q=0.9,zh-CN;q=0.3,en;q=0.2", "zh-Hans"),
        ("de", "en"),
        ("*", "en"),
        ("nonsense;;;q=x", "en"),
    ],
)
def test_browsers_ask_for_a_language(client: FlaskClient, asked: str | None, language: str) -> None:
    page = client.get("/help", headers={"Accept-Language": asked} if asked else {})
    assert Reader(page.text).language == language
    assert page.headers["Content-Language"] == language
    assert {"accept-language", "cookie"} <= {name.lower() for name in page.vary}


def test_readers_choose_a_language_without_a_script(client: FlaskClient) -> None:
    here = "http://localhost/help?from=%E7%BA%A2"
    assert 'action="/language" method="post"' in client.get(here).text
    chosen = client.post("/language", data={"language": "zh-Hans"}, headers={"Referer": here})
    assert (chosen.status_code, chosen.location) == (303, here)
    assert Reader(client.get(here).text).language == "zh-Hans"
    # What was chosen counts more than what the browser asks for.
    assert Reader(client.get("/help", headers={"Accept-Language": "en"}).text).language == "zh-Hans"
    client.post("/language", data={"language": "en"}, headers={"Referer": here})
    assert Reader(client.get("/help", headers=CHINESE).text).language == "en"


def test_no_other_language_can_be_chosen_and_no_other_page_come_back_to(
    client: FlaskClient,
) -> None:
    elsewhere = {"Referer": "http://localhost.example.org/"}
    answer = client.post("/language", data={"language": "tlh"}, headers=elsewhere)
    assert answer.location == "/"
    assert "Set-Cookie" not in answer.headers
    client.set_cookie("language", "../../etc")
    assert Reader(client.get("/help").text).language == "en"


def test_scripts_get_their_texts_in_chinese(client: FlaskClient, holidays: dict[str, int]) -> None:
    assert 'id="texts"' not in client.get("/").text
    page = client.get("/", headers=CHINESE).text
    assert "快捷键" in page
    assert "无法回答这个查询" not in page  # scripts never say this


def test_problems_are_told_in_the_language_asked_for(
    client: FlaskClient, holidays: dict[str, int]
) -> None:
    address = "/api/v1/search?q=date:never"
    english, chinese = client.get(address), client.get(address, headers=CHINESE)
    assert english.json["detail"].startswith("in the query at character 6: expected a date")
    assert chinese.json["detail"].startswith("查询的第 6 个字符处：应为日期，例如 2019 或")
    assert chinese.headers["Content-Language"] == "zh-Hans"
    assert {**english.json, **dict.fromkeys(("title", "detail", "expected"))} == {
        **chinese.json, **dict.fromkeys(("title", "detail", "expected"))
    }  # fmt: skip


def test_completions_are_explained_in_the_language_asked_for(
    client: FlaskClient, holidays: dict[str, int]
) -> None:
    # The second comes from what the first has left in memory.
    details = {
        language: [
            one["detail"]
            for one in client.get(
                "/api/v1/completions?q=sort:&at=5", headers={"Accept-Language": language}
            ).json["completions"]
        ]
        for language in ("en", "zh-CN")
    }
    assert details["en"][0] == "best match first"
    assert details["zh-CN"][0] == "最匹配的在前"


@pytest.mark.parametrize(
    ("query", "chinese"),
    [
        ("dog", "“dog”"),
        ("-dog", "排除：“dog”"),
        ('"dog"^2', "“dog”（权重 2）"),
        ("camera:(canon|nikon)", "相机：canon 或 nikon"),
        ("-type:video", "排除：类型：视频"),
        ("width:1000..2000", "宽度：1000 px 至 2000 px"),
        ("month:june..august", "月份：六月 至 八月"),
        ("date:2019..", "拍摄时间：2019-01-01 起"),
        ("near:48,11,10km", "（48, 11）周围 10 km 以内"),
        ("like:12", "类似：照片 12"),
        ("limit:2", "最多 2 个结果"),
        ("camera:%s", "相机：%s"),
    ],
)
def test_conditions_are_explained_in_chinese(client: FlaskClient, query: str, chinese: str) -> None:
    (term,) = parse(query).terms
    with client.application.test_request_context(headers=CHINESE):
        assert translated(describe(term)) == chinese
    with client.application.test_request_context():
        assert translated(describe(term)) == describe(term)


def test_what_is_kept_in_english_is_translated_or_marked(
    client: FlaskClient, holidays: dict[str, int]
) -> None:
    with client.application.test_request_context(headers=CHINESE):
        assert recalled("it is not a regular file") == "不是普通文件"
        assert getattr(recalled("it is not a regular file"), "lang", None) is None
        assert recalled("it is damaged or unsupported (x)").lang == "en"
        assert as_alt(English('a "dog"')) == 'alt="a &#34;dog&#34;" lang="en"'
        assert as_alt("海") == 'alt="海"'
    with client.application.test_request_context():
        assert as_alt(English("a dog")) == 'alt="a dog"'


def test_a_message_is_its_english_text() -> None:
    message = said("%(count)s of %(what)s", count=3, what=said("one %(name)s", name="50% %(x)s"))
    assert message == "3 of one 50% %(x)s"
    assert any_of([]) == ""
    assert any_of(["a"]) == "a"
    assert any_of(["a", "b", "c"]) == "a or b or c"
    for other in (pickle.loads(pickle.dumps(message)), copy.deepcopy(message)):
        assert isinstance(other, Message)
        assert (other, other.template, other.values) == (message, message.template, message.values)


def test_errors_say_the_same_in_both_languages(client: FlaskClient) -> None:
    missing = PhotoNotFoundError(7)
    assert str(missing) == "there is no photo 7 in the library; it may have been removed"
    with pytest.raises(QuerySyntaxError) as wrong:
        parse("width:big")
    with client.application.test_request_context(headers=CHINESE):
        assert translated_error(missing) == "图库中没有照片 7；它可能已被移除"
        assert "应为数字，例如 3000 或 >3000，实际是“big”" in translated_error(wrong.value)
        assert translated("plain") == "plain"
