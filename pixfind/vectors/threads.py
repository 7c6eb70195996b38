"""How many threads FAISS computes with: one for one query, every core for much work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import faiss


@contextmanager
def in_threads(count: int) -> Iterator[None]:
    """Let FAISS compute in so many threads, when it is called by this one.

    It shares out queries, not vectors: for a single one, others would only be woken and wait,
    burning a core each, which other searches could use.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
