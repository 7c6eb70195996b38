"""What a score is worth: probabilities that hold, and the file that a model keeps for them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from pixfind.calibration import Calibration, Labelled
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.model_files import CALIBRATION, sha256_of
from pixfind.encoders.store import ModelStore, bundled_models
from pixfind.errors import ModelDamagedError
from pixfind.evaluation.measures import calibration_error

Floats = npt.NDArray[np.float64]
POCKET = bundled_models() / "pocket"
DIM = 16
SLOPE = 1.5


def unit(rows: Floats) -> Floats:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def photos(numbers: np.random.Generator, count: int) -> Floats:
    """Embeddings with something in common, and some directions wider than others."""
    wide = np.linspace(0.2, 1.5, DIM)
    return unit(numbers.standard_normal((count, DIM)) * wide + 0.5)


def described(
    numbers: np.random.Generator, texts: int, images: Floats, general: Floats
) -> tuple[Floats, npt.NDArray[np.int64], Floats]:
    """Texts, the photo that each is of, and every pair's probability, by a link that is known."""
    queries = unit(numbers.standard_normal((texts, DIM)))
    scores = queries @ general.T
    z = (queries @ images.T - scores.mean(1, keepdims=True)) / scores.std(1, keepdims=True)
    odds = np.exp(SLOPE * z)
    truth = odds / odds.sum(axis=1, keepdims=True)
    owners = np.array([numbers.choice(len(images), p=row) for row in truth])
    return queries, owners, truth


def error(probabilities: npt.ArrayLike, matches: npt.ArrayLike) -> float:
    nobody = np.zeros(len(np.asarray(matches)), np.int64)
    measure = calibration_error(probabilities, matches)
    return float(measure(nobody, np.ones((1, len(nobody))))[0])


@pytest.fixture(scope="module")
def general() -> Floats:
    return photos(np.random.default_rng(1), 2000)


@pytest.fixture(scope="module")
def fitted(general: Floats) -> Calibration:
    numbers = np.random.default_rng(2)
    images = photos(numbers, 200)
    queries, owners, _ = described(numbers, 1000, images, general)
    return Calibration.fit([Labelled(queries, images, owners)], general)


def test_known_link_is_found_again(fitted: Calibration, general: Floats) -> None:
    numbers = np.random.default_rng(3)
    images = photos(numbers, 200)
    queries, owners, truth = described(numbers, 1000, images, general)
    probabilities = fitted.probability(queries, queries @ images.T)
    assert fitted.slope == pytest.approx(SLOPE, rel=0.1)
    assert fitted.prior == 1 / 200
    assert probabilities.sum(axis=1).mean() == pytest.approx(1, rel=0.1)
    assert np.abs(probabilities - truth).mean() < 0.2 * truth.mean()
    matches = np.arange(200) == owners[:, np.newaxis]
    best = np.argsort(-probabilities, axis=1)[:, :10]
    likely, right = (np.take_along_axis(of, best, axis=1) for of in (probabilities, matches))
    assert right.mean() > 0.02
    assert error(likely, right) < 0.01
    assert error(fitted.probability(queries, queries @ images.T, 0.1), matches) > 0.05


def test_sets_of_different_kinds_have_pairs_of_their_own(general: Floats) -> None:
    """No text is compared with the photos of the other set, where its own photo is missing."""
    numbers = np.random.default_rng(10)
    sets = []
    for count, texts in ((200, 600), (150, 300)):
        images = photos(numbers, count)
        queries, owners, _ = described(numbers, texts, images, general)
        sets.append(Labelled(queries, images, owners))
    fitted = Calibration.fit(sets, general)
    assert fitted.prior == 900 / (600 * 200 + 300 * 150)
    assert fitted.slope == pytest.approx(SLOPE, rel=0.1)
    turned = Calibration.fit(sets[::-1], general)
    assert (turned.slope, turned.intercept) == pytest.approx((fitted.slope, fitted.intercept))
    for known in sets:
        scores = np.asarray(known.queries) @ np.asarray(known.images).T
        prior = 1 / scores.shape[1]
        expected = fitted.probability(known.queries, scores, prior).sum(axis=1).mean()
        assert expected == pytest.approx(1, rel=0.15)


def test_a_text_weighs_the_same_in_any_set(general: Floats, fitted: Calibration) -> None:
    numbers = np.random.default_rng(2)
    images = photos(numbers, 200)
    queries, owners, _ = described(numbers, 1000, images, general)
    parts = [Labelled(queries[p], images, owners[p]) for p in (slice(70), slice(70, None))]
    divided = Calibration.fit(parts, general)
    assert divided.prior == pytest.approx(fitted.prior)
    assert (divided.slope, divided.intercept, divided.ceiling) == pytest.approx(
        (fitted.slope, fitted.intercept, fitted.ceiling), rel=1e-4
    )


def test_ceiling_where_several_photos_fit_as_well(general: Floats) -> None:
    """Every photo is there three times, and the text is of one of the three."""
    numbers = np.random.default_rng(4)
    thrice = np.repeat(photos(numbers, 60), 3, axis=0)
    owners = numbers.integers(0, len(thrice), 600)
    queries = unit(thrice[owners] + 0.05 * numbers.standard_normal((600, DIM)))
    fitted = Calibration.fit([Labelled(queries, thrice, owners)], general)
    assert fitted.ceiling == pytest.approx(1 / 3, rel=0.15)
    assert fitted.probability(queries, queries @ thrice.T).max() <= fitted.ceiling + 1e-6


def test_fit_is_the_same_each_time(fitted: Calibration, general: Floats) -> None:
    numbers = np.random.default_rng(2)
    images = photos(numbers, 200)
    queries, owners, _ = described(numbers, 1000, images, general)
    again = Calibration.fit([Labelled(queries, images, owners)], general)
    assert (again.slope, again.intercept, again.ceiling) == (
        fitted.slope,
        fitted.intercept,
        fitted.ceiling,
    )


def test_scores_of_photos_in_general_are_standard(fitted: Calibration, general: Floats) -> None:
    queries = unit(np.random.default_rng(5).standard_normal((20, DIM)))
    z = fitted.standardise(queries, queries @ general.T)
    assert (z.shape, z.dtype) == ((20, 2000), np.float32)
    assert np.abs(z.mean(axis=1)).max() < 1e-3
    assert np.abs(z.std(axis=1) - 1).max() < 1e-3


def test_query_like_every_photo_earns_no_more(fitted: Calibration) -> None:
    """As "a photo" does: all its scores are high, and none stands out more than before."""
    mean, covariance = np.zeros(DIM, np.float32), np.eye(DIM, dtype=np.float32) / DIM
    mean[0], covariance[0, 0] = 0.6, 0
    calibration = replace(fitted, mean=mean, covariance=covariance)
    plain, common = np.eye(DIM)[1], unit(np.eye(DIM)[1] + 3 * np.eye(DIM)[0])
    images = np.random.default_rng(6).standard_normal((50, DIM)) / np.sqrt(DIM)
    images[:, 0] = 0.6
    low, high = images @ plain, images @ common
    assert high.min() > low.mean()
    assert np.allclose(
        calibration.probability(common, high), calibration.probability(plain, low), rtol=1e-3
    )


def test_prior_multiplies_the_odds(fitted: Calibration) -> None:
    query, scores = np.eye(DIM)[3], np.linspace(-0.9, 0.9, 30)

    def odds(p: Floats) -> Floats:
        return p / (1 - p)

    before = odds(fitted.probability(query, scores).astype(np.float64))
    for prior in (1e-4, 0.02, 0.5):
        after = odds(fitted.probability(query, scores, prior).astype(np.float64))
        expected = (prior / (1 - prior)) / (fitted.prior / (1 - fitted.prior))
        assert np.allclose(after / before, expected, rtol=1e-4)
    assert np.array_equal(
        fitted.probability(query, scores, fitted.prior), fitted.probability(query, scores)
    )
    for wrong in (0, 1, -0.1, float("nan")):
        with pytest.raises(ValueError, match="prior"):
            fitted.probability(query, scores, wrong)


def test_one_query_and_several(fitted: Calibration) -> None:
    numbers = np.random.default_rng(7)
    queries, scores = unit(numbers.standard_normal((3, DIM))), numbers.uniform(-1, 1, (3, 5))
    together = fitted.probability(queries, scores)
    for row in range(3):
        alone = fitted.probability(queries[row], scores[row])
        assert (alone.shape, alone.dtype) == ((5,), np.float32)
        assert np.allclose(alone, together[row], rtol=1e-5)
    assert fitted.probability(queries[0], []).shape == (0,)
    assert np.isfinite(fitted.probability(np.zeros(DIM), [0.0, 1.0])).all()


def test_round_trip(fitted: Calibration, tmp_path: Path) -> None:
    one, two = tmp_path / "one.npz", tmp_path / "two.npz"
    fitted.save(one)
    fitted.save(two)
    assert one.read_bytes() == two.read_bytes()
    loaded = Calibration.load(one, DIM)
    queries = unit(np.random.default_rng(8).standard_normal((20, DIM)))
    scores = np.random.default_rng(9).uniform(-1, 1, (20, 50))
    assert np.allclose(
        loaded.probability(queries, scores), fitted.probability(queries, scores), atol=1e-3
    )
    assert np.array_equal(loaded.covariance, loaded.covariance.T)
    loaded.save(two)
    assert np.allclose(Calibration.load(two, DIM).covariance, loaded.covariance, rtol=1e-3)


def test_files_that_hold_none(fitted: Calibration, tmp_path: Path) -> None:
    file = tmp_path / CALIBRATION
    fitted.save(file)
    whole = file.read_bytes()
    pickled, single = tmp_path / "pickled.npz", tmp_path / "single.npy"
    np.savez(pickled, mean=np.array([{}], dtype=object))
    np.save(single, fitted.mean)
    damaged = [b"", b"no archive", whole[:-200], pickled.read_bytes(), single.read_bytes()]
    for content in damaged:
        with pytest.raises(ValueError, match="no calibration"):
            Calibration.from_bytes(content, DIM)
    wrong = [{"mean": fitted.mean[:3]}, {"slope": float("nan")}, {"ceiling": 0.0}, {"slope": -0.1}]
    for values in wrong:
        with pytest.raises(ValueError, match=r"it holds|fit each other|probab"):
            replace(fitted, **values)  # type: ignore[arg-type]


def packed(parts: Mapping[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    """An archive as anybody can make one."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", how) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def array(values: npt.ArrayLike) -> bytes:
    content = io.BytesIO()
    np.save(content, values)
    return content.getvalue()


@pytest.fixture
def parts(fitted: Calibration, tmp_path: Path) -> dict[str, bytes]:
    """What a calibration's file is made of."""
    fitted.save(tmp_path / CALIBRATION)
    with zipfile.ZipFile(tmp_path / CALIBRATION) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def refusal(content: bytes, dim: int = DIM) -> str:
    with pytest.raises(ValueError, match=r"^it is no calibration: ") as caught:
        Calibration.from_bytes(content, dim)
    return str(caught.value)


def test_parts_of_a_file_that_do_harm(parts: dict[str, bytes]) -> None:
    """Whatever is wrong has one name, and nothing is read that takes more than a calibration."""
    assert Calibration.from_bytes(packed(parts), DIM).dim == DIM
    whole = packed(parts)
    assert "mean has the shape (16,), not (17,)" in refusal(whole, DIM + 1)
    assert "mean has the shape (16,), not (15,)" in refusal(whole, DIM - 1)
    for dim in (-1, 0, 10**6):
        assert "no embedding" in refusal(whole, dim)
    huge = packed({**parts, "mean.npy": array(np.zeros(10**6))}, zipfile.ZIP_DEFLATED)
    assert len(huge) < 20_000
    assert "mean takes 8000128 bytes" in refusal(huge)
    for how in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert "compressed" in refusal(packed(parts, how))
    deflated = packed(parts, zipfile.ZIP_DEFLATED)
    start = deflated.index(b"mean.npy") + len("mean.npy")
    refusal(deflated[: start + 20] + deflated[start + 60 :])  # a stream that breaks off
    flags = whole.index(b"PK\x01\x02") + 8
    assert "encrypted" in refusal(whole[:flags] + b"\x01" + whole[flags + 1 :])
    assert "parts are others" in refusal(packed({**parts, "more.npy": b""}))
    assert "parts are others" in refusal(packed(dict(list(parts.items())[1:])))


@pytest.mark.parametrize(
    "mean",
    [
        b"",
        b"\x93NUMPY\x01\x00\x10\x00" + 20 * b"(",
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
        array(np.zeros(DIM, np.float32)).replace(b"(16,)", b"(16L)"),
        array(np.zeros(DIM, np.float32)).replace(b"(16,), }", b"(999999999,)"),
        array(np.zeros(DIM, np.float32)).replace(b"(16,), }         ", b"(999999999,), }  "),
        array(np.zeros(DIM, np.float32)).replace(b"<f4", b"<f8"),
        array(np.zeros(DIM, np.float32))[:-1],
        array(np.zeros(DIM, np.int32)),
        array(np.zeros((DIM, 1), np.float32)),
        array(np.float32(1)),
        array(np.full(DIM, np.inf)),
        array(np.full(DIM, 1e300)),
    ],
)
def test_arrays_that_are_none(parts: dict[str, bytes], mean: bytes) -> None:
    refusal(packed({**parts, "mean.npy": mean}))


def test_numbers_that_make_no_link(parts: dict[str, bytes]) -> None:
    changes = {"slope": -0.5, "prior": 2.0, "intercept": np.inf, "scale": 1e300, "ceiling": np.nan}
    for name, value in changes.items():
        refusal(packed({**parts, f"{name}.npy": array(value)}))


def test_any_byte_of_a_file_may_be_wrong(parts: dict[str, bytes]) -> None:
    whole, numbers = packed(parts), np.random.default_rng(11)
    for _ in range(500):
        damaged = bytearray(whole)
        for place in numbers.integers(0, len(whole), 3):
            damaged[place] = numbers.integers(256)
        try:
            Calibration.from_bytes(bytes(damaged), DIM)
        except ValueError as refused:
            assert str(refused).startswith("it is no calibration: ")


def test_no_more_of_a_file_is_read_than_a_calibration_takes(tmp_path: Path) -> None:
    file = tmp_path / CALIBRATION
    with file.open("wb") as opened:
        opened.truncate(1 << 24)
    with pytest.raises(ValueError, match=r"no calibration.*too large"):
        Calibration.load(file, DIM)


@pytest.fixture
def store(settings: Settings) -> ModelStore:
    return ModelStore(settings.models)


@pytest.fixture
def source(tmp_path: Path, fitted: Calibration) -> Path:
    """A calibrated model's folder as another machine made it, though its graphs are none."""
    folder = tmp_path / "stick" / "theirs"
    folder.mkdir(parents=True)
    known = json.loads((POCKET / "model.json").read_text("utf-8"))
    for name in known["files"]:
        (folder / name).write_text(f"this stands for {name}")
    fitted.save(folder / CALIBRATION)
    files = {name: sha256_of(folder / name) for name in known["files"]}
    changes = {
        "name": "theirs",
        "files": files,
        "dim": DIM,
        "calibration": sha256_of(folder / CALIBRATION),
    }
    (folder / "model.json").write_text(json.dumps({**known, **changes}), "utf-8")
    return folder


def rewrite(folder: Path, **changes: object) -> None:
    file = folder / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **changes}), "utf-8")


def test_calibration_comes_with_the_model(
    store: ModelStore, source: Path, fitted: Calibration
) -> None:
    described = store.import_folder(source)
    assert described.calibration == sha256_of(store.folder / "theirs" / CALIBRATION)
    got = store.load("theirs").calibration
    assert got is not None
    assert (got.slope, got.prior, got.dim) == (fitted.slope, fitted.prior, DIM)
    assert store.load("theirs").calibration is got


def test_better_calibration_is_the_same_model(
    store: ModelStore, source: Path, fitted: Calibration
) -> None:
    first = store.import_folder(source, "first")
    replace(fitted, slope=2.5).save(source / CALIBRATION)
    rewrite(source, calibration=sha256_of(source / CALIBRATION))
    second = store.import_folder(source, "second")
    (source / CALIBRATION).unlink()
    rewrite(source, calibration=None)
    third = store.import_folder(source, "third")
    assert first.fingerprint == second.fingerprint == third.fingerprint
    slopes = [getattr(store.load(n).calibration, "slope", None) for n in store.names()[1:]]
    assert slopes == [fitted.slope, 2.5, None]


def test_model_without_a_calibration(store: ModelStore, source: Path) -> None:
    values = json.loads((source / "model.json").read_text("utf-8"))
    del values["calibration"]
    (source / "model.json").write_text(json.dumps(values), "utf-8")
    assert store.import_folder(source).calibration is None
    assert store.load("theirs").calibration is None
    # A file that model.json does not name is not taken along, nor is there a word of one.
    assert not (store.folder / "theirs" / CALIBRATION).exists()
    assert "calibration" not in json.loads((store.folder / "theirs" / "model.json").read_text())


def test_damaged_calibration_is_refused(store: ModelStore, source: Path) -> None:
    (source / CALIBRATION).write_bytes(b"something else")
    with pytest.raises(ModelDamagedError, match=r"calibration\.npz has been changed"):
        store.import_folder(source)
    (source / CALIBRATION).unlink()
    with pytest.raises(ModelDamagedError, match=r"calibration\.npz is missing"):
        store.import_folder(source)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"something else", "has been changed"), (None, "is missing")],
)
def test_damage_is_named_when_it_is_asked_for(
    store: ModelStore, source: Path, content: bytes | None, reason: str
) -> None:
    store.import_folder(source)
    file = store.folder / "theirs" / CALIBRATION
    file.unlink() if content is None else file.write_bytes(content)
    encoder = store.load("theirs")
    with pytest.raises(ModelDamagedError, match=f"'theirs'.*calibration.npz.*{reason}"):
        _ = encoder.calibration


def test_calibration_of_another_model_is_refused(store: ModelStore, source: Path) -> None:
    rewrite(source, dim=DIM + 1)
    store.import_folder(source)
    with pytest.raises(ModelDamagedError, match=r"mean has the shape \(16,\), not \(17,\)"):
        _ = store.load("theirs").calibration
    (source / CALIBRATION).write_bytes(b"no archive")
    rewrite(source, calibration=sha256_of(source / CALIBRATION))
    store.import_folder(source, "other")
    with pytest.raises(ModelDamagedError, match="no calibration"):
        _ = store.load("other").calibration


def test_calibration_is_no_file_of_the_fingerprint(store: ModelStore, source: Path) -> None:
    files = json.loads((source / "model.json").read_text("utf-8"))["files"]
    rewrite(source, files={**files, CALIBRATION: sha256_of(source / CALIBRATION)})
    with pytest.raises(ModelDamagedError, match="is not a file name"):
        store.import_folder(source)


def test_stand_in_has_the_calibration_that_it_is_given(fitted: Calibration) -> None:
    assert FakeEncoder().calibration is None
    assert FakeEncoder(calibration=fitted).calibration is fitted
