"""Indexing from the browser: one run at a time, in a thread of its own."""

from web.indexing.folders import IndexRoots
from web.indexing.job import Kind, Snapshot, State
from web.indexing.jobs import IndexingJobs

__all__ = ["IndexRoots", "IndexingJobs", "Kind", "Snapshot", "State"]
