"""Clients of a measured server: one connection each, kept while the server does, and a note of every answer."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from http.client import HTTPConnection, HTTPException
from pathlib import Path

API = "/api/v1"
PATIENCE_SECONDS = 60
FAULT = 500


@dataclass(frozen=True)
class Place:
    """A server over the data set "20x60" from ``first`` on, the key of its desk, and the folder into which its mail falls."""

    port: int
    first: date
    key: str
    mail: Path


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def value(self, name: str) -> str:
        """Return one field of a JSON answer as text."""
        return str(json.loads(self.body)[name])


class Strange(Exception):
    """An answer that this request should not have had."""


@dataclass
class Client:
    """One client, and what it has sent and seen so far."""

    place: Place
    sent: int = 0
    seen: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.connection = HTTPConnection("127.0.0.1", self.place.port, timeout=PATIENCE_SECONDS)

    def leave(self) -> None:
        """Hang up."""
        self.connection.close()

    def ask(self, path: str, *wanted: int, method: str = "GET", body: object = None, **headers: str) -> Answer:
        """Return the answer to one request; a connection that the server has closed in the meantime is opened again."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            named.setdefault("Content-Type", "application/json")
        for is_last in (False, True):
            try:
                self.connection.request(method, API + path, data, named)
                answer = self.connection.getresponse()
                content = answer.read()
                break
            except (HTTPException, ConnectionError):
                self.connection.close()
                if is_last:
                    raise
        return self.note(Answer(answer.status, dict(answer.getheaders()), content), wanted, f"{method} {path}")

    def note(self, answer: Answer, wanted: tuple[int, ...], what: str) -> Answer:
        """Count an answer, and return it.

        Raises:
            Strange: it is none of those *wanted*.
        """
        self.sent += 1
        self.seen[answer.status] += 1
        if answer.status not in wanted:
            raise Strange(f"{what} was answered with {answer.status}: {answer.body[:300]!r}")
        return answer

    def line(self) -> socket.socket:
        """Return a connection of its own, for what no library would send."""
        line = socket.socket()
        line.settimeout(PATIENCE_SECONDS)
        line.connect(("127.0.0.1", self.place.port))
        return line


def status_of(answer: bytes) -> int:
    """Return the status of a raw answer; 0 where there is none."""
    with suppress(IndexError, ValueError):
        return int(answer.split(b" ", 2)[1])
    return 0
