"""pixfind: find your pictures by describing them.

>>> import pixfind
>>> with pixfind.open("my-library") as library:
...     library.add("photos")
...     for result in library.search("a red telephone box").results:
...         print(result.score, result.photo.path)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pixfind.api import PhotoLibrary, open  # noqa: A004 - as gzip.open, PIL.Image.open
    from pixfind.catalog.photos import Photo
    from pixfind.errors import PixfindError
    from search.results import Result, Results

__all__ = [
    "Photo",
    "PhotoLibrary",
    "PixfindError",
    "Result",
    "Results",
    "__version__",
    "open",
]

_HOMES = {
    "Photo": "pixfind.catalog.photos",
    "PhotoLibrary": "pixfind.api",
    "PixfindError": "pixfind.errors",
    "Result": "search.results",
    "Results": "search.results",
    "open": "pixfind.api",
}


def __getattr__(name: str) -> Any:
    # The command line imports this package first: what it need not know must not cost it time.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'pixfind' has no attribute {name!r}")
