"""Models as ONNX graphs, run by ONNX Runtime: the way any model runs on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pixfind.encoders.base import Encoder, Vectors, unit
from pixfind.encoders.cleaning import CLEANERS
from pixfind.encoders.model_files import IMAGE_GRAPH, TEXT_GRAPH, TOKENIZER, Description
from pixfind.errors import ModelDamagedError

# More texts at once than this gain nothing and hold more memory.
TEXT_BATCH = 64
IMAGE_BATCH = 32


class OnnxEncoder(Encoder):
    """Two graphs and a tokenizer from a model folder, each loaded when it is first needed.

    The image graph takes bytes, uint8 (n, size, size, 3), and the text graph token ids, int64
    (n, tokens), with ``attention_mask`` beside them if it asks for one.
    """

    def __init__(self, folder: Path, description: Description) -> None:
        self.folder = folder
        self.description = description
        self.spec = description.spec

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """See ``Encoder``."""
        parts = [np.empty((0, self.spec.dim), np.float32)]
        for start in range(0, len(images), IMAGE_BATCH):
            pixels = self.description.preprocessing.pixels(images[start : start + IMAGE_BATCH])
            name = self._image_graph.get_inputs()[0].name
            parts.append(unit(self._image_graph.run(None, {name: pixels})[0]))
        return np.concatenate(parts)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder``."""
        parts = [np.empty((0, self.spec.dim), np.float32)]
        for start in range(0, len(texts), TEXT_BATCH):
            tokens = self.tokens(texts[start : start + TEXT_BATCH])
            parts.append(unit(self._text_graph.run(None, tokens)[0]))
        return np.concatenate(parts)

    def prepare(self, image: Image.Image) -> Image.Image:
        """See ``Encoder``."""
        return self.description.preprocessing.fitted(image)

    def tokens(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return the text graph's inputs for ``texts``: int64 arrays (n, tokens) by name."""
        clean = CLEANERS[self.description.text_cleaning]
        encoded = self._tokenizer.encode_batch([clean(text) for text in texts])
        offered = {
            "input_ids": np.array([e.ids for e in encoded], np.int64),
            "attention_mask": np.array([e.attention_mask for e in encoded], np.int64),
        }
        return {node.name: offered[node.name] for node in self._text_graph.get_inputs()}

    @cached_property
    def _image_graph(self) -> Any:
        return self._session(IMAGE_GRAPH)

    @cached_property
    def _text_graph(self) -> Any:
        return self._session(TEXT_GRAPH)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        try:
            return Tokenizer.from_file(str(self.folder / TOKENIZER))
        except Exception as error:  # the library raises nothing narrower
            raise self._damaged(TOKENIZER, error) from error

    def _session(self, graph: str) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors; its warnings are for the graph's maker
        try:
            return onnxruntime.InferenceSession(
                str(self.folder / graph), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the library raises nothing narrower
            raise self._damaged(graph, error) from error

    def _damaged(self, file: str, error: Exception) -> ModelDamagedError:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        return ModelDamagedError(self.spec.name, self.folder, f"{file}: {first_line}")
