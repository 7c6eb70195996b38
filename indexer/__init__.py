"""The write side: scan -> decode -> encode -> commit."""

from indexer.run import Indexer, Summary

__all__ = ["Indexer", "Summary"]
