"""Tagging a library: what is new, or every photo when what tags depend on has changed."""

from __future__ import annotations

from dataclasses import dataclass

from pixfind.catalog import assets, tagging
from pixfind.library import Library
from search.tags.scoring import Scorer
from search.text_vectors import Working

# Photos a transaction: what a killed run loses at most.
BATCH = 2_000


@dataclass(frozen=True)
class Summary:
    """What a run did: how many photos it looked at, and how many tags it gave.

    ``run`` is its number, ``None`` if there was nothing to do. It chose among so many ``labels``;
    those that are ``taught`` are decided by the owner's examples.
    """

    run: int | None
    photos: int
    tags: int
    labels: int
    taught: tuple[str, ...]
    interrupted: bool = False


def tag_library(
    library: Library, scorer: Scorer, working: Working = lambda done, total: None
) -> Summary:
    """Tag what is new, or everything if vocabulary, model or lessons have changed.

    Ctrl-C ends it early: what was tagged stays, and the next run continues.

    Args:
        library: whose photos.
        scorer: of the same library.
        working: called with how many photos are done and how many there are.

    Raises:
        LibraryBusyError: another process is writing to the library.
    """
    with library.writing():
        with library.catalog.read() as session:
            todo = tagging.pending(session, scorer.model.id, scorer.fingerprint)
        if not todo:
            return Summary(None, 0, 0, len(scorer.vocabulary), tuple(scorer.lessons))
        with library.catalog.write() as session:
            run = tagging.start_run(session, scorer.model.id, scorer.vocabulary.name)
        return _tag(library, scorer, run, todo, working)


def _tag(
    library: Library, scorer: Scorer, run: int, todo: dict[int, int], working: Working
) -> Summary:
    done = count = 0
    interrupted = False
    ids = sorted(todo)
    try:
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            wanted: dict[int, dict[str, float]] = {}
            with library.catalog.read() as session:
                for found, photos in assets.vectors_of(session, batch):
                    assets_found = (todo[i] for i in found.tolist())
                    wanted |= zip(assets_found, scorer.tags(photos), strict=True)
            with library.catalog.write() as session:
                count += tagging.set_automatic(session, run, scorer.fingerprint, wanted)
            done += len(batch)
            working(done, len(ids))
    except KeyboardInterrupt:
        interrupted = True
    return Summary(run, done, count, len(scorer.vocabulary), tuple(scorer.lessons), interrupted)
