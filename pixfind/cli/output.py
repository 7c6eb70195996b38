"""What the commands share: the JSON document, the progress bar."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from pixfind.text import json_text

if TYPE_CHECKING:
    from rich.progress import TaskID

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document instead of text."
)
limit_option = click.option(
    "--limit", "-n", type=click.IntRange(1, 100_000),
    help="How many photos to show.  [default: 20, or the query's limit:]",
)  # fmt: skip
model_option = click.option("--model", metavar="NAME", help="One of: pixfind models list.")


def print_json(document: Any) -> None:
    """Print one JSON document to stdout."""
    click.echo(json_text(document))


def notice(text: str) -> None:
    """Print a line that is not a result, to stderr."""
    click.echo(text, err=True)


class ProgressBar:
    """Shows a run's progress on stderr: a bar with rate and time left where it is a terminal."""

    def __init__(self, doing: str, unit: str = "photos") -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        self._doing, self._unit = doing, unit
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            transient=True,
            # Dumb output would be a line for every step.
            disable=not sys.stderr.isatty(),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        self._task = self._progress.add_task("looking", total=None, rate="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def looking(self, files: int) -> None:
        """See ``indexer.progress.Progress``."""
        if self._task is not None:
            self._progress.update(self._task, description=f"looking: {files:,} files")

    def working(self, done: int, total: int) -> None:
        """See ``indexer.progress.Progress``."""
        if self._task is None:
            return
        task = self._progress.tasks[self._task]
        rate = f"{task.speed:.1f} {self._unit}/s" if task.speed else ""
        self._progress.update(
            self._task, description=self._doing, completed=done, total=total, rate=rate
        )


class StepBar:
    """Shows on stderr what is being done now and how far it is, where that is a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=Console(file=sys.stderr),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> StepBar:
        self._progress.start()
        self._task = self._progress.add_task("", total=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, doing: str, done: int, total: int) -> None:
        """Say what is being done, how much of it is, and how much there is (0: nobody knows)."""
        if self._task is not None:
            self._progress.update(
                self._task, description=doing, completed=done, total=total or None
            )
