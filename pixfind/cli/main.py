"""The group of commands and the one place where errors become text and exit codes."""

from __future__ import annotations

import atexit
import gc
import sys
import warnings
from pathlib import Path
from typing import Any

import click

from pixfind import __version__
from pixfind.cli.albums import albums
from pixfind.cli.ask import ask
from pixfind.cli.classify import classify
from pixfind.cli.demo import demo
from pixfind.cli.describe import describe
from pixfind.cli.dupes import dupes
from pixfind.cli.evaluate import evaluate
from pixfind.cli.export import export
from pixfind.cli.index import forget, index, move
from pixfind.cli.models import models
from pixfind.cli.search import search, similar
from pixfind.cli.serve import serve
from pixfind.cli.sidecars import sidecars
from pixfind.cli.status import status
from pixfind.cli.tag import tag, tags
from pixfind.config import Settings
from pixfind.errors import PixfindError
from pixfind.text import printable

OBJECTS_BEFORE_COLLECTION = 50_000


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
        except OSError as error:
            raise click.ClickException(printable(str(error))) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
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


COMMANDS = (
    index, search, similar, classify, describe, ask, tag, tags, albums, export, sidecars, dupes,
    status, serve, models, evaluate, demo, move, forget,
)  # fmt: skip
for command in COMMANDS:
    cli.add_command(command)


def _spare_the_garbage_collector() -> None:
    """Let a short command not spend a third of its time looking for garbage that is not there.

    Imports make hundreds of thousands of objects that all stay (benchmarks: cold_search). With a
    higher threshold they are not searched over and over, and at the end not once more.
    """
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
    cli(prog_name="pixfind")
