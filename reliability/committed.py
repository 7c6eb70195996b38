"""Which states a catalog has been in, and whether what a server answers is that of one of them.

A process beside all others reads the catalog whenever it has changed, with nothing of pixfind.
Which answers belong to which state is decided afterwards, by the clock that all processes share.

What is said of photos must be what a state says that was the current one at some time between the
request's beginning and its end. Which photos answer, and how many, must be so in that state or in
one before it: rankings are kept, and while one thread brings the index up to date, the others go on
with the one that there was. Of such an older ranking only photos may be missing that have gone.
"""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from reliability.checks import Findings, reading

EVERY_S = 0.001
# How long after another commit an answer may still be ranked as before it.
BEHIND_S = 5.0
Ids = frozenset[int]


@dataclass(frozen=True)
class State:
    """What was committed between two commits.

    ``since`` and ``until`` are the earliest and the latest moment, in seconds, at which it can have
    been the current one, and ``seen`` when it was read. ``is_next`` tells that no change of what
    can be found came right before it that nobody has seen. ``paths`` are those of each photo, by
    id.
    """

    generation: int
    since: float
    seen: float
    until: float
    is_next: bool
    paths: Mapping[int, frozenset[str]]
    canon: Ids
    dogs: Ids

    @property
    def photos(self) -> Ids:
        """The ids of all photos."""
        return frozenset(self.paths)

    @property
    def numbered(self) -> Ids:
        """Those of the photos whose names begin as a camera's do."""
        return frozenset(
            number
            for number, paths in self.paths.items()
            if any(path.rpartition("/")[2].startswith("IMG") for path in paths)
        )


# What must answer each query; ``None``: that is the model's to say, but it must be photos.
QUERIES: Mapping[str, Callable[[State], Ids] | None] = {
    "a red circle": None,
    "something blue -green": None,
    "a red circle, all": lambda state: state.photos,
    "file:IMG*": lambda state: state.numbered,
    "camera:Canon": lambda state: state.canon,
    "tag:dog": lambda state: state.dogs,
}


@dataclass(frozen=True)
class Answer:
    """What a server said: for a query, from when to when it was asked, and of which page.

    ``before`` is the answer that had the cursor; ``paths`` are those of the page's photos, by id,
    as they came.
    """

    query: str
    began: float
    ended: float
    limit: int
    total: object
    has_more: bool
    ids: tuple[int, ...]
    paths: Mapping[int, frozenset[str]]
    before: Answer | None = None


class Recorder:
    """Notes the states of a library's catalog from now on, until it is asked for them."""

    def __init__(self, library: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_record, args=(library, theirs), daemon=True)
        self._process.start()
        self._pipe.recv()  # it has seen the first one

    def states(self) -> list[State]:
        """Stop; return them all, in order."""
        self._pipe.send("stop")
        found: list[State] = self._pipe.recv()
        self._process.join()
        return found


def _record(library: Path, pipe: Connection) -> None:
    states: list[State] = []
    with reading(library) as catalog:
        known, unchanged_at = None, time.monotonic()
        while not pipe.poll(EVERY_S):
            looked_at = time.monotonic()
            (version,) = catalog.execute("PRAGMA data_version").fetchone()
            if version != known:
                state = _state(catalog, unchanged_at)
                if states:
                    last = states[-1]
                    states[-1] = replace(last, until=state.seen)
                    state = replace(state, is_next=state.generation <= last.generation + 1)
                else:
                    pipe.send("ready")
                states.append(state)
                known = version
            unchanged_at = looked_at
    pipe.send(states)


def _state(catalog: sqlite3.Connection, since: float) -> State:
    catalog.execute("BEGIN")
    (generation,) = catalog.execute(
        "SELECT CAST(value AS INTEGER) FROM setting WHERE key = 'generation'"
    ).fetchone()
    paths: dict[int, set[str]] = {}
    for number, *parts in catalog.execute(
        "SELECT asset_id, path, folder, name FROM file JOIN root ON root.id = root_id "
        "WHERE asset_id IS NOT NULL"
    ):
        paths.setdefault(number, set()).add("/".join(filter(None, parts)))
    canon = catalog.execute("SELECT id FROM asset WHERE camera_make = 'Canon'").fetchall()
    dogs = catalog.execute(
        "SELECT asset_id FROM asset_tag JOIN tag ON tag.id = tag_id WHERE name = 'dog'"
    ).fetchall()
    catalog.execute("COMMIT")
    photos = paths.keys()
    return State(
        generation=generation,
        since=since,
        seen=time.monotonic(),
        until=float("inf"),
        is_next=True,
        paths={number: frozenset(each) for number, each in paths.items()},
        canon=frozenset(row[0] for row in canon) & photos,
        dogs=frozenset(row[0] for row in dogs) & photos,
    )


@dataclass
class Judged:
    """How many answers were compared with states, and how many could not be.

    ``single`` are those during which no commit came, ``pages`` those that follow another one,
    ``behind`` those ranked as in a state that was over when they were asked for, by up to
    ``behind_s`` seconds. Of the ``unseen`` a state of their time may be missing.
    """

    judged: int = 0
    single: int = 0
    pages: int = 0
    unseen: int = 0
    behind: int = 0
    behind_s: float = 0.0


def check_answers(answers: Sequence[Answer], states: Sequence[State], findings: Findings) -> Judged:
    """Check that each answer is that of states of its time, and that pages belong together."""
    judged = Judged()
    for answer in answers:
        possible = _between(states, answer.began, answer.ended)
        # A state that nobody saw came just before the next one was seen.
        if not all(state.is_next or state.seen < answer.began for state in possible):
            judged.unseen += 1
            continue
        judged.judged += 1
        judged.single += len(possible) == 1
        _check_answer(answer, states, judged, findings)
        ids = answer.ids
        findings.expect(len(ids) == len(set(ids)), "a photo was found twice", answer.query)
        if answer.before is not None:
            judged.pages += 1
            _check_pages(answer.before, answer, states, findings)
    return judged


def _between(states: Sequence[State], began: float, ended: float) -> list[State]:
    """Return the states that may have been the current one at some time."""
    return [state for state in states if state.since <= ended and state.until >= began]


def _check_answer(
    answer: Answer, states: Sequence[State], judged: Judged, findings: Findings
) -> None:
    problems = []
    for ranked in reversed(_between(states, answer.began - BEHIND_S, answer.ended)):
        for shown in _between(states, answer.began, answer.ended):
            if shown.since < ranked.since:
                continue
            problem = _problem(answer, ranked, shown)
            if problem is None:
                behind_s = answer.began - ranked.until
                judged.behind += behind_s > 0
                judged.behind_s = max(judged.behind_s, behind_s)
                return
            problems.append(problem)
    about = f"{answer.query}, {answer.limit} of {answer.total}"
    findings.expect(False, "an answer of no committed state", (about, problems))


def _problem(answer: Answer, ranked: State, shown: State) -> str | None:
    """Return why an answer cannot be ranked as in one state and shown as in another, if so."""
    matching = QUERIES[answer.query]
    wanted = ranked.photos if matching is None else matching(ranked)
    total, ids = answer.total, frozenset(answer.ids)
    if type(total) is not int:
        return f"no total: {total}"
    if not ids <= wanted:
        return f"{len(ids - wanted)} photos that do not answer"
    if any(answer.paths[number] != shown.paths.get(number) for number in ids):
        return "other paths"
    # What goes on behind a page remembers photos that have gone since.
    return None if answer.before else _miscounted(answer, total, wanted, shown.photos)


def _miscounted(answer: Answer, total: int, wanted: Ids, there: Ids) -> str | None:
    is_exact = QUERIES[answer.query] is not None
    if total > len(wanted) or (is_exact and total < len(wanted)):
        return f"{len(wanted)} are there"
    whole = min(total, answer.limit)
    if not whole - len(wanted - there) <= len(answer.ids) <= whole:
        return f"{len(answer.ids)} on a page"
    if answer.has_more != (total > answer.limit):
        return "a cursor at the end, or none before it"
    return None


def _check_pages(
    first: Answer, second: Answer, states: Sequence[State], findings: Findings
) -> None:
    """Check that a page goes on behind another, and how far where nothing has changed since."""
    about = f"{second.query}, {second.limit} of {first.total} and {second.total}"
    before = list(_and_before(first))
    shown = [number for page in before for number in page.ids]
    twice = set(shown) & set(second.ids)
    findings.expect(not twice, "a photo is on two pages", (about, twice))
    meanwhile = _between(states, before[-1].began - BEHIND_S, second.ended)
    if len(meanwhile) == 1 and isinstance(first.total, int):
        findings.expect(first.total == second.total, "pages of different totals", about)
        rest = min(first.total - len(shown), second.limit)
        findings.expect(len(second.ids) == rest, "a page that is too short", about)


def _and_before(answer: Answer | None) -> Iterator[Answer]:
    while answer is not None:
        yield answer
        answer = answer.before
