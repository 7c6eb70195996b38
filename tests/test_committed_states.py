"""That the trial of searches beside an index would notice answers of no committed state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from indexer import Summary
from pixfind.library import Library
from reliability.checks import Findings
from reliability.committed import Answer, Judged, Recorder, State, check_answers


def state(since: float, until: float, *ids: int, is_next: bool = True) -> State:
    """Photos whose ids are odd are dogs."""
    paths = {number: frozenset({f"/photos/IMG {number}.jpg"}) for number in ids}
    dogs = frozenset(number for number in ids if number % 2)
    return State(0, since, since + 0.5, until, is_next, paths, frozenset(), dogs)


# One photo comes, then one goes.
STATES = (
    state(0, 100, 1, 2, 3),
    state(99, 200, 1, 2, 3, 5),
    state(199, 300, 1, 2, 5),
)


def answer(
    began: float, total: object, *ids: int, limit: int = 2, query: str = "tag:dog"
) -> Answer:
    paths = {number: frozenset({f"/photos/IMG {number}.jpg"}) for number in ids}
    has_more = isinstance(total, int) and total > limit
    return Answer(query, began, began + 1, limit, total, has_more, ids, paths)


def judged(*answers: Answer, states: tuple[State, ...] = STATES) -> tuple[Judged, dict[str, int]]:
    findings = Findings()
    counts = check_answers(answers, states, findings)
    return counts, dict(findings.broken)


@pytest.mark.parametrize(
    "said",
    [
        answer(50, 2, 1, 3),
        answer(150, 3, 1, 5),
        answer(250, 2, 5, 1),
        answer(50, 3, 1, 2, 3, limit=5, query="a red circle, all"),
        answer(50, 1, 2, query="a red circle"),
        answer(50, 0, query="camera:Canon"),
    ],
)
def test_answers_of_a_state_of_their_time(said: Answer) -> None:
    counts, broken = judged(said)
    assert (counts.judged, counts.single, counts.behind, broken) == (1, 1, 0, {})


def test_answers_while_states_change_may_be_of_both() -> None:
    assert judged(answer(199.2, 3, 1, 5), answer(199.2, 2, 1, 5))[1] == {}
    # Ranked before a photo went, and shown afterwards.
    assert judged(answer(199.2, 3, 1, 5, limit=3))[1] == {}
    counts, broken = judged(answer(203, 3, 1, 5, limit=3))
    assert (counts.single, counts.behind, counts.behind_s, broken) == (1, 1, 3.0, {})


@pytest.mark.parametrize(
    "said",
    [
        answer(50, None, 1, 3),
        answer(50, 3, 1, 5),
        answer(50, 1, 1),
        answer(50, 2, 1),
        answer(50, 2, 1, 2),
        answer(50, 2, 1, 5, query="a red circle"),
        answer(50, 4, 1, 2, query="a red circle"),
        answer(50, 2, 1, 2, query="a red circle, all"),
        answer(250, 3, 1, 5),
        answer(250, 2, 1, 3),
        replace(answer(50, 2, 1, 3), has_more=True),
        replace(answer(150, 3, 1, 3), has_more=False),
        replace(answer(50, 2, 1, 3), paths=dict.fromkeys((1, 3), frozenset({"/elsewhere"}))),
    ],
)
def test_answers_of_no_state_are_noticed(said: Answer) -> None:
    assert judged(said)[1] == {"an answer of no committed state": 1}


def test_what_may_have_gone_unseen_is_not_judged() -> None:
    states = (STATES[0], state(99, 300, 1, 2, 3, 5, is_next=False))
    counts, broken = judged(answer(99.1, 7, 1, 5), answer(150, 3, 1, 5), states=states)
    assert (counts.unseen, counts.judged, broken) == (1, 1, {})


def test_pages_belong_together() -> None:
    first = answer(150, 3, 1, 3)
    second = replace(answer(152, 3, 5), before=first)
    counts, broken = judged(first, second)
    assert (counts.pages, broken) == (1, {})
    again = replace(second, ids=(3,), paths={3: STATES[0].paths[3]})
    assert judged(again)[1] == {"a photo is on two pages": 1}
    assert judged(replace(second, total=4))[1] == {"pages of different totals": 1}
    empty = replace(second, ids=(), paths={})
    assert judged(empty)[1] == {"a page that is too short": 1}
    # Of pages between which something was committed, the second may hold less.
    assert judged(replace(empty, began=202, ended=203))[1] == {}


def test_states_are_seen_as_they_are_committed(
    library: Library, index: Callable[..., Summary], photos: Path
) -> None:
    recorder = Recorder(library.folder)
    index(photos)
    (photos / "green.png").unlink()
    index(photos)
    states = recorder.states()
    assert [len(states[0].photos), len(states[-1].photos)] == [0, 2]
    assert 3 in {len(each.photos) for each in states}
    assert all(one.until == two.seen for one, two in pairwise(states))
    paths = {path for each in states[-1].paths.values() for path in each}
    assert paths == {str(photos / "red.jpg"), str(photos / "inner" / "blue.webp")}
