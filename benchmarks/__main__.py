"""Run one measurement: ``python -m benchmarks NAME [ARGUMENT]``; without a name, list them."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = {
    "classes": "which of a few things a photo shows, and whether it is none of them",
    "cold_search": "process start to printed result, against loading ViT-B-32 with open_clip",
    "cutoff": "what is shown of a library and what is not, against one cosine for all queries",
    "descriptions": "sentences against captions (CIDEr, BLEU-4, R@10) and against a word a photo",
    "duplicates": "precision and recall of near-duplicates: embedding, perceptual hash, both",
    "examples": "what a tag is worth after so many examples, against its prompt alone",
    "film": "time and peak memory of a film of two hours, against a clip of two minutes",
    "filtered": "recall of searches among few of many photos, against exact search; their time",
    "growth": "what indexing, searching, memory and disk cost at 1,000 to 1,000,000 photos",
    "indexing": "large JPEGs a second, against plain scripts and what the cores could do",
    "larger_libraries": "whether a query finds its photo by default among more and more others",
    "many_results": "time of the grid in a browser with 10,000 photos on the page, against 60",
    "negatives": "what excluded words exclude, against subtracting their vector",
    "regions": "recall of small objects with regions and without, and of everything else; the cost",
    "second_run": "a run over 100,000 unchanged files, against scandir and stat of the same tree",
    "smoke": "small runs of the measurements of speed, within loose bounds; CI runs it",
    "tags": "precision of tags on photos labelled by eye, against the plain cosine",
    "vectors": "the nearest of a million vectors: recall, time, memory, changes, against graphs",
    "warm_search": "time of a query over HTTP, against encoding it and a bare FAISS search",
    "web_page": "time of the server for a page among 100,000 photos, against the search alone",
    "encoding": "photos and queries a second, against the bundled model of the version before",
}


def main() -> None:
    """Run the benchmark named on the command line."""
    name = sys.argv[1].replace("-", "_") if len(sys.argv) > 1 else ""
    if name not in BENCHMARKS:
        for known, question in BENCHMARKS.items():
            print(f"{known}: {question}")
        sys.exit(2 if name else 0)
    importlib.import_module(f"benchmarks.{name}").run(*sys.argv[2:])


if __name__ == "__main__":
    main()
