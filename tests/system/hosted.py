"""The program on a small account: one process under Passenger, a MariaDB, and a mail server that keeps everybody waiting."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pymysql
from sqlalchemy import Engine

from app.persistence import session
from app.persistence.engine import make_engine
from tests.conftest import SECRET_KEY
from tests.gateways.loopback import mail_server
from tests.system import servers
from tests.system.halls import Hall
from tests.system.passenger import WATCHFUL, Passenger, passenger
from tests.system.test_outbox import SlowPostbox

WHIMS = "from tests.system.whims import application\n"
LIMITS = f"PassengerMaxPoolSize 1\n{WATCHFUL}"  # one process, as on the smallest account
API = "/api/v1"


class Hosted(Hall):
    """A venue whose server is Passenger."""

    server: Passenger  # type: ignore[assignment]

    def __init__(self, engine: Engine, server: Passenger, box: SlowPostbox) -> None:
        super().__init__(engine, server)  # type: ignore[arg-type]
        self.box = box

    @property
    def process(self) -> int:
        """Return the id of the one process, once there is no other."""
        servers.until(lambda: len(self.server.processes()) == 1)
        (pid,) = self.server.processes()
        return pid

    def fetch(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and all bytes of an answer.

        Raises:
            OSError, HTTPException: nothing came, or not all of it.
        """
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)) as line:
            line.request(method, path, headers=headers)
            answer = line.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def begin(self, path: str, **headers: str) -> socket.socket:
        """Return a connection over which something was asked for, and whose system takes next to nothing of it."""
        visitor = socket.socket()
        visitor.settimeout(30)
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        visitor.connect(("127.0.0.1", self.server.port))
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        visitor.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{told}\r\n".encode())
        return visitor

    def letter(self, number: int) -> str:
        """Return the text of the mail that came at that place, once it has come."""
        servers.until(lambda: len(self.box.envelopes) > number)
        return bytes(self.box.envelopes[number].content or b"").decode()

    @contextmanager
    def having(self, whim: str) -> Iterator[Path]:
        """Let the program have a whim for the block, or until the file is removed."""
        path = self.server.app / "tmp" / whim
        path.touch()
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def hosted(database: servers.MariaDB, name: str, **environ: str) -> Iterator[Hosted]:
    """Yield the program on an empty database of that name, in which it makes its tables itself."""
    database.run(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    box = SlowPostbox()
    box.has_answered.set()  # until a test lets everybody wait
    with mail_server(box) as port:
        url = f"mysql://root@127.0.0.1:{database.port}/{name}"  # the socket lies in a folder that is ours alone
        values = {"DATABASE_URL": url, "SECRET_KEY": SECRET_KEY, "MAIL_URL": f"smtp://127.0.0.1:{port}", **environ}
        with passenger(WHIMS, values, limits=LIMITS) as server:
            engine = make_engine(url)
            session.configure(engine)
            try:
                yield Hosted(engine, server, box)
            finally:
                session.remove()
                engine.dispose()


def code_in(letter: str) -> str:
    found = re.search(r"\b[0-9]{6}\b", letter)
    assert found, letter
    return found[0]


def connections(database: servers.MariaDB, name: str, *, busy: bool = False) -> int:
    """Count the connections to a database but for the one that asks; or those in the middle of a statement."""
    query = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = %s AND command NOT IN (%s, '')"
    with pymysql.connect(unix_socket=str(database.socket_path), user="root", ssl_disabled=True) as line:
        cursor = line.cursor()
        cursor.execute(query, [name, "Sleep" if busy else ""])
        return int(cursor.fetchall()[0][0])
