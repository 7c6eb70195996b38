"""The query language: one line of text to a :class:`Query`, and back."""

from search.query.explanation import describe
from search.query.formatting import format_query, format_term
from search.query.model import (
    Area,
    Dates,
    Filter,
    Like,
    Limit,
    Numbers,
    Order,
    Phrase,
    Query,
    Score,
    Sort,
    Term,
    Text,
    Value,
)
from search.query.parser import parse

__all__ = [
    "Area",
    "Dates",
    "Filter",
    "Like",
    "Limit",
    "Numbers",
    "Order",
    "Phrase",
    "Query",
    "Score",
    "Sort",
    "Term",
    "Text",
    "Value",
    "describe",
    "format_query",
    "format_term",
    "parse",
]
