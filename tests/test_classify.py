"""Zero-shot classification: which of a few labels is true of a picture, or none of them."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from pixfind.calibration import Calibration
from pixfind.calibration.link import Link
from pixfind.encoders.base import Encoder
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import UncalibratedError
from search.tags.classes import Classifier
from search.tags.recognition import PROMPTS, label_vectors
from search.tags.vocabulary import Vocabulary, labels_of, shipped
from search.text_vectors import embed_cached

Pixfind = Callable[..., Result]
PHOTOS = ("a cat", "a cup of coffee", "a rocket", "a dog", "a bicycle")


@pytest.fixture(scope="module")
def skimage_photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    data = pytest.importorskip("skimage.data")
    folder = tmp_path_factory.mktemp("pictures")
    made = {}
    for name in ("cat", "coffee", "rocket"):
        made[name] = folder / f"{name}.png"
        Image.fromarray(getattr(data, name)()).save(made[name])
    return made


def vectors(encoder: Encoder, *files: Path) -> np.ndarray:
    return encoder.encode_images([Image.open(file).convert("RGB") for file in files])


def fake_calibration(deviation: float = 0.1) -> Calibration:
    dim = FakeEncoder().spec.dim
    link = Link(20.0, 0.0, 0.1, 0.0, 0.0, 0.0, 0.0)
    covariance = np.eye(dim, dtype=np.float32) * deviation**2
    return Calibration(np.zeros(dim, np.float32), covariance, link, link, 0.5)


def test_probabilities_of_one_choice_sum_to_one_and_name_what_is_there(
    pocket: Encoder, skimage_photos: dict[str, Path], tmp_path: Path
) -> None:
    classifier = Classifier(pocket, labels_of(",".join(PHOTOS)), tmp_path)
    found = classifier.choose(vectors(pocket, *skimage_photos.values()))
    assert [one.labels[0] for one in found] == ["a cat", "a cup of coffee", "a rocket"]
    for one in found:
        assert sorted(one.labels) == sorted(PHOTOS)
        assert one.probabilities.sum() == pytest.approx(1)
        assert list(one.probabilities) == sorted(one.probabilities, reverse=True)
        assert one.probabilities[0] > 0.5
        assert not one.is_none


def test_none_of_these_is_said_where_no_label_is_true(
    pocket: Encoder, skimage_photos: dict[str, Path], tmp_path: Path
) -> None:
    classifier = Classifier(pocket, labels_of("a bicycle,a wedding,a kitchen"), tmp_path)
    found = classifier.choose(vectors(pocket, skimage_photos["cat"], skimage_photos["rocket"]))
    assert [one.is_none for one in found] == [True, True]
    assert found[0].probabilities.sum() == pytest.approx(1)


def test_several_labels_may_be_true_each_by_itself(
    pocket: Encoder, skimage_photos: dict[str, Path], tmp_path: Path
) -> None:
    classifier = Classifier(pocket, labels_of("a cat,an animal,an aeroplane"), tmp_path)
    (found,) = classifier.each(vectors(pocket, skimage_photos["cat"]))
    said = dict(zip(found.labels, found.probabilities, strict=True))
    assert said["a cat"] > 0.5
    assert said["a cat"] + said["an animal"] > 1 > said["an aeroplane"] * 4
    assert not found.is_none
    (nothing,) = classifier.each(vectors(pocket, skimage_photos["coffee"]))
    assert nothing.is_none


def test_softmax_takes_the_models_own_temperature(tmp_path: Path) -> None:
    class Warm(FakeEncoder):
        temperature = 10.0  # type: ignore[assignment]

    picture = FakeEncoder().encode_images([Image.new("RGB", (8, 8), "red")])
    sharp = Classifier(FakeEncoder(), labels_of("red,blue"), tmp_path).choose(picture)[0]
    flat = Classifier(Warm("warm"), labels_of("red,blue"), tmp_path).choose(picture)[0]
    assert sharp.labels[0] == flat.labels[0] == "red"
    assert sharp.probabilities[0] > 0.99
    assert 0.5 < flat.probabilities[0] < 0.6


def test_bundled_model_knows_its_temperature(pocket: Encoder) -> None:
    assert pocket.temperature == pytest.approx(0.065)


def test_without_calibration_labels_are_compared_but_not_told_by_themselves(
    tmp_path: Path,
) -> None:
    classifier = Classifier(FakeEncoder(), labels_of("red,blue"), tmp_path)
    picture = FakeEncoder().encode_images([Image.new("RGB", (8, 8), "blue")])
    (found,) = classifier.choose(picture)
    assert (found.labels[0], found.none, found.is_none) == ("blue", None, False)
    with pytest.raises(UncalibratedError, match="leave --multi away"):
        classifier.each(picture)


class Counting(FakeEncoder):
    """Counts the texts that it has embedded."""

    def __init__(self) -> None:
        super().__init__(calibration=fake_calibration())
        self.texts = 0

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += len(texts)
        return super().encode_texts(texts)


def test_what_is_embedded_for_many_labels_is_kept_on_disk(tmp_path: Path) -> None:
    encoder = Counting()
    vocabulary = labels_of(",".join(f"thing {i}" for i in range(60)))
    picture = encoder.encode_images([Image.new("RGB", (8, 8), "red")])
    first = Classifier(encoder, vocabulary, tmp_path).choose(picture)[0]
    asked = encoder.texts
    assert asked >= 60
    again = Classifier(encoder, vocabulary, tmp_path).choose(picture)[0]
    assert encoder.texts == asked
    assert again.labels == first.labels
    (file,) = (tmp_path / "texts").iterdir()
    file.write_bytes(b"damaged")
    Classifier(encoder, vocabulary, tmp_path)
    assert encoder.texts == 2 * asked


def test_a_label_more_does_not_embed_the_shipped_ones_again(tmp_path: Path) -> None:
    encoder = Counting()
    before = label_vectors(encoder, shipped(), tmp_path)
    asked = encoder.texts
    own = labels_of("our cabin")
    both = Vocabulary("both", (shipped().labels[0], *own.labels, *shipped().labels[1:]))
    after = label_vectors(encoder, both, tmp_path)
    (cabin,) = own.labels
    prompts = {cabin.name, *(prompt.format(cabin.phrase) for prompt in PROMPTS)}
    assert encoder.texts == asked + len(prompts)
    np.testing.assert_array_equal(np.delete(after, 1, axis=0), before)
    np.testing.assert_array_equal(after[1:2], label_vectors(encoder, own, tmp_path))


def test_a_cache_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    texts = [f"thing {i}" for i in range(200)]
    assert embed_cached(FakeEncoder(), texts, tmp_path).shape == (200, FakeEncoder().spec.dim)
    assert not list((tmp_path / "texts").iterdir())
    (tmp_path / "file").write_text("no folder")
    assert len(embed_cached(FakeEncoder(), texts, tmp_path / "file")) == 200


# The command


def test_command_prints_probabilities_and_goes_on_after_a_bad_file(
    pixfind: Pixfind, skimage_photos: dict[str, Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    ran = pixfind("classify", bad, skimage_photos["cat"], "--labels", ",".join(PHOTOS))
    assert ran.exit_code == 1
    assert ran.stderr.count(str(bad)) == 1
    lines = ran.stdout.splitlines()
    assert lines[0] == str(skimage_photos["cat"])
    assert lines[1].split("  ")[-1] == "a cat"


def test_command_answers_in_json(
    pixfind: Pixfind, skimage_photos: dict[str, Path], tmp_path: Path
) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("# mine\na bicycle\na wedding\na kitchen\n")
    ran = pixfind("classify", skimage_photos["cat"], "--labels-file", labels, "--json")
    assert ran.exit_code == 0
    (result,) = json.loads(ran.stdout)["results"]
    assert result["none_of_these"] is True
    assert sum(label["probability"] for label in result["labels"]) == pytest.approx(1, abs=1e-5)
    shown = pixfind("classify", skimage_photos["cat"], "--labels-file", labels)
    assert "none of these" in shown.stdout


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--labels", "cat,dog,Cat"), 1, "already stands for"),
        (("--labels", " , "), 1, "label"),
        (("--labels", "cat", "--labels-file", "x"), 2, "not both"),
        (("--labels-file", "nowhere.txt"), 1, "nowhere.txt"),
    ],
)
def test_labels_that_cannot_be_are_told_in_a_line(
    pixfind: Pixfind, tmp_path: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    ran = pixfind("classify", tmp_path / "a.png", *options)
    assert ran.exit_code == code
    assert said in ran.stderr
    assert "Traceback" not in ran.output


def test_temperature_is_read_and_written_with_a_model(tmp_path: Path) -> None:
    from pixfind.encoders.model_files import Description

    described = ModelStore(tmp_path).load("pocket").description  # type: ignore[attr-defined]
    assert Description.from_json(described.to_json()) == described
    for wrong in ("0", "-1.0", '"warm"', "NaN"):
        with pytest.raises(ValueError, match="temperature"):
            Description.from_json(
                described.to_json().replace('"temperature": 0.065', f'"temperature": {wrong}')
            )
