"""The engine: one small pool a process, and connections that cost nothing they need not.

Both drivers run in autocommit: a read is one statement and holds nothing afterwards. ``transaction()`` alone says BEGIN,
through the execution option ``writes`` that the listener below looks for.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

if TYPE_CHECKING:
    import sqlite3

POOL_SIZE = 2  # and as many overflow: four connections a worker, of the 30 a shared host grants
POOL_WAIT_SECONDS = 1
RECYCLE_SECONDS = 45  # below the 60 s wait_timeout that the stingiest hosts set
SQLITE_BUSY_SECONDS = 3


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
        engine = import_module("app.persistence.mysql").make_mysql_engine(url, **options)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    if not connection.get_execution_options().get("writes"):
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    driver: Any = connection.connection.driver_connection
    driver.expect_a_transaction()
    connection.exec_driver_sql("START TRANSACTION")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # Python's own transaction mode begins too late and double-books
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def sqlite_path(database_url: str) -> Path | None:
    """Return the database file of a SQLite URL; None for any other database and for one in memory."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(url.database or "")
