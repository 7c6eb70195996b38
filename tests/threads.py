"""Threads that wait for work sleep: awake they cost several times what the tests' small work does.

OpenMP reads its policy when FAISS or torch is imported, so this comes before them.
"""

from __future__ import annotations

import os

import onnxruntime
import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "passive")


class Patient(onnxruntime.SessionOptions):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.add_session_config_entry("session.intra_op.allow_spinning", "0")


def let_sleep(patch: pytest.MonkeyPatch) -> None:
    """The same for ONNX Runtime, which no environment tells."""
    patch.setattr(onnxruntime, "SessionOptions", Patient)
