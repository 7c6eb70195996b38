"""Start-up: what the everyday commands must not import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import pixfind
from pixfind.cli.commands import HOMES
from pixfind.cli.main import cli

HEAVY = {
    "torch", "torchvision", "open_clip", "transformers", "timm", "flask", "sklearn", "scipy",
    "imagehash", "av", "httpx2",
}  # fmt: skip
# What --help has no use for either.
LATER = {"numpy", "faiss", "onnxruntime", "sqlalchemy", "PIL", "rich", "tokenizers"}
# Nor a search for words, which need no pictures.
FOR_PICTURES = {"PIL"}
PROGRAM = """
import sys
from pixfind.cli.main import cli
try:
    cli(prog_name="pixfind")
finally:
    print("modules:", *sys.modules, file=sys.stderr)
"""
WHETHER_GARBAGE_IS_COLLECTED = """
import gc
from pixfind.cli.main import main
try:
    main()
finally:
    print("collected:", gc.isenabled())
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


def execute(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def imported(*arguments: object) -> tuple[str, set[str]]:
    """Run a cold pixfind; return its output and the modules that it imported."""
    done = execute(PROGRAM, *arguments)
    return done.stdout, set(done.stderr.rpartition("modules:")[2].split())


def run(*arguments: object) -> tuple[str, set[str]]:
    """Run a cold pixfind; return its output and the packages that it imported."""
    output, modules = imported(*arguments)
    return output, {module.partition(".")[0] for module in modules}


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
    assert not modules & (HEAVY | FOR_PICTURES)


def test_similar(searchable: Path) -> None:
    library = searchable / "library"
    output, modules = run("--library", library, "similar", searchable / "red.png")
    assert len(output.splitlines()) == 2
    assert not modules & HEAVY


def test_a_command_imports_no_other() -> None:
    output, modules = imported("status", "--help")
    assert output.startswith("Usage: pixfind status")
    commands = {f"pixfind.cli.{home.partition(':')[0]}" for home in HOMES.values()}
    assert modules & commands == {"pixfind.cli.status"}


def test_every_command_has_the_name_that_it_is_listed_by() -> None:
    assert {name: command.name for name, command in cli.commands.items()} == {n: n for n in HOMES}


@pytest.mark.parametrize(("command", "collected"), [("status", "False"), ("models list", "True")])
def test_only_short_commands_leave_garbage(searchable: Path, command: str, collected: str) -> None:
    library = searchable / "library"
    done = execute(WHETHER_GARBAGE_IS_COLLECTED, "--library", library, *command.split(), "--json")
    assert done.stdout.splitlines()[-1] == f"collected: {collected}"


def test_a_search_leaves_the_environment_as_it_was(
    searchable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    before = dict(os.environ)
    arguments = ["--library", str(searchable / "library"), "search", "red", "--all"]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    assert dict(os.environ) == before
