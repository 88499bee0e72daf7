"""The engine: one small pool a process, and connections that cost nothing they need not.

Both drivers run in autocommit: a read is one statement and holds nothing afterwards. ``transaction()`` alone says BEGIN,
through the execution option ``writes`` that the listener below looks for.
"""

from __future__ import annotations

import sqlite3
import ssl
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import SERVER_STATUS
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

POOL_SIZE = 2  # and as many overflow: four connections a worker, of the 30 a shared host grants
POOL_WAIT_SECONDS = 1
RECYCLE_SECONDS = 45  # below the 60 s wait_timeout that the stingiest hosts set
CONNECT_SECONDS = 1.2  # ping and connect together stay below the 2 s in which a request must hear that we are busy
PING_SECONDS = 0.5
FRESH_SECONDS = 1.0  # a connection used within it is taken as alive: a ping costs as much as a small query
READ_SECONDS = 1.7  # for a read; with it a hung server is noticed within the same 2 s
WRITE_SECONDS = 6  # above the two below, so that in a transaction the server gives up first and says why
STATEMENT_SECONDS = 5
LOCK_WAIT_SECONDS = 3
SQLITE_BUSY_SECONDS = 3
GROUP_CONCAT_BYTES = 16 * 1024 * 1024  # a year of one resource's occupancies is about 300 KiB


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

    def expect_answers_within(self, seconds: float) -> None:
        """Give up on the server when it says nothing for so long."""
        self._read_timeout = seconds


def make_engine(database_url: str) -> Engine:
    """Return the engine of a ``sqlite:///`` or ``mysql://`` URL; connects to nothing yet."""
    url = make_url(database_url)
    options: dict[str, Any] = {
        "pool_size": POOL_SIZE,
        "max_overflow": POOL_SIZE,
        "pool_timeout": POOL_WAIT_SECONDS,
        "pool_recycle": RECYCLE_SECONDS,
        "query_cache_size": 100,
    }
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_SECONDS}, **options)
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        url = url.set(drivername="mysql+pymysql")
        engine = create_engine(url, pool_pre_ping=True, creator=lambda: _connect_mysql(url), **options)
        event.listen(engine, "checkin", _be_brief)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    if not connection.get_execution_options().get("writes"):
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    driver: Any = connection.connection.driver_connection
    driver.expect_answers_within(WRITE_SECONDS)
    connection.exec_driver_sql("START TRANSACTION")


def _be_brief(connection: MySQLConnection | None, _record: object) -> None:
    """Let a connection that goes back to the pool wait no longer than a read may."""
    if connection is not None:
        connection.expect_answers_within(READ_SECONDS)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # Python's own transaction mode begins too late and double-books
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def is_local(url: URL) -> bool:
    """Tell whether the server is on this machine, where TLS protects nothing."""
    return "unix_socket" in url.query or url.host in {None, "localhost", "127.0.0.1", "::1"}


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Return the one TLS context of this process: PyMySQL would build 0.9 MiB for every connection."""
    return ssl.create_default_context()


def _connect_mysql(url: URL) -> MySQLConnection:
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


def sqlite_path(database_url: str) -> Path | None:
    """Return the database file of a SQLite URL; None for any other database and for one in memory."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(url.database or "")
