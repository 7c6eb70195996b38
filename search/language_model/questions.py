"""Questions about a photo, answered from its account alone."""

from __future__ import annotations

from collections.abc import Mapping

from search.language_model import prompts
from search.language_model.client import LanguageModel


def answer_question(model: LanguageModel, account: Mapping[str, object], question: str) -> str:
    """Return the model's answer, one printable line; it never sees the photo itself.

    Args:
        model: which model is asked.
        account: what is known of the photo, as JSON; the folders and names of files are not sent.
        question: in any language that the model speaks.

    Raises:
        LanguageModelError: the model does not answer.
    """
    return " ".join(model.complete(prompts.question(account, question)).split())
