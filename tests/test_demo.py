"""The demo: real photographs from a package, indexed and searched with the bundled model."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pixfind.config import Settings
from pixfind.library import Library
from pixfind.status import library_status

Pixfind = Callable[..., Result]


@pytest.fixture
def skimage() -> None:
    if importlib.util.find_spec("skimage") is None:
        pytest.skip("scikit-image is not installed")


@pytest.mark.usefixtures("skimage")
def test_demo_finds_the_cat(pixfind: Pixfind, settings: Settings, tmp_path: Path) -> None:
    result = pixfind("--library", tmp_path / "demo", "demo")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.match(r"\d+ photographs of scikit-image indexed\n", result.stdout)
    answers = result.stdout.split("\n\n")
    (cat,) = [answer for answer in answers if " search 'a cat' --limit 3\n" in answer]
    first = cat.splitlines()[1].split("  ")
    assert first[-1] == "chelsea.png"
    assert f"\n  pixfind --library {tmp_path / 'demo'} serve --open\n" in result.stdout
    assert not settings.library.exists()
    with Library.open(tmp_path / "demo") as library:
        status = library_status(library)
    assert status.photos >= 10
    assert status.failures == []
    again = pixfind("--library", tmp_path / "demo", "search", "a cat", "-n", "1")
    assert again.stdout.endswith("chelsea.png\n")


def test_without_scikit_image_the_next_step_is_named(
    pixfind: Pixfind, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    monkeypatch.delenv("PIXFIND_LIBRARY")
    result = pixfind("demo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "pip install 'pixfind[demo]'" in result.stderr
    assert not (own_home / "data").exists()


@pytest.mark.usefixtures("skimage")
def test_demo_leaves_the_users_own_library_alone(
    pixfind: Pixfind, settings: Settings, photos: Path, own_home: Path
) -> None:
    pixfind("index", photos)
    result = pixfind("--library", settings.library, "demo")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    made = json.loads(pixfind("demo", "--json").stdout)
    assert made["library"].startswith(str(own_home))
    assert all(1 <= len(answer["results"]) <= 3 for answer in made["searches"])
    with Library.open(settings.library) as library:
        assert library_status(library).photos == 3


@pytest.mark.usefixtures("skimage")
def test_demo_of_another_environment_is_run_again(
    pixfind: Pixfind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after installing pixfind anew: the old environment's photographs may be gone."""
    from pixfind.cli import demo

    ours = demo.demo_photos()
    for name in ("old", "new"):
        folder = tmp_path / name / "skimage" / "data"
        folder.mkdir(parents=True)
        for photo in demo.demo_manifest()["photos"]:
            if (ours / photo).exists():
                shutil.copyfile(ours / photo, folder / photo)
        monkeypatch.setattr(demo, "demo_photos", lambda folder=folder: folder)
        ran = pixfind("--library", tmp_path / "library", "demo")
        assert ran.exit_code == 0, ran.stderr
        if name == "old":
            shutil.rmtree(tmp_path / "old")
    assert str(tmp_path / "old") not in pixfind("--library", tmp_path / "library", "status").stdout
