"""ONNX Runtime, imported in the one way that sends nothing to anybody."""

from __future__ import annotations

import os
from typing import Any


def onnx_runtime() -> Any:
    """Return the module ``onnxruntime`` with its telemetry off.

    From 1.29 on, its official builds report use, models and a device id to their maker unless this
    variable is set before they are imported; on Windows a call does it. What people search for on
    their own machine is nobody else's business.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime
