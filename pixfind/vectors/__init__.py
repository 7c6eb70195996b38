"""The FAISS index: which embeddings are nearest to a query, optionally among allowed ones only."""

from pixfind.vectors.flat import Vectors
from pixfind.vectors.index import EXACT_LIMIT, VectorIndex, all_above
from pixfind.vectors.members import Ids

__all__ = ["EXACT_LIMIT", "Ids", "VectorIndex", "Vectors", "all_above"]
