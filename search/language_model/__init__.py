"""A language model on the user's machine, where there is one: rewriting, questions, requests.

Nothing else in pixfind needs it, and nothing imports it before it is asked for.
"""

from search.language_model.client import LanguageModel
from search.language_model.questions import answer_question
from search.language_model.requests import query_of_request
from search.language_model.rewriting import Rewriting, rewrite_description

__all__ = [
    "LanguageModel",
    "Rewriting",
    "answer_question",
    "query_of_request",
    "rewrite_description",
]
