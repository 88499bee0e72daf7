"""The program behind the documented nginx, on MariaDB, and visitors who come by https."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from app.persistence import migrate, session
from app.persistence.engine import make_engine
from tests.conftest import SECRET_KEY
from tests.system import activation, nginx, servers
from tests.system.halls import Hall
from tests.system.racing import PATIENCE_SECONDS, Answer

APPLICATION = "tests.system.fronted:application"
Server = AbstractContextManager[servers.Gunicorn]


@dataclass(frozen=True)
class Reply:
    """What came back; names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.data)


class Visitor:
    """A browser, as far as HTTP goes: one connection, kept as long as the server lets it, from an address of this machine."""

    def __init__(self, line: HTTPConnection) -> None:
        self._line = line

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Return the answer.

        Raises:
            OSError, HTTPException: nothing came, or not all of it.
        """
        try:
            self._line.request(method, path, body, {"Host": nginx.HOST, **(headers or {})})
            answer = self._line.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        except BaseException:
            self._line.close()
            raise

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, None, headers)

    def send(self, path: str, document: Any, **headers: str) -> Reply:
        return self.ask("POST", path, json.dumps(document), {"Content-Type": "application/json", **headers})

    def leave(self) -> None:
        """Close the connection; the next request opens another."""
        self._line.close()

    def __enter__(self) -> Visitor:  # noqa: PYI034 - Self is of Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


class Direct(HTTPConnection):
    """A connection to the program's socket, with no web server between."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_SECONDS)
        self.sock.connect(str(self._path))


class Place(Hall):
    """A venue whose server stands behind nginx, and may be exchanged for a new one."""

    def __init__(self, engine: Engine, front: nginx.Front, start: Callable[[], Server]) -> None:
        self.front, self._start, self._running = front, start, ExitStack()
        super().__init__(engine, self._running.enter_context(start()))

    def restart(self) -> None:
        """Put a new program in the place of the old one, as ``systemctl restart`` does: the one is gone, then comes the other."""
        self.end()
        self.server = self._running.enter_context(self._start())

    def end(self) -> None:
        """End the program."""
        self._running.close()

    def visitor(self, address: str = "127.0.0.1") -> Visitor:
        """Return somebody at an address of this machine."""
        told = {"timeout": PATIENCE_SECONDS, "source_address": (address, 0), "context": self.front.tls}
        return Visitor(HTTPSConnection("127.0.0.1", self.front.port, **told))

    def insider(self) -> Visitor:
        """Return somebody who asks gunicorn itself."""
        return Visitor(Direct(self.front.backend))

    def line(self) -> ssl.SSLSocket:
        """Return a connection to nginx for bytes of one's own."""
        line = socket.create_connection(("127.0.0.1", self.front.port), PATIENCE_SECONDS)
        return self.front.tls.wrap_socket(line, server_hostname=nginx.HOST)

    def begin(self, path: str, **headers: str) -> ssl.SSLSocket:
        """Return a connection over which something was asked for."""
        line = self.line()
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: {nginx.HOST}\r\nConnection: close\r\n{told}\r\n".encode())
        return line

    @contextmanager
    def paused(self) -> Iterator[Path]:
        """Hold every export after its first chunks for the block, or until the file is removed."""
        path = self.front.folder / "instance/tmp/pause"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _ask(self, method: str, path: str, patience: float, *what: Any) -> Answer:
        del patience
        with self.visitor() as visitor:
            reply = visitor.ask(method, path, *what)
        return Answer(reply.status, reply.document, reply.headers)


def settings(front: nginx.Front) -> dict[str, str]:
    """Return the settings that the docs tell, and those of a test."""
    return {
        "ENVIRONMENT": "test",
        "SECRET_KEY": SECRET_KEY,
        "HASH_PROFILE": "cheapest",
        "BASE_URL": f"https://{nginx.HOST}",
        "CORS_ORIGINS": "https://www.example.org",
        "TRUSTED_PROXIES": "1",
        "UPLOAD_DIR": str(front.uploads),
        "FILE_SENDING": "x-accel:/kept/",
        "MAIL_URL": f"file:{front.folder}/mail",
        "PYTHONFAULTHANDLER": "1",
    }


def prepared(database: servers.MariaDB, name: str) -> str:
    """Make a database with all tables and return its URL."""
    database.run(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    url = database.url(name)
    engine = make_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    return url


@contextmanager
def fronted(database: servers.MariaDB, name: str, *, options: Sequence[str] = ()) -> Iterator[Place]:
    """Yield the program on an empty database of that name, with two workers, on a socket, behind nginx."""
    url = prepared(database, name)
    engine = make_engine(url)
    session.configure(engine)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        stack.callback(session.remove)
        front = stack.enter_context(nginx.front())
        door = stack.enter_context(activation.waiting_socket(front.backend))

        def start() -> Server:
            wanted = [*options, APPLICATION]
            return activation.activated(door, url, front.folder / "instance", settings(front), options=wanted)

        place = Place(engine, front, start)
        stack.callback(place.end)
        yield place
