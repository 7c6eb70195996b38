"""What there is to translate, collected from the code, and the files of those who do it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

FOLDER = Path(__file__).parent
CODE = FOLDER.parent.parent
# What is said below the pages is said by ``said``; what only the command line says is English.
Keywords = dict[str, tuple[int, ...] | None]
SAID: Keywords = {"said": None}
CALLED: Keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
HEADER = """\
# What stands between %( and )s is replaced by a value, and stays as it is.
msgid ""
msgstr ""
"Language: {tag}\\n"
"Plural-Forms: {plural}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


class Source(NamedTuple):
    """Files with texts in them: where, how they are read, and which calls mark a text."""

    folder: str
    pattern: str
    method: str
    keywords: Keywords


SOURCES = (
    Source("pixfind", "**/*.py", "python", SAID),
    Source("indexer", "**/*.py", "python", SAID),
    Source("search", "**/*.py", "python", SAID),
    Source("web", "**/*.py", "python", SAID | CALLED),
    Source("web/templates", "**/*.html", "jinja2.ext:babel_extract", CALLED),
    Source("web/static/script", "**/*.js", "javascript", CALLED),
)
OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}


def collected() -> Catalog:
    """Return all texts that have to be translated, each with the files in which it is."""
    catalog = Catalog(charset="utf-8")
    for source in SOURCES:
        for file in sorted((CODE / source.folder).glob(source.pattern)):
            place = file.relative_to(CODE).as_posix()
            for text in _texts(source, file):
                catalog.add(text, locations=[(place, 0)])
    return catalog


def known(tag: str) -> Catalog:
    """Return what has been translated into a language, as it lies in the repository."""
    with _file(tag).open("rb") as opened:
        return read_po(opened, locale=tag.replace("-", "_"), abort_invalid=True)


def brought_up_to_date(tag: str) -> Catalog:
    """Return the translations with the texts that there are now: new ones are empty."""
    translations = known(tag)
    translations.update(collected(), no_fuzzy_matching=True, update_creation_date=False)
    translations.obsolete.clear()
    return translations


def lacking(catalog: Catalog) -> list[Message]:
    """Return the texts that have no translation, or one that may be wrong."""
    return [
        message
        for message in catalog
        if message.id and (message.fuzzy or not _forms(message) or not all(_forms(message)))
    ]


def content(catalog: Catalog) -> dict[str, tuple[tuple[str, ...], bool]]:
    """Return what a catalog says: the texts with their translations, and whether scripts say it.

    In which other files a text stands, helps translators, and may be out of date.
    """
    return {
        str(message.id): (
            _forms(message),
            any(place.endswith(".js") for place, _ in message.locations),
        )
        for message in catalog
        if message.id
    }


def save(tag: str, catalog: Catalog) -> None:
    """Write the file of a language; the same texts always give the same bytes."""
    written = io.BytesIO()
    write_po(written, catalog, sort_output=True, include_lineno=False, omit_header=True)
    plural = f"nplurals={catalog.num_plurals}; plural={catalog.plural_expr};"
    _file(tag).write_bytes(HEADER.format(tag=tag, plural=plural).encode() + written.getvalue())


def _texts(source: Source, file: Path) -> Iterator[str | tuple[str, ...]]:
    options = OPTIONS if source.method.startswith("jinja2") else {}
    found = extract_from_file(source.method, file, source.keywords, options=options)
    return (text for _, text, _, _ in found)


def _forms(message: Message) -> tuple[str, ...]:
    string = message.string or ""
    return (string,) if isinstance(string, str) else tuple(string)


def _file(tag: str) -> Path:
    return FOLDER / f"{tag}.po"
