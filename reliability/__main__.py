"""Run one trial: ``python -m reliability NAME [ARGUMENT]``; without a name, list them."""

from __future__ import annotations

import importlib
import io
import sys

TRIALS: dict[str, str] = {
    "damage": "a damaged catalog: an answer or one line, and most of what is in it saved",
    "failing_calls": "any one change of a file fails: one clear line or success, nothing lost",
    "full_disks": "full and read-only disks: one clear line, nothing lost, reading goes on",
    "fuzz_images": "mutated pictures of eight formats: each decoded or refused, nothing else",
    "fuzz_index": "damaged FAISS files: each is noticed, and no search is wrong",
    "fuzz_parsers": "any bytes as EXIF, XMP, IPTC, sidecars and queries, led by coverage",
    "interruptions": "Ctrl-C, two indexers, files that change, sixteen clients beside an index",
    "kill": "an index killed at any moment: nothing is lost, and the next run ends where it should",
    "kill_calls": "every kind of work, killed between any two changes of files that it makes",
    "kill_changes": "albums and tags of the owner's: what was acknowledged is kept",
    "kill_files": "sidecars and exports: no file is written by half, no photo touched",
    "kill_migrations": "catalogs of earlier schemas, killed while they are opened",
    "kill_moves": "folders that were renamed, told or found",
    "kill_tags": "automatic tagging: photos have all of their tags or those of before",
    "kill_writes": "large indexes while they are written: one is always there",
    "load": "a mixed load on a large library, for minutes: right answers, bounded memory",
    "many_files": "ten thousand files in one folder, different or copies: all found, soon",
    "replace_beside_writers": "restored and repaired beside who writes: nothing lost or mixed",
    "shutdown": "a server told to end while it answers or indexes: whole answers, nothing lost",
    "slow_clients": "hundreds that hold connections and ask for nothing: others are served",
}


def main() -> None:
    """Run the trial named on the command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what is found shows at once, in a log too
    name = sys.argv[1].replace("-", "_") if len(sys.argv) > 1 else ""
    if name not in TRIALS:
        for known, question in TRIALS.items():
            print(f"{known}: {question}")
        sys.exit(2 if name else 0)
    importlib.import_module(f"reliability.{name}").run(*sys.argv[2:])


if __name__ == "__main__":
    main()
