"""Requests that arrive together: each is sent whole but for its last byte, then all the last bytes at once."""

from __future__ import annotations

import json
import selectors
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Shot:
    """One request of a race."""

    path: str
    body: dict[str, Any]
    headers: tuple[tuple[str, str], ...] = ()

    def encode(self, host: str) -> bytes:
        """Return the request as it goes over the wire; the connection closes behind it."""
        body = json.dumps(self.body).encode()
        lines = [
            f"POST {self.path} HTTP/1.1",
            f"Host: {host}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    document: dict[str, Any]
    headers: Mapping[str, str]  # names as the server spells them


def race(base_url: str, shots: Sequence[Shot]) -> list[Answer]:
    """Return the answers to the shots, in their order."""
    parts = urlsplit(base_url)
    address = (parts.hostname or "", parts.port or 80)
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(address, PATIENCE_SECONDS)) for _ in shots]
        requests = [shot.encode(parts.netloc) for shot in shots]
        for connection, request in zip(sockets, requests, strict=True):
            connection.sendall(request[:-1])
        for connection, request in zip(sockets, requests, strict=True):
            connection.sendall(request[-1:])
        return [_parse(raw) for raw in _read_all(sockets)]


def _read_all(sockets: Sequence[socket.socket]) -> list[bytes]:
    received = {connection: bytearray() for connection in sockets}
    with selectors.DefaultSelector() as selector:
        for connection in sockets:
            selector.register(connection, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(PATIENCE_SECONDS)
            assert ready, "the server went silent"
            for key, _ in ready:
                chunk = key.fileobj.recv(65536)  # type: ignore[union-attr]
                received[key.fileobj] += chunk  # type: ignore[index]
                if not chunk:
                    selector.unregister(key.fileobj)
    return [bytes(received[connection]) for connection in sockets]


def _parse(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head, "the server closed the connection without an answer"
    status, *headers = head.decode("latin-1").split("\r\n")
    named = dict(header.split(": ", 1) for header in headers)
    return Answer(int(status.split()[1]), json.loads(body) if body.strip() else {}, named)
