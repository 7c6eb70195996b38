"""The write side: scan -> decode -> encode -> commit."""

from indexer.progress import Summary
from indexer.run import Indexer

__all__ = ["Indexer", "Summary"]
