"""One server that speaks OpenAI's protocol, as Ollama, llama.cpp's server and vLLM do.

What is sent goes to the address that the user named and nowhere else: no proxy of the
environment, no redirect. What comes back is anybody's text: bounded before it is read, cleaned
before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from time import monotonic
from types import TracebackType
from typing import Any, TypedDict

import httpx2

from pixfind.errors import (
    LanguageModelAddressError,
    LanguageModelHttpError,
    LanguageModelProtocolError,
    LanguageModelTimeoutError,
    LanguageModelUnreachableError,
)
from pixfind.text import printable

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
MAX_RESPONSE_BYTES = 1 << 20
MAX_ANSWER_CHARS = 4000
MAX_MESSAGE_CHARS = 300
# Room for models that think before they answer, and an end for those that never stop.
MAX_ANSWER_TOKENS = 1024
ADVICE = {
    401: "set the key that it wants in $PIXFIND_LLM_KEY",
    403: "set the key that it wants in $PIXFIND_LLM_KEY",
    404: "name a model that it has with --llm-model, and check the address",
}
EXAMPLE = "http://localhost:11434"
# The server reloads its model, or has closed an idle connection.
BROKEN_OFF = (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError)


class Message(TypedDict):
    """One turn of a conversation; the role is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


class LanguageModel:
    """A model behind an address. Nothing is sent before something is asked.

    Args:
        url: the server's address, with or without ``/v1`` at its end.
        name: which of its models; by default the first one that it lists.
        key: sent as a bearer token, where the server wants one.
        timeout: how many seconds an answer may take.

    Raises:
        LanguageModelAddressError: no server can have that address, or the key no header.
    """

    def __init__(
        self,
        url: str,
        name: str | None = None,
        *,
        key: str | None = None,
        timeout: float = ANSWER_SECONDS,
    ) -> None:
        self.url = _address(url)
        self._named = name
        self._timeout = timeout
        self._connecting = min(CONNECT_SECONDS, timeout)
        # Uncompressed, so that the bytes that are counted are those that are kept.
        headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {_sendable(key)}"
        self._client = httpx2.Client(
            headers=headers,
            timeout=httpx2.Timeout(timeout, connect=self._connecting),
            trust_env=False,
            follow_redirects=False,
        )

    def __enter__(self) -> LanguageModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    @cached_property
    def name(self) -> str:
        """The model that answers; asks the server for its list unless one was named.

        Raises:
            LanguageModelError: the server does not say.
        """
        if self._named:
            return self._named
        match self._ask("GET", "models"):
            case {"data": [{"id": str(name)}, *_]} if name:
                return name
            case {"data": [] | None}:
                raise LanguageModelProtocolError(
                    self.url, "has no model yet", "get one, for example with: ollama pull NAME"
                )
        raise LanguageModelProtocolError(self.url, "does not list its models as expected")

    def complete(self, messages: Sequence[Message]) -> str:
        """Return the model's answer to a conversation: printable lines, bounded, not empty.

        Raises:
            LanguageModelError: there is no answer.
        """
        body = {
            "model": self.name,
            "messages": list(messages),
            "temperature": 0,  # facts, not fancy
            "max_tokens": MAX_ANSWER_TOKENS,
            "stream": False,
        }
        match self._ask("POST", "chat/completions", body):
            case {"choices": [{"message": {"content": str(content)}}, *_]}:
                lines = (clean_line(line) for line in _without_thoughts(content).splitlines())
                if answer := "\n".join(filter(None, lines)):
                    return shortened(answer, MAX_ANSWER_CHARS)
                raise LanguageModelProtocolError(
                    self.url, "gave an empty answer", "name another model with --llm-model"
                )
        raise LanguageModelProtocolError(self.url, "gave an answer without any text")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        # Halves of characters, as names of files can hold, are in no JSON that servers take.
        sent = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace") if body else None
        try:
            try:
                response, content = self._ask_once(method, path, sent)
            except BROKEN_OFF:
                response, content = self._ask_once(method, path, sent)
        except httpx2.TimeoutException as error:
            raise LanguageModelTimeoutError(self.url, self._timeout) from error
        except httpx2.TransportError as error:
            raise LanguageModelUnreachableError(self.url, _reason(error)) from error
        if not response.is_success:
            raise self._refusal(response, content)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise LanguageModelProtocolError(self.url, "does not answer in JSON") from error

    def _ask_once(
        self, method: str, path: str, body: bytes | None
    ) -> tuple[httpx2.Response, bytes]:
        deadline = monotonic() + self._timeout
        try:
            with self._client.stream(method, f"{self.url}/v1/{path}", content=body) as response:
                return response, self._read(response, deadline)
        except httpx2.ConnectTimeout as error:
            reason = f"no connection within {self._connecting:g} s"
            raise LanguageModelUnreachableError(self.url, reason) from error

    def _read(self, response: httpx2.Response, deadline: float) -> bytes:
        content = b""
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > MAX_RESPONSE_BYTES:
                raise LanguageModelProtocolError(self.url, "answers with more than a mebibyte")
            # The client's own limit is for each piece; together they may not take longer either.
            if monotonic() > deadline:
                raise LanguageModelTimeoutError(self.url, self._timeout)
        return content

    def _refusal(self, response: httpx2.Response, content: bytes) -> LanguageModelHttpError:
        status = response.status_code
        if response.is_redirect:
            place = shortened(clean_line(response.headers.get("location", "")), MAX_MESSAGE_CHARS)
            advice = "pixfind follows no redirects: give the address that it means"
            return LanguageModelHttpError(self.url, status, f"look at {place}", advice)
        message = shortened(clean_line(_said(content)), MAX_MESSAGE_CHARS)
        advice = ADVICE.get(status, "its own log may say more")
        return LanguageModelHttpError(self.url, status, message or "without a word", advice)


def _address(typed: str) -> str:
    """Return an address without ``/v1``; messages never repeat one that may hold a password."""
    try:
        url = httpx2.URL(typed.strip())
        url.host.encode("idna")  # as the system's resolver will
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise LanguageModelAddressError(
            f"the language model's address is not one; give one such as {EXAMPLE}"
        ) from error
    if url.userinfo or url.query or url.fragment:
        raise LanguageModelAddressError(
            "the language model's address may hold no password, query or fragment; "
            f"give one such as {EXAMPLE}, and a key in $PIXFIND_LLM_KEY"
        )
    if url.scheme not in {"http", "https"} or not url.host or "%" in url.host:
        raise LanguageModelAddressError(
            f"the language model's address must begin with http:// or https://, as {EXAMPLE} does"
        )
    return str(url).rstrip("/").removesuffix("/v1").rstrip("/")


def _sendable(key: str) -> str:
    bare = key.strip()
    if bare.isascii() and bare.isprintable():
        return bare
    raise LanguageModelAddressError(
        "the key in $PIXFIND_LLM_KEY holds characters that cannot be sent; copy it once more"
    )


def _said(content: bytes) -> str:
    """Return a server's own words about an error, wherever it puts them."""
    text = content[:MAX_RESPONSE_BYTES].decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    match document:
        case {"error": {"message": str(message)}}:
            return message
        case {"error": str(message)} | {"message": str(message)} | {"detail": str(message)}:
            return message
    return text


def _reason(error: Exception) -> str:
    return shortened(clean_line(str(error)), MAX_MESSAGE_CHARS) or type(error).__name__


def _without_thoughts(content: str) -> str:
    """Drop what some servers leave in the answer: what the model thought on its way there."""
    return content.rpartition("</think>")[2].partition("<think>")[0]


def clean_line(text: str) -> str:
    """Return anybody's text as one printable line."""
    return printable(" ".join(text.split()))


def shortened(text: str, most: int) -> str:
    """Return the text with at most so many characters, an ellipsis in place of what is cut."""
    return text if len(text) <= most else text[: most - 1] + "…"
