"""What the photos of a result have in common: years, cameras, folders, tags, types, with counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pixfind.catalog.columns import Facts, Flags, Marks, Numbers
from pixfind.catalog.names import folded
from pixfind.vectors import Ids
from search.overview import View
from search.query.formatting import format_term
from search.query.model import Filter
from search.query.model import Numbers as Interval
from search.query.naming import named
from search.results import Facets, FacetValue

# More would be a list to read rather than a choice to make.
SHOWN = 20


def facets(view: View, ids: Ids) -> Facets:
    """Count what pictures have in common."""
    known = view.facts(ids)
    rows = known.rows(ids)
    rows = rows[rows >= 0]
    return Facets(
        year=_years(known.years[rows]),
        camera=_texts("camera", _cameras(known, rows)),
        folder=_texts("folder", _folders(view.folders(ids), known, ids)),
        tag=_texts("tag", _tags(view.tags(ids), ids)),
        type=_texts("type", _types(known.are_videos[rows])),
    )


def _years(years: Numbers) -> tuple[FacetValue, ...]:
    found, counts = np.unique(years[years > 0], return_counts=True)
    return tuple(
        FacetValue(str(year), count, format_term(Filter("year", (Interval(year, year),))))
        for year, count in _most(zip(found.tolist(), counts.tolist(), strict=True))
    )


def _cameras(known: Facts, rows: Numbers) -> Mapping[str, int]:
    """Count the pictures of each camera; spellings that the filter takes for one are one."""
    counts = np.bincount(known.cameras[rows], minlength=len(known.camera_names))
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, count in zip(known.camera_names, counts.tolist(), strict=True):
        if name and count:
            spellings[folded(name)][name] += count
    return {max(each, key=lambda n: (each[n], n)): each.total() for each in spellings.values()}


def _folders(places: Marks, known: Facts, ids: Ids) -> Mapping[str, int]:
    """Count the pictures in and below each folder that holds some, as the filter finds them."""
    inside, codes = places.of(ids)
    holding = np.unique(codes)
    pictures, pairs = known.rows(inside), []
    while len(codes):
        pairs.append(codes * len(known.ids) + pictures)
        above = places.above[codes]
        codes, pictures = above[above >= 0], pictures[above >= 0]
    # A picture that lies in several folders counts once in what holds them all.
    counted = np.unique(np.concatenate(pairs)) // len(known.ids) if pairs else codes
    counts = np.bincount(counted, minlength=len(places.values))
    return {places.values[code]: int(counts[code]) for code in holding.tolist()}


def _tags(tags: Marks, ids: Ids) -> Mapping[str, int]:
    _, codes = tags.of(ids)
    counts = np.bincount(codes, minlength=len(tags.values)).tolist()
    return {name: count for name, count in zip(tags.values, counts, strict=True) if count}


def _types(are_videos: Flags) -> Mapping[str, int]:
    videos = int(are_videos.sum())
    counts = {"photo": len(are_videos) - videos, "video": videos}
    return {name: count for name, count in counts.items() if count}


def _texts(field: str, counts: Mapping[str, int]) -> tuple[FacetValue, ...]:
    return tuple(
        FacetValue(value, count, named(field, value)) for value, count in _most(counts.items())
    )


def _most(counts: Iterable[tuple[Any, int]]) -> Sequence[tuple[Any, int]]:
    return sorted(counts, key=lambda pair: (-pair[1], str(pair[0])))[:SHOWN]
