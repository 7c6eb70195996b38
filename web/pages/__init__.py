"""The pages; each module has those of one concern."""

from __future__ import annotations

from flask import Blueprint

from web.pages import (
    albums,
    cameras,
    duplicates,
    folders,
    library,
    likes,
    photo,
    pictures,
    reference,
    search,
    selection,
    tags,
    timeline,
)
from web.pages import help as query_help

BLUEPRINTS: tuple[Blueprint, ...] = (
    search.blueprint,
    pictures.blueprint,
    likes.blueprint,
    selection.blueprint,
    photo.blueprint,
    timeline.blueprint,
    folders.blueprint,
    cameras.blueprint,
    tags.blueprint,
    albums.blueprint,
    duplicates.blueprint,
    library.blueprint,
    query_help.blueprint,
    reference.blueprint,
)
