"""What the page of the library shows: what it holds, what it takes, and what runs have done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from babel import Locale
from babel.units import format_unit

from indexer.progress import Phase
from pixfind.catalog import roots
from pixfind.catalog.holdings import Holdings, holdings
from pixfind.errors import LibraryNotFoundError
from pixfind.status import NOTHING
from web.indexing import Kind, Snapshot, State
from web.indexing.overview import Overview, overview
from web.localisation import counted, photos_counted
from web.state import state
from web.translation import gettext as _
from web.translation import language, ngettext

MINUTE_S, HOUR_S = 60, 3600
# What is about to take less, or more, is said in the next larger unit.
FEW_MINUTES, FEW_SECONDS = 100, 100
SOON_S = 10
FEW_A_SECOND = 10


@dataclass(frozen=True)
class Contents:
    """A library as its page shows it. ``bytes`` are those of ``pixfind.status.disk_use``."""

    overview: Overview
    holdings: Holdings
    bytes: dict[str, int]


def contents(page: int) -> Contents | None:
    """Look at the library, and at one page of its failures; ``None`` if there is none yet."""
    try:
        library = state().library()
    except LibraryNotFoundError:
        return None
    model = library.model()
    held, model_id = NOTHING, model.id if model else 0
    if model_id:
        held = state().read(("holdings", model_id), lambda session: holdings(session, model_id))
    return Contents(overview(library, page), held, state().disk_use())


def is_covered(folder: Path) -> bool:
    """Return whether the library has all of that folder already."""
    try:
        library = state().library()
    except LibraryNotFoundError:
        return False
    with library.catalog.read() as session:
        return any(
            root.whole and folder.is_relative_to(root.path) for root in roots.all_roots(session)
        )


def kind_of(run: Snapshot) -> str:
    """Say what a run was asked for."""
    match run.kind:
        case Kind.ADD:
            return _("Add %(folder)s", folder=", ".join(run.folders))
        case Kind.UPDATE:
            return _("Bring up to date")
        case Kind.RETRY:
            return _("Try failures again")


def phase_of(run: Snapshot) -> str:
    """Say what a run is at, as ``script/indexing.js`` does."""
    if run.state is State.PAUSED:
        return _("Paused")
    if run.state is State.CANCELLING:
        return _("Ending; what is done stays")
    return {
        Phase.LOOKING: _("Looking for new and changed files"),
        Phase.WORKING: _("Reading photos"),
        Phase.FINISHING: _("Writing the index"),
    }[run.phase]


def numbers_of(run: Snapshot) -> list[str]:
    """Say how far a run is, as ``script/indexing.js`` does."""
    if not run.total:
        looked = counted(run.looked)
        return [ngettext("%(num)s file so far", "%(num)s files so far", run.looked, num=looked)]
    said = [_("%(done)s of %(total)s files", done=counted(run.done), total=counted(run.total))]
    if run.failed:
        failed = counted(run.failed)
        said.append(ngettext("%(num)s failed", "%(num)s failed", run.failed, num=failed))
    if run.rate and run.state is State.RUNNING and run.phase is Phase.WORKING:
        slow = run.rate < FEW_A_SECOND
        rate = f"{run.rate:.1f}" if slow else counted(round(run.rate))
        said.append(_("%(rate)s a second", rate=rate))
        said.append(_("about %(time)s left", time=lasting(run.seconds_left or 0)))
    return said


def outcome_of(run: Snapshot) -> str:
    """Say how a run ended, and what it did."""
    ended = {
        State.DONE: _("Done"),
        State.CANCELLED: _("Cancelled; what was done stays"),
        State.FAILED: _("Failed"),
    }[run.state]
    summary = run.summary
    if summary is None:
        return ended
    new, gone, failed = summary.embedded, summary.removed, summary.failed
    said = [
        (new, ngettext("%(num)s new", "%(num)s new", new, num=counted(new))),
        (gone, ngettext("%(num)s gone", "%(num)s gone", gone, num=counted(gone))),
        (failed, ngettext("%(num)s failed", "%(num)s failed", failed, num=counted(failed))),
    ]
    told = [text for number, text in said if number] or [_("nothing new")]
    found = _("%(photos)s can be found", photos=photos_counted(summary.photos))
    return f"{ended}: {', '.join(told)}. {found}."


def lasting(seconds: float) -> str:
    """Return how long something takes, in the largest unit that is not too coarse."""
    if seconds < FEW_SECONDS:
        value, unit = max(1, round(seconds)), "duration-second"
        if value > SOON_S:
            value = -(-value // SOON_S) * SOON_S
    elif seconds < FEW_MINUTES * MINUTE_S:
        value, unit = round(seconds / MINUTE_S), "duration-minute"
    else:
        value, unit = round(seconds / HOUR_S), "duration-hour"
    return format_unit(value, unit, "long", locale=Locale.parse(language().tag, sep="-"))


def here(moment: str) -> str:
    """Return a moment given in ISO 8601 with a zone as the clock on the wall shows it."""
    return datetime.fromisoformat(moment).astimezone().replace(tzinfo=None).isoformat()
