"""What is said of a picture to those who cannot see it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy.orm import Session

from pixfind.catalog.descriptions import alts_of
from pixfind.catalog.photos import Photo
from pixfind.catalog.schema import AUTOMATIC
from pixfind.catalog.tags import TagOn, tags_on
from pixfind.text import clock, printable
from search.descriptions.writing import alt_text
from web.formatting import file_name
from web.translation import English
from web.translation import gettext as _

MOST_TAGS = 8


def alt_texts(session: Session, photos: Collection[Photo]) -> dict[int, str]:
    """Return the alternative texts of photos and videos by their ids; none is empty.

    Each is the picture's description, if that has been made; else the owner's caption, else its
    tags, else the file's name. Nothing is described here, so a page of any length takes two
    questions to the catalog.
    """
    described = alts_of(session, [photo.id for photo in photos])
    untold = [photo.id for photo in photos if photo.id not in described and not _caption(photo)]
    tagged = tags_on(session, untold)
    return {
        photo.id: _told(photo, described.get(photo.id), tagged.get(photo.id, ()))
        for photo in photos
    }


def _told(photo: Photo, description: str | None, tags: Iterable[TagOn]) -> str:
    if description and photo.duration is None:
        return English(printable(description))
    told = description or _caption(photo) or _of_tags(tags) or file_name(photo)
    return _of_video(photo) + printable(told)


def most_telling(tags: Iterable[TagOn]) -> list[TagOn]:
    """Return tags in the order in which they are worth hearing: people's own, then the surest."""
    return sorted(tags, key=lambda tag: (tag.source == AUTOMATIC, -(tag.score or 0)))


def _of_video(photo: Photo) -> str:
    if photo.duration is None:
        return ""
    return _("Video, %(length)s:", length=clock(photo.duration)) + " "


def _caption(photo: Photo) -> str:
    return alt_text(" ".join((photo.caption or "").split()))


def _of_tags(tags: Iterable[TagOn]) -> str:
    names = dict.fromkeys(tag.name for tag in most_telling(tags))
    return alt_text(", ".join(list(names)[:MOST_TAGS]))
