"""Models on disk: what is taken in and what is refused; what the bundled one promises."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from pixfind.config import Settings
from pixfind.encoders.base import Encoder
from pixfind.encoders.model_files import CALIBRATION, sha256_of
from pixfind.encoders.store import ModelStore, bundled_models
from pixfind.errors import ModelAddError, ModelDamagedError, ModelNotFoundError
from pixfind.text import printable

Pixfind = Callable[..., Result]
POCKET = bundled_models() / "pocket"
ROOT = Path(__file__).resolve().parents[1]
FILES = ("image.onnx", "text.onnx", "tokenizer.json")


@pytest.fixture
def store(settings: Settings) -> ModelStore:
    return ModelStore(settings.models)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A model folder as another machine made it, though its files hold no model."""
    folder = tmp_path / "stick" / "theirs"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text(f"this stands for {name}")
    files = {name: sha256_of(folder / name) for name in FILES}
    rewrite(folder, name="theirs", files=files, calibration=None)
    return folder


def rewrite(folder: Path, **changes: object) -> None:
    """Change what a folder's model.json says, beginning with what the bundled one says."""
    known = folder / "model.json"
    values = json.loads((known if known.exists() else POCKET / "model.json").read_text("utf-8"))
    known.write_text(json.dumps({**values, **changes}), "utf-8")


def leftovers(store: ModelStore) -> list[str]:
    return sorted(file.name for file in store.folder.glob("*")) if store.folder.exists() else []


def test_bundled_model_is_there_from_the_start(store: ModelStore) -> None:
    assert store.names() == ["pocket"]
    assert store.is_bundled("pocket")
    described = store.describe("pocket")
    assert store.load("pocket").spec == described.spec
    assert store.folder_of("pocket") == POCKET
    assert store.size("pocket") == sum(file.stat().st_size for file in POCKET.iterdir())


def test_unknown_names(store: ModelStore, source: Path) -> None:
    store.import_folder(source)
    for name in ("absent", "", "..", "None", "../models/theirs", str(source)):
        with pytest.raises(ModelNotFoundError) as caught:
            store.load(name)
        assert caught.value.installed == ["pocket", "theirs"]


def test_imported_copy_gives_the_same_vectors(
    pixfind: Pixfind, store: ModelStore, pocket: Encoder
) -> None:
    result = pixfind("models", "import", POCKET, "--name", "copy", "--json")
    row = json.loads(result.stdout)
    assert (row["name"], row["bundled"]) == ("copy", False)
    assert row["folder"] == str(store.folder / "copy")
    copy = store.load("copy")
    assert copy.spec.name == "copy"
    assert copy.spec.fingerprint == pocket.spec.fingerprint
    assert np.array_equal(copy.encode_texts(["a cat"]), pocket.encode_texts(["a cat"]))


def test_two_models_in_one_library(pixfind: Pixfind, photos: Path) -> None:
    pixfind("models", "import", POCKET, "--name", "second")
    assert pixfind("index", photos).exit_code == 0
    assert "index --model second" in pixfind("search", "red", "--model", "second").stderr
    assert json.loads(pixfind("index", "--model", "second", "--json").stdout)["embedded"] == 3
    for model in ("pocket", "second"):
        found = pixfind("search", "red", "--all", "--model", model, "--json")
        answer = json.loads(found.stdout)
        assert (answer["model"], answer["total"]) == (model, 3)
    assert json.loads(pixfind("search", "red", "--json").stdout)["model"] == "second"


def test_import_keeps_the_name_or_takes_another(store: ModelStore, source: Path) -> None:
    assert store.import_folder(source).name == "theirs"
    assert store.import_folder(source, "ours").name == "ours"
    assert store.names() == ["pocket", "ours", "theirs"]
    assert [store.describe(name).name for name in store.names()] == store.names()


@pytest.mark.parametrize("name", ["pocket", "theirs"])
def test_taken_names_are_refused(store: ModelStore, source: Path, name: str) -> None:
    store.import_folder(source)
    with pytest.raises(ModelAddError, match="choose another with --name"):
        store.import_folder(source, name)
    assert leftovers(store) == ["theirs"]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("ViT-B-32/laion 2b", "ViT-B-32-laion-2b"),
        ("../../out", "out"),
        ("/etc/passwd", "etc-passwd"),
        (".hidden", "hidden"),
        ("modèle", "modèle"),
        ("..", None),
        ("", "theirs"),
    ],
)
def test_names_stay_inside_the_folder(
    store: ModelStore, source: Path, asked: str, given: str | None
) -> None:
    if given is None:
        with pytest.raises(ModelAddError, match="cannot be a model's name"):
            store.import_folder(source, asked)
    else:
        assert store.import_folder(source, asked).name == given
    assert leftovers(store) == ([given] if given else [])


@pytest.mark.parametrize("name", FILES)
def test_changed_and_missing_files_are_refused(store: ModelStore, source: Path, name: str) -> None:
    (source / name).write_bytes(b"something else")
    with pytest.raises(ModelDamagedError, match=f"{name} has been changed"):
        store.import_folder(source)
    (source / name).unlink()
    with pytest.raises(ModelDamagedError, match=f"{name} is missing"):
        store.import_folder(source)
    assert leftovers(store) == []


TRICKS = ("../x", "/etc/passwd", "..", ".", "", "a/b", "x\0y", "model.json")


@pytest.mark.parametrize("name", TRICKS)
def test_file_names_that_lead_elsewhere_are_refused(
    store: ModelStore, source: Path, name: str
) -> None:
    (source.parent / "x").write_text("outside")
    files = json.loads((source / "model.json").read_text("utf-8"))["files"]
    rewrite(source, files={**files, name: sha256_of(source.parent / "x")})
    with pytest.raises(ModelDamagedError):
        store.import_folder(source)
    assert leftovers(store) == []


BAD: dict[str, Any] = {
    "dim": "wide",
    "name": 7,
    "files": ["image.onnx"],
    "engine": "steam",
    "text_cleaning": "soap",
    "about": "good",
    "licence": None,
    "calibration": 7,
    "preprocessing": {"size": 32},
    "surprise": 1,
}


@pytest.mark.parametrize("key", BAD)
def test_descriptions_that_make_no_sense_are_refused(
    store: ModelStore, source: Path, key: str
) -> None:
    rewrite(source, **{key: BAD[key]})
    with pytest.raises(ModelDamagedError, match="theirs"):
        store.import_folder(source)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b"{", b"\xff\xfe", b'{"name": "x"}']
)
def test_model_json_that_is_none(store: ModelStore, source: Path, content: bytes) -> None:
    (source / "model.json").write_bytes(content)
    with pytest.raises(ModelDamagedError):
        store.import_folder(source)


def test_folder_without_a_model(pixfind: Pixfind, store: ModelStore, tmp_path: Path) -> None:
    result = pixfind("models", "import", tmp_path)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert str(tmp_path) in result.stderr


@pytest.mark.parametrize("missing", FILES)
def test_description_without_a_needed_file(store: ModelStore, source: Path, missing: str) -> None:
    files = json.loads((source / "model.json").read_text("utf-8"))["files"]
    del files[missing]
    rewrite(source, files=files)
    with pytest.raises(ModelDamagedError, match=missing):
        store.import_folder(source)


def test_damaged_model_leaves_the_others_in_the_list(
    pixfind: Pixfind, store: ModelStore, source: Path
) -> None:
    store.import_folder(source)
    store.import_folder(source, "broken")
    (store.folder / "broken" / "model.json").write_text("{")
    text, listed = pixfind("models", "list"), pixfind("models", "list", "--json")
    assert (text.exit_code, listed.exit_code) == (0, 0)
    assert [line.split()[0] for line in text.stdout.splitlines()] == ["pocket", "theirs"]
    assert [row["name"] for row in json.loads(listed.stdout)["models"]] == ["pocket", "theirs"]
    for result in (text, listed):
        assert "the model 'broken'" in result.stderr
        assert result.stderr.count("\n") == 1
    assert pixfind("models", "remove", "broken").stdout == "removed broken\n"
    assert leftovers(store) == ["theirs"]


def test_graph_that_is_none_is_named_when_it_is_needed(
    pixfind: Pixfind, store: ModelStore, source: Path, photos: Path
) -> None:
    store.import_folder(source)
    result = pixfind("index", photos, "--model", "theirs")
    assert result.exit_code == 1
    assert "the model 'theirs'" in result.stderr
    assert "image.onnx" in result.stderr


def test_folder_that_was_renamed_by_hand_is_called_so(
    pixfind: Pixfind, store: ModelStore, source: Path
) -> None:
    store.import_folder(source)
    (store.folder / "theirs").rename(store.folder / "renamed")
    assert store.load("renamed").spec.name == "renamed"
    assert "renamed  " in pixfind("models", "list").stdout


def test_remove(pixfind: Pixfind, store: ModelStore, source: Path) -> None:
    store.import_folder(source)
    assert pixfind("models", "remove", "theirs").exit_code == 0
    assert store.names() == ["pocket"]
    assert source.is_dir()
    assert "no model 'theirs'" in pixfind("models", "remove", "theirs").stderr


def test_bundled_model_stays(pixfind: Pixfind) -> None:
    result = pixfind("models", "remove", "pocket")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: pocket is bundled with pixfind and stays\n",
    )
    assert (POCKET / "model.json").is_file()


def test_only_architecture_of_its_kind_names_a_model(store: ModelStore, source: Path) -> None:
    rewrite(source, about={"architecture": "ViT-B-32"})
    store.import_folder(source, "one")
    assert store.describe("ViT-B-32").name == "one"
    store.import_folder(source, "two")
    with pytest.raises(ModelNotFoundError):
        store.describe("ViT-B-32")


def test_what_is_in_the_making_is_no_model(store: ModelStore, source: Path) -> None:
    store.folder.mkdir()
    shutil.copytree(source, store.folder / ".adding-x")
    (store.folder / "empty").mkdir()
    (store.folder / "file").write_text("")
    assert store.names() == ["pocket"]


def test_bundled_files_are_the_ones_that_model_json_names() -> None:
    described = ModelStore(Path("nowhere")).describe("pocket")
    assert {file.name for file in POCKET.iterdir()} == {*described.checked, "model.json"}
    for name, checksum in described.checked.items():
        assert sha256_of(POCKET / name) == checksum
    assert sum(file.stat().st_size for file in POCKET.iterdir()) <= 60_000_000


def test_bundled_model_says_where_it_comes_from() -> None:
    described = json.loads((POCKET / "model.json").read_text("utf-8"))
    assert set(described) >= {
        "name",
        "version",
        "dim",
        "preprocessing",
        "files",
        "licence",
        "about",
    }
    assert set(described["preprocessing"]) >= {"size", "mean", "std", "fit", "interpolation"}
    assert described["licence"] not in ("", "unknown")
    assert described["about"]["training data"]
    assert described["about"]["quality"]["figures"]


def test_card_of_the_bundled_model_is_what_is_printed(pixfind: Pixfind) -> None:
    result = pixfind("models", "show", "pocket")
    assert (result.exit_code, result.stderr) == (0, "")
    card = ROOT / "training" / "MODEL_CARD.md"
    assert result.stdout == card.read_text("utf-8"), "run: python -m training.card"
    described = ModelStore(Path("nowhere")).describe("pocket")
    for word in ("# pocket, version", described.fingerprint, described.licence, "Flickr8k", "bad"):
        assert word in result.stdout
    assert str(POCKET) not in result.stdout


def test_words_of_the_bundled_model_are_those_of_its_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    card = importlib.import_module("training.card")
    known = json.loads((POCKET / "model.json").read_text("utf-8"))["about"]
    words = card.words(known["quality"]["figures"], known["recipe"])
    assert known == {"quality": known["quality"], **words}, "run: python -m training.card"
    sets = {of["set"] for of in known["quality"]["sets"]}
    for row in known["quality"]["figures"]:
        assert set(row) == {"set", "measure", "value", "95% interval"}
        assert row["set"] in sets


def test_what_is_said_of_a_model_is_no_part_of_its_fingerprint(
    store: ModelStore, source: Path
) -> None:
    before = store.import_folder(source).fingerprint
    rewrite(source, about={"quality": "much better"}, licence="other", version="3")
    assert store.import_folder(source, "other").fingerprint == before


def test_show_as_json(pixfind: Pixfind) -> None:
    shown = json.loads(pixfind("models", "show", "pocket", "--json").stdout)
    (listed,) = json.loads(pixfind("models", "list", "--json").stdout)["models"]
    described = ModelStore(Path("nowhere")).describe("pocket")
    assert shown == {**listed, "about": described.about}
    assert shown["calibrated"] is (described.calibration is not None)


def test_show_what_is_known_of_an_added_model(
    pixfind: Pixfind, store: ModelStore, source: Path
) -> None:
    known = {"architecture": "ViT-B-32", "weights": "laion2b_s34b_b79k"}
    rewrite(source, about=known, licence="as its publisher says")
    store.import_folder(source)
    lines = pixfind("models", "show", "theirs").stdout.splitlines()
    assert lines[0] == "# theirs, version 2"
    assert {"- architecture: ViT-B-32", "- weights: laion2b_s34b_b79k"} <= set(lines)
    assert {"- comes with pixfind: no", "- calibrated: no"} <= set(lines)
    assert lines[-1] == "    pixfind eval DIR --model theirs"
    # Another way to name it.
    assert pixfind("models", "show", "ViT-B-32").stdout.splitlines() == lines
    assert "no model 'absent'" in pixfind("models", "show", "absent").stderr


def test_show_whatever_others_say_of_their_model(
    pixfind: Pixfind, store: ModelStore, source: Path
) -> None:
    said = {
        "a list": ["one", 2, None, True, {"x": 1}, [0.25, 0.5], [1, 2, 3]],
        "rows": [{"a": "left | right", "b": 0.123456}, {"c": [1, 2], "a": False}],
        "empty": [[], {}, ""],
        "nothing": {},
        "deep": {"er": {"and": {"er": {"still": ["x"]}}}},
        "\x1b[31mred\x07": "two\nlines, \x1b]0;title\x07 and a \x9b",
        "long": "word " * 100,
    }
    rewrite(source, about=said)
    store.import_folder(source)
    result = pixfind("models", "show", "theirs")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) <= 100
    assert {"## A list", "- 0.25 to 0.5", '- {"x": 1}', "### Er"} <= set(lines)
    assert any("left \\| right" in line and "0.1235" in line for line in lines)


def test_halves_of_characters_can_be_printed(
    pixfind: Pixfind, store: ModelStore, source: Path
) -> None:
    """JSON may hold them, and no UTF-8."""
    rewrite(source, about={"half \ud800": ["\udfff", {"\udcff": "\ud83d\udcc3"}]}, licence="\udbff")
    store.import_folder(source)
    for command in (("show", "theirs"), ("list",), ("show", "theirs", "--json")):
        result = pixfind("models", *command)
        assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout)["licence"] == "\udbff"
    assert printable("a\ud800b\udfffc") == "a\ufffdb\ufffdc"
    assert printable(b"\xc3\xa9\xff".decode("utf-8", "surrogateescape")) == "é\ufffd"
    # As a file name's two bytes, however they have come apart.
    assert printable("\udcc3\udca9") == "é"


def test_show_says_whether_a_model_is_calibrated(
    pixfind: Pixfind, store: ModelStore, source: Path
) -> None:
    (source / CALIBRATION).write_bytes(b"this stands for one")
    rewrite(source, calibration=sha256_of(source / CALIBRATION))
    store.import_folder(source)
    assert "- calibrated: yes" in pixfind("models", "show", "theirs").stdout
    assert json.loads(pixfind("models", "show", "theirs", "--json").stdout)["calibrated"] is True


def noise(*sizes: tuple[int, int]) -> list[Image.Image]:
    """Pictures of those sizes with something to see in them, the same each time."""
    numbers = np.random.default_rng(1)
    small = [numbers.integers(0, 256, (6, 8, 3), np.uint8) for _ in sizes]
    return [Image.fromarray(s).resize(size) for s, size in zip(small, sizes, strict=True)]


def test_vectors_are_of_unit_length(pocket: Encoder) -> None:
    images = pocket.encode_images(noise((640, 480), (37, 211), (2, 2)))
    texts = pocket.encode_texts(["a cat", "", "词" * 500])
    for vectors in (images, texts):
        assert (vectors.shape, vectors.dtype) == ((3, pocket.spec.dim), np.float32)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_nothing_gives_no_vectors(pocket: Encoder) -> None:
    assert pocket.encode_images([]).shape == (0, pocket.spec.dim)
    assert pocket.encode_texts([]).shape == (0, pocket.spec.dim)


def test_batching_does_not_change_a_vector(pocket: Encoder) -> None:
    images = noise(*[(64 + n, 48) for n in range(33)])
    together = pocket.encode_images(images)
    alone = np.concatenate([pocket.encode_images([image]) for image in images[::8]])
    assert np.abs(together[::8] - alone).max() < 1e-4
    texts = [f"{n} words" + " and more" * n for n in range(65)]
    together = pocket.encode_texts(texts)
    alone = np.concatenate([pocket.encode_texts([text]) for text in texts[::16]])
    assert np.abs(together[::16] - alone).max() < 1e-4


def test_prepared_picture_embeds_as_the_picture(pocket: Encoder) -> None:
    images = noise((1600, 1200), (260, 260), (30, 90), (2000, 40))
    prepared = [pocket.prepare(image) for image in images]
    assert all(max(image.size) <= pocket.spec.image_size for image in prepared)
    cosines = (pocket.encode_images(images) * pocket.encode_images(prepared)).sum(axis=1)
    assert cosines.min() > 0.999
