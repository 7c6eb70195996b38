"""The optional language model of ``search``, ``ask`` and ``describe``: where it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from pixfind.errors import LanguageModelAddressError

if TYPE_CHECKING:
    from search.language_model import LanguageModel

Command = TypeVar("Command", bound=Callable[..., None])
MAX_SECONDS = 3600
OPTIONS = (
    click.option(
        "--llm", metavar="URL",
        help="The language model's server, such as http://localhost:11434; else $PIXFIND_LLM.",
    ),
    click.option(
        "--llm-model", metavar="NAME",
        help="Which of its models; else $PIXFIND_LLM_MODEL, else the first one.",
    ),
    click.option(
        "--llm-timeout", metavar="SECONDS",
        type=click.FloatRange(0, MAX_SECONDS, min_open=True),
        help="How long an answer may take.  [default: 60]",
    ),
)  # fmt: skip


def language_model_options(command: Command) -> Command:
    """Give a command ``--llm``, ``--llm-model`` and ``--llm-timeout``."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def open_language_model(url: str | None, name: str | None, timeout: float | None) -> LanguageModel:
    """Return the model that the options name, else the environment.

    A key comes from the environment alone: what is typed stands in the shell's history.

    Raises:
        LanguageModelAddressError: nothing names one.
    """
    from search.language_model.client import ANSWER_SECONDS, LanguageModel

    address = url or os.environ.get("PIXFIND_LLM")
    if not address:
        raise LanguageModelAddressError(
            "no language model is named; give its address with --llm URL or in $PIXFIND_LLM"
        )
    return LanguageModel(
        address,
        name or os.environ.get("PIXFIND_LLM_MODEL"),
        key=os.environ.get("PIXFIND_LLM_KEY"),
        timeout=timeout or ANSWER_SECONDS,
    )
