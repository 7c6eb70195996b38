"""The models that are installed: the bundled one, exported ones, imported ones."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import resources
from pathlib import Path

from pixfind.encoders.base import Encoder
from pixfind.encoders.model_files import (
    MODEL_JSON,
    Description,
    Engine,
    read_description,
    verify,
)
from pixfind.errors import ModelAddError, ModelDamagedError, ModelNotFoundError


class ModelStore:
    """Models by name: those bundled with the program and those in a folder of the user's."""

    def __init__(self, folder: Path, bundled: Path | None = None) -> None:
        self.folder = folder
        self.bundled = bundled or bundled_models()
        self._loaded: dict[tuple[str, str, str | None], Encoder] = {}

    def names(self) -> list[str]:
        """Return the names of all models, the bundled ones first."""
        return list(self._folders())

    def describe(self, name: str) -> Description:
        """Return what is known of a model, by its name or, if only one has it, architecture.

        Raises:
            ModelNotFoundError: there is none of that name.
            ModelDamagedError: its ``model.json`` cannot be read.
        """
        return _described(self._find(name))

    def folder_of(self, name: str) -> Path:
        """Return the folder that holds a model's files."""
        return self._find(name)

    def size(self, name: str) -> int:
        """Return how many bytes a model's files take."""
        return sum(file.stat().st_size for file in self._find(name).iterdir())

    def is_bundled(self, name: str) -> bool:
        """Return whether the model comes with the program."""
        return self._find(name).parent == self.bundled

    def load(self, name: str) -> Encoder:
        """Return the model's encoder; weights are read when they are first needed.

        Raises:
            ModelNotFoundError, ModelDamagedError: as for ``describe``.
        """
        folder = self._find(name)
        description = _described(folder)
        # A copy is a model of its own: it has another name, and may be calibrated otherwise.
        key = (description.name, description.fingerprint, description.calibration)
        if key not in self._loaded:
            self._loaded[key] = _encoder(folder, description)
        return self._loaded[key]

    def add(
        self, architecture: str, pretrained: str, name: str | None = None, engine: Engine = "onnx"
    ) -> Description:
        """Make an open_clip model usable here (see ``openclip_export.export_model``).

        Raises:
            ModelAddError: it cannot be made, or the name is taken.
        """
        from pixfind.encoders.openclip_export import export_model

        weights = Path(pretrained).stem if Path(pretrained).is_file() else pretrained
        chosen = self._free_name(name or f"{architecture}-{weights}")
        with self._new_folder(chosen) as folder:
            return export_model(folder, chosen, architecture, pretrained, engine)

    def import_folder(self, source: Path, name: str | None = None) -> Description:
        """Copy a model folder in, after comparing its files with their checksums.

        Raises:
            ModelDamagedError: files are missing, changed or not a model.
            ModelAddError: the name is taken.
        """
        description = read_description(source, source.name)
        verify(source, description)
        chosen = self._free_name(name or description.name)
        with self._new_folder(chosen) as folder:
            for file in description.checked:
                shutil.copyfile(source / file, folder / file)
            verify(folder, description)
            named = replace(description, name=chosen)
            (folder / MODEL_JSON).write_text(named.to_json(), "utf-8")
        return named

    def remove(self, name: str) -> None:
        """Delete an added model's files. Embeddings made with it stay in their libraries.

        Raises:
            ModelNotFoundError: there is none of that name.
            ModelAddError: it is bundled with the program.
        """
        folder = self._find(name)
        if folder.parent == self.bundled:
            raise ModelAddError(f"{name} is bundled with pixfind and stays", name)
        shutil.rmtree(folder)

    def _folders(self) -> dict[str, Path]:
        folders: dict[str, Path] = {}
        for home in (self.bundled, self.folder):
            if home.is_dir():
                for folder in sorted(home.iterdir()):
                    if folder.name[0] != "." and (folder / MODEL_JSON).is_file():
                        folders.setdefault(folder.name, folder)
        return folders

    def _find(self, name: str) -> Path:
        folders = self._folders()
        if name in folders:
            return folders[name]
        same = [folder for folder in folders.values() if _architecture(folder) == name]
        if len(same) == 1:
            return same[0]
        raise ModelNotFoundError(name, list(folders))

    def _free_name(self, name: str) -> str:
        safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip(".-")
        if not safe:
            raise ModelAddError(f"{name!r} cannot be a model's name", name)
        if safe in self._folders():
            raise ModelAddError(
                f"there is a model {safe!r} already; choose another with --name, "
                f"or remove it with: pixfind models remove {safe}",
                safe,
            )
        return safe

    @contextmanager
    def _new_folder(self, name: str) -> Iterator[Path]:
        """Give a temporary folder that becomes the model's only if nothing goes wrong."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".adding-", dir=self.folder))
        try:
            yield temporary
            temporary.chmod(0o755)
            temporary.replace(self.folder / name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def bundled_models() -> Path:
    """Return the folder of the models that are installed with the program."""
    return Path(str(resources.files("pixfind_data"))) / "models"


def _encoder(folder: Path, description: Description) -> Encoder:
    if description.engine == "onnx":
        from pixfind.encoders.onnx import OnnxEncoder

        return OnnxEncoder(folder, description)
    from pixfind.encoders.openclip import OpenClipEncoder

    return OpenClipEncoder(folder, description)


def _described(folder: Path) -> Description:
    # Whoever copies or renames a folder by hand has named the model.
    return replace(read_description(folder, folder.name), name=folder.name)


def _architecture(folder: Path) -> str | None:
    try:
        architecture = read_description(folder, folder.name).about.get("architecture")
        return architecture if isinstance(architecture, str) else None
    except ModelDamagedError:
        return None
