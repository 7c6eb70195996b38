"""Photos that the library has more than once, side by side."""

from __future__ import annotations

from flask import Blueprint, render_template

from pixfind.text import printable
from search.duplicates.copies import FileCopy
from search.duplicates.differences import Aspect, Difference, differences
from search.duplicates.grouping import Group, Reason
from web import parameters
from web.localisation import counted
from web.localisation import moment as said_moment
from web.state import state
from web.translation import gettext as _

blueprint = Blueprint("duplicates", __name__, url_prefix="/duplicates")

SHOWN = 20


@blueprint.get("/")
def index() -> str:
    """Show groups of files of one picture, the one to keep first, or how far the search is."""
    skipped = parameters.offset()
    looking = state().duplicates().look()
    found = looking.found
    groups = found.groups[skipped : skipped + SHOWN] if found else ()
    more = found is not None and skipped + SHOWN < len(found.groups)
    return render_template(
        "duplicates.html",
        looking=looking,
        found=found,
        groups=groups,
        first=skipped + 1,
        after=skipped + SHOWN if more else None,
        reason=_reason,
        notes=_notes,
        path=_path,
    )


def _path(file: FileCopy) -> str:
    return printable(str(file.path))


def _reason(group: Group) -> str:
    """Say why one file of a group is the one to keep."""
    return {
        Reason.ONLY_THERE: _("the only one there"),
        Reason.LARGEST: _("largest"),
        Reason.SHARPEST: _("sharpest"),
        Reason.MOST_BYTES: _("most bytes"),
        Reason.SHORTEST_PATH: _("shortest path"),
    }[group.reason]


def _notes(group: Group, position: int) -> list[str]:
    """Say how a photo of a group differs from the one to keep."""
    member = group.members[position]
    likeness = _("similarity %(cosine)s", cosine=f"{member.similarity:.3f}")
    return [likeness, *(_said(one) for one in differences(group.best, member))]


def _said(difference: Difference) -> str:
    match difference.aspect:
        case Aspect.PIXELS:
            percent = counted(round(100 * difference.share))
            return _("%(percent)s%% of the pixels", percent=percent)
        case Aspect.LESS_SHARP:
            return _("less sharp")
        case Aspect.SHARPER:
            return _("sharper")
        case Aspect.FORMAT:
            return difference.value
        case Aspect.TAKEN:
            return _("taken %(when)s", when=said_moment(difference.value))
        case Aspect.UNDATED:
            return _("without the date")
