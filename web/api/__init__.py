"""The JSON API, version 1: each module has the operations of one concern."""

from __future__ import annotations

from flask import Blueprint

from web.api import (
    albums,
    browsing,
    completions,
    description,
    jobs,
    library,
    photos,
    pictures,
    search,
    tags,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    search.blueprint,
    completions.blueprint,
    pictures.blueprint,
    photos.blueprint,
    tags.blueprint,
    albums.blueprint,
    browsing.blueprint,
    library.blueprint,
    jobs.blueprint,
    description.blueprint,
)
