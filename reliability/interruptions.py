"""Interrupt an index, start two at once, change files under it, and search it from many sides.

Ctrl-C once ends a run after what is in flight, with exit code 130; twice, or SIGTERM, ends it at
once. Never is there a traceback, a helper left behind or a committed picture lost. A second indexer
is refused in one line. Files that are rewritten while they are read are right after the next run.
While a process indexes, sixteen clients search the server of another and turn pages: every answer
must be that of a committed state of its time.
"""

from __future__ import annotations

import json
import random
import re
import signal
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any
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
from reliability.committed import QUERIES, Answer, Recorder, check_answers
from reliability.pictures import Tree, picture
from reliability.running import check_refusal, check_success, command, pixfind
from reliability.victim import Victim

FILES = 400
CLIENTS = 16
LIMITS = (5, 20, 100)
CALM_S = 2.0
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
    recorder = Recorder(library)
    answers: list[Answer] = []
    ended = threading.Event()
    clients = [
        threading.Thread(target=_client, args=(address, n, answers, ended, findings))
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
        time.sleep(CALM_S)
    ended.set()
    for client in clients:
        client.join(60)
    states = recorder.states()
    judged = check_answers(answers, states, findings)
    findings.expect(judged.single, "the trial itself failed", "nothing was asked between commits")
    server.send(signal.SIGINT)
    code = server.wait(60)
    findings.expect(code == 0, "the server did not end well", code)
    findings.expect("Traceback" not in server.said, "a traceback was shown", server.said)
    check_soundness(library, findings)
    check_saved(library, findings)
    print(
        f"{CLIENTS} clients beside {runs} runs of an index: {len(answers):,} answers with "
        f"{sum(len(answer.ids) for answer in answers):,} results\n"
        f"{judged.judged:,} of them, {judged.pages:,} of these pages that follow another, compared "
        f"with {len(states)} committed states: {judged.single:,} came between two commits, "
        f"{judged.behind:,} were ranked as before a commit up to {judged.behind_s:.1f} s ago; "
        f"{judged.unseen:,} not compared, since a state of their time may have gone unseen"
    )


def _client(
    address: str, number: int, answers: list[Answer], ended: threading.Event, findings: Findings
) -> None:
    numbers = random.Random(number)
    while not ended.is_set():
        query, limit = numbers.choice(list(QUERIES)), numbers.choice(LIMITS)
        text, _, everything = query.partition(", ")
        asked = {"q": text, "limit": limit, "all": int(bool(everything))}
        before: Answer | None = None
        for _ in range(numbers.randint(1, 3)):
            try:
                before, cursor = _answer(address, query, asked, before)
            except (OSError, ValueError, KeyError) as error:
                findings.expect(False, "a search failed", f"{asked}: {error!r}")
                break
            answers.append(before)
            if cursor is None:
                break
            asked["cursor"] = cursor


def _answer(
    address: str, query: str, asked: dict[str, Any], before: Answer | None
) -> tuple[Answer, str | None]:
    """Return what a server says to a request, and the cursor of the next page."""
    began = time.monotonic()
    url = f"{address}api/v1/search?{urlencode(asked)}"
    with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310 - our own server
        document = json.load(response)
    ended = time.monotonic()
    results, cursor = document["results"], document["cursor"]
    answer = Answer(
        query=query,
        began=began,
        ended=ended,
        limit=asked["limit"],
        total=document.get("total"),
        has_more=cursor is not None,
        ids=tuple(row["id"] for row in results),
        paths={row["id"]: frozenset(row["paths"]) for row in results},
        before=before,
    )
    return answer, cursor
