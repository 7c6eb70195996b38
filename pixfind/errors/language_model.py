"""Why a language model, which is optional, was of no help."""

from __future__ import annotations

from pixfind.errors.base import PixfindError


class LanguageModelError(PixfindError):
    """The language model could not help."""


class LanguageModelAddressError(LanguageModelError):
    """An address, or a key, with which no server can be asked."""


class LanguageModelUnreachableError(LanguageModelError):
    """No server answers at the address, or it broke off the connection."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"no language model can be reached at {url} ({reason}); "
            "start one there, for example with: ollama serve"
        )
        self.url = url
        self.reason = reason


class LanguageModelTimeoutError(LanguageModelError):
    """The answer did not come in time."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(
            f"the language model at {url} did not answer within {seconds:g} s; wait longer with "
            "--llm-timeout, or take a smaller model with --llm-model"
        )
        self.url = url
        self.seconds = seconds


class LanguageModelHttpError(LanguageModelError):
    """The server refused, in its own words."""

    def __init__(self, url: str, status: int, message: str, advice: str) -> None:
        super().__init__(f"the language model at {url} answered {status}: {message}; {advice}")
        self.url = url
        self.status = status


class LanguageModelProtocolError(LanguageModelError):
    """The server's answer is not one of the OpenAI protocol, or says nothing."""

    def __init__(self, url: str, reason: str, advice: str | None = None) -> None:
        advice = advice or (
            "pixfind needs a server that speaks OpenAI's protocol, such as Ollama, llama.cpp's or "
            "vLLM"
        )
        super().__init__(f"what answers at {url} {reason}; {advice}")
        self.url = url
        self.reason = reason


class LanguageModelQueryError(LanguageModelError):
    """The model made no query that pixfind understands, in two attempts."""

    def __init__(self, written: str, problem: str) -> None:
        super().__init__(
            f"the language model made no query of the request: it wrote {written!r} ({problem}); "
            "say it in other words, or write the query (pixfind search --syntax)"
        )
        self.written = written
        self.problem = problem
