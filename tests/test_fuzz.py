"""Damaged pictures and any bytes: a small, seeded share of what ``python -m reliability`` tries."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from pixfind.decoding import SECONDS
from pixfind.decoding.workers import Workers
from pixfind.errors import PhotoDecodeError, QuerySyntaxError
from pixfind.photos import reasons
from search.query import parse

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ("exif", "header", "iptc", "query", "sidecar", "xmp")
FORMATS = ("JPEG", "PNG", "WebP", "HEIC", "GIF", "TIFF", "AVIF", "BMP")
PICTURES = 40
INPUTS = 150


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of the package that is not installed, by name."""
    monkeypatch.syspath_prepend(ROOT)
    return lambda name: importlib.import_module(f"reliability.{name}")


def damaged(mutations: ModuleType, seeds: list[bytes], count: int) -> list[bytes]:
    random = Random(0)
    return [
        mutations.mutated(random, random.choice(seeds), random.choice(seeds)) for _ in range(count)
    ]


@pytest.mark.filterwarnings("ignore")  # Pillow's, of what is damaged
@pytest.mark.parametrize("name", TARGETS)
def test_parsers_take_any_bytes(harness: Any, name: str) -> None:
    targets = harness("fuzz_targets")
    seeds = list(targets.seeds(name))
    assert set(targets.TARGETS) == set(TARGETS)
    for content in (b"", b"\0", *seeds, *damaged(harness("mutations"), seeds, INPUTS)):
        targets.TARGETS[name](content)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(1) as opened:
        yield opened


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_pictures_are_decoded_or_refused(harness: Any, workers: Workers, name: str) -> None:
    images = harness("fuzz_images")
    seeds = {kind: images.generated(kind) for kind in (name, "BMP")}
    for content in seeds[name]:
        assert images.read(workers, content, Path("whole")) == ("decoded", "")
    found = [
        images.read(workers, content, Path(file))
        for file, content in images.inputs(name, seeds, PICTURES, "0")
    ]
    assert {outcome for outcome, _ in found} == {"decoded", "refused"}
    assert all(len(reason.splitlines()) <= 1 for _, reason in found)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (PhotoDecodeError(Path("x"), reasons.damaged("cut")), "refused"),
        (PhotoDecodeError(Path("x"), reasons.TOO_MUCH), "too large"),
        (PhotoDecodeError(Path("x"), reasons.too_slow(SECONDS)), "too slow"),
        (PhotoDecodeError(Path("x"), reasons.crashed(11)), "crashed"),
        (PhotoDecodeError(Path("x"), reasons.crashed(None)), "crashed"),
        (PhotoDecodeError(Path("x"), reasons.ended(9)), "crashed"),
        (ZeroDivisionError("x"), "other"),
    ],
)
def test_what_is_lost_is_counted_apart(harness: Any, error: Exception, outcome: str) -> None:
    class Losing:
        def facts(self, content: bytes, path: Path) -> None:
            raise error

    assert harness("fuzz_images").read(Losing(), b"", Path("x"))[0] == outcome


def test_inputs_are_the_same_each_time(harness: Any) -> None:
    images = harness("fuzz_images")
    seeds = {name: images.generated(name) for name in ("PNG", "GIF")}
    first, again, other = (list(images.inputs("PNG", seeds, 20, seed)) for seed in ("0", "0", "1"))
    assert first == again
    assert first != other


@pytest.mark.parametrize("name", FORMATS)
def test_lengths_and_dimensions_are_found(harness: Any, name: str) -> None:
    content = harness("fuzz_images").generated(name)[0]
    found = harness("mutations").parts(content)
    assert any(not part.is_dimension for part in found) or name == "GIF"
    said = {
        int.from_bytes(content[p.at : p.at + p.size], "big" if p.big_endian else "little")
        for p in found
        if p.is_dimension
    }
    assert said >= ({64} if name == "HEIC" else {48, 36})  # HEVC's are those of whole blocks


def test_report_of_the_fuzzer_is_read(harness: Any, tmp_path: Path) -> None:
    parsers = harness("fuzz_parsers")
    (tmp_path / "crash-x").write_bytes(b"")
    log = (
        "#12\tINITED cov: 3 ft: 4 corp: 1/1b exec/s: 0 rss: 9Mb\n"
        "#90\tREDUCE cov: 33 ft: 44 corp: 5/6b lim: 4 exec/s: 7 rss: 9Mb L: 2/2 MS: 1 x-\n"
        "stat::peak_rss_mb:              99\n"
    )
    outcome = parsers._read("query", log, tmp_path, True)
    assert (outcome.executions, outcome.coverage, outcome.features) == (90, 33, 44)
    assert (outcome.corpus, outcome.peak_mib, len(outcome.findings)) == (5, 99, 1)


# --- What the fuzzers have found.


def test_bytes_that_are_white_space_together_are_no_suggestion() -> None:
    """A terminal hands on bytes one by one; without the control characters they are U+2000."""
    text = b"\xe2\x80\x0c\x0c\x80".decode("utf-8", "surrogateescape")
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)
    assert caught.value.suggestion == "a dog on grass"


# --- What CI looks up.


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / ".ci")
    return importlib.import_module("audit")


FINE = {"name": "click", "version": "8.1.7", "vulns": []}
BAD = {"name": "x", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2", "3"]}]}
UNKNOWN = {"name": "y", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "status", "words"),
    [
        ([FINE], 0, "1 packages have no known vulnerability"),
        ([FINE, UNKNOWN], 0, "1 are not known there"),
        ([FINE, BAD, UNKNOWN], 1, "x 1: PYSEC-1, mended in 2, 3"),
        ([UNKNOWN, UNKNOWN], None, "none of 2 packages"),
        ([], None, "none of 0"),
    ],
)
def test_verdict_of_an_audit(
    audit: ModuleType, packages: list[object], status: int | None, words: str
) -> None:
    found = audit.verdict(json.dumps({"dependencies": packages, "fixes": []}))
    assert found[0] == status
    assert words in found[1]


@pytest.mark.parametrize("report", ["", "null", "[]", "{", '{"dependencies": null}'])
def test_report_that_is_none_is_no_verdict(audit: ModuleType, report: str) -> None:
    assert audit.verdict(report) == (None, "")
