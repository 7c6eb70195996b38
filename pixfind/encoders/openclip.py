"""OpenCLIP models in torch: every architecture and weight that open_clip knows, and GPUs."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from pixfind.encoders.base import USUAL_TEMPERATURE, Encoder, Vectors
from pixfind.encoders.model_files import WEIGHTS, Description, read_calibration, verify_file
from pixfind.encoders.preprocessing import Preprocessing
from pixfind.errors import ModelAddError, ModelDamagedError

if TYPE_CHECKING:
    from pixfind.calibration import Calibration

# Tokens of what a decoder writes, with the mark at its beginning.
SHORTEST_GENERATED, LONGEST_GENERATED = 5, 40


class OpenClipEncoder(Encoder):
    """A model folder whose weights open_clip loads: on a GPU where torch has one."""

    def __init__(self, folder: Path, description: Description) -> None:
        self.folder = folder
        self.description = description
        self.spec = description.spec

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """See ``Encoder``."""
        if not images:
            return np.empty((0, self.spec.dim), np.float32)
        import torch

        preprocessing = self.description.preprocessing
        with torch.inference_mode():
            pixels = torch.from_numpy(preprocessing.pixels(images)).to(self._device)
            normalised = normalise(pixels, preprocessing)
            vectors = self._model.encode_image(normalised, normalize=True)
        return np.asarray(vectors.float().cpu().numpy(), np.float32)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder``."""
        if not texts:
            return np.empty((0, self.spec.dim), np.float32)
        import torch

        with torch.inference_mode():
            tokens = self._tokenizer(list(texts)).to(self._device)
            vectors = self._model.encode_text(tokens, normalize=True)
        return np.asarray(vectors.float().cpu().numpy(), np.float32)

    @property
    def has_decoder(self) -> bool:
        """Whether the model can write: only CoCa's kind has what it takes."""
        return hasattr(self._model, "text_decoder")

    def generate(self, images: Sequence[Image.Image]) -> list[str]:
        """Let the model's decoder write about upright RGB pictures, the likeliest word each time.

        Not open_clip's own ``generate``, which needs a transformers of before version 5.

        Returns:
            a text each, in the tokenizer's spelling, without its marks.
        """
        import torch

        preprocessing = self.description.preprocessing
        with torch.inference_mode():
            pixels = torch.from_numpy(preprocessing.pixels(images)).to(self._device)
            seen = normalise(pixels, preprocessing)
            tokens = self._decoded(seen)
        return [self._written(row) for row in tokens.tolist()]

    def _decoded(self, seen: Any) -> Any:
        """Return tokens (n, length); what follows a text's end means nothing."""
        import torch

        latent, embedded = self._model._encode_image(seen)
        begin, end = self._tokenizer.sot_token_id, self._tokenizer.eot_token_id
        tokens = torch.full((len(seen), 1), begin, device=seen.device)
        ended = torch.zeros(len(seen), dtype=torch.bool, device=seen.device)
        while tokens.shape[1] < LONGEST_GENERATED and not ended.all():
            out = self._model(
                seen, tokens, image_latent=latent, image_embs=embedded, output_labels=False
            )
            scores = out["logits"][:, -1]
            if tokens.shape[1] <= SHORTEST_GENERATED:
                scores[:, end] = -torch.inf
            chosen = scores.argmax(dim=-1)
            ended |= chosen == end
            tokens = torch.cat([tokens, chosen[:, None]], dim=1)
        return tokens

    def _written(self, tokens: list[int]) -> str:
        end = self._tokenizer.eot_token_id
        kept = tokens[1 : tokens.index(end) if end in tokens else None]
        return str(self._tokenizer.decode(kept)).strip()

    def prepare(self, image: Image.Image) -> Image.Image:
        """See ``Encoder``."""
        return self.description.preprocessing.fitted(image)

    @property
    def temperature(self) -> float:
        """See ``Encoder``."""
        return self.description.temperature or USUAL_TEMPERATURE

    @cached_property
    def calibration(self) -> Calibration | None:
        """See ``Encoder``."""
        return read_calibration(self.folder, self.description)

    @cached_property
    def _device(self) -> str:
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def _architecture(self) -> str:
        return str(self.description.about.get("architecture", ""))

    @cached_property
    def _tokenizer(self) -> Any:
        return tokenizer_for(self._architecture)

    @cached_property
    def _model(self) -> Any:
        verify_file(self.folder, self.description, WEIGHTS)
        try:
            model = create_model(self._architecture, str(self.folder / WEIGHTS))
        except ModelAddError as error:
            raise ModelDamagedError(self.spec.name, self.folder, str(error)) from error
        return model.to(self._device)


def normalise(pixels: Any, preprocessing: Preprocessing) -> Any:
    """Turn a uint8 tensor (n, size, size, 3) into the float (n, 3, size, size) that towers take."""
    import torch

    mean = torch.tensor(preprocessing.mean, device=pixels.device).view(1, 3, 1, 1)
    std = torch.tensor(preprocessing.std, device=pixels.device).view(1, 3, 1, 1)
    return (pixels.permute(0, 3, 1, 2).float() / 255.0 - mean) / std


def create_model(architecture: str, pretrained: str) -> Any:
    """Build an open_clip model with the weights of a published tag or a checkpoint file.

    Raises:
        ModelAddError: open_clip does not know the names, or the weights cannot be had.
    """
    is_file = check_names(architecture, pretrained)
    # A checkpoint that is a pickle may hold code; torch then reads weights and refuses all else,
    # whatever open_clip, or its default in a version of either, asks for.
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        with quiet():
            import open_clip

            model = open_clip.create_model(architecture, pretrained=pretrained)
    except Exception as error:  # a damaged file, a hub out of reach: each raises its own kind
        raise ModelAddError(_why(architecture, pretrained, is_file, error), architecture) from error
    return model.eval()


def check_names(architecture: str, pretrained: str) -> bool:
    """Return whether ``pretrained`` is a file; it may also be the tag of published weights.

    Raises:
        ModelAddError: open_clip does not know the names.
    """
    with quiet():
        import open_clip

    if architecture not in open_clip.list_models():
        raise ModelAddError(
            f"open_clip knows no architecture {architecture!r}; "
            "its list: python -c 'import open_clip; print(open_clip.list_models())'",
            architecture,
        )
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    is_file = Path(pretrained).is_file()
    if not is_file and pretrained not in tags:
        raise ModelAddError(
            f"{pretrained!r} is neither a checkpoint file nor published weights of "
            f"{architecture} (there are: {', '.join(tags) or 'none'})",
            architecture,
        )
    return is_file


def tokenizer_for(architecture: str) -> Any:
    """Return open_clip's tokenizer of an architecture.

    Raises:
        ModelAddError: it would have to be downloaded and cannot be.
    """
    with quiet():
        import open_clip

        try:
            return open_clip.get_tokenizer(architecture)
        except Exception as error:  # hubs raise many kinds
            raise ModelAddError(
                _why(architecture, "the tokenizer", False, error), architecture
            ) from error


def _why(architecture: str, wanted: str, is_file: bool, error: Exception) -> str:
    if isinstance(error, ImportError) or "pip install transformers" in str(error):
        # Some architectures take a tower or a tokenizer from there, and only some.
        return f"{architecture} needs transformers; install it with: pip install transformers"
    if is_file and isinstance(error, pickle.UnpicklingError):
        return (
            f"{wanted} does not hold weights of {architecture} alone: it is damaged, or has what "
            "could be code, which is not run; take them as a safetensors file"
        )
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    first_line = first_line.rpartition("Last error: ")[2]  # open_clip's words for the hub's
    if is_file:
        return f"{wanted} does not hold weights of {architecture} ({first_line})"
    return (
        f"{wanted} of {architecture} could not be downloaded ({first_line}); offline, run "
        "'pixfind models add' on a machine with a connection, copy the model's folder here, and "
        "run: pixfind models import FOLDER"
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the warnings of torch, timm and hubs to themselves: users cannot act on them.

    So with what they log as errors: they raise them too. What ONNX's optimiser prints would stand
    among a command's results.
    """
    import logging

    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
