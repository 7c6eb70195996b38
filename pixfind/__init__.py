"""pixfind: find your pictures by describing them.

>>> import pixfind
>>> with pixfind.open_library("my-library") as library:
...     library.index("photos")
...     for result in library.search("a red telephone box").results:
...         print(result.score, result.photo.path)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pixfind.api import PhotoLibrary, open_library
    from pixfind.errors import PixfindError

__all__ = ["PhotoLibrary", "PixfindError", "__version__", "open_library"]

_HOMES = {
    "PhotoLibrary": "pixfind.api",
    "PixfindError": "pixfind.errors",
    "open_library": "pixfind.api",
}


def __getattr__(name: str) -> Any:
    # The command line imports this package first: what it need not know must not cost it time.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'pixfind' has no attribute {name!r}")
