"""Exports from a real server: memory that does not grow with them, and nothing left of clients that leave."""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import text

from app.persistence.engine import make_engine
from tests.conftest import SECRET_KEY
from tests.system import exporting, servers
from tests.system.exporting import RANGE

ROWS = int(
    os.environ.get("STREAM_ROWS", "20000")
)  # 1,000,000 is the promise; CI asks for less, and the growth is the same
LEAVERS = int(os.environ.get("STREAM_LEAVERS", "60"))  # 500
CSV, JSON_LINES, PDF = (f"/api/v1/admin/bookings/export.{kind}" for kind in ("csv", "jsonl", "pdf"))


class House:
    """One worker over many bookings."""

    def __init__(self, server: servers.Gunicorn, venue: int, key: str) -> None:
        self.server, self.venue, self.key = server, venue, key

    @property
    def worker(self) -> int:
        return self.server.worker_pids()[0]

    def read(self, path: str, query: str = RANGE, **headers: str) -> bytes:
        """Return the last 4 KiB of a download, which is not kept."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=300)) as connection:
            connection.request("GET", f"{path}?{query}", headers={"Authorization": self.key, **headers})
            answer, tail = connection.getresponse(), b""
            assert answer.status == 200, answer.read()
            while chunk := answer.read(65536):
                tail = (tail + chunk)[-4096:]
        return tail

    def begin(self, path: str, query: str) -> socket.socket:
        """Return a connection over which a download was asked for, and whose system takes next to nothing of it."""
        visitor = socket.socket()
        visitor.settimeout(20)
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        visitor.connect(("127.0.0.1", self.server.port))
        head = f"GET {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {self.key}\r\n\r\n"
        visitor.sendall(head.encode())
        return visitor

    def wait_over(self, path: str) -> socket.socket:
        """Return the connection of a client that has read the beginning of a download, and reads no more for now."""
        visitor = self.begin(path, RANGE)
        assert visitor.recv(100).startswith(b"HTTP/1.1 200")
        return visitor

    def head_of(self, path: str) -> str:
        """Return the beginning of an answer."""
        with self.begin(path, RANGE) as visitor:
            return visitor.recv(1000).decode("latin-1")

    def leave(self, path: str, query: str) -> bool:
        """Begin a download and hang up in the middle; False where the worker had no place for it."""
        with self.begin(path, query) as visitor:
            answer = visitor.recv(1000)
            assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 503"))
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # and do it rudely
            return answer.startswith(b"HTTP/1.1 200")


@pytest.fixture(scope="module")
def house(mariadb_server: servers.MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    mariadb_server.run("DROP DATABASE IF EXISTS streams", "CREATE DATABASE streams CHARACTER SET utf8mb4")
    url, folder = mariadb_server.url("streams"), tmp_path_factory.mktemp("streams")
    engine = make_engine(url)
    servers_environment = {"SECRET_KEY": SECRET_KEY}
    with servers.gunicorn(url, folder / "instance", workers=1, extra_env=servers_environment) as server:
        house = House(server, *exporting.fill(engine, ROWS))
        house.read(
            CSV, "from=2026-01-01&to=2026-01-02"
        )  # nothing: it loads the code, which is no part of what is measured
        yield house
    engine.dispose()


def growth(house: House, path: str, query: str = RANGE, **headers: str) -> tuple[float, bytes]:
    """Return by how many MiB the worker has grown at the most, and the end of what came."""
    exporting.forget_peak(house.worker)
    before = exporting.memory_of(house.worker)
    tail = house.read(path, query, **headers)
    return exporting.peak_of(house.worker) - before, tail


@pytest.mark.parametrize("encoding", ["identity", "br", "gzip"])
def test_csv_of_many_rows_takes_four_mebibytes(house: House, encoding: str) -> None:
    grown, tail = growth(house, CSV, **{"Accept-Encoding": encoding})
    assert grown <= 4
    assert encoding != "identity" or tail.endswith(f"\r\n#rows={ROWS}\r\n".encode())


def test_json_lines_of_many_rows_take_four_mebibytes(house: House) -> None:
    grown, tail = growth(house, JSON_LINES)
    assert grown <= 4
    assert tail.endswith(f'\n{{"rows":{ROWS}}}\n'.encode())


def test_a_report_of_many_rows_takes_six_mebibytes(house: House) -> None:
    house.read(PDF, f"from=2027-03-01&to=2027-03-02&venue_id={house.venue}")  # loads what draws it
    grown, tail = growth(house, PDF, f"from=2027-03-01&to=2027-04-01&venue_id={house.venue}")
    assert grown <= 6
    assert tail.rstrip().endswith(b"%%EOF")


@pytest.mark.parametrize(("path", "more"), [(CSV, ""), (JSON_LINES, ""), (PDF, "&venue_id={venue}")])
def test_clients_that_leave_in_the_middle_leave_nothing_behind(
    house: House, mariadb_server: servers.MariaDB, path: str, more: str
) -> None:
    query = RANGE + more.format(venue=house.venue)
    servers.until(lambda: house.leave(path, query))
    servers.until(lambda: servers.is_healthy(house.server.url))
    files = exporting.open_files(house.worker)
    for _ in range(LEAVERS):
        servers.until(lambda: house.leave(path, query))  # the places of those who left come back
    servers.until(lambda: exporting.open_files(house.worker) <= files)
    servers.until(lambda: busy_connections(mariadb_server) == 0)


def test_the_fifth_export_at_once_is_asked_to_come_again_and_a_place_comes_back(house: House) -> None:
    waiting = [house.wait_over(CSV) for _ in range(4)]
    refused = house.head_of(CSV)
    assert refused.startswith("HTTP/1.1 503")
    assert "retry-after: 5" in refused.lower()
    assert "application/problem+json" in refused
    assert servers.is_healthy(house.server.url)
    waiting.pop().close()
    servers.until(lambda: house.head_of(CSV).startswith("HTTP/1.1 200"))
    for visitor in waiting:
        visitor.close()


def busy_connections(server: servers.MariaDB) -> int:
    """Return how many connections to the database are in the middle of a statement or a transaction."""
    engine = make_engine(server.url("streams"))
    with engine.connect() as connection:
        busy = connection.scalar(
            text("SELECT COUNT(*) FROM information_schema.processlist WHERE db = 'streams' AND command <> 'Sleep'")
        )
        open_ones = connection.scalar(text("SELECT COUNT(*) FROM information_schema.innodb_trx"))
    engine.dispose()
    return int(busy) - 1 + int(open_ones)  # the one that asks
