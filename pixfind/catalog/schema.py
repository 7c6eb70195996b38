"""The tables, as SQLAlchemy maps them. ``migrations.py`` creates them."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, Text, cast
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import TypeDecorator

# Kinds of embeddings.
WHOLE, REGION, FRAME = "whole", "region", "frame"
# Where a tag comes from: the keywords that the file holds, the owner, a sidecar, recognition.
FROM_FILE, FROM_USER, FROM_SIDECAR, AUTOMATIC = "file", "user", "sidecar", "automatic"


class PathText(TypeDecorator[str]):
    """A path or file name as SQLite text, whatever bytes the file system holds.

    Names that are not valid UTF-8 reach Python with surrogate escapes, which its SQLite driver
    refuses to encode. So a path goes in as bytes that SQL casts to text, and comes back through
    the connection's text factory (see ``database.py``), which restores the escapes.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Encode with the file system's own rules."""
        return None if value is None else os.fsencode(value)

    def bind_expression(self, bindparam: Any) -> ColumnElement[Any]:
        """Let SQLite treat the bytes as text, so that they compare and sort as text."""
        return cast(bindparam, Text)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Pass on what the text factory decoded."""
        return value  # type: ignore[no-any-return]

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """Skip the binary type's own processing: the value arrives as ``str``."""
        return


class Base(DeclarativeBase):
    """Base of the mappings."""


class Setting(Base):
    """One fact about the library: its id, its generation, its model."""

    __tablename__ = "setting"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Root(Base):
    """A folder that the owner asked to index; files are stored relative to it.

    A root that is not ``whole`` stands for single files that were named: only those are looked
    at again.
    """

    __tablename__ = "root"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(PathText)
    whole: Mapped[bool]


class Asset(Base):
    """A picture, identified by the SHA-256 of its bytes, wherever copies of it lie.

    ``width`` and ``height`` are of the upright picture, in pixels. ``taken_at`` is the camera's
    local time, ISO 8601 without a zone. Latitude and longitude are degrees, altitude and focal
    length metres and millimetres, exposure time seconds. ``rating`` is 1 to 5 stars (-1: rejected)
    and ``caption`` the description that the file holds; ``described_by`` is ``sidecar`` where one
    said these two, after the file. ``duration`` is a video's, in seconds; photos have none.
    ``seen_at`` is when the library first saw
    the picture, ISO 8601 in UTC; older libraries do not know it. ``metadata_version`` tells which
    reading of the file's metadata this is (``photos.exif.VERSION``). ``blur`` is the picture as
    small as it can be (``photos.thumbnails.blur_of``); older libraries have none at first.
    """

    __tablename__ = "asset"
    id: Mapped[int] = mapped_column(primary_key=True)
    content_id: Mapped[bytes]
    byte_size: Mapped[int]
    format: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    taken_at: Mapped[str | None]
    camera_make: Mapped[str | None]
    camera_model: Mapped[str | None]
    lens: Mapped[str | None]
    iso: Mapped[int | None]
    focal_length: Mapped[float | None]
    aperture: Mapped[float | None]
    exposure_time: Mapped[float | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    altitude: Mapped[float | None]
    rating: Mapped[int | None]
    caption: Mapped[str | None]
    seen_at: Mapped[str | None]
    metadata_version: Mapped[int] = mapped_column(default=0)
    duration: Mapped[float | None]
    described_by: Mapped[str | None]
    blur: Mapped[bytes | None]


class File(Base):
    """A file under a root: either a place where an asset lies, or a failure with its reason.

    ``folder`` is relative to the root, with forward slashes, and empty for the root itself.
    """

    __tablename__ = "file"
    id: Mapped[int] = mapped_column(primary_key=True)
    root_id: Mapped[int] = mapped_column(ForeignKey("root.id"))
    folder: Mapped[str] = mapped_column(PathText)
    name: Mapped[str] = mapped_column(PathText)
    size: Mapped[int]
    mtime_ns: Mapped[int]
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"))
    failure_kind: Mapped[str | None]
    failure_reason: Mapped[str | None]
    failed_at: Mapped[str | None]


class Model(Base):
    """A model that embeddings of this library come from."""

    __tablename__ = "model"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    fingerprint: Mapped[str]
    dim: Mapped[int]


class Embedding(Base):
    """A unit vector of an asset under a model, as float16 bytes, little-endian.

    ``kind`` is ``whole``, ``region`` (with its box, in shares of the upright picture) or
    ``frame`` (with its second). Ids are never used twice, so a FAISS index can be compared with
    the catalog by ids alone.
    """

    __tablename__ = "embedding"
    id: Mapped[int] = mapped_column(primary_key=True)
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"))
    kind: Mapped[str] = mapped_column(default=WHOLE)
    box_left: Mapped[float | None]
    box_top: Mapped[float | None]
    box_width: Mapped[float | None]
    box_height: Mapped[float | None]
    second: Mapped[float | None]
    vector: Mapped[bytes]


class Tag(Base):
    """A word that pictures are tagged with; upper and lower case are the same."""

    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class AssetTag(Base):
    """A picture's tag and where it comes from: ``file``, ``user``, ``sidecar`` or ``automatic``.

    Automatic ones have a ``score``, the probability in [0, 1], and the run that gave them. Those of
    the owner have a time, ISO 8601 in UTC: what was said together has the same.
    """

    __tablename__ = "asset_tag"
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    score: Mapped[float | None]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("tag_run.id"))
    said_at: Mapped[str | None]


class TagRejection(Base):
    """The owner's word that a picture does not show what a tag says. ISO 8601 in UTC."""

    __tablename__ = "tag_rejection"
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), primary_key=True)
    rejected_at: Mapped[str]


class TagRun(Base):
    """One run of automatic tagging, with a model and the vocabularies of those names."""

    __tablename__ = "tag_run"
    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"))
    vocabulary: Mapped[str]
    started_at: Mapped[str]


class TagCoverage(Base):
    """The last run that looked at a picture, and the fingerprint of what its tags depend on."""

    __tablename__ = "tag_coverage"
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("tag_run.id"))
    fingerprint: Mapped[str]


class Description(Base):
    """What a model says of a picture: for those who cannot see it, in a sentence, and at length.

    ``account`` is a JSON document. ``written_at`` is ISO 8601 in UTC.
    """

    __tablename__ = "description"
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"))
    alt: Mapped[str]
    sentence: Mapped[str]
    account: Mapped[str]
    written_at: Mapped[str]


class Album(Base):
    """A saved search: a name for a query. ``saved_at`` is ISO 8601 in UTC."""

    __tablename__ = "album"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    query: Mapped[str]
    saved_at: Mapped[str]
