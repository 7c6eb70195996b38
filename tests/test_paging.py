"""Pages by cursor: each photo once, whatever happens to the library between two of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sqlalchemy import delete, insert

from pixfind.catalog.database import bump_generation
from pixfind.catalog.schema import WHOLE, Asset, Embedding, File, Root
from pixfind.encoders.fake import FakeEncoder
from pixfind.errors import QueryError
from pixfind.library import Library
from search import Results, SearchEngine, pages
from search.tags.owner import accept

DIM = FakeEncoder().spec.dim
ANYTHING = "quite another thing"
QUERIES = [
    (ANYTHING, {}),
    (ANYTHING, {"everything": True}),
    (ANYTHING, {"everything": True, "with_facets": True}),
    ("beach", {}),
    (f"{ANYTHING} sort:date", {}),
    (f"{ANYTHING} limit:95", {}),
    ("folder:beach", {}),
    ("-folder:x", {"with_facets": True}),
    ("like:150", {"everything": True}),
]


@pytest.fixture
def library(library: Library) -> Library:
    library.add_model(FakeEncoder().spec)
    with library.catalog.write() as session:
        session.add(Root(id=1, path="/p", whole=True))
    add(library, range(1, 301))
    return library


def add(library: Library, numbers: range) -> None:
    """Add photos that look like nothing, a third of them in folders of another name."""
    model = library.model()
    assert model is not None
    vectors = np.random.default_rng(numbers.start).standard_normal((len(numbers), DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with library.catalog.write() as session:
        for number, vector in zip(numbers, vectors.astype("<f2"), strict=True):
            session.execute(
                insert(Asset).values(
                    id=number, content_id=number.to_bytes(32, "big"), byte_size=1, format="JPEG",
                    width=9, height=9, metadata_version=1,
                    taken_at=f"20{number % 20:02d}-01-01T00:00:00" if number % 7 else None,
                )
            )  # fmt: skip
            session.execute(
                insert(Embedding).values(
                    asset_id=number, model_id=model.id, kind=WHOLE, vector=vector.tobytes()
                )
            )
            session.execute(
                insert(File).values(
                    root_id=1, folder="beach" if number % 3 else "x", name=f"{number}.jpg",
                    size=1, mtime_ns=1, asset_id=number,
                )
            )  # fmt: skip
        bump_generation(session)


def remove(library: Library, *numbers: int) -> None:
    with library.catalog.write() as session:
        session.execute(delete(File).where(File.asset_id.in_(numbers)))
        bump_generation(session)


def ids(results: Results) -> list[int]:
    return [result.photo.id for result in results.results]


def walk(turn: Callable[[str | None], Results], cursor: str | None = None) -> list[int]:
    """Return the photos of all pages from a cursor on."""
    found: list[int] = []
    for _ in range(1000):
        page = turn(cursor)
        found += ids(page)
        cursor = page.cursor
        if cursor is None:
            return found
    raise AssertionError("the pages have no end")


@pytest.mark.parametrize(("query", "options"), QUERIES)
def test_pages_are_the_result_in_pieces(
    engine: SearchEngine, library: Library, query: str, options: dict[str, bool]
) -> None:
    whole = engine.search(query, 500, **options)
    assert whole.total == len(ids(whole)) > 90
    assert whole.cursor is None
    fresh = SearchEngine(library, FakeEncoder())
    found = walk(lambda cursor: fresh.search(query, 40, cursor=cursor, **options))
    assert found == ids(whole)
    scores = {result.photo.id: result.score for result in whole.results}
    page = fresh.search(query, 40, cursor=fresh.search(query, 40, **options).cursor, **options)
    assert page.total == whole.total
    assert [result.score for result in page.results] == [scores[i] for i in ids(page)]
    assert (page.facets is None) == ("with_facets" not in options)


@pytest.mark.parametrize(("query", "options"), QUERIES)
def test_pages_stay_while_the_library_grows(
    engine: SearchEngine, library: Library, query: str, options: dict[str, bool]
) -> None:
    whole = ids(engine.search(query, 500, **options))
    first = engine.search(query, 40, **options)
    add(library, range(301, 500))
    second = engine.search(query, 40, cursor=first.cursor, **options)
    accept(library, "boat", [str(ids(first)[0])])
    rest = walk(lambda cursor: engine.search(query, 40, cursor=cursor, **options), second.cursor)
    assert ids(first) + ids(second) + rest == whole
    if "limit" not in query:
        assert engine.search(query, 40, **options).total > len(whole)


def test_pages_without_all_ranked_stay_too(engine: SearchEngine, library: Library) -> None:
    """Where the first page was only the best, what follows is ranked later."""
    before = ids(engine.search(ANYTHING, 500, everything=True))
    fresh = SearchEngine(library, FakeEncoder())
    first = fresh.search(ANYTHING, 40, everything=True)
    add(library, range(301, 500))
    rest = walk(
        lambda cursor: fresh.search(ANYTHING, 40, cursor=cursor, everything=True), first.cursor
    )
    found = ids(first) + rest
    assert len(found) == len(set(found))
    assert set(before) <= set(found)
    assert found[:40] == before[:40]


def test_photos_that_have_gone_leave_gaps(engine: SearchEngine, library: Library) -> None:
    whole = ids(engine.search("folder:beach", 500))
    first = engine.search("folder:beach", 40)
    remove(library, *whole[38:45])
    rest = walk(lambda cursor: engine.search("folder:beach", 40, cursor=cursor), first.cursor)
    assert rest == whole[45:]


def test_a_whole_page_that_has_gone_is_not_the_end(engine: SearchEngine, library: Library) -> None:
    whole = ids(engine.search("folder:beach", 500))
    first = engine.search("folder:beach", 40)
    remove(library, *whole[40:80])
    page = engine.search("folder:beach", 40, cursor=first.cursor)
    assert ids(page) == []
    assert ids(engine.search("folder:beach", 40, cursor=page.cursor)) == whole[80:120]


def test_a_forgotten_ranking_goes_on_behind_the_last_photo(
    engine: SearchEngine, library: Library
) -> None:
    first = engine.search("folder:beach", 40)
    whole = ids(engine.search("folder:beach", 500))
    add(library, range(301, 500))  # some of them stand before what has been shown
    restarted = SearchEngine(library, FakeEncoder())
    now = ids(restarted.search("folder:beach", 500))
    behind = now.index(whole[39]) + 1
    assert behind > 40
    page = restarted.search("folder:beach", 40, cursor=first.cursor)
    assert ids(page) == now[behind : behind + 40]
    page = restarted.search("folder:beach", 40, cursor=page.cursor)
    assert ids(page) == now[behind + 40 : behind + 80]


def test_a_forgotten_ranking_whose_last_photo_has_gone(
    engine: SearchEngine, library: Library
) -> None:
    first = engine.search("folder:beach", 40)
    remove(library, ids(first)[-1])
    restarted = SearchEngine(library, FakeEncoder())
    page = restarted.search("folder:beach", 10, cursor=first.cursor)
    assert ids(page) == ids(restarted.search("folder:beach", 10, offset=40))


def test_only_some_rankings_are_kept(
    engine: SearchEngine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos together count, and the ranking that was used last is kept however large."""
    monkeypatch.setattr(pages, "PHOTOS", 450)
    first = engine.search("folder:beach", 40)
    engine.search(ANYTHING, 40, with_facets=True)
    add(library, range(301, 500))
    now = ids(engine.search("folder:beach", 500))
    behind = now.index(ids(first)[-1]) + 1
    assert ids(engine.search("folder:beach", 40, cursor=first.cursor)) == now[behind : behind + 40]


@pytest.mark.parametrize("change", ["", "x", "!", "é", "AAAA", "cut", "turned"])
def test_damaged_cursors(engine: SearchEngine, library: Library, change: str) -> None:
    cursor = engine.search(ANYTHING, 40).cursor or ""
    assert len(cursor) < 50
    assert cursor.replace("-", "").replace("_", "").isalnum()
    changed = {
        "": "", "cut": cursor[:-3],
        "turned": ("B" if cursor[0] == "A" else "A") + cursor[1:],
    }.get(change, cursor + change)  # fmt: skip
    with pytest.raises(QueryError, match=r"^this cursor is damaged; [^\n]+$"):
        engine.search(ANYTHING, 40, cursor=changed)


def test_cursors_belong_to_their_query(engine: SearchEngine, library: Library) -> None:
    cursor = engine.search(ANYTHING, 40).cursor
    assert engine.search(f"  {ANYTHING} ", 20, cursor=cursor).results
    for query, options in (("beach", {}), (ANYTHING, {"everything": True})):
        with pytest.raises(QueryError, match="another query"):
            engine.search(query, 40, cursor=cursor, **options)
    with pytest.raises(QueryError, match="another query"):
        engine.browse(40, cursor=cursor)
    with pytest.raises(QueryError, match="exclude each other"):
        engine.search(ANYTHING, 40, offset=3, cursor=cursor)
    assert engine.similar(5, 40).cursor is None


def test_browsing(engine: SearchEngine, library: Library) -> None:
    """The newest first, and at the end those without a date."""
    whole = engine.browse(500)
    dates = [result.photo.taken_at for result in whole.results]
    dated = [date for date in dates if date]
    assert dates == sorted(dated, reverse=True) + [None] * 42
    assert (whole.total, whole.cursor, whole.query) == (300, None, "")
    assert [photo.id for photo in engine.latest(7)] == ids(whole)[:7]
    assert walk(lambda cursor: engine.browse(77, cursor=cursor)) == ids(whole)
    first = engine.browse(40)
    add(library, range(301, 320))
    rest = walk(lambda cursor: engine.browse(40, cursor=cursor), first.cursor)
    assert ids(first) + rest == ids(whole)
    assert engine.browse(40).total == 319
    with pytest.raises(QueryError, match="another query"):
        engine.search(ANYTHING, cursor=first.cursor)


def test_what_is_remembered_is_not_older_than_the_library(
    engine: SearchEngine, library: Library
) -> None:
    assert engine.search("tag:boat").total == 0
    accept(library, "boat", ["5"])
    assert ids(engine.search("tag:boat")) == [5]
    with Library.open(library.folder) as elsewhere:
        accept(elsewhere, "boat", ["6"])
    assert set(ids(engine.search("tag:boat"))) == {5, 6}
    remove(library, 6)
    assert ids(engine.search("tag:boat")) == [5]
