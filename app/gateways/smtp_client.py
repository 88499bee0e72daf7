"""A connection to a mail server that is over after a time, however slowly the server speaks."""

from __future__ import annotations

import io
import smtplib
import ssl
from typing import Any

from app.gateways.errors import DeliveryFailed
from app.gateways.timed import Deadline
from app.runtime.mail_checks import MailServer

TIMEOUT_SECONDS = 5  # to connect, and for each part of an answer
_GO_AHEAD = 220


class Client(smtplib.SMTP):
    """A client whose ``deadline`` ends whatever is waited for; move it on for each letter."""

    def __init__(self, deadline: Deadline, **options: Any) -> None:  # noqa: ANN401 - the library's own
        """Connect."""
        self.deadline = deadline
        super().__init__(**options)

    def getreply(self) -> tuple[int, bytes]:
        """Return the server's answer, read against the deadline: the socket's own limit counts from byte to byte."""
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Answers(self))
        return super().getreply()


class _EncryptedClient(Client, smtplib.SMTP_SSL):
    pass


class _Answers(io.RawIOBase):
    def __init__(self, client: Client) -> None:
        self._client = client

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever has the bytes of a buffer
        sock = self._client.sock
        if sock is None:
            return 0
        sock.settimeout(min(TIMEOUT_SECONDS, self._client.deadline.left()))
        return sock.recv_into(buffer)


def connect(server: MailServer, own_name: str, deadline: Deadline) -> Client:
    """Return a connection, logged in, and encrypted unless the server is this machine; *own_name* is what we call ourselves.

    Raises:
        DeliveryFailed: the server offers no encryption, or no login.
        SMTPException, OSError, UnicodeError: it refuses, or there is none.
    """
    client = _connected(server, own_name, deadline)
    try:
        if server.security == "starttls":
            _encrypt(client)
        client.ehlo_or_helo_if_needed()
        _log_in(client, server)
    except BaseException:
        client.close()
        raise
    return client


def _connected(server: MailServer, own_name: str, deadline: Deadline) -> Client:
    """Return a connection that has been greeted; *own_name* spares a look-up of ours in DNS."""
    options = {
        "host": server.host,
        "port": server.port,
        "local_hostname": own_name,
        "timeout": TIMEOUT_SECONDS,
    }
    if server.security == "tls":
        return _EncryptedClient(deadline, **options, context=ssl.create_default_context())
    return Client(deadline, **options)


def _log_in(client: Client, server: MailServer) -> None:
    if not server.user:
        return
    try:
        client.login(server.user, server.password)
    except smtplib.SMTPNotSupportedError:
        raise DeliveryFailed("the mail server offers no login: check MAIL_URL", permanent=False) from None


def _encrypt(client: Client) -> None:
    try:
        status, _ = client.starttls(context=ssl.create_default_context())
    except smtplib.SMTPNotSupportedError:
        status = 0
    if status != _GO_AHEAD:
        raise DeliveryFailed("the mail server offers no encryption: use smtps:// in MAIL_URL", permanent=False)
