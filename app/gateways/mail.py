"""Mail: one message to one address, over SMTP, into a folder, or to standard error.

Every mailer writes the same letter and so refuses the same mail; only the last step differs.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from pathlib import Path

from app.gateways.folders import drop
from app.gateways.letters import Mail, compose
from app.gateways.smtp import SmtpLine
from app.runtime import checks, mail_checks
from app.runtime.mail_checks import MailServer

__all__ = ["ConsoleMailer", "FileMailer", "Mail", "Mailer", "SmtpMailer", "make_mailer"]


class Mailer(ABC):
    """Something that takes mail; within a ``with`` it may keep a connection from one mail to the next."""

    @abstractmethod
    def send(self, mail: Mail) -> None:
        """Hand the mail over.

        Raises:
            DeliveryFailed: it was not taken.
        """

    def __enter__(self) -> Mailer:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:  # noqa: B027 - most keep nothing
        """Let go of what was kept."""


def make_mailer(url: str, sender: str) -> Mailer:
    """Return the mailer that MAIL_URL and MAIL_FROM ask for.

    Raises:
        SettingsError: one of them cannot be used.
    """
    sender = mail_checks.mail_from(sender)
    url = mail_checks.mail_url(url)
    if url == "console:":
        return ConsoleMailer(sender)
    if url.startswith("file:"):
        return FileMailer(checks.folder_of("MAIL_URL", url), sender)
    return SmtpMailer(mail_checks.mail_server(url), sender)


class SmtpMailer(Mailer):
    """Hands mail to a server, which answers for it from then on: each over a connection of its own, but within a ``with``."""

    def __init__(self, server: MailServer, sender: str) -> None:
        self._line = SmtpLine(server)
        self._sender = sender
        self._keeps = False

    def send(self, mail: Mail) -> None:
        """Hand the mail to the server."""
        letter = compose(mail, self._sender)
        try:
            self._line.hand_over(letter)
        finally:
            if not self._keeps:
                self._line.close()

    def __enter__(self) -> SmtpMailer:  # noqa: PYI034 - as above
        self._keeps = True
        return self

    def __exit__(self, *_: object) -> None:
        """End the connection."""
        self._keeps = False
        self._line.close()


class FileMailer(Mailer):
    """Puts each mail into a folder as an ``.eml`` file; names sort by time."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Write the file, whole or not at all."""
        drop(self._folder, ".eml", compose(mail, self._sender).content)


class ConsoleMailer(Mailer):
    """Shows mail on standard error, for trying things out."""

    def __init__(self, sender: str) -> None:
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Write what a person would read of the mail."""
        letter = compose(mail, self._sender)
        lines = [f"From: {self._sender}", f"To: {letter.to}", f"Subject: {mail.subject}", "", mail.text.rstrip()]
        sys.stderr.write("\n".join(["--- mail", *lines, "---", ""]))
        sys.stderr.flush()
