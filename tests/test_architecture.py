"""The shape of the code: imports point one way, commands and the API are documented."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import pixfind
from pixfind.cli.main import cli

ROOT = Path(__file__).resolve().parents[1]
OURS = ("pixfind", "indexer", "search", "web", "training", "benchmarks", "reliability")
# Who may import whom. The fronts are rooms of their own inside the package.
ALLOWED = {
    "pixfind": {"pixfind"},
    "pixfind.api": {"pixfind", "pixfind.api", "indexer", "search"},
    "pixfind.cli": {"pixfind", "pixfind.cli", "indexer", "search", "web"},
    "indexer": {"pixfind", "indexer"},
    "search": {"pixfind", "search"},
    "web": {"pixfind", "indexer", "search", "web"},
    "training": {"pixfind", "training", "indexer", "search"},
    "benchmarks": {"pixfind", "benchmarks", "indexer", "search", "training", "web"},
    "reliability": {
        "pixfind",
        "pixfind.cli",
        "reliability",
        "benchmarks",
        "indexer",
        "search",
        "web",
    },
}
PACKAGE = ROOT / "pixfind" / "__init__.py"  # hands the API on, lazily
FILES = sorted(file for package in OURS for file in (ROOT / package).rglob("*.py"))


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def room(module: str) -> str | None:
    """The most specific room of a dotted name, or ``None`` for somebody else's module."""
    parts = module.split(".")
    if module in {f"pixfind.{name}" for name in pixfind.__all__ if name != "__version__"}:
        return "pixfind.api"  # the package hands these on from there
    return next((r for r in (".".join(parts[:2]), parts[0]) if r in ALLOWED), None)


def dotted(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module and every name that is imported anywhere in a file, as a dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", [file for file in FILES if file != PACKAGE], ids=relative)
def test_imports_point_one_way(file: Path) -> None:
    own = room(dotted(file))
    assert own is not None
    rooms = {room(name) for name in imported(ast.parse(file.read_text("utf-8")))} - {None}
    assert rooms <= ALLOWED[own]


def test_the_package_itself_imports_the_api_for_type_checkers_only() -> None:
    tree = ast.parse(PACKAGE.read_text("utf-8"))
    tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
    assert all(room(name) is None for name in imported(tree))


@pytest.mark.parametrize("file", FILES, ids=relative)
def test_every_module_says_what_it_is(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    assert not tree.body or ast.get_docstring(tree)


def commands(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, group
    for part, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {part}")
        else:
            yield f"{name} {part}", command


COMMANDS = dict(commands(cli, "pixfind"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
    examples = [shlex.split(line) for line in command.help.partition("Example:")[2].splitlines()]
    ours = [" ".join(words) for words in examples if words[:1] == ["pixfind"]]
    assert any(f"{line} ".startswith(f"{name} ") for line in ours)
    assert {" ".join(line.split()[:2]) for line in ours} <= set(COMMANDS)


def test_public_names_are_sorted_and_there() -> None:
    assert pixfind.__all__ == sorted(pixfind.__all__)
    for name in pixfind.__all__:
        assert getattr(pixfind, name) is not None
    assert set(pixfind._HOMES) | {"__version__"} == set(pixfind.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = pixfind.no_such_name
