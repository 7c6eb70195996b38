"""Where things live, in one frozen place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

DEFAULT_MODEL = "pocket"


@dataclass(frozen=True)
class Settings:
    """The folders of one run.

    Args:
        library: the folder of the catalog and what is derived from it.
        models: the folder where added models are kept, shared by all libraries.
        demo_library: the folder of the demo's library: the one asked for, else one apart.
        model: the model for a library that has none yet.
        cache: a folder for what can be made again, shared by all libraries.
    """

    library: Path
    models: Path
    demo_library: Path
    model: str = DEFAULT_MODEL
    cache: Path = field(default_factory=lambda: platformdirs.user_cache_path("pixfind"))

    @classmethod
    def load(
        cls, library: Path | None = None, environment: Mapping[str, str] = os.environ
    ) -> Settings:
        """Read the settings: what was asked for, else the environment, else the platform's way.

        ``$PIXFIND_LIBRARY`` names the library and ``$PIXFIND_MODELS`` the folder of models.
        """
        home = platformdirs.user_data_path("pixfind")
        named = environment.get("PIXFIND_LIBRARY")
        asked = library or (Path(named) if named else None)
        models = environment.get("PIXFIND_MODELS")
        return cls(
            library=normal_path(asked or home / "library"),
            models=normal_path(Path(models) if models else home / "models"),
            demo_library=normal_path(library or home / "demo"),
        )


def normal_path(path: Path) -> Path:
    """Return the path absolute, without ``..``, so that one place has one spelling.

    Links are kept: a folder is known by the name that its owner gave it.
    """
    # Not Path's: absolute() keeps "..", and expanduser() raises where there is no such user.
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111
