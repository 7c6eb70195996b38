"""Commands on a full disk and on one that cannot be written: one clear line, and nothing lost.

The library lies on a small file system in memory (which root may mount). First it is so small that
indexing fills it, at another place for each size; then it is filled up and other commands run; at
last it is made read-only, once by how it is mounted, once by permissions.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

from pixfind.catalog.database import FILE_NAME
from reliability.checks import (
    Findings,
    check_kept,
    check_same,
    check_saved,
    check_soundness,
    final_state,
    held,
)
from reliability.pictures import Tree
from reliability.running import check_refusal, check_success, mounted, pixfind, unmount

Commands = tuple[tuple[str, ...], ...]
FILES = 250
KIB = (128, 256, 400, 640, 900, 1200, 1600, 2000, 2400, 2800, 3200)
ROOM = "size=64m"
SEARCHES: Commands = (
    ("search", "a red circle"),
    ("search", "type:photo"),
    ("status",),
    ("albums", "list"),
    ("tags", "list"),
)
CHANGES: Commands = (
    ("index",),
    ("tag",),
    ("albums", "save", "red", "a red circle"),
    ("tags", "accept", "dog", "1"),
)


def run(seed: str = "0") -> None:
    """Fill disks, and take the right to write away."""
    findings = Findings()
    with tempfile.TemporaryDirectory(prefix="pixfind-faults-") as name:
        folder = Path(name)
        disk = folder / "disk"
        disk.mkdir()
        Tree(folder / "photos", random.Random(int(seed)), FILES)
        if not mounted(disk, ROOM, findings):
            print("not tried: only root may mount a small file system")
            return
        try:
            _fill_by_index(folder, findings)
            _full(folder, findings)
            _read_only(folder, findings)
        finally:
            unmount(disk)
    print(findings.summary())
    if findings.broken:
        raise SystemExit(1)


def _fill_by_index(folder: Path, findings: Findings) -> None:
    disk, photos, peaceful = folder / "disk", str(folder / "photos"), folder / "peaceful"
    check_success(pixfind(peaceful, "index", photos), findings, "index")
    wanted = final_state(peaceful)
    filled = 0
    lines = set()
    for kib in KIB:
        unmount(disk)
        mounted(disk, f"size={kib}k", findings)
        library = disk / "library"
        said = pixfind(library, "index", photos)
        if said.code:
            filled += 1
            lines.add(check_refusal(said, findings, f"{kib} KiB"))
        before = held(library)
        mounted(disk, f"remount,{ROOM}", findings)
        if check_soundness(library, findings):
            check_kept(before, library, findings)
        check_success(pixfind(library, "index", photos), findings, f"room after {kib} KiB")
        check_same(final_state(library), wanted, findings)
        check_saved(library, findings)
    print(f"index on {len(KIB)} disks of {KIB[0]} to {KIB[-1]} KiB: {filled} were full before the")
    print(f"end, with {len(lines)} kinds of lines; with room, every run ended as in peace. Lines:")
    for line in sorted(lines):
        print(f"  {line}")


def _full(folder: Path, findings: Findings) -> None:
    library = folder / "disk" / "library"
    # A change takes at least a page or two of a log.
    ballast = folder / "disk" / "ballast"
    _use_up(ballast)
    before = held(library)
    for arguments in SEARCHES:
        check_success(pixfind(library, *arguments), findings, f"full disk: {arguments}")
    print(f"full disk: {len(SEARCHES)} commands that read answer. Those that write say:")
    to = str(folder / "disk" / "to")
    writing: Commands = (
        ("tag",),
        ("export", "file:IMG*", "--copy-to", to),
        ("export", "file:IMG*", "--csv", f"{to}.csv"),
        ("backup", f"{to}.backup"),
    )
    for arguments in writing:
        said = pixfind(library, *arguments)
        if arguments[0] == "tag" and said.code == 0:
            continue
        findings.expect(said.code == 1, "no clear refusal", f"{arguments}: {said}")
        findings.expect("Traceback" not in said.err, "a traceback was shown", said.err)
        print(f"  {' '.join(arguments[:1])}: {said.err.strip().splitlines()[-1]}")
    ballast.unlink()
    shutil.rmtree(to, ignore_errors=True)
    check_soundness(library, findings)
    check_kept(before, library, findings)
    for arguments in writing:
        check_success(pixfind(library, *arguments), findings, f"room again: {arguments}")


def _use_up(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as opened:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while opened.write(bytes(size)):
                    pass
            except OSError:
                continue


def _read_only(folder: Path, findings: Findings) -> None:
    disk = folder / "disk"
    library = disk / "library"
    (disk / "to.backup").unlink(missing_ok=True)
    for way in ("mounted read-only", "without permission"):
        before = (library / FILE_NAME).read_bytes()
        if way == "mounted read-only":
            mounted(disk, f"remount,ro,{ROOM}", findings)
        else:
            _permit(library, 0o555, 0o444)
        for arguments in SEARCHES:
            check_success(pixfind(library, *arguments, bound=True), findings, f"{way}: {arguments}")
        lines = {
            check_refusal(pixfind(library, *arguments, bound=True), findings, f"{way}: {arguments}")
            for arguments in CHANGES
        }
        print(f"{way}: {len(SEARCHES)} commands that read answer, {len(CHANGES)} that write say:")
        for line in sorted(lines):
            print(f"  {line}")
        if way == "mounted read-only":
            mounted(disk, f"remount,rw,{ROOM}", findings)
        else:
            _permit(library, 0o755, 0o644)
        same = (library / FILE_NAME).read_bytes() == before
        findings.expect(same, "a read-only catalog was written", way)


def _permit(library: Path, folders: int, files: int) -> None:
    for path in [library, *library.rglob("*")]:
        path.chmod(folders if path.is_dir() else files)
