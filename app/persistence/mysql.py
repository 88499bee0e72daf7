"""Connections to MySQL and MariaDB; loaded only where the database is one of them, as the driver takes 2 MiB."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pymysql
from pymysql.constants import SERVER_STATUS
from pymysql.protocol import FieldDescriptorPacket, MysqlPacket
from sqlalchemy import URL, Engine, create_engine, event

CONNECT_SECONDS = 1.2  # ping and connect together stay below the 2 s in which a request must hear that we are busy
PING_SECONDS = 0.5
FRESH_SECONDS = 1.0  # a connection used within it is taken as alive: a ping costs as much as a small query
READ_SECONDS = 1.7  # for a read; with it a hung server is noticed within the same 2 s
WRITE_SECONDS = 6  # above the two below, so that in a transaction the server gives up first and says why
STATEMENT_SECONDS = 5
LOCK_WAIT_SECONDS = 3
GROUP_CONCAT_BYTES = 16 * 1024 * 1024  # a year of one resource's occupancies is about 300 KiB
# The server heads every answer with a packet for each column, the same for the same statement, and the driver takes as long
# for one as for a row. All statements together have some 400 columns; one takes 1 KiB here.
_describe = lru_cache(maxsize=512)(FieldDescriptorPacket)


class MySQLConnection(pymysql.connections.Connection):  # type: ignore[misc]
    """A PyMySQL connection that sends nothing needless and does not wait for a dead server."""

    _used_at = 0.0

    def rollback(self) -> None:
        """End the open transaction, if the server said there is one.

        The status flag comes with every answer; after a lost deadlock it still says yes, which costs one needless ROLLBACK.
        """
        if self.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS:
            super().rollback()

    def ping(self, reconnect: bool = False) -> None:  # noqa: FBT001, FBT002 - the driver's signature
        """Ask whether the server is there, for half a second, unless it answered within the last one."""
        if time.monotonic() - self._used_at > FRESH_SECONDS:
            self.expect_answers_within(PING_SECONDS)
            super().ping(reconnect)
            self.expect_answers_within(READ_SECONDS)
        self._used_at = time.monotonic()

    def _read_packet(self, packet_type: Callable[[bytes, str], Any] = MysqlPacket) -> Any:  # noqa: ANN401 - the driver's
        """Return the next packet from the server; one that describes a column is read once a process."""
        return super()._read_packet(_describe if packet_type is FieldDescriptorPacket else packet_type)

    def expect_a_transaction(self) -> None:
        """Wait longer than for a read: others may hold the lock."""
        self.expect_answers_within(WRITE_SECONDS)

    def expect_answers_within(self, seconds: float) -> None:
        """Give up on the server when it says nothing for so long."""
        self._read_timeout = seconds


def make_mysql_engine(url: URL, **options: Any) -> Engine:  # noqa: ANN401 - create_engine's own
    """Return the engine of a ``mysql://`` URL; connects to nothing yet."""
    url = url.set(drivername="mysql+pymysql")
    engine = create_engine(url, pool_pre_ping=True, creator=lambda: _connect(url), **options)
    event.listen(engine, "checkin", _be_brief)
    return engine


def _be_brief(connection: MySQLConnection | None, _record: object) -> None:
    """Let a connection that goes back to the pool wait no longer than a read may."""
    if connection is not None:
        connection.expect_answers_within(READ_SECONDS)


def is_local(url: URL) -> bool:
    """Tell whether the server is on this machine, where TLS protects nothing."""
    return "unix_socket" in url.query or url.host in {None, "localhost", "127.0.0.1", "::1"}


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Return the one TLS context of this process: PyMySQL would build 0.9 MiB for every connection."""
    return ssl.create_default_context()


def _connect(url: URL) -> MySQLConnection:
    options: dict[str, Any] = {
        "host": url.host or "localhost",
        "port": url.port or 3306,
        "user": url.username,
        "password": url.password or "",
        "database": url.database,
        "charset": "utf8mb4",
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": CONNECT_SECONDS,  # of the handshake; a hung server accepts and then says nothing
        "write_timeout": CONNECT_SECONDS,
        "autocommit": True,
        "init_command": _session_settings(),
        # Row counts are rows matched, not rows changed: a conditional UPDATE asks whether its condition held.
        "client_flag": pymysql.constants.CLIENT.FOUND_ROWS,
    }
    if "unix_socket" in url.query:
        options["unix_socket"] = url.query["unix_socket"]
    if is_local(url):
        options["ssl_disabled"] = True
    else:
        options["ssl"] = _tls()
    connection = MySQLConnection(**options)
    connection.expect_answers_within(READ_SECONDS)
    _settle(connection)
    return connection


def _session_settings() -> str:
    return (
        "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', time_zone='+00:00',"
        f" innodb_lock_wait_timeout={LOCK_WAIT_SECONDS}, group_concat_max_len={GROUP_CONCAT_BYTES}"
    )


def _settle(connection: MySQLConnection) -> None:
    """Set the isolation, and let the server end what we no longer wait for: MySQL and MariaDB word that differently."""
    is_mariadb = "MariaDB" in connection.get_server_info()
    limit = f"max_statement_time={STATEMENT_SECONDS}" if is_mariadb else f"max_execution_time={STATEMENT_SECONDS}000"
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        cursor.execute(f"SET SESSION {limit}")
