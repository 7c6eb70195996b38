"""``pixfind ask``."""

from __future__ import annotations

import click

from pixfind.cli.describe import open_for_describing
from pixfind.cli.language_model import language_model_options, open_language_model
from pixfind.cli.output import json_option, model_option, print_json
from pixfind.config import Settings
from pixfind.text import printable


@click.command()
@click.argument("image")
@click.argument("question", nargs=-1, required=True)
@model_option
@json_option
@language_model_options
@click.pass_obj
def ask(
    settings: Settings,
    image: str,
    question: tuple[str, ...],
    model: str | None,
    as_json: bool,
    llm: str | None,
    llm_model: str | None,
    llm_timeout: float | None,
) -> None:
    """Ask a language model of yours about a photo, which need not be in the library.

    IMAGE is a file, or the number of a photo of the library. The model does not see the photo: it
    is told what pixfind recognised in it and what its metadata says, and to say so where that holds
    no answer. Even so, a small model may make things up.

    \b
    Example:
      pixfind ask holiday.jpg "Was this taken in winter?" --llm http://localhost:11434
    """
    from search.descriptions.photographs import describe_named
    from search.language_model import answer_question

    asked = " ".join(question)
    with (
        open_language_model(llm, llm_model, llm_timeout) as language_model,
        open_for_describing(settings, model) as (describer, library),
    ):
        described, path = describe_named(describer, library, image)
        account = described.document()
        answer = answer_question(language_model, account, asked)
        name = language_model.name
    if not as_json:
        click.echo(answer)
        return
    print_json(
        {
            "path": printable(str(path)),
            "question": printable(asked),
            "answer": answer,
            "language_model": printable(name),
            "account": account,
        }
    )
