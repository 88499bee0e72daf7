"""The real server with our settings: it ends without cutting anybody off, and forks without handing on connections."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pymysql
import pytest
from sqlalchemy import Engine

from tests.system import servers

BODY = b'{"service_id": 1, "starts_at": "2030-01-01T10:00:00Z"}'  # answered with 404 or 422: an answer is the point
HEAD = (
    b"POST /api/v1/holds HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Content-Length: " + str(len(BODY)).encode() + b"\r\n\r\n"
)


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[servers.Gunicorn]:
    """A server with two workers on each kind of database."""
    with servers.gunicorn(database_url, tmp_path / "instance") as server:
        yield server


def test_sigterm_lets_a_request_in_flight_finish_and_ends_with_0(server: servers.Gunicorn) -> None:
    answer = _ask_across_sigterm(server)
    assert re.match(rb"HTTP/1\.1 4(04|22) ", answer), answer
    assert server.stop() == 0
    assert "Traceback" not in server.output()


def test_without_time_to_finish_the_same_request_would_be_cut(sqlite_url: str, tmp_path: Path) -> None:
    with servers.gunicorn(sqlite_url, tmp_path / "instance", options=["--graceful-timeout", "0"]) as server:
        assert _ask_across_sigterm(server) == b""


def _ask_across_sigterm(server: servers.Gunicorn) -> bytes:
    """Send a request but for its last byte, end the server, send the byte, and return what comes."""
    with socket.create_connection(("127.0.0.1", server.port), 20) as visitor:
        visitor.sendall(HEAD + BODY[:-1])
        _let_it_arrive(server)
        server.process.send_signal(signal.SIGTERM)
        # The worker that has nothing to do is gone at once; so would the other be, if it did not wait for us.
        servers.until(lambda: server.process.poll() is not None or len(server.worker_pids()) <= 1)
        with suppress(ConnectionError):
            visitor.sendall(BODY[-1:])
            return b"".join(iter(lambda: visitor.recv(65536), b""))
    return b""


def _let_it_arrive(server: servers.Gunicorn) -> None:
    """Return when workers have taken connections that came after ours: ours is taken as well."""
    for _ in range(4):
        assert servers.is_healthy(server.url)


def test_an_idle_server_holds_no_connection_to_the_database(
    mariadb_server: servers.MariaDB, migrated_mariadb: Engine, mariadb_url: str, tmp_path: Path
) -> None:
    migrated_mariadb.dispose()  # our own connections
    with servers.gunicorn(mariadb_url, tmp_path / "instance") as server:
        assert servers.is_healthy(server.url)
        assert _connections(mariadb_server) == 0
        assert servers.is_healthy(server.url, "/readyz")
        assert _connections(mariadb_server) == 1


def _connections(server: servers.MariaDB) -> int:
    """Count the connections to the database of the tests."""
    query = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = 'slotkeeper'"
    with pymysql.connect(unix_socket=str(server.socket_path), user="root", ssl_disabled=True) as connection:
        cursor = connection.cursor()
        cursor.execute(query)
        return int(cursor.fetchall()[0][0])


def test_a_server_with_a_wrong_setting_does_not_start_and_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(servers.NotStarted, match="BASE_URL must be an address"),
        servers.gunicorn("sqlite:///x.sqlite3", tmp_path / "instance", extra_env={"BASE_URL": "nowhere"}),
    ):
        pass
