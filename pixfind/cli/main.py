"""The group of commands and the one place where errors become text and exit codes."""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import click

from pixfind import __version__
from pixfind.cli import INTERRUPTED
from pixfind.cli.commands import LazyCommands
from pixfind.config import Settings
from pixfind.errors import PixfindError
from pixfind.text import printable

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
OBJECTS_BEFORE_COLLECTION = 50_000
# Commands that give one answer and end.
SHORT = {"search", "similar", "status"}


class Commands(click.Group):
    """A group that turns expected errors into one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except PixfindError as error:
            raise click.ClickException(printable(str(error))) from error
        except BrokenPipeError:
            raise  # click's: the reader of our output has had enough
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None
        except OSError as error:
            raise click.ClickException(printable(f"{error}{_next_step(error)}")) from error


def _next_step(error: OSError) -> str:
    if error.errno in NO_ROOM:
        return "; make room on the disk"
    return "; look whether the disk is sound" if error.errno == errno.EIO else ""


@click.group(
    cls=Commands,
    commands=LazyCommands(),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--library",
    type=click.Path(file_okay=False, path_type=Path),
    help="The library's folder; else $PIXFIND_LIBRARY, else one in your user data.",
)
@click.version_option(__version__, prog_name="pixfind")
@click.pass_context
def cli(ctx: click.Context, library: Path | None) -> None:
    """Find your pictures by describing them, on your own machine.

    \b
    Example:
      pixfind index ~/Pictures
      pixfind search "a red telephone box"
      pixfind serve
    """
    ctx.obj = Settings.load(library)
    if ctx.invoked_subcommand not in SHORT:
        gc.enable()


def _spare_the_garbage_collector() -> None:
    """Let a short command not spend a third of its time looking for garbage that is not there.

    Imports make hundreds of thousands of objects that all stay (benchmarks: cold_search). They are
    not searched at all by a command that is over in a moment, seldom by others (``cli`` tells
    which it is), and at the end not once more.
    """
    gc.disable()
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    atexit.register(gc.freeze)


def main() -> None:
    """Run the program."""
    _spare_the_garbage_collector()
    # Pillow warns of oddities inside damaged photos; what matters is recorded per file.
    warnings.filterwarnings("ignore", module="PIL")
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character of a file name must not end the program.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        cli(prog_name="pixfind")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _end_at_once()
        raise


def _end_at_once() -> None:
    """End without taking apart what threads may be computing with still, which would abort."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(INTERRUPTED)
