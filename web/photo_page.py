"""What the page of one photo says, ready for the template."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import url_for

from pixfind.catalog.descriptions import StoredDescription
from pixfind.catalog.photos import Photo
from pixfind.catalog.schema import AUTOMATIC, FROM_FILE, FROM_SIDECAR, FROM_USER
from pixfind.catalog.tags import TagOn
from pixfind.text import printable
from search.query import Filter, Text, format_term
from web.alt_text import most_telling

ORIGINS = {FROM_USER: "yours", FROM_FILE: "from the file", FROM_SIDECAR: "from a sidecar"}


@dataclass(frozen=True)
class TagLine:
    """A tag, where it comes from in words, and the address of all photos that have it."""

    name: str
    origin: str
    address: str


@dataclass(frozen=True)
class PhotoPage:
    """What is known of a photo or video.

    Args:
        photo: the picture.
        alt: its alternative text.
        description: what a model says of it, if that has been asked.
        problem: why it says nothing, if it was asked and cannot tell.
        tags: each once.
    """

    photo: Photo
    alt: str
    description: StoredDescription | None
    problem: str | None
    tags: tuple[TagLine, ...]

    @property
    def paragraphs(self) -> list[str]:
        """The whole description: the sentence that sums it up, then the rest."""
        if self.description is None:
            return []
        sentence = self.description.sentence
        told = str(self.description.account.get("long", sentence))
        rest = told.removeprefix(sentence).strip()
        return [sentence, rest] if rest and rest != told else [told]


def tag_lines(tags: Iterable[TagOn]) -> tuple[TagLine, ...]:
    """Return tags of a picture, each once with all that say so: people first, then the surest."""
    origins: dict[str, list[str]] = {}
    for tag in most_telling(tags):
        origins.setdefault(tag.name, []).append(_origin(tag))
    return tuple(
        TagLine(printable(name), ", ".join(said), _address(name)) for name, said in origins.items()
    )


def _origin(tag: TagOn) -> str:
    if tag.source != AUTOMATIC:
        return ORIGINS.get(tag.source, tag.source)
    return "automatic" if tag.score is None else f"automatic, {tag.score:.2f}"


def _address(name: str) -> str:
    query = format_term(Filter("tag", (Text(name.replace("*", r"\*")),)))
    return url_for("search.index", q=query)
