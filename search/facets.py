"""What the photos of a result have in common: years, cameras, folders, tags, with counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from pixfind.catalog import selection
from pixfind.catalog.names import camera_name, folded
from pixfind.catalog.selection import Facts
from search.query.formatting import format_term
from search.query.model import Filter, Numbers, Text
from search.results import Facets, FacetValue

# More would be a list to read rather than a choice to make.
SHOWN = 20


def facets(session: Session, known: Mapping[int, Facts]) -> Facets:
    """Count what pictures have in common, by their facts."""
    ids = list(known)
    return Facets(
        year=_years(known.values()),
        # The sign makes it all of the name: there is a Mark II of many a camera.
        camera=_texts("camera", _cameras(known.values()), "="),
        folder=_texts("folder", _folders(selection.folders(session, ids))),
        tag=_texts("tag", selection.count_tags(session, ids)),
    )


def _cameras(known: Iterable[Facts]) -> Mapping[str, int]:
    """Count the pictures of each camera; spellings that the filter takes for one are one."""
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for facts in known:
        name = camera_name(facts.camera_make, facts.camera_model)
        if name:
            spellings[folded(name)][name] += 1
    return {max(each, key=lambda n: (each[n], n)): each.total() for each in spellings.values()}


def _folders(holding: Mapping[Path, set[int]]) -> Mapping[str, int]:
    """Count the pictures in and below each folder that holds some, as the filter finds them."""
    inside: defaultdict[Path, set[int]] = defaultdict(set)
    for folder, ids in holding.items():
        for outer in (folder, *folder.parents):
            if outer in holding:
                inside[outer] |= ids
    return {str(folder): len(ids) for folder, ids in inside.items()}


def _years(known: Iterable[Facts]) -> tuple[FacetValue, ...]:
    counts = Counter(int(facts.taken_at[:4]) for facts in known if facts.taken_at)
    return tuple(
        FacetValue(str(year), count, format_term(Filter("year", (Numbers(year, year),))))
        for year, count in _most(counts.items())
    )


def _texts(field: str, counts: Mapping[str, int], before: str = "") -> tuple[FacetValue, ...]:
    return tuple(
        FacetValue(
            value,
            count,
            format_term(Filter(field, (Text(before + value.replace("*", r"\*")),))),
        )
        for value, count in _most(counts.items())
    )


def _most(counts: Iterable[tuple[Any, int]]) -> Sequence[tuple[Any, int]]:
    return sorted(counts, key=lambda pair: (-pair[1], str(pair[0])))[:SHOWN]
