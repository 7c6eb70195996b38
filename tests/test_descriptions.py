"""Descriptions: the grammar, the search, what is left out, the command, the library's texts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from clips import write
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import pixfind as package
from indexer import Indexer, Summary
from pixfind.catalog.descriptions import description_of
from pixfind.catalog.photos import photos_by_id
from pixfind.catalog.schema import FROM_FILE, Asset
from pixfind.catalog.tags import set_tags
from pixfind.encoders.base import Encoder
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.openclip import (
    LONGEST_GENERATED,
    SHORTEST_GENERATED,
    OpenClipEncoder,
    normalise,
    quiet,
)
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from pixfind.parts import Box
from pixfind.text import shortened
from search.descriptions import inventory as phrases
from search.descriptions.account import Facts, Subject
from search.descriptions.beam import SURE_OF_SUBJECT, Search
from search.descriptions.describing import Describer
from search.descriptions.evidence import Evidence
from search.descriptions.generator import as_sentence
from search.descriptions.inventory import ALSO, BEARERS, Phrase, inventory
from search.descriptions.learned import learned
from search.descriptions.nouns import lexicon, row_of, rows_of
from search.descriptions.photographs import describe_file, describe_library, describe_photo
from search.descriptions.pixels import measure
from search.descriptions.seen import people, without_count
from search.descriptions.sentence import (
    Parts,
    is_plural,
    joined,
    sentence,
    with_articles,
)
from search.descriptions.where import place_of
from search.descriptions.writing import ALT_LENGTH, alt_text, long_text

Pixfind = Callable[..., Result]
Index = Callable[..., Summary]
FACTS = Facts("2019-07-04T18:05:09", "Canon EOS 6D", 47.36667, -8.55)


def phrase(key: str) -> Phrase:
    row = row_of(key)
    assert row is not None, key
    return lexicon()[row]


def evidence_of(certain: dict[str, float]) -> Evidence:
    """Evidence in which some phrases have log odds of a mention and all others have none."""
    mentioned = np.full(len(lexicon()), -9.0, np.float32)
    for key, odds in certain.items():
        row = row_of(key)
        assert row is not None, key
        mentioned[row] = odds
    return Evidence(lexicon(), mentioned, np.full(len(lexicon()), -4.0, np.float32), True)


def said_of(certain: dict[str, float]) -> str:
    found = Search(None).best(evidence_of(certain), np.zeros(2, np.float32))
    return sentence(found[0].parts) if found else ""


@pytest.fixture(scope="session")
def describer(pocket: Encoder, pocket_phrases: Path) -> Describer:
    return Describer(pocket, pocket_phrases)


def sample(name: str) -> Image.Image:
    data = pytest.importorskip("skimage.data")
    return Image.fromarray(getattr(data, name)()).convert("RGB")


# Grammar


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("a orange dog", "an orange dog"),
        ("an brown dog", "a brown dog"),
        ("A old man", "An old man"),
        ("a uniform", "a uniform"),
        ("a hour", "an hour"),
        ("a dog", "a dog"),
    ],
)
def test_articles_follow_the_next_word(text: str, right: str) -> None:
    assert with_articles(text) == right


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            ("subject: a dog", "modifier: brown", "action: running", "place: through the grass"),
            "A brown dog is running through the grass.",
        ),
        (
            ("subject: two dogs", "modifier: black", "action: carrying a ball in its mouth"),
            "Two black dogs are carrying a ball in their mouths.",
        ),
        (
            ("subject: a person", "modifier: old", "detail: wearing a hat", "action: sitting"),
            "An old person wearing a hat is sitting.",
        ),
        (("subject: a car", "modifier: red", "action: parked"), "A red car is parked."),
        (("scene: a beach", "place: at sunset"), "A beach at sunset."),
        (("subject: broccoli",), "A photo of broccoli."),
        (("subject: people", "action: dancing"), "People are dancing."),
    ],
)
def test_phrases_become_a_sentence(keys: tuple[str, ...], expected: str) -> None:
    subject, *others = map(phrase, keys)
    parts = Parts(subject)
    for other in others:
        value = (other,) if other.slot == "modifier" else other
        field = "modifiers" if other.slot == "modifier" else other.slot
        parts = replace(parts, **{field: value})
    assert sentence(parts) == expected


def test_what_is_not_sure_is_hedged() -> None:
    parts = Parts(phrase("subject: a dog"), action=phrase("action: running"))
    assert sentence(parts, frozenset({"action: running"})) == "A dog is perhaps running."
    hedged = sentence(parts, frozenset({"subject: a dog"}))
    assert hedged == "A photo, perhaps of a dog running."


@pytest.mark.parametrize(
    ("items", "expected"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (list("abc"), "a, b and c")],
)
def test_enumerations(items: list[str], expected: str) -> None:
    assert joined(items) == expected


@given(st.text(st.characters(categories=("L", "P", "Zs")), max_size=400), st.integers(8, 200))
def test_cut_texts_end_with_a_whole_word(text: str, longest: int) -> None:
    short = shortened(text, longest)
    assert len(short) <= max(longest, 1)
    if len(text) <= longest:
        assert short == text
    elif " " in text[:longest]:
        kept = short.rstrip("…")
        assert text.startswith(kept)


def test_a_long_sentence_is_cut_between_words() -> None:
    text = "word " * 40
    alt = alt_text(text)
    assert len(alt) <= ALT_LENGTH
    assert alt.endswith("word…")


# The files


def test_phrases_are_in_order() -> None:
    keys = [one.key for one in inventory().phrases]
    assert len(keys) == len(set(keys))
    kinds = {kind for kinds in ALSO.values() for kind in kinds} | {"scene", "any"}
    for one in inventory().phrases:
        assert one.text == " ".join(one.text.split())
        assert one.number in ("1", "2", "3", "many", "any")
        assert one.kinds
        if one.slot not in ("subject", "scene"):
            assert set(one.kinds) <= kinds, one
    assert set(BEARERS) & set(ALSO)
    assert len(nouns := lexicon()) == len({one.key for one in nouns})


def test_what_was_learned_is_of_the_bundled_model_and_the_inventory(pocket: Encoder) -> None:
    known = learned()
    assert known.fingerprint == pocket.spec.fingerprint
    assert set(known.keys) == {one.key for one in inventory().phrases}
    file = Path(phrases.__file__).parents[2] / "data" / "descriptions" / "learned.npz"
    assert file.stat().st_size < 300_000


def test_learned_numbers_come_back_as_they_were(tmp_path: Path) -> None:
    known = learned()
    known.save(tmp_path / "one.npz")
    again = type(known).load(tmp_path / "one.npz")
    image = np.linspace(-1, 1, known.right.shape[1]).astype(np.float32)
    image /= np.linalg.norm(image)
    assert np.allclose(again.log_odds(image), known.log_odds(image), atol=0.05)
    assert again.affinity("subject: a dog", "action: running") == known.affinity(
        "action: running", "subject: a dog"
    )


# The search


def test_what_is_likely_together_is_said() -> None:
    said = said_of(
        {
            "subject: a dog": 3.0,
            "modifier: brown": 1.0,
            "action: running": 2.0,
            "place: through the grass": 1.0,
        }
    )
    assert said == "A brown dog is running through the grass."


def test_what_is_unlikely_is_left_out() -> None:
    said = said_of({"subject: a dog": 3.0, "action: running": -4.0, "modifier: brown": -3.0})
    assert said == "A dog."


def test_only_what_fits_the_subject_is_said() -> None:
    said = said_of({"subject: a car": 3.0, "action: smiling": 3.0, "detail: wearing a hat": 3.0})
    assert said == "A car."


def test_nothing_is_said_twice() -> None:
    said = said_of({"subject: a skateboarder": 3.0, "action: riding a skateboard": 3.0})
    assert said == "A skateboarder."


def test_one_goes_through_the_grass_only_while_moving() -> None:
    said = said_of({"subject: a dog": 3.0, "action: sitting": 2.0, "place: through the grass": 2.0})
    assert said == "A dog is sitting."


def test_a_sure_subject_comes_before_a_telling_one_that_is_not() -> None:
    sure, doubtful = 3.0, -1.5
    evidence = evidence_of({"subject: a person": sure, "subject: a skier": doubtful})
    row = row_of("subject: a skier")
    assert row is not None
    assert evidence.true[row] < SURE_OF_SUBJECT
    assert said_of({"subject: a person": sure, "subject: a skier": doubtful}) == "A person."


def test_age_and_sex_are_told_only_when_they_are_sure() -> None:
    likely = {"subject: a person": 3.0, "modifier: old": -1.0, "subject: a woman": -0.9}
    assert said_of(likely) == "A person."
    assert said_of({**likely, "subject: a woman": 4.0}) == "A woman."


def test_where_nothing_is_likely_nothing_is_found() -> None:
    assert said_of({}) == ""


def test_people_are_counted_only_when_that_is_certain() -> None:
    one, two, crowd = (f"subject: {t}" for t in ("a person", "two people", "a crowd of people"))
    assert people(evidence_of({one: 6.0})) == 1
    assert people(evidence_of({one: 6.0, two: 6.0})) == 2
    assert people(evidence_of({one: 6.0, two: 0.0})) is None
    assert people(evidence_of({one: 6.0, crowd: 2.0})) is None
    assert people(evidence_of({one: 0.0})) is None
    assert people(replace(evidence_of({one: 6.0}), calibrated=False)) is None


# Pixels and places


@pytest.mark.parametrize(
    ("colour", "name"),
    [("red", "red"), ("#00a000", "green"), ("blue", "blue"), ("black", "black"),
     ("#804000", "brown"), ("#ffe000", "yellow")],
)  # fmt: skip
def test_colours_are_measured(colour: str, name: str) -> None:
    found = measure(Image.new("RGB", (80, 60), colour))
    assert found.colours == (name,) or (found.black_and_white and name == "black")


def test_a_grey_picture_is_black_and_white() -> None:
    grey = measure(Image.linear_gradient("L").convert("RGB"))
    assert grey.black_and_white
    assert grey.colours == ()


def test_a_place_is_named_only_if_it_is_clear() -> None:
    boxes = tuple(Box(x, y, 0.6, 0.6) for y in (0.0, 0.4) for x in (0.0, 0.4))
    left = place_of(boxes, np.array([6.0, 1.0, 5.8, 1.0], np.float32))
    assert left is not None
    assert left.words == "left"
    assert place_of(boxes, np.array([6.0, 5.5, 5.8, 5.9], np.float32)) is None
    assert place_of(boxes, np.array([2.0, -1.0, -1.0, -1.0], np.float32)) is None


# Accounts


def test_the_long_text_tells_places_people_light_colours_and_the_files_facts() -> None:
    pixels = measure(Image.new("RGB", (9, 9), "red"))
    text = long_text(
        "A dog is running.",
        [Subject("a dog", 0.9, "left"), Subject("a boat", 0.8)],
        1, "a beach", "at sunset", pixels, FACTS,
    )  # fmt: skip
    assert text == (
        "A dog is running. On the left is the dog. It also shows a boat. One person can be seen. "
        "The scene seems to show a beach. The light is that of a sunset. The main colour is red. "
        "Taken on 4 July 2019 at 18:05, at 47.3667° N, 8.5500° W, with the camera Canon EOS 6D."
    )


def test_a_sentence_counts_people_only_when_that_is_certain() -> None:
    parts = Parts(phrase("subject: two people"), action=phrase("action: standing"))
    for odds, said in ((1.0, "People are standing."), (6.0, "Two people are standing.")):
        evidence = evidence_of({"subject: two people": odds})
        assert sentence(without_count(parts, evidence)) == said
    dogs = Parts(phrase("subject: two dogs"))
    assert without_count(dogs, evidence_of({})) == dogs


@pytest.mark.parametrize(
    ("sentence", "subjects", "told"),
    [
        ("A man is sitting.", [Subject("a person", 0.9)], ""),
        ("Two people are standing.", [Subject("a person", 0.9)], ""),
        ("A car by a window.", [Subject("a person", 0.9)], "It also shows a person."),
        (
            "A monarch butterfly in a garden.",
            [Subject("an insect", 0.9), Subject("a boat", 0.8)],
            "It also shows a boat.",
        ),
        ("A man is sitting.", [Subject("a person", 0.9, "top")], "At the top is the person."),
        ("Two people.", [Subject("a person", 0.9, "top")], "At the top is a person."),
        ("Trees.", [Subject("trees", 0.9, "top")], "At the top are the trees."),
        ("A cow.", [Subject("grass", 0.9, "bottom")], "At the bottom is grass."),
        (
            "A cyclist.",
            [Subject("a cyclist", 0.9, "left"), Subject("a bicycle", 0.9, "left")],
            "On the left are the cyclist and a bicycle.",
        ),
    ],
)
def test_nothing_is_told_as_if_it_were_another_thing(
    sentence: str, subjects: list[Subject], told: str
) -> None:
    pixels = measure(Image.new("RGB", (9, 9), "red"))
    text = long_text(sentence, subjects, None, None, None, pixels, Facts())
    assert text == " ".join(filter(None, (sentence, told, "The main colour is red.")))


def test_a_sunset_is_told_once() -> None:
    pixels = measure(Image.new("RGB", (9, 9), "red"))
    text = long_text("A sunset.", [], None, None, "at sunset", pixels, Facts())
    assert text == "A sunset. The main colour is red."


@pytest.mark.parametrize(
    ("noun", "many"),
    [
        ("trees", True), ("clouds in the sky", True), ("two men", True), ("people", True),
        ("grass", False), ("asparagus", False), ("corn on the cob", False), ("a dog", False),
        ("a group of dogs", False), ("fish and chips", False),
    ],
)  # fmt: skip
def test_nouns_agree_with_their_verb(noun: str, many: bool) -> None:
    assert is_plural(noun) is many


def test_a_cat_is_seen(describer: Describer) -> None:
    account = describer.describe(sample("chelsea"))
    assert "cat" in account.sentence
    assert "perhaps" not in account.sentence
    assert account.people is None
    assert account.written_by == "search"
    json.dumps(account.document())


def test_an_astronaut_is_a_person_and_coffee_is_none(describer: Describer) -> None:
    assert "person" in describer.describe(sample("astronaut"), places=False).sentence
    coffee = describer.describe(sample("coffee"))
    assert coffee.people is None
    assert "coffee" in coffee.sentence or "espresso" in coffee.sentence
    assert "person" not in coffee.long


def test_of_noise_nothing_is_claimed(describer: Describer) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    account = describer.describe(Image.fromarray(noise))
    assert "perhaps" in account.sentence or "not clear" in account.sentence
    assert account.people is None


def test_facts_come_from_the_file(describer: Describer, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "Canon EOS 6D"
    exif.get_ifd(0x8769)[0x9003] = "2019:07:04 18:05:09"
    Image.new("RGB", (64, 48), "green").save(tmp_path / "a.jpg", exif=exif)
    account = describe_file(describer, tmp_path / "a.jpg")
    assert account.facts.taken_at == "2019-07-04T18:05:09"
    assert "Taken on 4 July 2019 at 18:05, with the camera Canon EOS 6D." in account.long


def test_without_a_calibration_all_is_hedged(tmp_path: Path) -> None:
    account = Describer(FakeEncoder(), tmp_path).describe(Image.new("RGB", (50, 50), "red"))
    assert not account.calibrated
    assert account.people is None
    assert "perhaps" in account.sentence or "not clear" in account.sentence


def test_what_a_decoder_writes_becomes_a_sentence() -> None:
    assert as_sentence("a dog on grass .  <end_of_text> x") == "A dog on grass."
    assert as_sentence(" <end_of_text>") == "A photo."


# A model with a decoder

COCA = {
    "embed_dim": 32,
    "vision_cfg": {
        "image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16,
        "attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True,
    },
    "text_cfg": {
        "context_length": 76, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1,
        "embed_cls": True, "output_tokens": True,
    },
    "multimodal_cfg": {
        "context_length": 76, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1,
        "attn_pooler_heads": 2,
    },
    "custom_text": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def coca(tmp_path_factory: pytest.TempPathFactory) -> OpenClipEncoder:
    """A tiny CoCa of random weights, kept for torch as ``pixfind models add`` does."""
    folder = tmp_path_factory.mktemp("coca")
    with quiet():
        import open_clip
        import torch

        (folder / "tiny-coca.json").write_text(json.dumps(COCA))
        open_clip.add_model_config(folder / "tiny-coca.json")
        with torch.random.fork_rng():
            torch.manual_seed(1)
            torch.save(open_clip.create_model("tiny-coca").state_dict(), folder / "tiny.pt")
    store = ModelStore(folder / "models")
    store.add("tiny-coca", str(folder / "tiny.pt"), "coca", "open_clip")
    encoder = store.load("coca")
    assert isinstance(encoder, OpenClipEncoder)
    return encoder


def test_a_model_with_a_decoder_writes_its_own_sentence(
    coca: OpenClipEncoder, tmp_path: Path
) -> None:
    image = Image.radial_gradient("L").convert("RGB")
    # As good as its own phrases, which are noise; torch would take long to embed them all.
    stand_in = FakeEncoder()
    stand_in.spec = coca.spec
    Describer(stand_in, tmp_path)
    describer = Describer(coca, tmp_path)
    account = describer.describe(image, places=False)
    assert account.written_by == "decoder"
    assert account.sentence == as_sentence(coca.generate([image])[0])
    assert account.sentence.endswith(".")
    assert len(account.alt) <= ALT_LENGTH


def test_a_decoder_takes_the_likeliest_word_each_time(coca: OpenClipEncoder) -> None:
    import torch

    images = [Image.new("RGB", (40, 30), colour) for colour in ("red", "white")]
    preprocessing = coca.description.preprocessing
    with torch.inference_mode():
        seen = normalise(torch.from_numpy(preprocessing.pixels(images)), preprocessing)
        tokens = coca._decoded(seen)
        logits = coca._model(seen, tokens[:, :-1], output_labels=False)["logits"]
    begun = SHORTEST_GENERATED  # before that the end is not allowed
    assert (logits.argmax(dim=-1)[:, begun:] == tokens[:, begun + 1 :]).float().mean() > 0.95
    assert tokens.shape[1] <= LONGEST_GENERATED
    assert len(coca.generate(images)) == 2


# The command, the library, the API


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, photos: Path, index: Index) -> Path:
    """A library of the fake model, which the command line finds."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("pixfind.encoders.store.ModelStore.load", lambda self, name: FakeEncoder())
    index(photos)
    return photos


def test_each_picture_gets_a_line(quick: Path, pixfind: Pixfind) -> None:
    result = pixfind("describe", quick / "red.jpg", "1")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(quick / "red.jpg"), "1"]
    assert all(line.endswith(".") for line in lines)


def test_one_bad_file_stops_nothing(quick: Path, pixfind: Pixfind, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    result = pixfind("describe", "--alt", tmp_path / "bad.jpg", "99", quick / "red.jpg")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 2
    assert len(result.stdout.splitlines()) == 1


def test_a_broken_video_is_a_line(quick: Path, pixfind: Pixfind, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    result = pixfind("describe", tmp_path / "clip.mp4")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "clip.mp4" in result.stderr


def test_what_people_said_is_in_the_account(
    describer: Describer, library: Library, index: Index, photos: Path
) -> None:
    index(photos)
    with library.catalog.write() as session:
        asset = session.get_one(Asset, 1)
        asset.caption, asset.rating = "Our cabin in May", 4
        set_tags(session, {1: ["cabin"]}, FROM_FILE)
    with library.catalog.read() as session:
        photo = photos_by_id(session, [1])[1]
    facts = describe_photo(describer, library, photo).document()["facts"]
    assert (facts["caption"], facts["rating"], facts["tags"]) == ("Our cabin in May", 4, ("cabin",))


def test_a_video_is_described_by_the_frame_that_stands_for_it(
    describer: Describer, pocket: Encoder, library: Library, tmp_path: Path
) -> None:
    clip = write(tmp_path / "clips" / "clip.mp4", [("red", 2), ("blue", 2)])
    Indexer(library, pocket).run([clip.parent])
    with library.catalog.read() as session:
        video = photos_by_id(session, [1])[1]
    of_library = describe_photo(describer, library, video)
    assert of_library.sentence == describe_file(describer, clip).sentence
    assert of_library.colours == ("red",)
    done = describe_library(library, describer)
    assert (done.described, done.failed) == (1, 0)


@pytest.mark.usefixtures("described_before")
def test_without_a_library_a_missing_file_is_named(pixfind: Pixfind, tmp_path: Path) -> None:
    missing = tmp_path / "no.jpg"
    result = pixfind("--library", tmp_path / "none", "describe", missing)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"there is nothing at {missing}" in result.stderr


def test_json_is_one_document(quick: Path, pixfind: Pixfind) -> None:
    result = pixfind("describe", "--json", "2", "1")
    document = json.loads(result.stdout)
    first = document["results"][0]
    assert len(document["results"]) == 2
    assert {"path", "sentence", "alt", "long", "subjects", "people", "facts"} <= set(first)
    assert len(first["alt"]) <= ALT_LENGTH


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("--all", "1"), ("--alt", "--long", "1"), ("--all", "--alt"),
        ("1", "--llm-timeout", "3"), ("--all", "--llm-timeout", "3"), ("--all", "--llm", "http://localhost:1"),
    ],
)  # fmt: skip
def test_wrong_usage(quick: Path, pixfind: Pixfind, arguments: tuple[str, ...]) -> None:
    assert pixfind("describe", *arguments).exit_code == 2


def test_the_whole_library_is_described_once(
    quick: Path, pixfind: Pixfind, library: Library, index: Index
) -> None:
    first = json.loads(pixfind("describe", "--all", "--json").stdout)
    assert (first["described"], first["failed"]) == (3, 0)
    with library.catalog.read() as session:
        stored = description_of(session, 1)
    assert stored is not None
    assert stored.account["sentence"] == stored.sentence
    assert pixfind("describe", "--all").stdout == "0 described\n"
    Image.new("RGB", (40, 40), "yellow").save(quick / "new.png")
    index(quick)
    assert pixfind("describe", "--all").stdout == "1 described\n"


def test_a_photo_that_cannot_be_read_stays_undescribed(
    quick: Path, pixfind: Pixfind, library: Library
) -> None:
    (quick / "red.jpg").unlink()
    result = pixfind("describe", "--all")
    assert result.stdout == "2 described, 1 could not be read\n"
    assert len(result.stderr.splitlines()) == 1


def test_a_photo_that_has_changed_is_not_described_as_the_one_before(
    quick: Path, pixfind: Pixfind, library: Library
) -> None:
    shutil.copy(quick / "green.png", quick / "red.jpg")
    result = pixfind("describe", "--all")
    assert result.stdout == "2 described, 1 could not be read\n"
    assert "it has changed since" in result.stderr
    assert sorted(pixfind("describe", number).exit_code for number in "123") == [0, 0, 1]
    # What lies at a path is described as it is now.
    assert pixfind("describe", str(quick / "red.jpg")).exit_code == 0


def test_ctrl_c_keeps_what_is_done(quick: Path, library: Library, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    describer = Describer(FakeEncoder(), tmp_path / "cache")
    summary = describe_library(library, describer, stop)
    assert (summary.described, summary.interrupted) == (2, True)
    assert describe_library(library, describer).described == 1


def test_the_api_describes_photos_and_files(quick: Path, library: Library) -> None:
    with package.open(library.folder) as opened:
        by_id, by_path = opened.describe(1), opened.describe(quick / "red.jpg")
        assert by_id.alt
        assert by_path.alt


def test_phrases_are_embedded_once(tmp_path: Path) -> None:
    class Counting(FakeEncoder):
        count = 0

        def encode_texts(self, texts):  # type: ignore[no-untyped-def]
            Counting.count += len(texts)
            return super().encode_texts(texts)

    Describer(Counting(), tmp_path)
    once = Counting.count
    Describer(Counting(), tmp_path)
    assert Counting.count == once >= len(lexicon())
    assert len(rows_of("subject", "scene")) > 500
