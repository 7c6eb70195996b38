"""A model on disk: a folder with ``model.json`` and the files that it names.

The same layout holds the bundled model, exported ones and those that are imported from another
machine. A folder made for the torch engine holds a checkpoint instead of graphs.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pixfind.encoders.base import EncoderSpec
from pixfind.encoders.cleaning import CLEANERS
from pixfind.encoders.preprocessing import Preprocessing
from pixfind.errors import ModelDamagedError
from pixfind.text import json_text

if TYPE_CHECKING:
    from pixfind.calibration import Calibration

# What a calibration can be for, too (``calibration/file.py``, which a search need not import yet).
MAX_DIM = 4096
MODEL_JSON = "model.json"
IMAGE_GRAPH = "image.onnx"
TEXT_GRAPH = "text.onnx"
TOKENIZER = "tokenizer.json"
WEIGHTS = "weights.safetensors"
CALIBRATION = "calibration.npz"
HASH_CHUNK = 1 << 20
# A model may come from a stranger: these are several times what any known one has.
MAX_JSON_BYTES = 1 << 20
MAX_FILES = 256
MAX_TEXT = 500

Engine = Literal["onnx", "open_clip"]
NEEDED = {"onnx": {IMAGE_GRAPH, TEXT_GRAPH, TOKENIZER}, "open_clip": {WEIGHTS}}
KINDS = {
    "name": str, "version": str, "dim": int, "files": dict, "engine": str, "text_cleaning": str,
    "licence": str, "about": dict,
}  # fmt: skip
# A plain name everywhere: no separators, no drive, nothing hidden.
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
SHA256 = re.compile(r"[0-9a-f]{64}")


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
        calibration: the SHA-256 of the file that says what a score is worth, hex; ``None`` where
            nobody has measured it. No part of the fingerprint: embeddings stay what they are.
        temperature: what cosines are divided by before a softmax tells classes apart; ``None``
            where it is not known. No part of the fingerprint either.
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
    calibration: str | None = None
    temperature: float | None = None

    def __post_init__(self) -> None:
        for key, kind in KINDS.items():
            value = getattr(self, key)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise ValueError(f"{key} must be of type {kind.__name__}")
            if isinstance(value, str) and len(value) > MAX_TEXT:
                raise ValueError(f"{key} has more than {MAX_TEXT} characters")
        if not 0 < self.dim <= MAX_DIM:
            raise ValueError(f"dim must be from 1 to {MAX_DIM}")
        if not isinstance(self.calibration, str | None):
            raise ValueError("calibration must be of type str")
        if self.temperature is not None and not (
            isinstance(self.temperature, float) and 0 < self.temperature < math.inf
        ):
            raise ValueError("temperature must be a positive number")
        if self.engine not in NEEDED or self.text_cleaning not in CLEANERS:
            raise ValueError(f"nothing here runs {self.engine!r} with {self.text_cleaning!r}")
        if lacking := NEEDED[self.engine] - set(self.files):
            raise ValueError(f"files lacks {', '.join(sorted(lacking))}")
        self._check_files()

    def _check_files(self) -> None:
        """Raise unless the names are those of files in the folder, each with a checksum."""
        if len(self.files) > MAX_FILES:
            raise ValueError(f"files has more than {MAX_FILES}")
        for file in self.files:
            # Nothing outside the model's folder is ever read or written on its word.
            if not FILE_NAME.fullmatch(file) or file in (MODEL_JSON, CALIBRATION):
                raise ValueError(f"{file!r} is not a file name")
        for file, checksum in self.checked.items():
            if not isinstance(checksum, str) or not SHA256.fullmatch(checksum):
                raise ValueError(f"the checksum of {file} is none")

    @property
    def checked(self) -> dict[str, str]:
        """The SHA-256 of every file that belongs to the model, hex, by file name."""
        known = self.calibration
        return self.files | ({} if known is None else {CALIBRATION: known})

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
        values = asdict(self)
        if self.calibration is None:
            del values["calibration"]
        if self.temperature is None:
            del values["temperature"]
        return json_text(values) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Description:
        """Parse ``model.json``.

        Raises:
            ValueError: something is missing or of the wrong kind.
        """
        try:
            values = json.loads(text)
            prepared = Preprocessing.from_json(values["preprocessing"])
            return cls(**{**values, "preprocessing": prepared})
        except RecursionError as error:
            raise ValueError(f"{MODEL_JSON} is nested too deeply") from error
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"{MODEL_JSON} is incomplete: {error}") from error


def read_description(folder: Path, name: str) -> Description:
    """Read a model folder's ``model.json``.

    Raises:
        ModelDamagedError: it is not there or cannot be understood.
    """
    try:
        with regular(folder / MODEL_JSON).open("rb") as opened:
            content = opened.read(MAX_JSON_BYTES + 1)
        if len(content) > MAX_JSON_BYTES:
            raise ValueError(f"{MODEL_JSON} has more than {MAX_JSON_BYTES >> 20} MiB")
        return Description.from_json(content.decode("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelDamagedError(name, folder, str(error)) from error


def verify(folder: Path, description: Description) -> None:
    """Compare every file of the model with its checksum.

    Raises:
        ModelDamagedError: a file is missing or is another one.
    """
    for name in description.checked:
        verify_file(folder, description, name)


def verify_file(folder: Path, description: Description, name: str) -> None:
    """Compare a file of the model with its checksum.

    Raises:
        ModelDamagedError: it is missing, is another one, or none of the model's.
    """
    with _missing(folder, description, name):
        actual = sha256_of(regular(folder / name))
    _compare(folder, description, name, actual)


def read_verified(folder: Path, description: Description, name: str) -> bytes:
    """Return a file of the model, whose bytes are those that have the checksum.

    What is loaded from them needs not open the file again, which could be another one by then.
    Nothing is remembered from one time to the next: a checksum takes less time than the loading,
    and a note that says that a file was good can be as wrong as the file.

    Raises:
        ModelDamagedError: it is missing, is another one, or none of the model's.
    """
    with _missing(folder, description, name):
        content = regular(folder / name).read_bytes()
    _compare(folder, description, name, hashlib.sha256(content).hexdigest())
    return content


@contextmanager
def _missing(folder: Path, description: Description, name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise ModelDamagedError(description.name, folder, f"{name} is missing") from error


def _compare(folder: Path, description: Description, name: str, actual: str) -> None:
    if actual != description.checked.get(name):
        raise ModelDamagedError(description.name, folder, f"{name} has been changed")


def regular(file: Path) -> Path:
    """Return a file's path, if it is one that comes to an end.

    Raises:
        OSError: there is none, or it is a pipe, a device or a folder.
    """
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError(f"{file} is not a regular file")
    return file


def read_calibration(folder: Path, description: Description) -> Calibration | None:
    """Read the model's calibration, comparing it with its checksum; ``None`` if it has none.

    Raises:
        ModelDamagedError: the file is missing, is another one, or does not fit the model.
    """
    from pixfind.calibration import Calibration
    from pixfind.calibration.file import read_bounded

    if description.calibration is None:
        return None
    try:
        content = read_bounded(folder / CALIBRATION, description.dim)
        if hashlib.sha256(content).hexdigest() != description.calibration:
            raise ValueError("it has been changed")
        return Calibration.from_bytes(content, description.dim)
    except (OSError, ValueError) as error:
        reason = "it is missing" if isinstance(error, FileNotFoundError) else error
        raise ModelDamagedError(description.name, folder, f"{CALIBRATION}: {reason}") from error


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
