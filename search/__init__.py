"""The read side: a query to ranked photos."""

from search.engine import Result, Results, SearchEngine

__all__ = ["Result", "Results", "SearchEngine"]
