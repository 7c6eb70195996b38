"""What a process compiles once for its one application and its one library, for all of the tests'.

Each test makes its own, and would spend a third of its time on pages, routes and statements that
were compiled for the last one. What is kept says what it was made from, so a change is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

STATEMENTS = 5000


class Pages(BytecodeCache):
    """Templates in the bytecode that Jinja made of them."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])  # if it is of the same text

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


def keep_pages(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": Pages()})


def keep_routes(patch: pytest.MonkeyPatch) -> None:
    """Werkzeug writes a function for each rule, which knows nothing but the rule's parts."""
    kept: dict[object, Callable[..., Any]] = {}
    compiled = Rule._compile_builder

    def builder(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        if rule.defaults:
            return compiled(rule, append_unknown)
        key = (rule.rule, tuple(rule._trace), append_unknown)
        if key not in kept:
            kept[key] = compiled(rule, append_unknown)
        return kept[key]

    patch.setattr(Rule, "_compile_builder", builder)


def keep_statements(patch: pytest.MonkeyPatch) -> None:
    """SQLAlchemy keeps them for an engine, and for a dialect; here all are the same."""
    kept: LRUCache[Any, Any] = LRUCache(STATEMENTS)
    made = Engine.__init__

    def make(engine: Engine, *args: Any, **options: Any) -> None:
        made(engine, *args, **options)
        engine._compiled_cache = kept

    patch.setattr(Engine, "__init__", make)
    patch.setattr(SQLiteDialect_pysqlite, "__hash__", lambda one: hash(type(one)))
    patch.setattr(SQLiteDialect_pysqlite, "__eq__", lambda one, other: type(one) is type(other))
