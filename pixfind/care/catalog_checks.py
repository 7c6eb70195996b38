"""What can be wrong inside a catalog that opens."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from sqlalchemy import ColumnElement, func, not_, or_, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from pixfind.care.findings import Finding, Mend, Progress, counted
from pixfind.care.values import TABLES, is_sound
from pixfind.catalog import Catalog
from pixfind.catalog.assets import STORED
from pixfind.catalog.database import setting
from pixfind.catalog.schema import Asset, Embedding, File, Model

REPAIR = "mend it with: pixfind doctor --repair"
# What the integrity check says of indexes, which are derived from their tables.
OF_INDEXES = re.compile(
    r"row \d+ missing from index|wrong # of entries in index|non-unique entry in index|"
    r"rowid \d+ missing from index"
)
# What it says of the full-text index, since SQLite 3.44.
OF_WORDS = re.compile(
    r"malformed inverted index for FTS5 table|"
    r"unable to validate the inverted index for FTS5 table"
)
# What SQLite says where somebody else is writing.
BUSY = re.compile(r"\b(locked|busy)\b")
SHOWN = 3
BATCH = 4000
# float16 keeps the length of a unit vector within half a thousandth.
TOLERANCE = 0.01
HEX = re.compile("[0-9a-f]{32}")
# The generation is a number that fits where SQLite keeps numbers.
MOST_DIGITS = 18
TO_FTS_CHECK = text("INSERT INTO document (document) VALUES ('integrity-check')")


def check_file(catalog: Catalog, progress: Progress) -> Iterator[Finding]:
    """Check the pages of the file, the indexes, and what refers to what."""
    progress("the catalog's pages", 0, 0)
    with catalog.read() as session:
        said = [str(line) for (line,) in session.execute(text("PRAGMA integrity_check"))]
    if said != ["ok"]:
        yield from of_integrity(said)
    progress("what refers to what", 0, 0)
    with catalog.read() as session:
        orphans = Counter(row[0] for row in session.execute(text("PRAGMA foreign_key_check")))
    for table, count in sorted(orphans.items()):
        rows = counted(count, "row")
        yield Finding(f"{rows} of {table} belong to nothing that is there", REPAIR, Mend.ORPHANS)


def of_integrity(said: list[str]) -> Iterator[Finding]:
    """Yield what the lines of an integrity check mean: the worst alone, and the full-text index."""
    of_words = [line for line in said if OF_WORDS.match(line)]
    others = [line for line in said if not OF_WORDS.match(line)]
    of_pages = [line for line in others if not OF_INDEXES.match(line)]
    if of_pages:
        yield _named("the catalog is damaged", of_pages, Mend.SALVAGE)
    elif others:
        yield _named("an index of the catalog is damaged", others, Mend.INDEXES)
    # Where somebody is writing, nothing is known of it: ``check_words`` waits for its turn.
    of_words = [line for line in of_words if not BUSY.search(line)]
    if of_words:
        yield _named("the full-text index is damaged", of_words, Mend.WORDS)


def _named(what: str, said: list[str], mend: Mend) -> Finding:
    lines = [" ".join(line.split()) for line in said[:SHOWN]]
    return Finding(f"{what}: {'; '.join(lines)}", REPAIR, mend)


def check_values(catalog: Catalog, progress: Progress) -> Iterator[Finding]:
    """Check that columns hold what they are for."""
    for done, (name, table) in enumerate(TABLES.items()):
        progress("the catalog's values", done, len(TABLES))
        wrong: list[ColumnElement[bool]] = [not_(is_sound(column)) for column in table.columns]
        with catalog.read() as session:
            count = session.scalar(select(func.count()).select_from(table).where(or_(*wrong)))
        if count:
            rows = counted(count, "row")
            yield Finding(f"{rows} of {name} hold what is no value there", REPAIR, Mend.VALUES)


def check_settings(catalog: Catalog) -> Iterator[Finding]:
    """Check what the library knows of itself."""
    with catalog.read() as session:
        library_id = setting(session, "library_id") or ""
        generation = setting(session, "generation") or ""
        chosen = setting(session, "model_id")
        models = {str(i) for i in session.scalars(select(Model.id))}
    wrong = []
    if not HEX.fullmatch(library_id):
        wrong.append("its id")
    if not (generation.isascii() and generation.isdigit() and len(generation) <= MOST_DIGITS):
        wrong.append("its generation")
    if chosen not in models if chosen is not None else models:
        wrong.append("its model")
    if wrong:
        yield Finding(f"the library has lost {' and '.join(wrong)}", REPAIR, Mend.SETTINGS)


def check_vectors(catalog: Catalog, progress: Progress) -> Iterator[Finding]:
    """Check that vectors have their model's size, and the length one."""
    wrong = list(unsound_vectors(catalog, progress))
    if wrong:
        vectors = counted(len(wrong), "vector")
        yield Finding(
            f"{vectors} are not of their model's size, or not of length one",
            f"{REPAIR}, then embed these photos again with: pixfind index",
            Mend.VECTORS,
        )


def unsound_vectors(catalog: Catalog, progress: Progress) -> Iterator[int]:
    """Yield the ids of embeddings whose vector is none."""
    with catalog.read() as session:
        total = session.scalar(select(func.count()).select_from(Embedding)) or 0
        dims = {row[0]: row[1] for row in session.execute(select(Model.id, Model.dim))}
    last, done = -(1 << 63), 0
    while True:
        progress("vectors", done, total)
        with catalog.read() as session:
            rows = session.execute(
                select(Embedding.id, Embedding.model_id, Embedding.vector)
                .where(Embedding.id > last)
                .order_by(Embedding.id)
                .limit(BATCH)
            ).all()
        if not rows:
            return
        yield from _unsound((row[0], dims.get(row[1]), row[2]) for row in rows)
        last, done = rows[-1][0], done + len(rows)


def _unsound(rows: Iterable[tuple[int, int | None, object]]) -> Iterator[int]:
    by_dim: dict[int, tuple[list[int], list[bytes]]] = {}
    for embedding_id, dim, vector in rows:
        is_whole = isinstance(vector, bytes) and dim and len(vector) == dim * STORED.itemsize
        if not is_whole or not isinstance(vector, bytes) or dim is None:
            yield embedding_id
            continue
        ids, vectors = by_dim.setdefault(dim, ([], []))
        ids.append(embedding_id)
        vectors.append(vector)
    for dim, (ids, vectors) in by_dim.items():
        stored = np.frombuffer(b"".join(vectors), STORED).reshape(-1, dim).astype(np.float32)
        with np.errstate(all="ignore"):
            lengths = np.linalg.norm(stored, axis=1)
        for n in np.flatnonzero(~(np.abs(lengths - 1) <= TOLERANCE)):  # nor is NaN
            yield ids[n]


def check_words(catalog: Catalog, progress: Progress) -> Iterator[Finding]:
    """Check the full-text index, and that it has the photos that lie in files."""
    progress("the full-text index", 0, 0)
    problem = None
    try:
        with catalog.read() as session:
            missing = session.scalar(_MISSING_WORDS)
            surplus = session.scalar(_SURPLUS_WORDS)
        if missing or surplus:
            photos = counted((missing or 0) + (surplus or 0), "photo")
            problem = f"the full-text index is behind by {photos}"
        elif not catalog.is_read_only:
            # A check, though SQLite asks for it by an insertion; it is never committed. It waits
            # for its turn: after a read, whoever has written since would make it fail.
            with catalog.write() as session:
                session.execute(TO_FTS_CHECK)
                session.rollback()
    except Exception as error:
        if not _is_of_database(error):
            raise
        if BUSY.search(_reason(error)):
            yield Finding(
                "the full-text index was not checked: something is writing to the library",
                "check again later",
                is_note=True,
            )
            return
        problem = f"the full-text index is damaged: {_reason(error)}"
    if problem:
        yield Finding(problem, REPAIR, Mend.WORDS)


# Parentheses around what FTS5 and the files have: sets of rowids that must be the same.
_MISSING_WORDS = text(
    "SELECT count(*) FROM (SELECT asset_id FROM file WHERE asset_id IS NOT NULL "
    "EXCEPT SELECT rowid FROM document)"
)
_SURPLUS_WORDS = text(
    "SELECT count(*) FROM (SELECT rowid FROM document "
    "EXCEPT SELECT asset_id FROM file WHERE asset_id IS NOT NULL)"
)


def check_photos(catalog: Catalog) -> Iterator[Finding]:
    """Say which photos cannot be found; most often, this is as it should be."""
    with catalog.read() as session:
        chosen = setting(session, "model_id")
        model_id = int(chosen) if chosen and chosen.isdigit() else None
        gone = session.scalar(
            select(func.count()).select_from(Asset).where(Asset.id.not_in(_in_files()))
        )
        unseen = 0 if model_id is None else _unseen(session, model_id)
    if unseen:
        yield Finding(
            f"{counted(unseen, 'photo')} in files are not embedded",
            "embed them with: pixfind index",
            is_note=True,
        )
    if gone:
        yield Finding(
            f"{counted(gone, 'photo')} lie in no file now and are kept in case they come back",
            "nothing has to be done",
            is_note=True,
        )


def _in_files() -> ColumnElement[int]:
    return select(File.asset_id).where(File.asset_id.is_not(None))  # type: ignore[return-value]


def _unseen(session: Session, model_id: int) -> int:
    seen = select(Embedding.asset_id).where(
        Embedding.model_id == model_id, Embedding.kind == "whole"
    )
    asked = select(func.count(File.asset_id.distinct())).where(File.asset_id.not_in(seen))
    return session.scalar(asked) or 0


def _is_of_database(error: Exception) -> bool:
    from pixfind.errors import LibraryAccessError, LibraryDamagedError

    return isinstance(error, DatabaseError | LibraryAccessError | LibraryDamagedError)


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", error))
