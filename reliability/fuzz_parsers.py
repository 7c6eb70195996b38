"""Do the parsers of strangers' bytes keep their promises? Coverage-guided fuzzing with atheris.

``python -m reliability fuzz_parsers [MINUTES=60] [FOLDER] [SEED=1] [NAME ...]`` divides the minutes
equally among the readers of EXIF, of whole files' headers, of IPTC, of XMP, of sidecars, and of
queries, or those of them that are named; two at a time. What must hold is in ``fuzz_targets``: no
exception but the parser's own, nothing that takes 10 seconds or a gibibyte, nothing that reads back
as something else. Inputs that break that are left in FOLDER/TARGET/found. FOLDER is a new one in
the folder for temporary files unless named; what is in FOLDER/TARGET/corpus is gone on with.

Needs the extra ``fuzz``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

AT_ONCE = 2
LIMIT_S = 10
LIMIT_MIB = 1024
MOST_BYTES = {"query": 600, "iptc": 2048, "xmp": 4096, "sidecar": 4096, "exif": 8192}
# Pure Python, in which the fuzzer can see where an input leads.
INSTRUMENTED = [
    "pixfind", "search.query", "defusedxml", "xml.dom", "xml.etree", "PIL.TiffImagePlugin",
    "PIL.JpegImagePlugin", "PIL.PngImagePlugin", "PIL.GifImagePlugin", "PIL.WebPImagePlugin",
    "PIL.BmpImagePlugin", "PIL.ImageFile", "PIL.ExifTags", "pillow_heif",
]  # fmt: skip
_PROGRESS = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)")


@dataclass(frozen=True)
class Outcome:
    """What came of one target."""

    target: str
    executions: int
    coverage: int
    features: int
    corpus: int
    peak_mib: int
    findings: tuple[Path, ...]
    ended_well: bool


def run(minutes: str = "60", folder: str = "", seed: str = "1", *names: str) -> None:
    """Fuzz all targets, or those named; exit with 1 if any promise was broken."""
    from reliability.fuzz_targets import TARGETS

    targets = names or tuple(TARGETS)
    home = Path(folder or tempfile.mkdtemp(prefix="fuzz-"))
    seconds = max(1, round(float(minutes) * 60 / len(targets)))
    print(f"{seconds} s for each of {len(targets)} parsers, {AT_ONCE} at once, seed {seed}; {home}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(lambda name: _fuzzed(name, home, seconds, seed), targets))
    print("parser    executions  coverage  features  corpus  peak MiB  findings")
    for one in outcomes:
        print(
            f"{one.target:8} {one.executions:11,} {one.coverage:9,} {one.features:9,}"
            f" {one.corpus:7,} {one.peak_mib:9,} {len(one.findings):9}"
        )
        for file in one.findings:
            print(f"  {file}")
        if not one.ended_well:
            print(f"  it ended early; see {home / one.target}.log")
    found = sum(len(one.findings) for one in outcomes)
    whole = sum(one.executions for one in outcomes)
    print(f"{whole:,} inputs in {float(minutes):g} minutes of fuzzing: {found} broke a promise")
    if found or not all(one.ended_well for one in outcomes):
        sys.exit(1)


def _fuzzed(target: str, home: Path, seconds: int, seed: str) -> Outcome:
    from reliability.fuzz_targets import DICTIONARIES, seeds

    corpus, found = home / target / "corpus", home / target / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(seeds(target)):
        (corpus / f"seed-{number}").write_bytes(content)
    command = [
        sys.executable, "-m", __name__, target, str(corpus), f"-artifact_prefix={found}/",
        f"-max_total_time={seconds}", f"-timeout={LIMIT_S}", f"-rss_limit_mb={LIMIT_MIB}",
        f"-seed={seed}", f"-max_len={MOST_BYTES.get(target, 16384)}",
        "-print_final_stats=1", "-use_value_profile=1",
    ]  # fmt: skip
    if target in DICTIONARIES:
        words = home / target / "words.txt"
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in DICTIONARIES[target]))
        command.append(f"-dict={words}")
    log = home / f"{target}.log"
    with log.open("wb") as written:
        ended = subprocess.run(
            command, stdout=written, stderr=subprocess.STDOUT, timeout=seconds + 300, check=False
        )
    return _read(target, log.read_text("utf-8", "replace"), found, ended.returncode == 0)


def _read(target: str, log: str, found: Path, ended_well: bool) -> Outcome:
    executions, coverage, features, corpus = max(
        (tuple(map(int, numbers)) for numbers in _PROGRESS.findall(log)), default=(0, 0, 0, 0)
    )
    peak = re.search(r"stat::peak_rss_mb:\s+(\d+)", log)
    return Outcome(
        target=target,
        executions=executions,
        coverage=coverage,
        features=features,
        corpus=corpus,
        peak_mib=int(peak[1]) if peak else 0,
        findings=tuple(sorted(found.iterdir())),
        ended_well=ended_well,
    )


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')


def _fuzz(target: str, arguments: list[str]) -> None:
    """Fuzz one target in this process, as libFuzzer's arguments say, until they say to end."""
    import atheris  # type: ignore[import-untyped]

    with atheris.instrument_imports(include=INSTRUMENTED):
        from reliability.fuzz_targets import TARGETS
    atheris.Setup([sys.argv[0], *arguments], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    _fuzz(sys.argv[1], sys.argv[2:])
