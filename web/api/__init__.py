"""The JSON API, version 1."""

from __future__ import annotations

from flask import Blueprint

from web.api import photos

BLUEPRINTS: tuple[Blueprint, ...] = (photos.blueprint,)
