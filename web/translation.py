"""The languages of the pages: which one a reader wants, and what is said in it.

Messages are English in the code and are looked up by gettext. The translations are read from
``translations/*.po`` as they are, so there is nothing to compile and nothing that can be behind.
"""

from __future__ import annotations

import gettext as gnu
import io
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Blueprint, Flask, Response, g, redirect, request, url_for
from markupsafe import Markup

from pixfind.errors import PixfindError
from pixfind.messages import Message
from pixfind.text import printable

TRANSLATIONS = Path(__file__).with_name("translations")
LANGUAGES = {"en": "English", "zh-Hans": "简体中文"}
DEFAULT = "en"
COOKIE = "language"
COOKIE_AGE_S = 365 * 24 * 3600
# Chinese browsers name countries rather than scripts; those of the traditional script get English.
SPOKEN = {"zh-hans": "zh-Hans", "zh-cn": "zh-Hans", "zh-sg": "zh-Hans", "zh": "zh-Hans", "en": "en"}

blueprint = Blueprint("translation", __name__)


class English(str):
    """A text that is English on pages of any language: what programs have written."""

    lang = DEFAULT


@dataclass(frozen=True)
class Language:
    """A language: its tag (BCP 47), its messages, and those of the scripts as JSON."""

    tag: str
    messages: gnu.NullTranslations
    script_messages: str


def register(app: Flask) -> None:
    """Let templates speak the reader's language."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(_said, _said_of, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.globals.update(language=language, languages=LANGUAGES)
    for function in (translated, recalled, as_alt):
        app.add_template_filter(function)
    app.register_blueprint(blueprint)

    @app.after_request
    def vary(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.vary.update(("Accept-Language", "Cookie"))
            response.content_language.add(language().tag)
        return response


@blueprint.post("/language")
def choose() -> Response:
    """Remember ``language`` in a cookie, and go back to the page where it was chosen."""
    asked = request.form.get("language", "")
    came_from = request.referrer or ""
    here = came_from.startswith(request.host_url)
    response = redirect(came_from if here else url_for("search.index"), 303)
    if asked in LANGUAGES:
        response.set_cookie(COOKIE, asked, COOKIE_AGE_S, httponly=True, samesite="Lax")
    return response  # type: ignore[return-value]


def language() -> Language:
    """Return the language of the current request: what was chosen, else what the browser asks."""
    if "language" not in g:
        chosen = request.cookies.get(COOKIE)
        g.language = _language(chosen if chosen in LANGUAGES else _preferred())
    return g.language  # type: ignore[no-any-return]


def gettext(message: str, /, **values: Any) -> str:
    """Return a message in the reader's language, with values where it names them."""
    said = language().messages.gettext(message)
    return said % values if values else said


def ngettext(one: str, many: str, number: int, /, **values: Any) -> str:
    """Return the message for so many; ``%(num)s`` stands for the number, as in templates."""
    return language().messages.ngettext(one, many, number) % {"num": number, **values}


def translated(text: str) -> str:
    """Return a text from below the pages in the reader's language; a plain one stays as it is."""
    if not isinstance(text, Message):
        return text
    values = {
        name: translated(value) if isinstance(value, str) else value
        for name, value in text.values.items()
    }
    return gettext(text.template, **values)


def recalled(text: str) -> str:
    """Return a text that was kept in English in the reader's language, if that can be done.

    What was made of values cannot be taken apart again, and stays as it is.
    """
    known = gettext(text) if text else text
    return English(text) if known == text else known


def translated_error(error: PixfindError) -> str:
    """Return what went wrong in the reader's language, as it can be shown."""
    text = error.args[0] if error.args else ""
    return printable(translated(text) if isinstance(text, Message) else str(error))


def as_alt(text: str) -> Markup:
    """Return the ``alt`` of a picture, and its language where that is not the page's."""
    foreign = isinstance(text, English) and language().tag != text.lang
    return Markup('alt="{}"').format(text) + (Markup(' lang="en"') if foreign else "")


def _said(message: str) -> str:
    return language().messages.gettext(message)


def _said_of(one: str, many: str, count: int) -> str:
    return language().messages.ngettext(one, many, count)


def _preferred() -> str:
    for wanted, _ in request.accept_languages:
        for known, spoken in SPOKEN.items():
            if wanted.lower() == known or (
                known != "zh" and wanted.lower().startswith(f"{known}-")
            ):
                return spoken
    return DEFAULT


@lru_cache
def _language(tag: str) -> Language:
    file = TRANSLATIONS / f"{tag}.po"
    if not file.is_file():  # English speaks for itself
        return Language(tag, gnu.NullTranslations(), "")
    with file.open("rb") as opened:
        catalog = read_po(opened, locale=tag.replace("-", "_"), abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    of_scripts = {
        message.id if isinstance(message.id, str) else message.id[0]: message.string
        for message in catalog
        if message.id and any(str(place).endswith(".js") for place, _ in message.locations)
    }
    # It stands in an element whose end must not be found in it.
    said = json.dumps(of_scripts, ensure_ascii=False).replace("<", "\\u003c")
    return Language(tag, gnu.GNUTranslations(compiled), said)
