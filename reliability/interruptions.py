"""Interrupt an index, start two at once, change files under it, and search it from many sides.

Ctrl-C once ends a run after what is in flight, with exit code 130; twice, or SIGTERM, ends it at
once. Never is there a traceback, a helper left behind or a committed picture lost. A second indexer
is refused in one line. Files that are rewritten while they are read are right after the next run.
While a process indexes, sixteen clients search the server of another: every answer must be that of
some committed state.
"""

from __future__ import annotations

import json
import random
import re
import signal
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

from reliability.checks import (
    Findings,
    check_kept,
    check_same,
    check_saved,
    check_soundness,
    final_state,
    held,
)
from reliability.pictures import Tree, picture
from reliability.running import check_refusal, check_success, command, pixfind
from reliability.victim import Victim

FILES = 400
CLIENTS = 16
QUERIES = ("a red circle", "file:IMG*", "something blue -green", "camera:Canon", "tag:dog")
WAYS = {"Ctrl-C": (130,), "Ctrl-C twice": (130, 1, -2), "SIGTERM": (-15, 143, 130)}
INTERRUPTED = 130


def run(rounds: str = "8", seed: str = "0") -> None:
    """Interrupt in each way so often, then the rest."""
    # What a shell starts in the background ignores it, and so would all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    findings = Findings()
    numbers = random.Random(int(seed))
    with tempfile.TemporaryDirectory(prefix="pixfind-faults-") as name:
        folder = Path(name)
        tree = Tree(folder / "photos", numbers, FILES)
        library = folder / "library"
        started = time.monotonic()
        check_success(pixfind(library, "index", str(tree.folder)), findings, "index")
        lasts_s = time.monotonic() - started
        for way in WAYS:
            _interrupt(folder, way, int(rounds), lasts_s, numbers, findings)
        _two_at_once(folder, findings)
        _rewritten(folder, tree, numbers, findings)
        _searched(folder, tree, numbers, findings)
    print(findings.summary())
    if findings.broken:
        raise SystemExit(1)


def _interrupt(
    folder: Path,
    way: str,
    rounds: int,
    lasts_s: float,
    numbers: random.Random,
    findings: Findings,
) -> None:
    codes: Counter[int] = Counter()
    took = 0.0
    for number in range(rounds):
        library = folder / f"{way} {number}"
        victim = Victim(command(library, "index", str(folder / "photos")), folder / "log.txt")
        victim.sleep(numbers.uniform(1.5, lasts_s))
        before = held(library)
        sent = time.monotonic()
        victim.send(signal.SIGTERM if way == "SIGTERM" else signal.SIGINT)
        if way == "Ctrl-C twice":
            time.sleep(numbers.uniform(0.01, 0.3))
            victim.send(signal.SIGINT)
        code = victim.wait(60)
        took = max(took, time.monotonic() - sent)
        codes[code] += 1
        said = victim.said
        findings.expect(code in (0, *WAYS[way]), "another exit code", f"{way}: {code} {said}")
        findings.expect("Traceback" not in said, "a traceback was shown", f"{way}: {said}")
        findings.expect(not victim.helpers_left(), "helpers outlived their parent", way)
        if check_soundness(library, findings):
            check_kept(before, library, findings)
        check_success(pixfind(library, "index", str(folder / "photos")), findings, f"after {way}")
        check_same(final_state(library), final_state(folder / "library"), findings)
    findings.expect(codes[0] < rounds, "no run was interrupted", way)
    found = ", ".join(f"{code} {count} times" for code, count in sorted(codes.items()))
    print(f"{way}: {rounds} runs, exit codes {found}; the slowest ended after {took:.1f} s")


def _two_at_once(folder: Path, findings: Findings) -> None:
    library = folder / "two"
    first = Victim(command(library, "index", str(folder / "photos")), folder / "log.txt")
    while not held(library).vectors and not first.is_over():
        time.sleep(0.01)
    said = pixfind(library, "index", str(folder / "photos"))
    findings.expect(not first.is_over(), "the trial itself failed", "the first was too fast")
    line = check_refusal(said, findings, "the second indexer")
    findings.expect(first.wait() == 0, "a command failed", first.said)
    check_same(final_state(library), final_state(folder / "library"), findings)
    print(f"two indexers at once: the second says: {line}")


def _rewritten(folder: Path, tree: Tree, numbers: random.Random, findings: Findings) -> None:
    """Rewrite, remove and bring back files all the time while they are indexed."""
    library = folder / "rewritten"
    victim = Victim(command(library, "index", str(tree.folder)), folder / "log.txt")
    files = tree.files()
    count = 0
    while not victim.is_over():
        file = numbers.choice(files)
        content = picture(numbers, file.suffix)
        file.unlink(missing_ok=True)
        with file.open("wb", buffering=0) as opened:  # readers may see the half of it
            opened.write(content[: len(content) // 2])
            time.sleep(0.002)
            opened.write(content[len(content) // 2 :])
        count += 1
    findings.expect(victim.wait() == 0, "a command failed", victim.said)
    check_soundness(library, findings)
    check_success(pixfind(library, "index", "--retry-failed"), findings, "after rewriting")
    fresh = folder / "fresh"
    check_success(pixfind(fresh, "index", str(tree.folder)), findings, "index")
    check_same(final_state(library), final_state(fresh), findings)
    print(f"{count:,} files rewritten while they were indexed: the next run knows them as they are")


def _searched(folder: Path, tree: Tree, numbers: random.Random, findings: Findings) -> None:
    """Let clients search while a process indexes and removes what has gone."""
    library = folder / "fresh"
    log = folder / "serve.txt"
    server = Victim(command(library, "serve", "--port", "0"), log)
    while (found := re.search(r"http://[^ ]+/", server.said)) is None and not server.is_over():
        time.sleep(0.1)
    if found is None:
        findings.expect(False, "the server did not start", server.said)
        return
    address = found[0]
    asked: Counter[str] = Counter()
    ended = threading.Event()
    clients = [
        threading.Thread(target=_client, args=(address, n, asked, ended, findings))
        for n in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    runs = 0
    for _ in range(4):
        tree.change(60)
        for _ in range(60):  # more than has gone: totals rise from run to run
            (tree.folder / f"{numbers.getrandbits(40)}.jpg").write_bytes(picture(numbers))
        check_success(pixfind(library, "index"), findings, "index beside a server")
        runs += 1
    ended.set()
    for client in clients:
        client.join(60)
    server.send(signal.SIGINT)
    code = server.wait(60)
    findings.expect(code == 0, "the server did not end well", code)
    findings.expect("Traceback" not in server.said, "a traceback was shown", server.said)
    check_soundness(library, findings)
    check_saved(library, findings)
    print(
        f"{CLIENTS} clients beside {runs} runs of an index: {asked['answers']:,} answers "
        f"with {asked['results']:,} results, {asked['errors']} errors"
    )


def _client(
    address: str, number: int, asked: Counter[str], ended: threading.Event, findings: Findings
) -> None:
    numbers = random.Random(number)
    while not ended.is_set():
        query = urlencode({"q": numbers.choice(QUERIES), "limit": numbers.choice((5, 20, 100))})
        try:
            url = f"{address}api/v1/search?{query}"
            with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - our own server
                document = json.load(answer)
        except (OSError, ValueError, urllib.error.HTTPError) as error:
            asked["errors"] += 1
            findings.expect(False, "a search failed", f"{query}: {error}")
            continue
        results = document["results"]
        ids = [row["id"] for row in results]
        asked["answers"] += 1
        asked["results"] += len(ids)
        findings.expect(len(ids) == len(set(ids)), "a photo was found twice", query)
        findings.expect(all(row["path"] for row in results), "a result without a file", query)
        findings.expect(len(ids) <= document.get("total", len(ids)), "fewer than found", query)
