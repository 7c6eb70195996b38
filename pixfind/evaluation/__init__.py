"""How well a model does on labelled photos: by captions, by queries, by classes.

``sets`` reads what people have written about photos, ``embedding`` turns photos and texts into
vectors, ``measures`` scores into ranks and ranks into measures with intervals; ``evaluate`` does it
all from one end to the other.
"""

from pixfind.evaluation.evaluate import (
    Evaluation,
    evaluate_classes,
    evaluate_queries,
    evaluate_retrieval,
)
from pixfind.evaluation.measures import Estimate
from pixfind.evaluation.sets import (
    Captions,
    Labels,
    read_captions,
    read_classes,
    read_queries,
)

__all__ = [
    "Captions",
    "Estimate",
    "Evaluation",
    "Labels",
    "evaluate_classes",
    "evaluate_queries",
    "evaluate_retrieval",
    "read_captions",
    "read_classes",
    "read_queries",
]
