"""The commands by name. The module of a command is imported when that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module

import click

# Where each command is: the module in this package, and its name there.
HOMES = {
    "albums": "albums:albums",
    "ask": "ask:ask",
    "backup": "backup:backup",
    "classify": "classify:classify",
    "demo": "demo:demo",
    "describe": "describe:describe",
    "doctor": "doctor:doctor",
    "dupes": "dupes:dupes",
    "eval": "evaluate:evaluate",
    "export": "export:export",
    "forget": "index:forget",
    "index": "index:index",
    "models": "models:models",
    "move": "index:move",
    "restore": "restore:restore",
    "password": "password:password",
    "retry": "retry:retry",
    "search": "search:search",
    "serve": "serve:serve",
    "sidecars": "sidecars:sidecars",
    "similar": "search:similar",
    "status": "status:status",
    "tag": "tag:tag",
    "tags": "tag:tags",
}


class LazyCommands(MutableMapping[str, click.Command]):
    """What a ``click.Group`` keeps its commands in: all names, and the commands that were used."""

    def __init__(self) -> None:
        self._known: dict[str, str | click.Command] = dict(HOMES)

    def __getitem__(self, name: str) -> click.Command:
        known = self._known[name]
        if isinstance(known, str):
            module, _, attribute = known.partition(":")
            command: click.Command = getattr(import_module(f"pixfind.cli.{module}"), attribute)
            known = self._known[name] = command
        return known

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._known[name] = command

    def __delitem__(self, name: str) -> None:
        del self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)
