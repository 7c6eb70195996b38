"""What a score is worth: probabilities that hold, and the file that a model keeps for them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import astuple, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from pixfind.calibration import QUANTILE, Calibration
from pixfind.calibration.fit import InLibrary, fit_general, fit_in_libraries
from pixfind.calibration.link import LARGEST, Link
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.model_files import CALIBRATION, sha256_of
from pixfind.encoders.store import ModelStore, bundled_models
from pixfind.errors import ModelDamagedError
from pixfind.evaluation.measures import calibration_error

Floats = npt.NDArray[np.float64]
POCKET = bundled_models() / "pocket"
DIM = 16
SLOPE = 6.0


def unit(rows: Floats) -> Floats:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def photos(numbers: np.random.Generator, count: int) -> Floats:
    """Embeddings with something in common, and some directions wider than others."""
    wide = np.linspace(0.2, 1.5, DIM)
    return unit(numbers.standard_normal((count, DIM)) * wide + 0.5)


def error(probabilities: npt.ArrayLike, matches: npt.ArrayLike) -> float:
    nobody = np.zeros(len(np.asarray(matches)), np.int64)
    measure = calibration_error(probabilities, matches)
    return float(measure(nobody, np.ones((1, len(nobody))))[0])


@pytest.fixture(scope="module")
def general() -> Floats:
    return photos(np.random.default_rng(1), 2000)


LIBRARY = {"per_highest": -0.6, "per_log_size": -0.9, "per_spread": 2.0}
TEXT = Link(slope=SLOPE, intercept=-3.0, prior=1 / 200, base=2.0, **LIBRARY)
IMAGE = replace(TEXT, slope=4.0, intercept=-4.0, base=1.0)


@pytest.fixture(scope="module")
def fitted(general: Floats) -> Calibration:
    """The link of pictures asks for more, and libraries matter to both."""
    return replace(fit_general(general), text=TEXT, image=IMAGE, cutoff=0.3)


def in_libraries(numbers: np.random.Generator, count: int, truth: Link) -> list[InLibrary]:
    """Queries whose matches are drawn from a link, as often as that says."""
    cases = []
    for _ in range(count):
        size, spread = int(numbers.choice([30, 100, 300])), float(numbers.uniform(0.1, 0.5))
        above = numbers.standard_normal(size) * numbers.uniform(0.1, 0.3)
        highest = float(np.quantile(above, QUANTILE))
        likely = truth.probability(above, truth.prior_in(highest, size, spread))
        matches = numbers.random(size) < likely
        cases.append(InLibrary(above, matches, highest, size, spread))
    return cases


def test_link_in_libraries_is_found_again() -> None:
    cases = in_libraries(np.random.default_rng(13), 3000, TEXT)
    got = fit_in_libraries(cases)
    assert got.slope == pytest.approx(SLOPE, rel=0.05)
    assert got.per_highest == pytest.approx(TEXT.per_highest, abs=0.6)
    assert got.per_log_size == pytest.approx(TEXT.per_log_size, abs=0.1)
    assert got.per_spread == pytest.approx(TEXT.per_spread, abs=0.4)
    assert got.prior == np.concatenate([case.matches for case in cases]).mean()
    for group in (30, 100, 300):
        of = [case for case in cases if case.size == group]
        expected = sum(
            got.probability(c.above, got.prior_in(c.highest, c.size, c.spread)).sum() for c in of
        )
        assert expected == pytest.approx(sum(c.matches.sum() for c in of), rel=0.1)
    assert fit_in_libraries(cases) == got


def test_probabilities_hold(fitted: Calibration) -> None:
    """Of photos that are said to match with 30%, 30% do, in libraries that the fit has not seen."""
    calibration = replace(
        fitted, text=fit_in_libraries(in_libraries(np.random.default_rng(14), 3000, TEXT))
    )
    fresh = in_libraries(np.random.default_rng(15), 1000, TEXT)
    link = calibration.text
    likely = [link.probability(c.above, link.prior_in(c.highest, c.size, c.spread)) for c in fresh]
    right = np.concatenate([case.matches for case in fresh])[:, np.newaxis]
    assert right.mean() > 0.005
    assert error(np.concatenate(likely)[:, np.newaxis], right) < 0.005


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
    assert calibration.probability(common, high).max() <= calibration.probability(plain, low).max()


def test_prior_multiplies_the_odds(fitted: Calibration) -> None:
    query, scores = np.eye(DIM)[3], np.linspace(-0.9, 0.9, 30)

    def odds(p: Floats) -> Floats:
        return p / (1 - p)

    before = odds(fitted.probability(query, scores).astype(np.float64))
    for prior in (1e-4, 0.02, 0.5):
        after = odds(fitted.probability(query, scores, prior).astype(np.float64))
        expected = (prior / (1 - prior)) / (fitted.text.prior / (1 - fitted.text.prior))
        assert np.allclose(after / before, expected, rtol=1e-4)
    assert np.array_equal(
        fitted.probability(query, scores, fitted.text.prior), fitted.probability(query, scores)
    )
    for wrong in (0, 1, -0.1, float("nan")):
        with pytest.raises(ValueError, match="prior"):
            fitted.probability(query, scores, wrong)


@pytest.mark.parametrize("pictures", [0.0, 0.4, 1.0])
def test_score_at_is_the_inverse_of_probability(fitted: Calibration, pictures: float) -> None:
    numbers = np.random.default_rng(12)
    for query in unit(numbers.standard_normal((10, DIM))):
        prior = float(numbers.uniform(1e-4, 0.1))
        scores = np.linspace(-0.9, 0.9, 50)
        likely = fitted.probability(query, scores, prior, pictures).astype(np.float64)
        assert (np.diff(likely) >= 0).all()
        for score, probability in zip(scores, likely, strict=True):
            if 1e-6 < probability < 0.99 * likely[-1]:
                at = fitted.score_at(query, float(probability), prior, pictures)
                assert at == pytest.approx(score, abs=1e-3)
        at = fitted.score_at(query, 0.5 * float(likely[-1]), prior, pictures)
        below, above = fitted.probability(query, [at - 1e-3, at + 1e-3], prior, pictures)
        assert below < 0.5 * likely[-1] < above


def test_probabilities_that_all_scores_reach_or_none(fitted: Calibration) -> None:
    query, prior = np.eye(DIM)[2], fitted.text.prior
    assert fitted.score_at(query, 0, prior) == -np.inf
    assert fitted.score_at(query, 1, prior) == np.inf
    flat = replace(fitted, text=replace(fitted.text, slope=0.0))
    always = float(flat.probability(query, [0.0], prior)[0])
    assert flat.score_at(query, 0.9 * always, prior) == -np.inf
    assert flat.score_at(query, 1.1 * always, prior) == np.inf
    for wrong in (0, 1, float("nan")):
        with pytest.raises(ValueError, match="prior"):
            fitted.score_at(query, 0.5, wrong)


def test_less_is_expected_of_larger_libraries_and_of_those_that_score_high(
    fitted: Calibration,
) -> None:
    query = np.eye(DIM)[3]
    for pictures in (0.0, 0.5, 1.0):
        by_size = [fitted.prior_in(query, 0.3, n, pictures) for n in (1, 10, 100, LARGEST)]
        by_score = [fitted.prior_in(query, s, 100, pictures) for s in (-1.0, 0.0, 0.5, 1.0)]
        for priors in (by_size, by_score):
            assert sorted(priors, reverse=True) == priors
            assert len(set(priors)) == len(priors)
            assert 0 < min(priors) <= max(priors) < 1
        # Beyond what was measured, photos that match are taken to become more with the others.
        assert fitted.prior_in(query, 0.3, 10**6, pictures) == by_size[-1]
    assert 0 < fitted.prior_in(query, 1e6, 10**9) < 1e-9
    assert fitted.prior_in(query, -1e6, 1) < 1
    assert fitted.prior_in(query, 0.3, 0) == fitted.prior_in(query, 0.3, 1)


def test_share_of_pictures_goes_from_one_link_to_the_other(fitted: Calibration) -> None:
    query, scores = np.eye(DIM)[3], np.linspace(0.3, 0.9, 20)
    other = replace(fitted, text=fitted.image)
    assert np.array_equal(
        fitted.probability(query, scores, 0.01, 1.0), other.probability(query, scores, 0.01)
    )
    shares = np.linspace(0, 1, 5)
    likely = np.stack([fitted.probability(query, scores, 0.01, p) for p in shares])
    assert (np.diff(likely, axis=0) < 0).all(), "here a picture has to score higher"
    half = fitted.text.towards(fitted.image, 0.5)
    assert half.slope == (fitted.text.slope + fitted.image.slope) / 2
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="pictures"):
            fitted.probability(query, scores, 0.01, wrong)
        with pytest.raises(ValueError, match="pictures"):
            fitted.prior_in(query, 0.3, 100, wrong)


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
    assert (loaded.text, loaded.image, loaded.cutoff) == (fitted.text, fitted.image, 0.3)
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
    for values in ({"mean": fitted.mean[:3]}, {"cutoff": 0.0}, {"cutoff": float("nan")}):
        with pytest.raises(ValueError, match=r"fit each other|probab"):
            replace(fitted, **values)
    for number in ({"slope": float("nan")}, {"slope": -0.1}, {"prior": 1.0}):
        with pytest.raises(ValueError, match=r"it holds|probab"):
            replace(fitted.text, **number)


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


def test_numbers_that_make_no_link(parts: dict[str, bytes], fitted: Calibration) -> None:
    changes = {"slope": -0.5, "prior": 2.0, "intercept": np.inf, "base": np.nan}
    for name, value in changes.items():
        numbers = [*astuple(fitted.image)]
        numbers[[field.name for field in fields(Link)].index(name)] = value
        for link in ("text", "image"):
            refusal(packed({**parts, f"{link}.npy": array(numbers)}))
    for name, value in {"scale": 1e300, "cutoff": 1.0, "text": 0.5}.items():
        refusal(packed({**parts, f"{name}.npy": array(value)}))


def test_files_of_other_versions_are_refused(parts: dict[str, bytes]) -> None:
    assert "version 3, not 2" in refusal(packed({**parts, "version.npy": array(3.0)}))
    del parts["version.npy"], parts["image.npy"]
    assert "parts are others" in refusal(packed(parts))


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
    assert (got.text, got.image, got.dim) == (fitted.text, fitted.image, DIM)
    assert store.load("theirs").calibration is got


def test_better_calibration_is_the_same_model(
    store: ModelStore, source: Path, fitted: Calibration
) -> None:
    first = store.import_folder(source, "first")
    replace(fitted, cutoff=0.25).save(source / CALIBRATION)
    rewrite(source, calibration=sha256_of(source / CALIBRATION))
    second = store.import_folder(source, "second")
    (source / CALIBRATION).unlink()
    rewrite(source, calibration=None)
    third = store.import_folder(source, "third")
    assert first.fingerprint == second.fingerprint == third.fingerprint
    cutoffs = [getattr(store.load(n).calibration, "cutoff", None) for n in store.names()[1:]]
    assert cutoffs == [fitted.cutoff, 0.25, None]


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
