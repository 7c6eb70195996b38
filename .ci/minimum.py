"""The tests of what pixfind stands on, with the lowest versions that pixfind allows.

``python .ci/minimum.py FOLDER`` makes an environment in FOLDER. What is installed beside the direct
dependencies, and the test tools, are the newest: a user who is held back at one package is not at
all others.

Warnings are not errors here, as they are in the run with the newest versions: old packages warn
about each other and about newer Pythons (FAISS 1.9 of its SWIG types), and nobody here can mend
them any more.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("hypothesis", "onnx", "pytest", "pytest-xdist", "transformers")
# There are no builds of NumPy 1.26, ONNX Runtime 1.20 or scikit-learn 1.4 for later ones.
LAST_PYTHON = (3, 12)
# At least one file for each dependency that it would break; not all tests, which take minutes more.
TESTS = (
    "test_api",  # all of it together, from the outside
    "test_catalog",  # SQLAlchemy
    "test_cli",  # click, rich, platformdirs
    "test_duplicates",  # imagehash
    "test_indexing",  # filelock
    "test_language_model",  # httpx2
    "test_models",  # ONNX Runtime, tokenizers
    "test_openclip",  # torch, OpenCLIP, ONNX Script
    "test_photos",  # Pillow, pillow-heif
    "test_pocket",  # NumPy
    "test_serve",  # waitress
    "test_sidecars",  # defusedxml
    "test_tags",  # scikit-learn
    "test_translation",  # Babel
    "test_vectors",  # FAISS
    "test_video",  # PyAV
    "test_web",  # Flask, pydantic
)


def main() -> None:
    """Install, and run the tests; the exit status is theirs."""
    if sys.version_info[:2] > LAST_PYTHON:
        print(f"skipped: the lowest versions have no builds for Python {sys.version.split()[0]}")
        return
    home = Path(sys.argv[1])
    wanted, locked = home / "wanted.txt", home / "locked.txt"
    wanted.write_text("\n".join(direct()) + "\n", "utf-8")
    python = home / "environment" / ("Scripts" if os.name == "nt" else "bin") / "python"
    uv("venv", "--quiet", "--python", sys.executable, python.parents[1])
    lowest = ("--resolution", "lowest-direct", "--python", python, "--output-file", locked)
    uv("pip", "compile", "--quiet", "--no-header", *lowest, wanted)
    install = ("pip", "install", "--quiet", "--python", python)
    uv(*install, "--requirements", locked, "--constraints", locked, *TOOLS)
    uv(*install, "--no-deps", "--editable", ROOT)
    print("\n".join(line for line in locked.read_text("utf-8").splitlines() if is_direct(line)))
    tests = [str(ROOT / "tests" / f"{name}.py") for name in TESTS]
    run(python, "-m", "pytest", "-q", "-W", "default", "-n", "auto", "--dist", "loadfile", *tests)


def direct() -> list[str]:
    """Return what pixfind, which is installed, needs without extras."""
    return [line for line in requires("pixfind") or [] if "extra ==" not in line]


def name_of(requirement: str) -> str:
    """Return a requirement's name in the form that all spellings of it share."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


def is_direct(line: str) -> bool:
    """Return whether a line of the locked requirements is one of the project's own."""
    return name_of(line) in {name_of(one) for one in direct()}


def uv(*arguments: object) -> None:
    """Run uv, which alone can look for lowest versions."""
    run(sys.executable, "-m", "uv", *arguments)


def run(*command: object) -> None:
    """Run a command; end with its status where it fails."""
    status = subprocess.run(list(map(str, command)), cwd=ROOT, check=False).returncode
    if status:
        sys.exit(status)


if __name__ == "__main__":
    main()
