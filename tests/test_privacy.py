"""Nothing leaves the machine: what others built in for that is off before it starts."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ONE_DOOR = ROOT / "pixfind" / "encoders" / "runtime.py"
OURS = ("pixfind", "indexer", "search", "web", "training", "benchmarks", "reliability")

WATCHED = """
import os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            print("telemetry off:", os.environ.get("ORT_DISABLE_TELEMETRY"))

sys.meta_path.insert(0, Watch())
from pathlib import Path
from pixfind.encoders.store import ModelStore
encoder = ModelStore(Path("nowhere")).load("pocket")
encoder.preload_texts()
print(encoder.encode_texts(["a cat"]).shape)
"""

# Goes through the door first, then imports the tools beside it.
ITS_TOOLS = ROOT / "training" / "quantise.py"


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_telemetry_of_onnx_runtime_is_off_before_it_is_imported() -> None:
    run = subprocess.run(
        [sys.executable, "-c", WATCHED], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == ["telemetry off: 1", "(1, 768)"]


def test_onnx_runtime_is_imported_in_one_place() -> None:
    files = [file for folder in OURS for file in (ROOT / folder).rglob("*.py")]
    assert [file for file in files if "onnxruntime" in imported(file)] == [ONE_DOOR, ITS_TOOLS]
