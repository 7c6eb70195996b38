"""The catalog: one SQLite database that is the truth about a library."""

from __future__ import annotations

from pixfind.catalog.database import Catalog

__all__ = ["Catalog"]
