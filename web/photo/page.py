"""What the page of one photo says, ready for the template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask import url_for
from sqlalchemy.orm import Session

from pixfind.catalog.descriptions import StoredDescription
from pixfind.catalog.moments import moments_of
from pixfind.catalog.neighbours import Neighbours
from pixfind.catalog.photos import Photo
from pixfind.catalog.schema import AUTOMATIC, FROM_FILE, FROM_SIDECAR, FROM_USER
from pixfind.catalog.tags import TagOn
from pixfind.errors import UnknownTagError
from pixfind.text import printable
from search.query.naming import named
from search.tags.vocabulary import shipped
from web.photo.alt_text import most_telling
from web.photo.facts import FactGroup
from web.translation import gettext as _

# Of a long video more stills would be a film of their own.
MOST_STILLS = 24
# To choose from while a tag is typed; more would be a page of their own.
MOST_SUGGESTED = 200


@dataclass(frozen=True)
class TagLine:
    """A tag, where it comes from in words, and the address of all photos that have it.

    Args:
        name: as it is shown.
        origin: everybody and everything that says so.
        address: of the photos.
        is_yours: whether the owner says so.
        is_others: whether somebody or something else does.
        can_change: whether the owner can say something of it; nobody can type some names.
    """

    name: str
    origin: str
    address: str
    is_yours: bool = False
    is_others: bool = False
    can_change: bool = True


@dataclass(frozen=True)
class Tags:
    """The tags of a photo, those that the owner has rejected, and what could be one.

    ``problem`` says why what was just asked could not be done.
    """

    given: tuple[TagLine, ...] = ()
    rejected: tuple[TagLine, ...] = ()
    suggested: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class PhotoPage:
    """What is known of a photo or video.

    Args:
        photo: the picture.
        alt: its alternative text.
        description: what a model says of it, if that has been asked.
        problem: why it says nothing, if it was asked and cannot tell.
        tags: each once.
        facts: what else is known.
        stills: moments of a video to choose from, in seconds.
        near: the photos next to it in time.
    """

    photo: Photo
    alt: str
    description: StoredDescription | None
    problem: str | None
    tags: Tags
    facts: tuple[FactGroup, ...]
    stills: tuple[float, ...]
    near: Neighbours

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
    by_name: dict[str, list[TagOn]] = {}
    for tag in most_telling(tags):
        by_name.setdefault(tag.name, []).append(tag)
    return tuple(
        TagLine(
            printable(name),
            ", ".join(map(_origin, said)),
            _address(name),
            any(tag.source == FROM_USER for tag in said),
            any(tag.source != FROM_USER for tag in said),
            printable(name) == name,
        )
        for name, said in by_name.items()
    )


def rejected_lines(names: Sequence[str]) -> tuple[TagLine, ...]:
    """Return tags that the owner has rejected, without those that went with another of them.

    Whoever says that there is no animal need not read the names of all that there are.
    """
    refused = set(names)
    alone = [name for name in names if len(names) == 1 or not refused & _above(name)]
    return tuple(TagLine(printable(name), "", _address(name)) for name in alone)


def stills(session: Session, photo: Photo, model_id: int) -> tuple[float, ...]:
    """Return the moments of a video that have a thumbnail, thinned out; none of a photo."""
    if photo.duration is None:
        return ()
    return _thinned(moments_of(session, photo.id, model_id))


def _above(name: str) -> set[str]:
    try:
        return set(shipped().ancestors(name))
    except UnknownTagError:  # one of the owner's own
        return set()


def _thinned(moments: Sequence[float]) -> tuple[float, ...]:
    count = min(len(moments), MOST_STILLS)
    return tuple(moments[place * len(moments) // count] for place in range(count))


def _origin(tag: TagOn) -> str:
    if tag.source == AUTOMATIC:
        score = "" if tag.score is None else f"{tag.score:.2f}"
        return _("automatic, %(probability)s", probability=score) if score else _("automatic")
    origins = {
        FROM_USER: _("yours"),
        FROM_FILE: _("from the file"),
        FROM_SIDECAR: _("from a sidecar"),
    }
    return origins.get(tag.source, tag.source)


def _address(name: str) -> str:
    return url_for("search.index", q=named("tag", name))
