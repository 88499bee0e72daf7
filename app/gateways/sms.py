"""Text messages, by SMS or WhatsApp: to a provider over HTTPS, into a folder, to standard error, or to nobody.

Every texter but the last refuses the same messages; only the last step differs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

from app.gateways.errors import DeliveryFailed
from app.gateways.folders import drop
from app.gateways.provider import Provider
from app.gateways.texts import Sms, checked
from app.runtime import checks, sms_checks

__all__ = ["ConsoleTexter", "FileTexter", "HttpTexter", "NoTexter", "Sms", "Texter", "make_texter"]

_WAYS = {"SMS": "SMS", "WHATSAPP": "WhatsApp"}  # as settings and as people call them


class Texter(Protocol):
    """Something that takes text messages."""

    def send(self, sms: Sms) -> None:
        """Hand the message over.

        Raises:
            DeliveryFailed: it was not taken.
        """


def make_texter(url: str, headers: str, body: str, way: str = "SMS") -> Texter:
    """Return the texter that the settings of a *way* ask for: SMS_URL, SMS_HEADERS and SMS_BODY, or those of WHATSAPP.

    Raises:
        SettingsError: one of them cannot be used.
    """
    url = sms_checks.text_url(url, way)
    if url == "none:":
        return NoTexter(way)
    if url == "console:":
        return ConsoleTexter(way)
    if url.startswith("file:"):
        return FileTexter(checks.folder_of(f"{way}_URL", url))
    return HttpTexter(Provider(url, sms_checks.headers(headers, way), sms_checks.text_body(body, way)))


class HttpTexter:
    """Hands messages to a provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def send(self, sms: Sms) -> None:
        """Hand the message to the provider, over a connection of its own."""
        sms = checked(sms)
        self._provider.post(to=sms.to, text=sms.text)


class FileTexter:
    """Puts each message into a folder as a ``.txt`` file, the number in its first line; names sort by time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, sms: Sms) -> None:
        """Write the file, whole or not at all."""
        sms = checked(sms)
        drop(self._folder, ".txt", f"{sms.to}\n{sms.text}\n".encode())


class ConsoleTexter:
    """Shows messages on standard error, for trying things out."""

    def __init__(self, way: str = "SMS") -> None:
        self._way = _WAYS[way]

    def send(self, sms: Sms) -> None:
        """Write the number and the text."""
        sms = checked(sms)
        sys.stderr.write(f"--- {self._way} to {sms.to}\n{sms.text}\n---\n")
        sys.stderr.flush()


class NoTexter:
    """Takes nothing: this installation sends no text messages that way."""

    def __init__(self, way: str = "SMS") -> None:
        self._reason = f"this installation sends no messages by {_WAYS[way]}: set {way}_URL"

    def send(self, sms: Sms) -> None:  # noqa: ARG002 - the same face as its twins
        """Refuse the message."""
        raise DeliveryFailed(self._reason, permanent=True)
