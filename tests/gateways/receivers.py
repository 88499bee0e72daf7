"""Servers on this machine that take webhooks, or do to a caller what servers elsewhere might."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.gateways.loopback import raw_server, server_context

LOOPBACK = (ip_network("127.0.0.0/8"),)


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A server that keeps what it is sent and gives the same answer to all; encrypted where it has a *certificate*."""

    answer: bytes = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    certificate: Path | None = None
    received: list[Received] = field(default_factory=list)

    def serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # a caller that does not like the certificate, or has heard enough
            self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        if self.certificate is not None:
            connection = server_context(self.certificate).wrap_socket(connection, server_side=True)
        with connection:
            self.received.append(read_request(connection))
            self.respond(connection)

    def respond(self, connection: socket.socket) -> None:
        connection.sendall(self.answer)


@contextmanager
def running(receiver: Receiver) -> Iterator[int]:
    """Run a receiver for the block, and give its port."""
    with raw_server(receiver.serve) as port:
        yield port


def read_request(connection: socket.socket) -> Received:
    file = connection.makefile("rb")
    line = file.readline().decode().strip()
    headers = {}
    while text := file.readline().decode().strip():
        name, _, value = text.partition(": ")
        headers[name.lower()] = value
    return Received(line, headers, file.read(int(headers.get("content-length", 0))))


def answering(status: str, body: bytes = b"", **headers: str) -> bytes:
    """Return an answer as it goes over the line, with its length."""
    given = {"Content-Length": str(len(body)), "Connection": "close"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


class Names:
    """What names lead to, for one test; *later* is what each leads to from the second question on."""

    def __init__(self, names: Mapping[str, str | list[str]], later: Mapping[str, str] | None = None) -> None:
        self.asked: list[str] = []
        self._names, self._later = names, later or {}

    def getaddrinfo(self, host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        found = self._later.get(host, self._names[host]) if host in self.asked else self._names[host]
        self.asked.append(host)
        return [_entry(address, port) for address in ([found] if isinstance(found, str) else found)]


def _entry(address: str, port: int) -> tuple[Any, ...]:
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))


def lead(monkeypatch: pytest.MonkeyPatch, **names: str | list[str]) -> Names:
    """Let names lead to addresses; a name is written with underscores for its dots."""
    found = Names({name.replace("_", "."): address for name, address in names.items()})
    monkeypatch.setattr(socket, "getaddrinfo", found.getaddrinfo)
    return found


@contextmanager
def connections_noted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Give a list of every address that a connection is tried to in the block."""
    tried: list[object] = []
    connect = socket.socket.connect

    def note(self: socket.socket, address: Any) -> None:
        tried.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", note)
    yield tried
    monkeypatch.setattr(socket.socket, "connect", connect)


def trust(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
