"""The FAISS index: which embeddings are nearest to a query, optionally among allowed ones only."""

from pixfind.vectors.flat import Vectors
from pixfind.vectors.index import EXACT_LIMIT, FIRST_ABOVE, VectorIndex
from pixfind.vectors.members import Ids

__all__ = ["EXACT_LIMIT", "FIRST_ABOVE", "Ids", "VectorIndex", "Vectors"]
