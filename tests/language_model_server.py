"""A server that speaks OpenAI's protocol, well or badly: the model's name says how.

``python language_model_server.py`` prints its address. ``GET /recorded`` returns what it was sent.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Messages = list[dict[str, str]]
KEY = "a-secret-key"
RECORDED: list[dict[str, Any]] = []


def plain(messages: Messages) -> str:
    """Answer from what was sent, as a model that does as it is told."""
    asked = messages[-1]["content"]
    if "\nDescription: " in asked:
        return f"In other words: {asked.partition(chr(10) + 'Description: ')[2]}"
    if "\nQuestion: " in asked:
        account, _, question = asked.removeprefix("Account: ").partition("\nQuestion: ")
        key = question.rstrip("?").split()[-1]
        return str(json.loads(account).get(key, "I do not know."))
    wanted = [word for word in asked.split() if word in {"red", "green", "blue"}]
    unwanted = [f"-{word}" for word in asked.partition(" no ")[2].split()]
    return " ".join(word for word in wanted if f"-{word}" not in unwanted) + " " + unwanted[0]


def first(answer: str, later: str) -> Callable[[Messages], str]:
    """Answer one thing until something is said against it, then another."""
    return lambda messages: later if "is not right" in messages[-1]["content"] else answer


ANSWERS: dict[str, Callable[[Messages], str]] = {
    "plain": plain,
    "inventive": first("Three dogs on grass.", "A dog on grass."),
    "stubborn": first("Three dogs on grass.", "8 dogs on grass on 4 July 2019."),
    "corrigible": first("camra:canon red", "```\nquery: red  -snow\n```"),
    "hopeless": first("first camra:canon", "camra:\x1b[31mcanon"),
    "silent-query": lambda _: "query: ",
    "nosy": first("like:/etc/passwd", "like:/etc/hosts"),
    "thinking": lambda _: "<think>\nis it\n5 dogs?\n</think>\n\nA dog\ton grass.",
    "unfinished": lambda _: "<think>is it",
    "control": lambda _: "a\x1b[31m dog\x00 \u202e\ud83d" + "on grass " * 2000,
    "empty": lambda _: " \n ",
}
BODIES: dict[str, tuple[int, bytes]] = {
    "error": (500, b'{"error": {"message": "out of\\u001b[31m memory", "type": "server_error"}}'),
    "error-of-ollama": (404, b'{"error": "model \\"x\\" not found"}'),
    "error-long": (503, b"<h1>busy</h1>" * 10_000),
    "error-without-words": (502, b""),
    "truncated": (200, b'{"choices": [{"message": {"content": "a d'),
    "html": (200, b"<!doctype html><title>a router</title>"),
    "other": (200, b'{"response": "a dog"}'),
    "without-text": (200, b'{"choices": [{"message": {"role": "assistant", "content": null}}]}'),
    "nested": (200, b"[" * 200_000),
}
BAD_BEHAVIOUR = ("slow", "drip", "huge", "redirect", "reset", "reset-once", "locked")


class Handler(BaseHTTPRequestHandler):
    """Two paths of the protocol, one that is led to by redirects, and the record."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        base, _, path = urlsplit(self.path).path.rpartition("/v1/")
        if self.path == "/recorded":
            self._send(200, json.dumps(RECORDED).encode())
            return
        self._record(None)
        names = [] if base == "/no-models" else [*ANSWERS, *BODIES, *BAD_BEHAVIOUR]
        rows = [{"id": name, "object": "model", "owned_by": "tests"} for name in names]
        body = {"object": "list", "data": None if base == "/odd-models" else rows}
        if base == "/other-models":
            body = {"models": rows}
        self._send(200 if path == "models" else 404, json.dumps(body).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._record(body)
        model = body["model"]
        if model in BODIES:
            self._send(*BODIES[model])
        elif model in BAD_BEHAVIOUR:
            getattr(self, f"_{model.replace('-', '_')}")(body["messages"])
        else:
            self._answer(ANSWERS[model](body["messages"]))

    def _slow(self, _: Messages) -> None:
        time.sleep(5)

    def _drip(self, _: Messages) -> None:
        answer = b'{"choices": [{"message": {"content": "a dog"}}]}'
        self._head(200, 20 + len(answer))
        for _ in range(20):
            self.wfile.write(b" ")
            time.sleep(0.1)
        self.wfile.write(answer)

    def _huge(self, _: Messages) -> None:
        self._head(200, 1 << 30)
        for _ in range(1 << 10):
            self.wfile.write(b" " * (1 << 20))

    def _redirect(self, _: Messages) -> None:
        self.send_response(307)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _reset(self, _: Messages) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _reset_once(self, messages: Messages) -> None:
        if sum(record["model"] == "reset-once" for record in RECORDED) == 1:
            self._reset(messages)
        else:
            self._answer("a dog at last")

    def _locked(self, _: Messages) -> None:
        if self.headers["Authorization"] == f"Bearer {KEY}":
            self._answer("a dog behind a lock")
        else:
            self._send(401, b'{"error": {"message": "no key"}}')

    def _answer(self, text: str) -> None:
        document = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "tests",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
        self._send(200, json.dumps(document).encode())

    def _record(self, body: dict[str, Any] | None) -> None:
        RECORDED.append(
            {
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "model": body and body["model"],
                "body": body,
            }
        )

    def _send(self, status: int, body: bytes) -> None:
        self._head(status, len(body))
        self.wfile.write(body)

    def _head(self, status: int, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Lets clients hang up as they like."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
