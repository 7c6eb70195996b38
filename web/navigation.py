"""The rooms of the application, in the order in which its pages name them."""

from __future__ import annotations

from web.state import state
from web.translation import gettext as _


def rooms() -> list[tuple[str, str]]:
    """Return the endpoint and the name of each room, in the reader's language."""
    return [
        ("search.index", _("Photos")),
        ("timeline.index", _("Timeline")),
        ("folders.index", _("Folders")),
        ("cameras.index", _("Cameras")),
        ("tags.index", _("Tags")),
        ("albums.index", _("Albums")),
        ("duplicates.index", _("Duplicates")),
        ("library.index", _("Library")),
    ]


def is_indexing() -> bool:
    """Tell whether photos are being indexed by this server."""
    return state().jobs.current() is not None
