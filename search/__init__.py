"""The read side: a query to ranked photos."""

from search.engine import SearchEngine
from search.results import Facets, FacetValue, Result, Results

__all__ = ["FacetValue", "Facets", "Result", "Results", "SearchEngine"]
