"""Putting right what can be put right, each kind of damage by itself."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    delete,
    func,
    not_,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from pixfind.care.catalog_checks import check_settings, unsound_vectors
from pixfind.care.findings import Mend, Progress
from pixfind.care.folder_checks import damaged_indexes, damaged_thumbnails
from pixfind.care.salvage import ORDER
from pixfind.care.values import TABLES, is_row_sound, is_sound
from pixfind.catalog import Catalog, words
from pixfind.catalog.assets import STORED
from pixfind.catalog.database import bump_generation, set_setting, setting
from pixfind.catalog.ids import among
from pixfind.catalog.schema import WHOLE, Asset, Embedding, File, Model, Root
from pixfind.errors import PhotoError

BATCH = 500
SHOWN_EDGE = 64
# Asked at the end of the transaction, when rows that refer to removed ones are gone, too.
DEFER = text("PRAGMA defer_foreign_keys = ON")


def mend_catalog(catalog: Catalog, mends: list[Mend], progress: Progress) -> None:
    """Do what helps a catalog whose pages are whole. The caller holds the library's lock."""
    for mend in mends:
        if mend in _OF_CATALOG:
            progress(mend.value, 0, 0)
            _OF_CATALOG[mend](catalog, progress)


def mend_folder(folder: Path, mends: list[Mend], progress: Progress) -> None:
    """Remove derived files that are damaged. The caller holds the library's lock."""
    damaged: list[Path] = []
    if Mend.FAISS in mends:
        damaged += damaged_indexes(folder)
    if Mend.THUMBNAILS in mends:
        damaged += damaged_thumbnails(folder, progress)
    for file in damaged:
        with contextlib.suppress(OSError):
            file.unlink()


def after_salvage(catalog: Catalog, progress: Progress) -> None:
    """Make a library of what was saved: with settings, models, photos that are complete."""
    _mend_models(catalog)
    complete_photos(catalog, progress)
    _mend_settings(catalog, progress)
    _drop_orphans(catalog, progress)
    _drop_vectors(catalog, progress)
    _write_words(catalog, progress)


def complete_photos(catalog: Catalog, progress: Progress) -> None:
    """Say again what photos look like of which only the content is known, from their files.

    Where a file is not there now the photo keeps what its owner said of it, and has no shape.
    """
    with catalog.read() as session:
        wanted = session.execute(
            select(Asset.id, Asset.content_id, Root.path, File.folder, File.name)
            .outerjoin(File, File.asset_id == Asset.id)
            .outerjoin(Root, Root.id == File.root_id)
            .where(Asset.width == 0)
            .order_by(Asset.id)
        ).all()
    done: set[int] = set()
    for n, (asset_id, content_id, root, folder, name) in enumerate(wanted):
        progress("looking at photos again", n, len(wanted))
        if asset_id in done:
            continue
        shape = None if root is None else _shape(Path(root, folder, name), content_id)
        with catalog.write() as session:
            found = shape or {"width": 1, "height": 1, "format": _format(name)}
            session.execute(update(Asset).where(Asset.id == asset_id).values(**found))
        if shape is not None:
            done.add(asset_id)


def _shape(file: Path, content_id: bytes) -> dict[str, object] | None:
    """Return what a photo's file says of its shape, if it is that photo still."""
    import hashlib

    from pixfind.decoding.safely import decode
    from pixfind.photos.decode import read_bytes
    from pixfind.photos.formats import is_video_name

    if is_video_name(file.name):
        return None
    try:
        content = read_bytes(file)
        if hashlib.sha256(content).digest() != content_id:
            return None
        photo = decode(content, file, SHOWN_EDGE)
    except PhotoError:
        return None
    return {
        "width": photo.width,
        "height": photo.height,
        "format": photo.format,
        "byte_size": len(content),
    }


def _format(name: str | None) -> str:
    suffix = Path(name or "").suffix.removeprefix(".").upper()
    return {"JPG": "JPEG", "": "JPEG"}.get(suffix, suffix)


def _mend_models(catalog: Catalog) -> None:
    """Give models of which only the name is known their vectors' size."""
    with catalog.write() as session:
        for model in session.scalars(select(Model).where(Model.dim <= 0)):
            size = session.execute(
                select(func.length(Embedding.vector))
                .where(Embedding.model_id == model.id)
                .group_by(func.length(Embedding.vector))
                .order_by(func.count().desc())
            ).scalar()
            if size:
                model.dim = size // STORED.itemsize
            else:
                session.delete(model)


def _write_indexes(catalog: Catalog, _: Progress) -> None:
    with catalog.write() as session:
        session.execute(text("REINDEX"))


def _drop_values(catalog: Catalog, progress: Progress) -> None:
    """Empty what may be empty, and remove rows without what they must have.

    A photo of which the content is known stays, and is looked at again.
    """
    asset = TABLES["asset"]
    again: dict[str, object] = {"byte_size": 0, "format": "", "width": 0, "height": 0}
    with catalog.write() as session:
        session.execute(DEFER)
        is_known = and_(is_sound(asset.c.id), is_sound(asset.c.content_id))
        session.execute(
            update(asset)
            .where(is_known, not_(is_row_sound(asset)))
            .values(metadata_version=0, **again)
        )
        for table in TABLES.values():
            for column in table.columns:
                if column.nullable:
                    session.execute(
                        update(table).where(not_(is_sound(column))).values({column.name: null()})
                    )
            session.execute(delete(table).where(not_(is_row_sound(table))))
        _remove_orphans(session)
        bump_generation(session)
    complete_photos(catalog, progress)


def _mend_settings(catalog: Catalog, _: Progress) -> None:
    if not list(check_settings(catalog)):
        return
    with catalog.write() as session:
        if len(setting(session, "library_id") or "") != len(uuid.uuid4().hex):
            set_setting(session, "library_id", uuid.uuid4().hex)
        newest = session.scalar(select(func.max(Embedding.id))) or 0
        # Later than any: no index file may seem to be of this state.
        set_setting(session, "generation", str(newest + (1 << 40)))
        models = {str(row[0]): row[1] for row in session.execute(_uses())}
        if models and setting(session, "model_id") not in models:
            set_setting(session, "model_id", max(models, key=models.__getitem__))
        elif not models:
            session.execute(delete(TABLES["setting"]).where(TABLES["setting"].c.key == "model_id"))


def _uses() -> Select[int, int]:
    """Count the photos that each model has seen."""
    return (
        select(Model.id, func.count(Embedding.id))
        .outerjoin(Embedding, and_(Embedding.model_id == Model.id, Embedding.kind == WHOLE))
        .group_by(Model.id)
    )


def _drop_orphans(catalog: Catalog, _: Progress) -> None:
    with catalog.write() as session:
        session.execute(DEFER)
        _remove_orphans(session)
        bump_generation(session)


def _remove_orphans(session: Session) -> None:
    """Remove rows that refer to what is not there, in the order of what refers to what."""
    for name in ORDER:
        table = TABLES[name]
        if name == "asset_tag":
            # A tag is the owner's word, whatever became of the run that gave it.
            run = table.c.run_id
            session.execute(
                update(table)
                .where(run.is_not(None), run.not_in(select(TABLES["tag_run"].c.id)))
                .values(run_id=null())
            )
        lost = [
            and_(key.parent.is_not(None), key.parent.not_in(select(key.column)))
            for key in table.foreign_keys
        ]
        if lost:
            session.execute(delete(table).where(or_(*lost)))


def _drop_vectors(catalog: Catalog, progress: Progress) -> None:
    """Remove vectors that are none, with all parts of such a photo: it is embedded again."""
    wrong = list(unsound_vectors(catalog, progress))
    for start in range(0, len(wrong), BATCH):
        with catalog.write() as session:
            chosen = Embedding.id.in_(among(wrong[start : start + BATCH]))
            _drop_parts_beside(session, chosen)
            session.execute(delete(Embedding).where(chosen))
            bump_generation(session)


def _drop_parts_beside(session: Session, chosen: ColumnElement[bool]) -> None:
    rows = session.execute(
        select(Embedding.asset_id, Embedding.model_id).where(chosen, Embedding.kind != WHOLE)
    ).all()
    for asset_id, model_id in {(row[0], row[1]) for row in rows}:
        session.execute(
            delete(Embedding).where(Embedding.asset_id == asset_id, Embedding.model_id == model_id)
        )


def _write_words(catalog: Catalog, _: Progress) -> None:
    with catalog.write() as session:
        words.write(session.connection())
        bump_generation(session)


_OF_CATALOG: dict[Mend, Callable[[Catalog, Progress], None]] = {
    Mend.INDEXES: _write_indexes,
    Mend.VALUES: _drop_values,
    Mend.SETTINGS: _mend_settings,
    Mend.ORPHANS: _drop_orphans,
    Mend.VECTORS: _drop_vectors,
    Mend.WORDS: _write_words,
}
