"""Servers on this machine that take mail and text messages, or fail in the ways that servers fail."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "clerk", "pa ss:word"


class Postbox:
    """What a mail server was given; *answers* says what it replies to a command instead of taking it."""

    def __init__(self, **answers: str) -> None:
        self.envelopes: list[Envelope] = []
        self.commands: list[str] = []
        self.encrypted: list[bool] = []
        self._answers = answers

    async def handle_MAIL(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        self.commands.append("MAIL")
        envelope.mail_from, envelope.smtp_utf8 = address, "SMTPUTF8" in options
        return self._answers.get("mail", "250 OK")

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:  # noqa: N802
        self.commands.append("RCPT")
        envelope.rcpt_tos.append(address)
        return self._answers.get("rcpt", "250 OK")

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        self.commands.append("DATA")
        if self._answers.get("data") == "drop":
            server.transport.abort()
        elif "data" not in self._answers:
            self.envelopes.append(envelope)
            self.encrypted.append(server.transport.get_extra_info("cipher") is not None)
        return self._answers.get("data", "250 OK")

    async def handle_QUIT(self, server: SMTP, _: Session, __: Envelope) -> str:  # noqa: N802
        if self._answers.get("quit") == "drop":
            server.transport.abort()
        return self._answers.get("quit", "221 Bye")

    def mail(self) -> EmailMessage:
        """Return the one message that came, read as a mail program reads it."""
        (envelope,) = self.envelopes
        content = envelope.original_content
        assert content is not None
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        return message


@contextmanager
def mail_server(box: Postbox, **options: Any) -> Iterator[int]:
    """Run a mail server for the block, and give its port."""
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def login_asked(*, encrypted: bool = False) -> dict[str, Any]:
    """Return the options of a mail server that wants USER and PASSWORD."""

    def knows(_: SMTP, __: Session, ___: Envelope, ____: str, login: object) -> AuthResult:
        assert isinstance(login, LoginPassword)
        good = (login.login, login.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)

    return {"auth_required": True, "auth_require_tls": encrypted, "authenticator": knows}


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run *serve* on each connection in turn, and give the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                serve(connection)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
        assert not thread.is_alive()


def free_port() -> int:
    """Return a port on which nobody listens just now."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


def make_certificate(folder: Path, name: str) -> Path:
    """Return a file with a key and its certificate for *name*, such as ``IP:127.0.0.1``."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl here to make a certificate with")
    path = folder / "certificate.pem"
    options = ["-subj", "/CN=loopback", "-addext", f"subjectAltName={name}", "-days", "2"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path, "-out", folder / "only.pem"]
    subprocess.run([*command, *options], check=True, capture_output=True)
    path.write_text(path.read_text() + (folder / "only.pem").read_text())
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    """Return what a server shows its certificate with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
