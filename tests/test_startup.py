"""Start-up: what the everyday commands must not import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import pixfind

HEAVY = {
    "torch", "torchvision", "open_clip", "transformers", "timm", "flask", "sklearn", "scipy",
    "imagehash", "av", "httpx2",
}  # fmt: skip
# What --help has no use for either.
LATER = {"numpy", "faiss", "onnxruntime", "sqlalchemy", "PIL", "rich", "tokenizers"}
PROGRAM = """
import sys
from pixfind.cli.main import cli
try:
    cli(prog_name="pixfind")
finally:
    print("modules:", *sys.modules, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def searchable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of a few pictures, indexed with the bundled model."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("startup")
    for colour in ("red", "green", "blue"):
        Image.new("RGB", (64, 48), colour).save(folder / f"{colour}.png")
    with pixfind.open(folder / "library") as library:
        library.add(folder)
    return folder


def run(*arguments: object) -> tuple[str, set[str]]:
    """Run a cold pixfind; return its output and the packages that it imported."""
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    modules = done.stderr.rpartition("modules:")[2].split()
    return done.stdout, {module.partition(".")[0] for module in modules}


def test_help() -> None:
    output, modules = run("--help")
    assert output.startswith("Usage: pixfind")
    assert "click" in modules
    assert not modules & (HEAVY | LATER)


def test_text_search(searchable: Path) -> None:
    library = searchable / "library"
    output, modules = run("--library", library, "search", "something", "red", "--all")
    assert len(output.splitlines()) == 3
    assert "onnxruntime" in modules
    assert not modules & HEAVY


def test_similar(searchable: Path) -> None:
    library = searchable / "library"
    output, modules = run("--library", library, "similar", searchable / "red.png")
    assert len(output.splitlines()) == 2
    assert not modules & HEAVY
