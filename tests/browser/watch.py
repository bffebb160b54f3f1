"""Somebody who stands behind the browser and writes down what must not happen."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request

#: What Chromium says of a page that is an error on purpose, or that left before all was loaded.
_LOADED = "Failed to load resource: the server responded with a status of"


@dataclass
class Watch:
    """What a browser context did: foreign requests, messages of console and policy, dialogs, crashes, 5xx."""

    host: str
    foreign: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @classmethod
    def over(cls, context: BrowserContext, url: str) -> "Watch":
        """Begin to watch all pages of this context."""
        made = cls(urlsplit(url).netloc)
        context.on("request", made._request)
        context.on("response", made._response)
        context.on("console", made._message)
        context.on("dialog", made._dialog)
        context.on("weberror", lambda error: made.console.append(f"error: {error.error}"))
        return made

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.foreign.append(request.url[:200])

    def _response(self, response: Any) -> None:
        if response.status >= 500 and "/health/" not in response.url:
            self.broken.append(f"{response.status} {response.request.method} {response.url}")

    def _message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_LOADED):
            self.console.append(message.text[:300])

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(f"{dialog.type}: {dialog.message}")
        dialog.dismiss()

    def take(self) -> list[str]:
        """Everything so far in one list, and forget it."""
        found = [
            *(f"request to another host: {entry}" for entry in self.foreign),
            *(f"console: {entry}" for entry in self.console),
            *(f"dialog: {entry}" for entry in self.dialogs),
            *(f"server: {entry}" for entry in self.broken),
        ]
        for kept in (self.foreign, self.console, self.dialogs, self.broken):
            kept.clear()
        return found


def overflow(page: Page) -> list[str]:
    """What makes the page wider than its window, by scrolling; empty when nothing does."""
    found: list[str] = page.evaluate(
        """() => {
            const root = document.documentElement;
            if (root.scrollWidth <= root.clientWidth) return [];
            return [...document.querySelectorAll('body *')]
                .filter(e => e.getBoundingClientRect().right > root.clientWidth + 1 && !e.closest('[tabindex="0"]'))
                .slice(0, 5).map(e => e.tagName + '.' + e.className + ': ' + (e.textContent || '').trim().slice(0, 60));
        }"""
    )
    return found
