"""Mail: one message to one address, over SMTP, into a folder, or to standard error.

Every mailer writes the same letter and so refuses the same mail; only the last step differs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

from app.gateways.folders import drop
from app.gateways.letters import Mail, compose
from app.gateways.smtp import hand_over
from app.runtime import checks, mail_checks
from app.runtime.mail_checks import MailServer

__all__ = ["ConsoleMailer", "FileMailer", "Mail", "Mailer", "SmtpMailer", "make_mailer"]


class Mailer(Protocol):
    """Something that takes mail."""

    def send(self, mail: Mail) -> None:
        """Hand the mail over.

        Raises:
            DeliveryFailed: it was not taken.
        """


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


class SmtpMailer:
    """Hands mail to a server, which answers for it from then on."""

    def __init__(self, server: MailServer, sender: str) -> None:
        self._server = server
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Hand the mail to the server, over a connection of its own."""
        hand_over(self._server, compose(mail, self._sender))


class FileMailer:
    """Puts each mail into a folder as an ``.eml`` file; names sort by time."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Write the file, whole or not at all."""
        drop(self._folder, ".eml", compose(mail, self._sender).content)


class ConsoleMailer:
    """Shows mail on standard error, for trying things out."""

    def __init__(self, sender: str) -> None:
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Write what a person would read of the mail."""
        letter = compose(mail, self._sender)
        lines = [f"From: {self._sender}", f"To: {letter.to}", f"Subject: {mail.subject}", "", mail.text.rstrip()]
        sys.stderr.write("\n".join(["--- mail", *lines, "---", ""]))
        sys.stderr.flush()
