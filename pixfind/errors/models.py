"""What is wrong with a model."""

from __future__ import annotations

from pathlib import Path

from pixfind.errors.base import PixfindError
from pixfind.messages import said


class ModelError(PixfindError):
    """Something about a model."""

    def __init__(self, message: str, model: str) -> None:
        super().__init__(message)
        self.model = model


class ModelNotFoundError(ModelError):
    """No model of that name is installed."""

    def __init__(self, model: str, installed: list[str]) -> None:
        super().__init__(
            said(
                "no model %(model)s is installed (there are: %(installed)s); "
                "add one with: pixfind models add or pixfind models import",
                model=repr(model),
                installed=", ".join(installed),
            ),
            model,
        )
        self.installed = installed


class ModelMismatchError(ModelError):
    """The library's vectors come from another model than the one asked for."""

    def __init__(self, library: Path, indexed: str, asked: str, name: str) -> None:
        super().__init__(
            said(
                "the library in %(library)s was indexed with %(indexed)s, not with %(asked)s; "
                "embed it again with: pixfind index --model %(name)s",
                library=library,
                indexed=indexed,
                asked=asked,
                name=name,
            ),
            asked,
        )
        self.library = library
        self.indexed = indexed


class ModelDamagedError(ModelError):
    """A model's files are missing, unreadable or not the ones it was made of."""

    def __init__(self, model: str, folder: Path, reason: str) -> None:
        super().__init__(
            said(
                "the model %(model)s in %(folder)s cannot be used (%(reason)s); "
                "add or import it again, or reinstall pixfind if it is the bundled one",
                model=repr(model),
                folder=folder,
                reason=reason,
            ),
            model,
        )
        self.folder = folder
        self.reason = reason


class ModelAddError(ModelError):
    """A model could not be exported or taken in."""


class UncalibratedError(ModelError):
    """A model whose scores nobody has compared with what people say of photos."""

    def __init__(self, model: str) -> None:
        super().__init__(
            f"the model {model!r} has no calibration, so it cannot tell how probable a label is by "
            "itself; leave --multi away to compare the labels, or take the bundled model",
            model,
        )
