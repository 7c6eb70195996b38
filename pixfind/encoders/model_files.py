"""A model on disk: a folder with ``model.json`` and the files that it names.

The same layout holds the bundled model, exported ones and those that are imported from another
machine. A folder made for the torch engine holds a checkpoint instead of graphs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pixfind.encoders.base import EncoderSpec
from pixfind.encoders.preprocessing import Preprocessing
from pixfind.errors import ModelDamagedError

MODEL_JSON = "model.json"
IMAGE_GRAPH = "image.onnx"
TEXT_GRAPH = "text.onnx"
TOKENIZER = "tokenizer.json"
HASH_CHUNK = 1 << 20

Engine = Literal["onnx", "open_clip"]


@dataclass(frozen=True)
class Description:
    """The content of ``model.json``.

    Args:
        name: how users call the model.
        version: of these weights, as their makers count.
        dim: the length of an embedding.
        preprocessing: how a picture becomes the model's square.
        files: the SHA-256 of every file of the model, hex, by file name.
        engine: what runs it.
        text_cleaning: what is done to a text before the tokenizer (``cleaning.py``).
        licence: under which the weights may be used.
        about: for people: architecture, training data, measured quality, sources.
    """

    name: str
    version: str
    dim: int
    preprocessing: Preprocessing
    files: dict[str, str]
    engine: Engine = "onnx"
    text_cleaning: str = "none"
    licence: str = "unknown"
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of all that decides what an embedding is, hex."""
        decisive = {
            "files": self.files,
            "preprocessing": asdict(self.preprocessing),
            "text_cleaning": self.text_cleaning,
            "engine": self.engine,
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    @property
    def spec(self) -> EncoderSpec:
        """What an encoder of this model reports of itself."""
        return EncoderSpec(
            self.name, self.fingerprint, self.dim, self.preprocessing.size, self.licence
        )

    def to_json(self) -> str:
        """Return the text of ``model.json``."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Description:
        """Parse ``model.json``.

        Raises:
            ValueError: something is missing or of the wrong kind.
        """
        values = json.loads(text)
        try:
            prepared = Preprocessing.from_json(values["preprocessing"])
            return cls(**{**values, "preprocessing": prepared})
        except (KeyError, TypeError) as error:
            raise ValueError(f"{MODEL_JSON} is incomplete: {error}") from error


def read_description(folder: Path, name: str) -> Description:
    """Read a model folder's ``model.json``.

    Raises:
        ModelDamagedError: it is not there or cannot be understood.
    """
    try:
        return Description.from_json((folder / MODEL_JSON).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelDamagedError(name, folder, str(error)) from error


def verify(folder: Path, description: Description) -> None:
    """Compare every file of the model with its checksum.

    Raises:
        ModelDamagedError: a file is missing or is another one.
    """
    for name, expected in description.files.items():
        try:
            actual = sha256_of(folder / name)
        except OSError as error:
            raise ModelDamagedError(description.name, folder, f"{name} is missing") from error
        if actual != expected:
            raise ModelDamagedError(description.name, folder, f"{name} has been changed")


def checksums(folder: Path, names: list[str]) -> Mapping[str, str]:
    """Return the SHA-256 of the named files, hex, by name."""
    return {name: sha256_of(folder / name) for name in names}


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, hex."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
