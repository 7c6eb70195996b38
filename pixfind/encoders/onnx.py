"""Models as ONNX graphs, run by ONNX Runtime: the way any model runs on a CPU."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pixfind.encoders.base import USUAL_TEMPERATURE, Encoder, Vectors, unit
from pixfind.encoders.cleaning import CLEANERS
from pixfind.encoders.graph_file import external_files
from pixfind.encoders.model_files import (
    IMAGE_GRAPH,
    TEXT_GRAPH,
    TOKENIZER,
    Description,
    read_calibration,
    read_verified,
    verify_file,
)
from pixfind.encoders.runtime import onnx_runtime
from pixfind.errors import ModelDamagedError

if TYPE_CHECKING:
    from PIL import Image

    from pixfind.calibration import Calibration

# More texts at once than this gain nothing and hold more memory.
TEXT_BATCH = 64
IMAGE_BATCH = 32
# ONNX Runtime has crashed where several threads read graphs from bytes at the same moment.
_making = threading.Lock()


class OnnxEncoder(Encoder):
    """Two graphs and a tokenizer from a model folder, each loaded when it is first needed.

    The image graph takes bytes, uint8 (n, size, size, 3), and the text graph token ids, int64
    (n, tokens), with ``attention_mask`` beside them if it asks for one.

    Args:
        folder: the model's.
        description: what its ``model.json`` says.
        threads: that embed a batch together; else one for each core.
    """

    def __init__(
        self, folder: Path, description: Description, *, threads: int | None = None
    ) -> None:
        self.folder = folder
        self._threads = threads
        self.description = description
        self.spec = description.spec
        self._loading = {part: threading.Lock() for part in (IMAGE_GRAPH, TEXT_GRAPH, TOKENIZER)}
        self._loaded: dict[str, Any] = {}

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

    @property
    def temperature(self) -> float:
        """See ``Encoder``."""
        return self.description.temperature or USUAL_TEMPERATURE

    @cached_property
    def calibration(self) -> Calibration | None:
        """See ``Encoder``."""
        return read_calibration(self.folder, self.description)

    def for_threads(self) -> Encoder | None:
        """See ``Encoder``."""
        return self._in_one_thread

    @cached_property
    def _in_one_thread(self) -> OnnxEncoder:
        return OnnxEncoder(self.folder, self.description, threads=1)

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

    def preload_texts(self) -> None:
        """Begin to load what ``encode_texts`` needs, while the caller does something else.

        What goes wrong is raised by ``encode_texts``.
        """
        onnx_runtime()  # importing would hold up the caller from a thread; the rest does not

        def load() -> None:
            with suppress(ModelDamagedError):
                self._once(TEXT_GRAPH, self._session)
                _ = self.calibration  # what a search asks for next

        # Not a daemon: one that is still at it when the program ends can bring that down.
        threading.Thread(target=load, name="preload").start()

    @property
    def _image_graph(self) -> Any:
        return self._once(IMAGE_GRAPH, self._session)

    @property
    def _text_graph(self) -> Any:
        return self._once(TEXT_GRAPH, self._session)

    @property
    def _tokenizer(self) -> Any:
        return self._once(TOKENIZER, self._read_tokenizer)

    def _once(self, part: str, load: Callable[[str], Any]) -> Any:
        with self._loading[part]:
            if part not in self._loaded:
                self._loaded[part] = load(part)
            return self._loaded[part]

    def _read_tokenizer(self, file: str) -> Any:
        from tokenizers import Tokenizer

        content = read_verified(self.folder, self.description, file)
        try:
            return Tokenizer.from_buffer(content)
        except Exception as error:  # the library raises nothing narrower
            raise self._damaged(file, error) from error

    def _session(self, graph: str) -> Any:
        onnxruntime = onnx_runtime()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors; its warnings are for the graph's maker
        if self._threads is not None:
            options.intra_op_num_threads = self._threads
        elif graph == TEXT_GRAPH:
            # A query is one short text: packing the weights would take longer than it saves, but
            # for a server, which many ask.
            options.add_session_config_entry("session.disable_prepacking", "1")
            # Nor do threads that wait for work by spinning: they take the core that a cold search
            # imports with.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Its other format, which would be recognised by its bytes, is not looked into here.
        options.add_session_config_entry("session.load_model_format", "ONNX")
        model = self._checked(graph)
        try:
            with _making:
                return onnxruntime.InferenceSession(
                    model, options, providers=["CPUExecutionProvider"]
                )
        except Exception as error:  # the library raises nothing narrower
            raise self._damaged(graph, error) from error

    def _checked(self, graph: str) -> bytes | str:
        """Return a graph's bytes, as its checksum has them; or its path, if it has other files.

        From bytes, ONNX Runtime reads no other file. From a path it does, wherever they are said to
        be, so they must be files of this model.
        """
        content = read_verified(self.folder, self.description, graph)
        try:
            others = external_files(content)
        except ValueError as error:
            raise self._damaged(graph, error) from error
        for name in sorted(others):
            if name not in self.description.files:
                reason = f"{graph} reads {name!r}, which is no file of the model"
                raise ModelDamagedError(self.spec.name, self.folder, reason)
            verify_file(self.folder, self.description, name)
        return str(self.folder / graph) if others else content

    def _damaged(self, file: str, error: Exception) -> ModelDamagedError:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        return ModelDamagedError(self.spec.name, self.folder, f"{file}: {first_line}")
