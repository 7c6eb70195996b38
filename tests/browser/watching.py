"""What goes wrong in a browser where no assertion looks."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebError

INSIDE = ("data:", "blob:", "about:")


class Watch:
    """Notes errors on the console (a violated policy is one), uncaught ones, foreign requests."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        """Watch all pages of a context, which may ask for nothing but what is at the address."""
        self._address = f"{address}/"
        self._expected: list[str] = []
        self._noted: list[str] = []
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)

    def expect(self, pattern: str) -> None:
        """Take no notice of faults that the regular expression is found in."""
        self._expected.append(pattern)

    def faults(self) -> list[str]:
        """Return what went wrong, without what was expected."""
        return [
            fault
            for fault in self._noted
            if not any(re.search(pattern, fault) for pattern in self._expected)
        ]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._noted.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _error(self, error: WebError) -> None:
        self._noted.append(f"uncaught: {error.error}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self._address, *INSIDE)):
            self._noted.append(f"foreign: {request.url}")
