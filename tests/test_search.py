"""Searching: filters, exclusions, the cutoff, words, orders and facets, by the one query path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from sqlalchemy import text

import pixfind
from indexer import Indexer, Summary
from pixfind.calibration import Calibration
from pixfind.calibration.link import Link
from pixfind.catalog import assets, columns
from pixfind.catalog.database import bump_generation
from pixfind.encoders.fake import FakeEncoder
from pixfind.errors import (
    ExportError,
    PathNotFoundError,
    PhotoNotFoundError,
    PixfindError,
    QueryError,
    QuerySyntaxError,
)
from pixfind.library import Library
from pixfind.vectors import VectorIndex
from search import Results, SearchEngine
from search import engine as engine_module
from search.export.exporting import answers
from search.query.model import Like, Limit, Phrase, Query

# The fake encoder's pictures of one colour have cosines of 1 with its name, -1/3 with the others.
LINK = Link(
    slope=10.0, intercept=-3.0, prior=0.1,
    base=-2.2, per_highest=0.0, per_log_size=0.0, per_spread=0.0,
)  # fmt: skip
DIM = FakeEncoder().spec.dim


def calibration(**changes: float) -> Calibration:
    """Scores in general lie around 0 with a deviation of a tenth: red on red is ten of them."""
    covariance = np.eye(DIM, dtype=np.float32) / 100
    return Calibration(
        np.zeros(DIM, np.float32), covariance, LINK, LINK, changes.get("cutoff", 0.5)
    )


def names(results: Results) -> list[str]:
    return [result.photo.path.name for result in results.results]


def picture(
    file: Path,
    colour: str | tuple[int, int, int],
    size: tuple[int, int] = (64, 48),
    **facts: object,
) -> Path:
    """Save a plain picture with EXIF."""
    file.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[Base.Software] = "pytest"  # without a first tag, Pillow writes none of the others to PNG
    photo = exif.get_ifd(IFD.Exif)
    for name, value in facts.items():
        if name == "place":
            north, east = value  # type: ignore[misc]
            exif.get_ifd(IFD.GPSInfo).update(
                {
                    GPS.GPSLatitudeRef: "N" if north >= 0 else "S",
                    GPS.GPSLatitude: (abs(north), 0.0, 0.0),
                    GPS.GPSLongitudeRef: "E" if east >= 0 else "W",
                    GPS.GPSLongitude: (abs(east), 0.0, 0.0),
                }
            )
        elif name in ("Make", "Model", "Rating", "ImageDescription"):
            exif[18246 if name == "Rating" else Base[name]] = value
        else:
            photo[Base[name]] = value
    Image.new("RGB", size, colour).save(file, exif=exif)
    return file


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Six pictures whose facts differ."""
    folder = tmp_path / "Photos"
    picture(folder / "Ocean trip/IMG_1.jpg", "blue", Make="Canon", Model="Canon EOS 450D",
            DateTimeOriginal="2019:06:30 23:59:59", ISOSpeedRatings=100, FocalLength=50.0,
            FNumber=2.8, LensModel="EF50mm f/1.8", place=(48.0, 11.0))  # fmt: skip
    picture(folder / "Ocean trip/day 2/IMG_2.jpg", (0, 0, 250), Make="NIKON CORPORATION",
            Model="NIKON D40", DateTimeOriginal="2019:07:01 00:00:00", ISOSpeedRatings=1600,
            FocalLength=18.0, Rating=4, place=(48.0, 12.0))  # fmt: skip
    picture(folder / "red barn.jpg", "red", (48, 64), DateTimeOriginal="2021:01:05 10:00:00",
            ImageDescription="Grandma's farm in winter", Rating=5)  # fmt: skip
    picture(folder / "ÉTÉ.jpg", (250, 0, 0), (50, 50), Make="Canon", Model="Canon EOS 5D")
    picture(folder / "100%*.png", "#0f0", DateTimeOriginal="1999:12:31 12:00:00")
    picture(folder / "tall.png", (0, 250, 0), (30, 90))
    return folder


@pytest.fixture
def found(album: Path, index: Callable[..., Summary], engine: SearchEngine) -> Callable[..., set]:
    """The names of the files that a query finds, in any order."""
    index(album)

    def ask(query: str, **options: object) -> set[str]:
        return set(names(engine.search(query, **options)))

    return ask


ALL = {"IMG_1.jpg", "IMG_2.jpg", "red barn.jpg", "ÉTÉ.jpg", "100%*.png", "tall.png"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("camera:canon", {"IMG_1.jpg", "ÉTÉ.jpg"}),
        ("camera:CANON", {"IMG_1.jpg", "ÉTÉ.jpg"}),
        ("camera:(nikon|450d)", {"IMG_1.jpg", "IMG_2.jpg"}),
        ("-camera:canon", ALL - {"IMG_1.jpg", "ÉTÉ.jpg"}),
        ("camera:*5D", {"ÉTÉ.jpg"}),
        ("lens:50mm", {"IMG_1.jpg"}),
        ("date:2019", {"IMG_1.jpg", "IMG_2.jpg"}),
        ("date:2019-06", {"IMG_1.jpg"}),
        ("date:2019-07-01", {"IMG_2.jpg"}),
        ("date:..2019-06-30", {"IMG_1.jpg", "100%*.png"}),
        ("date:>2019", {"red barn.jpg"}),
        ("-date:2019", ALL - {"IMG_1.jpg", "IMG_2.jpg"}),
        ("year:2019..2021", {"IMG_1.jpg", "IMG_2.jpg", "red barn.jpg"}),
        ("month:june", {"IMG_1.jpg"}),
        ("month:(1|12)", {"red barn.jpg", "100%*.png"}),
        ("has:gps", {"IMG_1.jpg", "IMG_2.jpg"}),
        ("-has:gps", ALL - {"IMG_1.jpg", "IMG_2.jpg"}),
        ("has:caption", {"red barn.jpg"}),
        ("has:tag", set()),
        ("near:48,11,1km", {"IMG_1.jpg"}),
        ("near:48,11.5,40km", {"IMG_1.jpg", "IMG_2.jpg"}),
        ("near:48,11,74km", {"IMG_1.jpg"}),
        ("near:48,11,75km", {"IMG_1.jpg", "IMG_2.jpg"}),
        ("width:>60", {"IMG_1.jpg", "IMG_2.jpg", "100%*.png"}),
        ("width:>=64 height:<48", set()),
        ("height:90", {"tall.png"}),
        ("orientation:portrait", {"red barn.jpg", "tall.png"}),
        ("orientation:square", {"ÉTÉ.jpg"}),
        ("rating:>=4", {"IMG_2.jpg", "red barn.jpg"}),
        ("rating:0", ALL - {"IMG_2.jpg", "red barn.jpg"}),
        ("iso:>100", {"IMG_2.jpg"}),
        ("focal:18..50", {"IMG_1.jpg", "IMG_2.jpg"}),
        ("aperture:2.8", {"IMG_1.jpg"}),
        ("type:photo", ALL),
        ("type:video", set()),
        ("-type:video", ALL),
        ("seen:>2020", ALL),
        ("seen:..2020", set()),
        ("file:img", {"IMG_1.jpg", "IMG_2.jpg"}),
        ("file:IMG_*", {"IMG_1.jpg", "IMG_2.jpg"}),
        ("file:été", {"ÉTÉ.jpg"}),
        (r"file:\*", {"100%*.png"}),
        ("file:%", {"100%*.png"}),
        ("file:_", {"IMG_1.jpg", "IMG_2.jpg"}),
        ("file:*.png", {"100%*.png", "tall.png"}),
        ('folder:"ocean trip"', {"IMG_1.jpg", "IMG_2.jpg"}),
        ('folder:"Ocean trip/day 2"', {"IMG_2.jpg"}),
        ("folder:ocean", set()),
        ("folder:ocean*", {"IMG_1.jpg", "IMG_2.jpg"}),
        ("folder:day*", {"IMG_2.jpg"}),
        ("folder:Photos", ALL),
        ("-folder:day*", ALL - {"IMG_2.jpg"}),
        ("camera:canon -date:2019", {"ÉTÉ.jpg"}),
        ("id:1..2 id:2", {"IMG_2.jpg"}),
    ],
)
def test_filter(found: Callable[..., set], query: str, expected: set[str]) -> None:
    # The order in which files are indexed is the order of their ids.
    if query.startswith("id:"):
        assert len(found(query)) == 1
    else:
        assert found(query) == expected


def test_filter_by_absolute_folder(found: Callable[..., set], album: Path) -> None:
    assert found(f'folder:"{album / "Ocean trip"}"') == {"IMG_1.jpg", "IMG_2.jpg"}
    assert found('folder:"/Ocean trip"') == set()


def test_filter_by_tag(found: Callable[..., set], library: Library) -> None:
    with library.catalog.write() as session:
        session.execute(text("INSERT INTO tag (id, name) VALUES (1, 'Été'), (2, 'sea')"))
        session.execute(
            text(
                "INSERT INTO asset_tag (asset_id, tag_id, source) "
                "VALUES (1, 1, 'file'), (2, 2, 'file')"
            )
        )
    assert len(found("tag:ÉTÉ")) == 1
    assert len(found("tag:(été|sea)")) == 2
    assert found("tag:se") == set()
    assert len(found("tag:se*")) == 1
    assert found("-tag:sea") | found("tag:sea") == ALL
    assert len(found("-has:tag")) == 4


def test_filters_are_inside_the_search(found: Callable[..., set]) -> None:
    """Two blue pictures come first for blue, and yet as many others are found as are allowed."""
    assert found("blue file:*.png", limit=2) == {"100%*.png", "tall.png"}
    assert found("blue -folder:ocean* limit:4") == ALL - {"IMG_1.jpg", "IMG_2.jpg"}


def test_vanished_photos_are_not_found(
    found: Callable[..., set], album: Path, index: Callable[..., Summary]
) -> None:
    (album / "tall.png").unlink()
    index(album)
    assert found("orientation:portrait") == {"red barn.jpg"}


def test_many_wildcards_are_as_fast_as_one(found: Callable[..., set], library: Library) -> None:
    """A backtracking regular expression takes longer than the universe is old."""
    name, folder = f"{'a' * 60}.jpg", f"{'b' * 60}/{'c' * 60}"
    with library.catalog.write() as session:
        session.execute(text(f"UPDATE file SET name = '{name}', folder = '{folder}' WHERE id = 1"))
    assert found(f"file:{'*a' * 30}*b") == set()
    assert found(f"file:{'*a' * 30}*.JPG") == {name}
    assert found(f"file:{'a**' * 30}") == {name}
    assert found(f"folder:{'*b' * 30}*c") == set()
    assert found(f"folder:{'*b' * 30}*/{'c*' * 30}") == {name}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("a*", True), ("*g", True), ("a*b.c.jpg", True), ("ab*b.c.jpg", False), ("*b*.*.jpg", True),
        ("*b*b*", False), ("a*jpgg", False), ("*", True), ("**", True), (r"a*\*", False),
        ("*.c*.jpg", True), ("*.jpg*.jpg", False), (".c.", True), ("AB.C.J*", True),
    ],
)  # fmt: skip
def test_wildcards(found: Callable, library: Library, pattern: str, matches: bool) -> None:
    with library.catalog.write() as session:
        session.execute(text("UPDATE file SET name = 'ab.c.jpg' WHERE id = 1"))
    assert ("ab.c.jpg" in found(f"file:{pattern}")) is matches


@pytest.mark.parametrize(
    ("root", "inside", "outside"),
    [
        ("D:\\", ("D:\\", "d:", "d:/ocean trip", "D:\\Ocean trip\\"), ("C:\\", "C:\\Ocean trip")),
        ("D:\\pics", ("D:\\pics\\Ocean trip", "pics/ocean*"), ("D:\\Ocean trip", "D:\\pic")),
        ("\\\\nas\\all\\", ("\\\\nas\\all\\Ocean trip", "\\\\NAS\\all", "//nas/*"),
         ("\\\\nas\\Ocean trip", "\\\\all")),
        ("/", ("/", "/Ocean trip", "/Ocean*/", "Ocean trip/"), ("/day 2", "/a", "/trip")),
    ],
)  # fmt: skip
def test_folders_of_drives_shares_and_the_root(
    found: Callable[..., set],
    library: Library,
    root: str,
    inside: tuple[str, ...],
    outside: tuple[str, ...],
) -> None:
    def typed(folder: str) -> str:
        return 'folder:"' + folder.replace("\\", "\\\\") + '"'

    with library.catalog.write() as session:
        session.execute(text("UPDATE root SET path = :path"), {"path": root})
    for folder in inside:
        assert found(typed(folder)) >= {"IMG_1.jpg", "IMG_2.jpg"}, folder
    for folder in outside:
        assert found(typed(folder)) == set(), folder


def test_names_that_are_not_utf8(found: Callable[..., set], library: Library) -> None:
    with library.catalog.write() as session:
        session.execute(text("UPDATE file SET name = CAST(x'61ff62' AS TEXT) WHERE id = 1"))
        session.execute(text("UPDATE file SET folder = CAST(x'fe' AS TEXT) WHERE id = 2"))
    assert found("file:a\udcffb") == found("file:*\udcff*") == {"a\udcffb"}
    assert len(found("folder:\udcfe")) == 1
    assert found("file:\udcfe") == found("file:\ud800") == found("folder:\ud800") == set()


def test_numbers_are_compared_as_they_are_shown(
    album: Path, found: Callable[..., set], index: Callable[..., Summary]
) -> None:
    picture(album / "phone.jpg", "white", FNumber=1244236 / 699009, FocalLength=5.960000038146973)
    index(album)
    assert found("aperture:1.78") == found("focal:5.96") == {"phone.jpg"}
    assert found("aperture:1.7799") == found("aperture:1.78..2") == {"phone.jpg"}
    assert found("aperture:<=1.78") == found("focal:<=5.96") == {"phone.jpg"}
    assert found("aperture:<1.78") == found("aperture:>1.78 aperture:<2") == set()
    assert "phone.jpg" in found("-aperture:2.8")


@pytest.fixture
def cameras(album: Path, found: Callable[..., set], index: Callable[..., Summary]) -> Path:
    """More cameras, whose names hold those of others."""
    picture(album / "mark.jpg", "white", Make="Canon", Model="Canon EOS 5D Mark II")
    picture(album / "lower.jpg", "#fffffe", Make="canon", Model="canon eos 5d")
    picture(album / "unmade.jpg", "#fffeff", Model="D40")
    picture(album / "apart.jpg", "#fefeff", Make="Apple", Model="iPhone*")
    picture(album / "maker.jpg", "#fefefe", Make="Apple")
    index(album)
    return album


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"Canon EOS*"', {"IMG_1.jpg", "ÉTÉ.jpg", "mark.jpg", "lower.jpg"}),
        ('"canon canon eos 4*"', {"IMG_1.jpg"}),
        ('"Canon EOS 5D"', {"ÉTÉ.jpg", "mark.jpg", "lower.jpg"}),
        ('"=Canon EOS 5D"', {"ÉTÉ.jpg", "lower.jpg"}),
        ('"=Canon EOS 5D*"', {"ÉTÉ.jpg", "mark.jpg", "lower.jpg"}),
        ('"nikon d*"', {"IMG_2.jpg"}),
        ('"nikon corporation"', {"IMG_2.jpg"}),
        ("D4*", {"unmade.jpg"}),
        ("=d40", {"unmade.jpg"}),
        ("iphone*", {"apart.jpg"}),
        ('"apple iphone*"', {"apart.jpg"}),
        ("=apple", {"maker.jpg"}),
        ("=", set()),
    ],
)
def test_cameras_by_the_name_that_is_shown(
    cameras: Path, found: Callable[..., set], query: str, expected: set[str]
) -> None:
    assert found(f"camera:{query}") == expected
    assert found(f"-camera:{query}") & expected == set()


def test_a_cameras_facet_is_that_camera(cameras: Path, engine: SearchEngine) -> None:
    facets = engine.search("type:photo", with_facets=True).facets
    assert facets is not None
    assert len(facets.camera) == 7
    for value in facets.camera:
        assert engine.search(value.filter).total == value.count, value.filter


def test_rejected_photos_have_no_rating(found: Callable[..., set], library: Library) -> None:
    with library.catalog.write() as session:
        session.execute(text("UPDATE asset SET rating = -1 WHERE rating = 4"))
    assert found("rating:<3") == found("rating:0") == ALL - {"IMG_2.jpg", "red barn.jpg"}
    assert found("rating:..5") == found("rating:>=0") == ALL - {"IMG_2.jpg"}
    assert found("-rating:>=0") == {"IMG_2.jpg"}


def test_words_are_spelt_as_names_are(
    engine: SearchEngine, tmp_path: Path, index: Callable[..., Summary]
) -> None:
    picture(tmp_path / "Straße nach Évora.jpg", "red")
    picture(tmp_path / "q\u0303ue İzmir.jpg", "blue")
    index(tmp_path)

    def by_name(words: str) -> list[str]:
        answer = engine.search(words, everything=True)
        return [r.photo.path.name for r in answer.results if r.fields]

    for words in ("straße", "STRAßE", "évora", "e\u0301vora", "EVORA", "e\u0301vora straße"):
        assert by_name(words) == ["Straße nach Évora.jpg"], words
    for words in ("q\u0303ue", "Q\u0303UE İZMIR", "izmir"):
        assert len(by_name(words)) == 1, words
    assert by_name("strasse") == []


# Words and pictures, wanted and not


def test_positives_are_joined(engine: SearchEngine, tmp_path: Path, index: Callable) -> None:
    """Dark purple is as red as it is blue; weights decide otherwise."""
    for name, colour in (("r", "red"), ("b", "blue"), ("both", (128, 0, 128))):
        picture(tmp_path / f"in/{name}.png", colour)
    index(tmp_path / "in")
    assert names(engine.search('"red" + blue'))[0] == "both.png"
    assert names(engine.search('"red"^5 + blue'))[0] == "r.png"
    assert names(engine.search('red + "blue"^5'))[0] == "b.png"


def test_negatives_exclude(library: Library, album: Path, index: Callable) -> None:
    index(album)
    engine = SearchEngine(library, FakeEncoder(calibration=calibration()))
    everything = engine.search("-red", 10)
    assert set(names(everything)) == ALL - {"red barn.jpg", "ÉTÉ.jpg"}
    assert everything.cutoff is None
    assert names(engine.search("red -red")) == []
    assert set(names(engine.search("blue -green", everything=True))) == ALL - {
        "100%*.png", "tall.png",
    }  # fmt: skip


def test_negatives_without_a_calibration(found: Callable[..., set], engine: SearchEngine) -> None:
    assert found("blue -red") == {"IMG_1.jpg", "IMG_2.jpg"}
    with pytest.raises(QueryError, match="something wanted"):
        engine.search("-red")


def test_refused_words_exclude_names(judged: SearchEngine) -> None:
    assert set(names(judged.search("red -barn", everything=True))) == ALL - {"red barn.jpg"}
    assert "IMG_1.jpg" in names(judged.search("blue -ocean"))


def test_like_by_number_path_and_name(
    engine: SearchEngine, album: Path, index: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(album)
    barn = album / "red barn.jpg"
    by_path = engine.search(f'like:"{barn}"')
    assert set(names(by_path)[:2]) == {"red barn.jpg", "ÉTÉ.jpg"}
    number = engine.search("file:barn").results[0].photo.id
    assert names(engine.search(f"like:{number}")) == names(by_path)
    assert names(engine.search('like:"red barn.jpg"')) == names(by_path)
    assert set(names(engine.search("like:ÉTÉ.jpg"))[:2]) == {"ÉTÉ.jpg", "red barn.jpg"}
    monkeypatch.chdir(album)
    assert set(names(engine.search("like:tall.png"))[:2]) == {"tall.png", "100%*.png"}


def test_liked_and_disliked_pictures_steer(
    engine: SearchEngine, album: Path, index: Callable
) -> None:
    index(album)
    by_name = {r.photo.path.name: r.photo.id for r in engine.search("type:photo").results}
    liked = engine.search(f"like:{by_name['tall.png']} -like:{by_name['100%*.png']}")
    assert names(liked)[0] == "tall.png"
    assert "100%*.png" not in names(liked)
    steered = engine.search(f"blue + like:{by_name['ÉTÉ.jpg']}")
    assert set(names(steered)[:4]) == {"IMG_1.jpg", "IMG_2.jpg", "ÉTÉ.jpg", "red barn.jpg"}


def test_like_a_file_outside(engine: SearchEngine, album: Path, index: Callable, tmp_path: Path):
    index(album)
    outside = picture(tmp_path / "elsewhere.png", "#0f0")
    assert set(names(engine.search(f"like:{outside}"))[:2]) == {"tall.png", "100%*.png"}
    copy = tmp_path / "copy.jpg"
    copy.write_bytes((album / "red barn.jpg").read_bytes())
    assert "red barn.jpg" in names(engine.search(f"like:{copy}"))[:2]
    assert "red barn.jpg" not in names(engine.similar(copy))


def test_a_photo_that_has_changed_is_searched_by_as_it_is(
    engine: SearchEngine, album: Path, index: Callable
) -> None:
    index(album)
    before = names(engine.similar(album / "red barn.jpg"))
    picture(album / "red barn.jpg", "#0f0")
    assert set(names(engine.similar(album / "red barn.jpg"))[:2]) == {"tall.png", "100%*.png"}
    by_number = engine.search("file:barn").results[0].photo.id
    assert names(engine.similar(by_number)) == before


def test_strangers_cannot_have_files_read(
    library: Library, album: Path, index: Callable, tmp_path: Path
) -> None:
    index(album)
    engine = SearchEngine(library, FakeEncoder(), read_files=False)
    assert names(engine.search(f'like:"{album / "red barn.jpg"}"'))
    outside = picture(tmp_path / "elsewhere.png", "lime")
    messages = []
    for path in (outside, tmp_path / "nowhere.png", Path("~nosuch/x.png"), Path("~root/x.png")):
        with pytest.raises(QueryError) as caught:
            engine.search(f"like:{path}")
        messages.append(str(caught.value).replace(path.name, ""))
    assert len({message.split("; ")[1] for message in messages}) == 1


def test_ambiguous_name(engine: SearchEngine, tmp_path: Path, index: Callable) -> None:
    picture(tmp_path / "in/a/1.png", "red")
    picture(tmp_path / "in/b/1.png", "blue")
    index(tmp_path / "in")
    with pytest.raises(QueryError, match="2 photos are called"):
        engine.search("like:1.png")


def test_similar_takes_photos_ids_and_paths(
    engine: SearchEngine, album: Path, index: Callable
) -> None:
    index(album)
    photo = engine.search("file:barn").results[0].photo
    expected = names(engine.similar(photo))
    assert expected[0] == "ÉTÉ.jpg"
    assert len(expected) == 5
    assert names(engine.similar(photo.id)) == names(engine.similar(photo.path)) == expected


# The cutoff


@pytest.fixture
def judged(library: Library, album: Path, index: Callable) -> SearchEngine:
    """An engine whose model knows what its scores are worth."""
    index(album)
    return SearchEngine(library, FakeEncoder(calibration=calibration()))


def test_cutoff_leaves_out_what_is_improbable(judged: SearchEngine) -> None:
    answer = judged.search("blue")
    assert names(answer) == ["IMG_1.jpg", "IMG_2.jpg"]
    assert (answer.total, answer.cutoff, answer.nearest) == (2, 0.5, ())
    assert all(r.score == r.probability >= 0.5 for r in answer.results)


def test_nothing_matches(judged: SearchEngine) -> None:
    answer = judged.search("something else")
    assert (answer.results, answer.total) == ((), 0)
    assert 0 < len(answer.nearest) <= 5
    assert all(r.probability < 0.5 for r in answer.nearest)


def test_everything(judged: SearchEngine) -> None:
    answer = judged.search("blue", everything=True)
    assert (answer.total, answer.cutoff) == (6, None)
    probabilities = [r.probability for r in answer.results]
    assert probabilities == sorted(probabilities, reverse=True)
    assert probabilities[-1] < 0.01
    assert names(judged.search("blue score:>=0"))[:2] == ["IMG_1.jpg", "IMG_2.jpg"]


def test_score_replaces_the_cutoff(judged: SearchEngine) -> None:
    assert judged.search("blue score:>0.9999").total == 0
    low = judged.search("blue score:<0.5")
    assert set(names(low)) == ALL - {"IMG_1.jpg", "IMG_2.jpg"}
    assert judged.search("blue score:0.000001..0.9999").cutoff == 0.000001


def test_score_needs_a_calibration(found: Callable[..., set], engine: SearchEngine) -> None:
    with pytest.raises(QueryError, match="no calibration"):
        engine.search("blue score:>0.5")
    answer = engine.search("blue")
    assert answer.cutoff is None
    assert answer.total == 6
    assert all(r.probability is None and r.score == r.similarity for r in answer.results)


def test_the_fuller_the_library_the_rarer_a_match(library: Library, album: Path, index) -> None:
    index(album)
    wary = replace(calibration(), text=replace(LINK, per_log_size=-3.0))
    engine = SearchEngine(library, FakeEncoder(calibration=wary))
    sure = SearchEngine(library, FakeEncoder(calibration=calibration()))
    assert (
        engine.search("blue", everything=True).results[0].probability
        < sure.search("blue", everything=True).results[0].probability
    )


# Words


def test_words_find_names_and_captions(judged: SearchEngine) -> None:
    answer = judged.search("barn")
    assert names(answer) == ["red barn.jpg"]
    assert answer.results[0].fields == ("name",)
    assert answer.results[0].probability < 0.5
    assert judged.search("grandma in winter").results[0].fields == ("caption",)
    assert judged.search("ocean trips").results[0].fields == ("folder",)


def test_words_must_all_stand_there(judged: SearchEngine) -> None:
    assert judged.search("barn owl").total == 0
    assert judged.search("the").total == 0


def test_words_and_likeness_are_fused(judged: SearchEngine, album: Path, library: Library) -> None:
    picture(album / "blue notes.png", (255, 80, 0))
    Indexer(library, FakeEncoder()).run([album])
    fused = judged.search("blue")
    assert set(names(fused)) == {"IMG_1.jpg", "IMG_2.jpg", "blue notes.png"}
    assert {r.fields for r in fused.results if r.photo.path.name == "blue notes.png"} == {("name",)}
    assert judged.search("blue score:>0.5").total == 2


def test_words_obey_filters_and_negatives(judged: SearchEngine) -> None:
    assert judged.search("barn camera:canon").total == 0
    assert judged.search("barn -red").total == 0
    assert judged.search("barn -winter").total == 0


@pytest.mark.parametrize("word", ['"', "*", "NEAR(a b)", "a AND b", "col:", "^", "{name}:x", "'"])
def test_full_text_operators_are_words(judged: SearchEngine, word: str) -> None:
    try:
        judged.search(f'"{word}"' if '"' not in word else r"\"")
    except QuerySyntaxError:
        pytest.fail("a quoted text is plain")


# Orders, pages, facets


def test_orders(judged: SearchEngine) -> None:
    def order(sort: str) -> list[str]:
        return names(judged.search(f"blue score:>=0 sort:{sort}"))

    dated = ["100%*.png", "IMG_1.jpg", "IMG_2.jpg", "red barn.jpg"]
    undated = ["tall.png", "ÉTÉ.jpg"]
    assert order("date") == dated + undated
    assert order("-date") == dated[::-1] + undated
    assert order("name") == ["100%*.png", "IMG_1.jpg", "IMG_2.jpg", "red barn.jpg", *undated]
    assert order("relevance")[:2] == ["IMG_1.jpg", "IMG_2.jpg"]


def test_chronology_is_of_what_passed_the_cutoff(judged: SearchEngine) -> None:
    answer = judged.search("blue sort:-date")
    assert (names(answer), answer.total) == (["IMG_2.jpg", "IMG_1.jpg"], 2)


def test_filters_alone_put_the_newest_first(found: Callable, engine: SearchEngine) -> None:
    answer = engine.search("date:1990..2030")
    assert names(answer) == ["red barn.jpg", "IMG_2.jpg", "IMG_1.jpg", "100%*.png"]
    assert {r.score for r in answer.results} == {None}


def test_pages(judged: SearchEngine) -> None:
    whole = names(judged.search("blue score:>=0 sort:name"))
    pages = [
        names(judged.search("blue score:>=0 sort:name", 4, offset=start)) for start in (0, 4, 8)
    ]
    assert pages == [whole[:4], whole[4:], []]
    best = names(judged.search("blue", everything=True))
    assert names(judged.search("blue", 2, offset=2, everything=True)) == best[2:4]


def test_limit_of_the_query(judged: SearchEngine) -> None:
    answer = judged.search("blue limit:1")
    assert (names(answer), answer.total) == (["IMG_1.jpg"], 1)
    assert judged.search("type:photo limit:3", 2, offset=2).total == 3
    assert len(judged.search("type:photo limit:3", 2, offset=2).results) == 1


def test_facets(judged: SearchEngine, album: Path) -> None:
    facets = judged.search("type:photo", 1, with_facets=True).facets
    assert facets is not None
    assert [(v.value, v.count) for v in facets.year] == [("2019", 2), ("1999", 1), ("2021", 1)]
    assert {(v.value, v.count) for v in facets.camera} == {
        ("Canon EOS 450D", 1), ("Canon EOS 5D", 1), ("NIKON D40", 1),
    }  # fmt: skip
    assert [(v.value, v.count) for v in facets.folder] == [
        (str(album), 6), (str(album / "Ocean trip"), 2), (str(album / "Ocean trip/day 2"), 1),
    ]  # fmt: skip
    assert judged.search("type:photo").facets is None


def test_a_facets_filter_finds_as_many_as_it_counts(judged: SearchEngine) -> None:
    facets = judged.search("type:photo", with_facets=True).facets
    values = [value for of_field in vars(facets).values() for value in of_field]
    assert values
    for value in values:
        assert judged.search(value.filter).total == value.count


def test_the_query_comes_back_as_it_was_understood(judged: SearchEngine) -> None:
    answer = judged.search("  a   Blue sky  camera:Canon ")
    assert answer.query == "a Blue sky camera:Canon"
    assert len(answer.terms) == 2


@pytest.fixture
def many(library: Library) -> SearchEngine:
    """1,500 photos that look like nothing, a third of them in folders with a name."""
    encoder = FakeEncoder()
    model = library.add_model(encoder.spec)
    vectors = np.random.default_rng(0).standard_normal((1500, DIM)).astype(np.float32)
    vectors[100:200] = vectors[100]  # the same picture in different files
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with library.catalog.write() as session:
        session.execute(text("INSERT INTO root (id, path, whole) VALUES (1, '/p', 1)"))
        for number, vector in enumerate(vectors, 1):
            session.execute(
                text(
                    "INSERT INTO asset (id, content_id, byte_size, format, width, height)"
                    " VALUES (:id, :content, 1, 'JPEG', 9, 9)"
                ),
                {"id": number, "content": number.to_bytes(32, "big")},
            )
            assets.add_embeddings(session, [number], model.id, vector[np.newaxis])
            session.execute(
                text(
                    "INSERT INTO file (root_id, folder, name, size, mtime_ns, asset_id)"
                    " VALUES (1, :folder, :name, 1, 1, :id)"
                ),
                {
                    "folder": f"{'beach' if number % 3 else 'x'}/{'w ' * (number % 7)}",
                    "name": f"{number}.jpg",
                    "id": number,
                },
            )
        bump_generation(session)
    return SearchEngine(library, encoder)


@pytest.mark.parametrize("query", ["beach", "quite another thing", "like:150"])
def test_pages_do_not_overlap(many: SearchEngine, query: str) -> None:
    """However deep they are, and whether or not all has to be ranked for them."""
    whole = names(many.search(query, 1500))
    pages = [names(many.search(query, 70, offset=start)) for start in range(0, 1500, 70)]
    assert [name for page in pages for name in page] == whole
    assert len(set(whole)) == many.search(query).total == 1500
    assert names(many.search(query, 70, with_facets=True)) == whole[:70]


def test_facets_are_of_what_the_limit_lets_pass(judged: SearchEngine, album: Path) -> None:
    answer = judged.search("type:photo limit:2", 1, with_facets=True)
    assert answer.facets is not None
    assert (answer.total, len(answer.results)) == (2, 1)
    assert [(v.value, v.count) for v in answer.facets.year] == [("2019", 1), ("2021", 1)]
    assert answer.facets.folder[0].count == 2


def test_facts_are_read_once(judged: SearchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, facts = [], columns.facts
    monkeypatch.setattr(columns, "facts", lambda *of: asked.append(of) or facts(*of))
    answer = judged.search("type:photo sort:name", with_facets=True)
    assert names(answer)[0] == "100%*.png"
    assert len(asked) == 1


def test_filters_alone_need_no_sample(
    judged: SearchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "Sample", None)
    assert judged.search("type:photo").total == 6


def test_filtered_totals_count_photos(judged: SearchEngine, library: Library) -> None:
    """Not what else than the whole picture a model may have embedded."""
    with library.catalog.write() as session:
        session.execute(
            text(
                "INSERT INTO embedding (asset_id, model_id, kind, vector)"
                " SELECT asset_id, model_id, 'region', vector FROM embedding WHERE id = 1"
            )
        )
        bump_generation(session)
    assert judged.search("type:photo").total == 6
    assert judged.search("blue type:photo", everything=True).total == 6


def test_the_total_is_of_photos_that_are_there(
    engine: SearchEngine, album: Path, index: Callable, tmp_path: Path
) -> None:
    index(album)
    kept = (album / "tall.png").rename(tmp_path / "kept.png")
    index(album)
    answer = engine.similar(kept)
    assert answer.total == len(answer.results) == 5


def test_as_many_are_nearest_as_can_be(library: Library, tmp_path: Path, index: Callable) -> None:
    """Also behind many that show what is unwanted."""
    for number in range(60):
        picture(tmp_path / f"in/{number}.png", (250 + number % 6, number // 6, 0), (8, 8))
    for number in range(7):
        picture(tmp_path / f"in/other{number}.png", (0, number, 255 - number), (8, 8))
    index(tmp_path / "in")
    engine = SearchEngine(library, FakeEncoder(calibration=calibration()))
    answer = engine.search("red -red")
    assert answer.total == 0
    assert len(answer.nearest) == 5
    assert all(r.photo.path.name.startswith("other") for r in answer.nearest)


# Mistakes


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", QueryError),
        ("   ", QueryError),
        ("camra:x", QuerySyntaxError),
        ("date:2021..2019", QuerySyntaxError),
        ("x" * 10_000, QuerySyntaxError),
        ("a\x07b", QuerySyntaxError),
        ('"open', QuerySyntaxError),
        ("like:999999", PhotoNotFoundError),
        (f"like:{2**70}", PhotoNotFoundError),
        ("like:/nowhere/x.jpg", PathNotFoundError),
        ("limit:0", QuerySyntaxError),
        ("score:>2", QuerySyntaxError),
    ],
)
def test_mistakes_are_one_line(
    found: Callable[..., set], engine: SearchEngine, query: str, error: type[PixfindError]
) -> None:
    with pytest.raises(error) as caught:
        engine.search(query)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("limit", [0, -1, 100_001])
def test_limits(found: Callable[..., set], engine: SearchEngine, limit: int) -> None:
    with pytest.raises(QueryError, match="limit"):
        engine.search("blue", limit)
    with pytest.raises(QueryError, match="offset"):
        engine.search("blue", 1, offset=-1)


@pytest.mark.parametrize("count", [0, -5, 100_001])
def test_limits_of_queries_made_by_hand(judged: SearchEngine, count: int) -> None:
    with pytest.raises(QueryError, match="limit"):
        judged.search(Query((Phrase("blue"), Limit(count))))
    with pytest.raises(QueryError, match="limit"):
        judged.search(Query((Phrase("blue"), Limit(count))), 1)


@pytest.mark.parametrize("weight", [5e-324, 1e-45, 100])
def test_weights_beyond_all_measure(judged: SearchEngine, weight: float) -> None:
    wanted = judged.search(Query((Phrase("blue", weight), Phrase("blue", weight))))
    assert names(wanted) == ["IMG_1.jpg", "IMG_2.jpg"]
    assert all(r.probability >= 0.5 for r in wanted.results)
    both = judged.search(Query((Phrase("blue"), Phrase("green", weight, negative=True))))
    assert set(names(both)) <= {"IMG_1.jpg", "IMG_2.jpg"}


@pytest.mark.parametrize("query", ["camera:canon score:>0.9", "-red score:>0.9"])
def test_a_score_needs_something_to_score_by(judged: SearchEngine, query: str) -> None:
    with pytest.raises(QueryError, match="score: needs words or a picture"):
        judged.search(query)


def test_similar_to_what_is_not_there(
    engine: SearchEngine, album: Path, index: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(album)
    monkeypatch.chdir(album)
    with pytest.raises(PathNotFoundError):
        engine.similar(Path("3"))
    for number in (0, -1, 99, 2**63, 2**70):
        with pytest.raises(PhotoNotFoundError):
            engine.similar(number)
    for number in (10**5000, -(10**5000)):
        with pytest.raises(QueryError, match="19 digits"):
            engine.similar(number)
        with pytest.raises(QueryError, match="19 digits"):
            engine.photo(number)
    with pytest.raises(QueryError, match="19 digits"):
        engine.search(Query((Like("9" * 5000),)))
    assert engine.search(Query((Like("0" * 5000 + "1"),))).results


def test_a_file_may_be_called_by_a_number(
    engine: SearchEngine, album: Path, index: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(album)
    monkeypatch.chdir(album)
    (album / "tall.png").rename(album / "1")
    assert names(engine.similar(Path("1")))[0] == "100%*.png"


def test_an_export_without_an_end_is_refused_at_once(
    engine: SearchEngine, album: Path, index: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(album)
    limits, search = [], engine.search
    monkeypatch.setattr(
        engine, "search", lambda query, limit: limits.append(limit) or search(query, limit)
    )
    with pytest.raises(ExportError, match="only rank all 6"):
        answers(engine, "blue")
    assert limits == [1]


# The bundled model


def test_real_photos(real: SearchEngine) -> None:
    assert names(real.search("a red telephone box"))[0] == "drewnoakes__Nikon_D40.jpg"
    absent = real.search("astronaut riding a horse on the moon")
    assert absent.total == 0
    assert absent.nearest
    canon = real.search("camera:canon sort:date", with_facets=True)
    assert canon.facets is not None
    assert canon.total == sum(v.count for v in canon.facets.folder[:1])
    assert "nextcloud__Frog.jpg" in names(real.search("frog"))


def test_filters_keep_the_recall_of_an_exact_search() -> None:
    """In both layouts of the index, for filters that let pass a half, a hundredth and less."""
    numbers = np.random.default_rng(0)
    centres = numbers.standard_normal((200, 32))
    noise = 0.5 * numbers.standard_normal((40_000, 32))
    vectors = (centres[numbers.integers(0, 200, len(noise))] + noise).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = np.arange(1, len(vectors) + 1)
    for limit in (200_000, 30_000):
        index = VectorIndex.create(32, exact_limit=limit)
        index.add(ids, vectors)
        for share in (0.5, 0.01, 0.0001):
            allowed = numbers.choice(ids, round(share * len(ids)), replace=False)
            queries = vectors[numbers.integers(0, len(vectors), 10)]
            _, got = index.search(queries, 20, allowed)
            truth = allowed[np.argsort(-(queries @ vectors[allowed - 1].T), axis=1)[:, :20]]
            recall = np.mean([np.isin(t, g).mean() for t, g in zip(truth, got, strict=True)])
            assert got.shape[1] == min(20, len(allowed))
            assert recall >= 0.98


def test_python_api(tmp_path: Path) -> None:
    picture(tmp_path / "in/red.png", "red")
    with pixfind.open(tmp_path / "library") as library:
        assert library.add(tmp_path / "in").embedded == 1
        (result,) = library.search("file:red").results
        assert library.similar(result.photo).total == 0
