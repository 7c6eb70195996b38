"""Ten thousand files in one folder: are all found, soon, whether they are different or copies?

A folder with so many small pictures is indexed with the command line; then again, with nothing
new; half of it goes, and it is indexed once more. So with as many copies of one picture. It must
hold that the library tells the right number of photos and files each time, that a search ends well
and that the doctor finds nothing wrong.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import machine
from reliability.checks import Findings
from reliability.running import check_success, pixfind

FILES = 10_000


def run(files: str = str(FILES)) -> None:
    """Index so many different files, then so many copies."""
    findings = Findings()
    for kind in ("different files", "copies of one picture"):
        with tempfile.TemporaryDirectory(prefix="pixfind-many-") as folder:
            _try(Path(folder), int(files), kind, findings)
    print(machine.describe())
    print(findings.summary())
    if findings.broken:
        raise SystemExit(1)


def _try(folder: Path, count: int, kind: str, findings: Findings) -> None:
    photos, library = folder / "photos", folder / "library"
    photos.mkdir()
    numbers = np.random.default_rng(0)
    content = _picture(numbers)
    for number in range(count):
        (photos / f"IMG_{number:05}.jpg").write_bytes(content)
        if kind == "different files":
            content = _picture(numbers)
    took = [_index(library, photos, findings, count, kind) for _ in range(2)]
    check_success(pixfind(library, "search", "a red boat"), findings, "search")
    check_success(pixfind(library, "doctor"), findings, "doctor")
    for number in range(0, count, 2):
        (photos / f"IMG_{number:05}.jpg").unlink()
    took.append(_index(library, photos, findings, count - (count + 1) // 2, kind))
    print(
        f"{count:,} {kind} in one folder: indexed in {took[0]:.1f} s, again in {took[1]:.1f} s, "
        f"without every other one in {took[2]:.1f} s",
        flush=True,
    )


def _index(library: Path, photos: Path, findings: Findings, files: int, kind: str) -> float:
    begun = time.monotonic()
    check_success(pixfind(library, "index", str(photos), timeout_s=3600), findings, "index")
    took = time.monotonic() - begun
    status = json.loads(pixfind(library, "status", "--json").out)
    findings.expect(status["files"] == files, "not all files are known", status)
    if kind != "different files":
        findings.expect(status["photos"] == 1, "copies are counted as photos", status)
    return took


def _picture(numbers: np.random.Generator) -> bytes:
    written = io.BytesIO()
    coarse = numbers.integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(coarse).resize((64, 48)).save(written, "JPEG")
    return written.getvalue()
