"""Tags: given automatically, corrected by the owner, taught by example, undone by run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from indexer import Indexer, Summary
from pixfind.calibration import Calibration
from pixfind.calibration.link import Link
from pixfind.catalog import assets, tagging
from pixfind.catalog.photos import photos_by_id
from pixfind.catalog.schema import AUTOMATIC, FROM_FILE, FROM_USER
from pixfind.catalog.tags import counts, set_tags, tags_on
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import (
    ModelMismatchError,
    TaggingError,
    UnknownTagError,
    VocabularyError,
)
from pixfind.library import Library
from search import SearchEngine
from search.tags import own_vocabulary, owner
from search.tags.choosing import Chooser
from search.tags.lessons import FEWEST
from search.tags.scoring import Scorer
from search.tags.tagging import tag_library
from search.tags.vocabulary import Label, Vocabulary, shipped

Index = Callable[..., Summary]
Pixfind = Callable[..., Result]
DIM = FakeEncoder().spec.dim


def calibration() -> Calibration:
    """A deviation of 0.07, so that only a colour's name stands out on a picture of it."""
    link = Link(20.0, 0.0, 0.1, 0.0, 0.0, 0.0, 0.0)
    covariance = np.eye(DIM, dtype=np.float32) * 0.07**2
    return Calibration(np.zeros(DIM, np.float32), covariance, link, link, 0.5)


class Colours(FakeEncoder):
    """Knows colours in prompts too; every other text means something that no picture shows."""

    def _text(self, text: str) -> np.ndarray:
        for word in text.replace(",", " ").split():
            if word in self.COLOURS:
                return super()._text(word)
        vector = super()._text(text)
        # Nothing that plain pictures have: each channel sums to nought over the grid.
        channels = vector.reshape(-1, 3)
        return (channels - channels.mean(axis=0)).ravel()


@pytest.fixture
def encoder() -> FakeEncoder:
    return Colours(calibration=calibration())


@pytest.fixture
def small_vocabulary(monkeypatch: pytest.MonkeyPatch) -> Vocabulary:
    """Instead of the shipped one: what this stand-in of a model knows."""
    vocabulary = Vocabulary(
        "small",
        (
            Label("colour", None, (), (), "a colour"),
            Label("red", None, ("colour",), ("scarlet",), "red"),
            Label("blue", None, ("colour",), (), "blue"),
            Label("dog", None, (), (), "a dog"),
        ),
    )
    monkeypatch.setattr(own_vocabulary, "shipped", lambda: vocabulary)
    return vocabulary


@pytest.fixture
def scorer(
    library: Library, encoder: FakeEncoder, small_vocabulary: Vocabulary, tmp_path: Path
) -> Callable[[], Scorer]:
    return lambda: Scorer(library, encoder, tmp_path / "cache")


def ids(library: Library) -> dict[str, int]:
    with library.catalog.read() as session:
        photos = photos_by_id(session, range(1, 200))
    return {photo.path.name: asset_id for asset_id, photo in photos.items()}


def tagged(library: Library, name: str, source: str | None = None) -> dict[str, str]:
    asset_id = ids(library)[name]
    with library.catalog.read() as session:
        found = tags_on(session, [asset_id]).get(asset_id, ())
    return {tag.name: tag.source for tag in found if source in (None, tag.source)}


def test_photos_get_what_they_show_and_what_that_implies(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer]
) -> None:
    index(photos)
    done = tag_library(library, scorer())
    assert (done.photos, done.interrupted) == (3, False)
    assert tagged(library, "red.jpg") == {"red": AUTOMATIC, "colour": AUTOMATIC}
    assert tagged(library, "blue.webp") == {"blue": AUTOMATIC, "colour": AUTOMATIC}
    assert tagged(library, "green.png") == {}
    with library.catalog.read() as session:
        scores = [tag.score for found in tags_on(session, [1, 2, 3]).values() for tag in found]
    assert all(score is not None and 0.2 < score <= 1 for score in scores)


def test_tags_are_found_by_the_query_language_and_counted(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer],
    engine: SearchEngine,
) -> None:  # fmt: skip
    index(photos)
    tag_library(library, scorer())
    assert [r.photo.path.name for r in engine.search("tag:red").results] == ["red.jpg"]
    assert engine.search("tag:colour").total == 2
    assert engine.search("has:tag").total == 2
    found = engine.search("file:*", with_facets=True).facets
    assert found is not None
    assert {value.value: value.count for value in found.tag} == {"colour": 2, "red": 1, "blue": 1}
    # A word is no reason to find a photo that looks different: the tag knows no more than that.
    with library.catalog.read() as session:
        assert session.connection().exec_driver_sql(
            "SELECT count(*) FROM document WHERE document MATCH 'tags : red'"
        ).scalar() == 0  # fmt: skip


def test_only_new_photos_are_looked_at_until_something_changes(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer], tmp_path: Path
) -> None:
    index(photos)
    tag_library(library, scorer())
    assert tag_library(library, scorer()).run is None
    Image.new("RGB", (9, 9), "#f00").save(photos / "new.png")
    index()
    again = tag_library(library, scorer())
    assert (again.photos, again.run) == (1, 2)
    mine = tmp_path / "mine.txt"
    mine.write_text("green\n")
    own_vocabulary.keep(library, mine)
    assert tag_library(library, scorer()).photos == 4
    assert tagged(library, "green.png") == {"green": AUTOMATIC}
    assert tagged(library, "red.jpg") == {"red": AUTOMATIC, "colour": AUTOMATIC}
    own_vocabulary.drop(library)
    assert tag_library(library, scorer()).photos == 4
    assert tagged(library, "green.png") == {}


def test_moved_and_copied_files_keep_their_tags(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer]
) -> None:
    index(photos)
    tag_library(library, scorer())
    (photos / "red.jpg").rename(photos / "inner" / "crimson.jpg")
    index()
    assert tagged(library, "crimson.jpg") == {"red": AUTOMATIC, "colour": AUTOMATIC}
    assert tag_library(library, scorer()).run is None


def test_a_run_can_be_undone(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer]
) -> None:
    index(photos)
    owner.accept(library, "holiday", [str(photos / "red.jpg")])
    tag_library(library, scorer())
    with pytest.raises(TaggingError, match="no run 9"):
        owner.undo(library, 9)
    assert owner.undo(library) == (1, 4)
    assert tagged(library, "red.jpg") == {"holiday": FROM_USER}
    with library.catalog.read() as session:
        assert [tag.name for tag in counts(session)] == ["holiday"]
        assert tagging.runs(session) == []
    with pytest.raises(TaggingError, match="nothing to undo"):
        owner.undo(library)
    assert tag_library(library, scorer()).photos == 3  # as if for the first time


def test_ctrl_c_keeps_what_is_done(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    index(photos)
    monkeypatch.setattr("search.tags.tagging.BATCH", 1)

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    done = tag_library(library, scorer(), stop)
    assert (done.interrupted, done.photos) == (True, 2)
    assert tag_library(library, scorer()).photos == 1
    assert tagged(library, "blue.webp") == {"blue": AUTOMATIC, "colour": AUTOMATIC}


# The owner's word


def test_rejected_tags_go_and_stay_away_with_all_that_implies_them(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer]
) -> None:
    index(photos)
    tag_library(library, scorer())
    assert owner.reject(library, "Scarlet", ["red.jpg"]) == "red"
    assert tagged(library, "red.jpg") == {"colour": AUTOMATIC}
    owner.reject(library, "colour", ["blue.webp"])
    assert tagged(library, "blue.webp") == {}
    owner.undo(library)
    tag_library(library, scorer())
    assert tagged(library, "red.jpg") == {"colour": AUTOMATIC}
    assert tagged(library, "blue.webp") == {}
    owner.withdraw(library, "red", ["red.jpg"])
    owner.undo(library)
    tag_library(library, scorer())
    assert tagged(library, "red.jpg") == {"red": AUTOMATIC, "colour": AUTOMATIC}


def test_accepted_tags_bring_what_they_imply_and_take_the_place_of_automatic_ones(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer]
) -> None:
    index(photos)
    tag_library(library, scorer())
    owner.accept(library, "red", ["red.jpg", "green.png"])
    assert tagged(library, "red.jpg") == {"red": FROM_USER, "colour": FROM_USER}
    assert tagged(library, "green.png") == {"red": FROM_USER, "colour": FROM_USER}
    owner.reject(library, "red", ["green.png"])
    assert tagged(library, "green.png") == {"colour": FROM_USER}
    owner.accept(library, "red", ["green.png"])  # a second thought
    assert tagged(library, "green.png") == {"red": FROM_USER, "colour": FROM_USER}
    tag_library(library, scorer())
    assert tagged(library, "red.jpg") == {"red": FROM_USER, "colour": FROM_USER}


def test_withdrawing_takes_back_what_came_with_a_tag_and_no_more(
    library: Library, index: Index, photos: Path
) -> None:
    index(photos)
    owner.accept(library, "dachshund", ["red.jpg", "blue.webp"])
    assert set(tagged(library, "red.jpg")) == {"dachshund", "dog", "mammal", "animal"}
    owner.withdraw(library, "dachshund", ["red.jpg"])
    assert tagged(library, "red.jpg") == {}
    owner.accept(library, "poodle", ["blue.webp"])
    owner.withdraw(library, "dachshund", ["blue.webp"])  # of which the poodle implies as much
    assert set(tagged(library, "blue.webp")) == {"poodle", "dog", "mammal", "animal"}
    owner.withdraw(library, "poodle", ["blue.webp"])
    assert tagged(library, "blue.webp") == {}
    owner.accept(library, "animal", ["green.png"])
    owner.accept(library, "poodle", ["green.png"])
    owner.withdraw(library, "poodle", ["green.png"])
    assert tagged(library, "green.png") == {"animal": FROM_USER}  # which was said by itself


def test_withdrawing_takes_back_what_was_said_twice(
    library: Library, index: Index, photos: Path
) -> None:
    index(photos)
    owner.accept(library, "animal", ["green.png"])
    owner.accept(library, "poodle", ["red.jpg", "green.png"])
    owner.accept(library, "poodle", ["red.jpg", "green.png", "blue.webp"])
    assert set(tagged(library, "red.jpg")) == {"poodle", "dog", "mammal", "animal"}
    owner.withdraw(library, "poodle", ["red.jpg", "green.png"])
    assert tagged(library, "red.jpg") == {}
    assert tagged(library, "green.png") == {"animal": FROM_USER}  # which was said by itself
    assert set(tagged(library, "blue.webp")) == {"poodle", "dog", "mammal", "animal"}


def test_what_the_owner_said_outlives_indexing_again_and_another_model(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer], tmp_path: Path
) -> None:
    index(photos)
    tag_library(library, scorer())
    owner.reject(library, "red", ["red.jpg"])
    owner.accept(library, "our cabin", ["blue.webp"])
    (photos / "red.jpg").rename(tmp_path / "red.jpg")
    index()
    (tmp_path / "red.jpg").rename(photos / "red.jpg")
    other = Colours("other", calibration=calibration())
    Indexer(library, other).run([photos])
    tag_library(library, Scorer(library, other, tmp_path / "cache"))
    assert tagged(library, "red.jpg") == {"colour": AUTOMATIC}
    assert tagged(library, "blue.webp", FROM_USER) == {"our cabin": FROM_USER}


def test_rejected_keyword_of_a_file_does_not_come_back_with_its_metadata(
    library: Library, index: Index, photos: Path
) -> None:
    index(photos)
    red = ids(library)["red.jpg"]
    with library.catalog.write() as session:
        set_tags(session, {red: ["Paris", "autumn"]}, FROM_FILE)
    owner.reject(library, "paris", ["red.jpg"])
    with library.catalog.write() as session:
        set_tags(session, {red: ["Paris", "autumn"]}, FROM_FILE)
    assert tagged(library, "red.jpg") == {"autumn": FROM_FILE}


def test_what_is_withdrawn_leaves_nothing_behind_but_what_was_said_by_itself(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer]
) -> None:
    index(photos)
    tag_library(library, scorer())
    owner.reject(library, "blue", ["blue.webp"])
    for name in ("red.jpg", "blue.webp"):
        owner.reject(library, "colour", [name])
        owner.withdraw(library, "colour", [name])
    assert tag_library(library, scorer()).photos == 2
    assert tagged(library, "red.jpg") == {"red": AUTOMATIC, "colour": AUTOMATIC}
    # "blue" had been rejected before "colour" was, and "red" only with it.
    assert tagged(library, "blue.webp") == {"colour": AUTOMATIC}
    owner.reject(library, "colour", ["red.jpg"])
    owner.reject(library, "red", ["red.jpg"])  # by itself, later
    owner.accept(library, "colour", ["red.jpg"])
    tag_library(library, scorer())
    assert tagged(library, "red.jpg") == {"colour": FROM_USER}


def test_withdrawn_acceptance_gives_the_automatic_tag_back(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer]
) -> None:
    index(photos)
    tag_library(library, scorer())
    owner.accept(library, "colour", ["red.jpg"])
    owner.withdraw(library, "colour", ["red.jpg"])
    assert tag_library(library, scorer()).photos == 1
    assert tagged(library, "red.jpg") == {"red": AUTOMATIC, "colour": AUTOMATIC}


def test_withdrawn_rejection_of_a_keyword_gives_it_back_with_the_next_run(
    library: Library, index: Index, photos: Path
) -> None:
    exif = Image.Exif()
    exif[0x9C9E] = "Paris".encode("utf-16-le")
    Image.new("RGB", (9, 9), "white").save(photos / "tower.jpg", exif=exif)
    index(photos)
    assert tagged(library, "tower.jpg") == {"Paris": FROM_FILE}
    owner.reject(library, "Paris", ["tower.jpg"])
    assert index().reread == 0
    owner.withdraw(library, "Paris", ["tower.jpg"])
    assert index().reread == 1
    assert tagged(library, "tower.jpg") == {"Paris": FROM_FILE}


def test_what_the_owner_says_during_a_run_holds(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer]
) -> None:
    index(photos)
    begun = scorer()
    owner.accept(library, "red", ["red.jpg"])
    owner.reject(library, "blue", ["blue.webp"])
    tag_library(library, begun)
    assert tagged(library, "red.jpg", AUTOMATIC) == {}
    assert tagged(library, "blue.webp") == {"colour": AUTOMATIC}


def test_nobody_waits_for_files_that_the_owner_names(
    library: Library, index: Index, photos: Path, small_vocabulary: Vocabulary,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    index(photos)

    def slowly(session: object, named: str, *, read_files: bool) -> int:
        with library.catalog.write() as writing:
            set_tags(writing, {1: ["meanwhile"]}, FROM_FILE)
        return 1

    monkeypatch.setattr(owner, "locate", slowly)
    for say in (owner.accept, owner.reject, owner.withdraw):
        say(library, "red", ["any"])


def test_labels_that_are_gone_are_no_tags_any_more(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer], tmp_path: Path
) -> None:
    index(photos)
    mine = tmp_path / "mine.txt"
    mine.write_text("green\n")
    own_vocabulary.keep(library, mine)
    tag_library(library, scorer())
    own_vocabulary.drop(library)
    tag_library(library, scorer())
    with library.catalog.read() as session:
        assert {tag.name for tag in counts(session)} == {"red", "blue", "colour"}


def test_the_likeliest_are_as_probable_as_when_all_labels_are_compared(
    library: Library, index: Index, photos: Path, scorer: Callable[[], Scorer]
) -> None:
    index(photos)
    scores = scorer()
    with library.catalog.read() as session:
        vectors = np.array([assets.vector_of(session, i, scores.model.id) for i in (1, 2, 3)])
    for column, label in enumerate(scores.vocabulary.labels):
        expected = scores.probabilities(vectors)[:, column]
        found = dict(scores.likely(label.name, 3))
        np.testing.assert_allclose([found[i] for i in (1, 2, 3)], expected, rtol=1e-4)


@pytest.mark.parametrize("tag", ["", "  ", "x" * 101, "a\nb\x07"])
def test_tags_have_names(library: Library, index: Index, photos: Path, tag: str) -> None:
    index(photos)
    with pytest.raises(TaggingError, match="1 to 100 visible characters"):
        owner.accept(library, tag, ["red.jpg"])


def test_unknown_tags_and_photos_are_told(
    library: Library, index: Index, photos: Path, small_vocabulary: Vocabulary, tmp_path: Path
) -> None:
    index(photos)
    with pytest.raises(UnknownTagError, match="dog"):
        owner.reject(library, "dogg", ["red.jpg"])
    Image.new("RGB", (3, 3)).save(tmp_path / "elsewhere.png")
    with pytest.raises(TaggingError, match="not in the library"):
        owner.accept(library, "dog", [str(tmp_path / "elsewhere.png")])
    assert tagged(library, "red.jpg") == {}


# Lessons


def shades(folder: Path, name: str, colour: tuple[int, int, int], count: int) -> list[str]:
    """Pictures of about one colour, each a little different, half of it something else."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(sum(colour))
    made = []
    for number in range(count):
        pixels = rng.integers(0, 255, (8, 8, 3), np.uint8)
        pixels[:, :4] = colour
        file = folder / f"{name}{number}.png"
        Image.fromarray(pixels).save(file)
        made.append(file.name)
    return made


def test_a_tag_that_no_word_describes_is_learned_from_examples(
    library: Library, index: Index, scorer: Callable[[], Scorer], tmp_path: Path
) -> None:
    orange = shades(tmp_path / "p", "orange", (255, 140, 0), 20)
    violet = shades(tmp_path / "p", "violet", (140, 0, 255), 20)
    index(tmp_path / "p")
    owner.accept(library, "our tent", orange[: FEWEST - 1])
    assert tag_library(library, scorer()).taught == ()
    assert "our tent" not in tagged(library, orange[-1])
    owner.accept(library, "our tent", orange[:10])
    assert tag_library(library, scorer()).taught == ("our tent",)
    found = [name for name in orange[10:] if "our tent" in tagged(library, name)]
    wrong = [name for name in violet if "our tent" in tagged(library, name)]
    assert len(found) >= 8
    assert wrong == []
    best = scorer().likely("our tent", 5)
    names = {asset_id: name for name, asset_id in ids(library).items()}
    assert all(names[asset_id] in orange[10:] for asset_id, _ in best)


def test_examples_correct_what_words_say(
    library: Library, index: Index, scorer: Callable[[], Scorer], tmp_path: Path
) -> None:
    """To this owner, "dog" is what is violet, and not what is orange."""
    orange = shades(tmp_path / "p", "orange", (255, 140, 0), 20)
    violet = shades(tmp_path / "p", "violet", (140, 0, 255), 20)
    index(tmp_path / "p")
    before = dict(scorer().likely("dog", 40))
    owner.accept(library, "dog", violet[:8])
    owner.reject(library, "dog", orange[:8])
    after = dict(scorer().likely("dog", 40))
    known = ids(library)
    assert min(after[known[name]] for name in violet[8:]) > max(
        after[known[name]] for name in orange[8:]
    )
    assert min(after[known[n]] for n in violet[8:]) > max(before[known[n]] for n in violet[8:])


# Choosing


def test_of_labels_for_the_same_evidence_the_likeliest_is_given() -> None:
    names = ("cat", "persian cat", "siamese cat", "sofa")
    labels = tuple(Label(n, None, ("cat",) if " " in n else (), (), n) for n in names)
    directions = np.array([[1, 0], [0.95, 0.31], [0.97, 0.24], [0, 1]], np.float32)
    chooser = Chooser(Vocabulary("v", labels), directions)
    assert chooser.choose(np.array([0.9, 0.8, 0.7, 0.6])) == {
        "cat": 0.9, "persian cat": 0.8, "sofa": 0.6
    }  # fmt: skip
    assert chooser.choose(np.array([0.1, 0.1, 0.1, 0.1])) == {}


def test_what_somebody_is_must_be_surer_than_that_somebody_is_there() -> None:
    labels = (
        Label("person", "person", (), (), "a person"),
        Label("boy", "person", ("person",), (), "a boy"),
        Label("boat", "vehicle", (), (), "a boat"),
    )
    chooser = Chooser(Vocabulary("v", labels), np.eye(3, dtype=np.float32))
    assert chooser.choose(np.array([0.6, 0.6, 0.6])) == {"person": 0.6, "boat": 0.6}
    assert chooser.choose(np.array([0.7, 0.7, 0.2])) == {"person": 0.7, "boy": 0.7}


def test_what_is_implied_is_as_probable_as_what_implies_it() -> None:
    labels = (
        Label("animal", None, (), (), "an animal"),
        Label("dog", None, ("animal",), (), "a dog"),
        Label("dachshund", None, ("dog",), (), "a dachshund"),
    )
    chooser = Chooser(Vocabulary("v", labels), np.eye(3, dtype=np.float32))
    raised = chooser.consistent(np.array([[0.1, 0.3, 0.7], [0.9, 0.2, 0.0]]))
    assert raised.tolist() == [[0.7, 0.7, 0.7], [0.9, 0.2, 0.0]]
    assert chooser.choose(raised[0]) == {"animal": 0.7, "dog": 0.7, "dachshund": 0.7}


def test_model_without_calibration_learns_from_the_library_what_is_usual(
    library: Library, small_vocabulary: Vocabulary, tmp_path: Path
) -> None:
    encoder = Colours()
    names = shades(tmp_path / "p", "orange", (255, 140, 0), 40)
    Indexer(library, encoder).run([tmp_path / "p"])
    with pytest.raises(TaggingError, match="at least 50 photos"):
        Scorer(library, encoder, tmp_path / "cache")
    shades(tmp_path / "p", "grey", (120, 120, 120), 40)
    for number in range(3):
        Image.new("RGB", (8, 8), (250, number, 0)).save(tmp_path / "p" / f"red{number}.png")
    Indexer(library, encoder).run()
    tag_library(library, Scorer(library, encoder, tmp_path / "cache"))
    assert "red" in tagged(library, "red0.png")
    assert "blue" not in tagged(library, names[0])


# The commands


def test_commands_from_tagging_to_undo(
    pixfind: Pixfind, photos: Path, monkeypatch: pytest.MonkeyPatch, encoder: FakeEncoder,
    small_vocabulary: Vocabulary, tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setattr(ModelStore, "load", lambda *_, **__: encoder)
    pixfind("index", photos)
    shown = json.loads(pixfind("tag", "--json").stdout)
    assert (shown["photos"], shown["run"]) == (3, 1)
    assert "already" in pixfind("tag").stdout
    assert pixfind("tags", "accept", "our cabin", "red.jpg").exit_code == 0
    assert pixfind("tags", "reject", "red", "red.jpg").exit_code == 0
    listed = {t["name"]: t for t in json.loads(pixfind("tags", "list", "--json").stdout)["tags"]}
    assert listed["our cabin"]["automatic"] == 0
    assert (listed["red"]["pictures"], listed["red"]["rejected"]) == (0, 1)
    assert listed["colour"]["automatic"] == listed["colour"]["pictures"] == 2
    found = json.loads(pixfind("search", "tag:our\\ cabin", "--json").stdout)
    assert "our cabin" in pixfind("tags", "list").stdout
    (run,) = json.loads(pixfind("tags", "runs", "--json").stdout)["runs"]
    assert (run["model"], run["pictures"]) == (encoder.spec.name, 3)
    suggested = json.loads(pixfind("tags", "suggest", "blue", "--json").stdout)["results"]
    assert suggested[0]["path"].endswith("blue.webp")
    undone = pixfind("tag", "--undo", "--json")
    assert json.loads(undone.stdout)["undone"] == 1
    assert pixfind("tags", "withdraw", "our cabin", "red.jpg").exit_code == 0
    assert found is not None


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("tag", "--undo"), 1, "nothing to undo"),
        (("tag", "--run", "3"), 2, "--undo"),
        (("tag", "--undo", "--no-vocabulary"), 2, "one of"),
        (("tags", "reject", "dachsund", "1"), 1, "dachshund"),
        (("tags", "suggest", "xqzw"), 1, "xqzw"),
        (("tags", "accept", "dog", "99"), 1, "no photo 99"),
    ],
)
def test_mistakes_are_a_line(
    pixfind: Pixfind, index: Index, photos: Path, monkeypatch: pytest.MonkeyPatch,
    encoder: FakeEncoder, arguments: tuple[str, ...], code: int, said: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(ModelStore, "load", lambda *_, **__: encoder)
    index(photos)
    ran = pixfind(*arguments)
    assert ran.exit_code == code
    assert said in ran.stderr
    assert "Traceback" not in ran.output


def test_a_bad_vocabulary_changes_nothing(
    library: Library, index: Index, photos: Path, tmp_path: Path
) -> None:
    index(photos)
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("tent\n")
    bad.write_text("tent\nTent\n")
    own_vocabulary.keep(library, good)
    with pytest.raises(VocabularyError):
        own_vocabulary.keep(library, bad)
    assert own_vocabulary.vocabulary_of(library, {}).label("tent").name == "tent"
    assert (library.folder / own_vocabulary.FILE).read_text() == "tent\n"


def test_library_of_another_model_is_not_tagged(
    library: Library, index: Index, photos: Path, tmp_path: Path
) -> None:
    index(photos)
    with pytest.raises(ModelMismatchError):
        Scorer(library, FakeEncoder("other"), tmp_path / "cache")


def test_shipped_vocabulary_is_scored_within_a_moment_by_a_stand_in(
    library: Library, index: Index, photos: Path, encoder: FakeEncoder, tmp_path: Path
) -> None:
    index(photos)
    done = tag_library(library, Scorer(library, encoder, tmp_path / "cache"))
    assert done.labels == len(shipped())
    assert "red" in tagged(library, "red.jpg")
