"""The engine: one small pool a process, and connections that cost nothing they need not.

Both drivers run in autocommit: a read is one statement and holds nothing afterwards. Whoever writes says so first, with
:func:`tell_that_it_begins`. The engine itself has no listeners: with one, SQLAlchemy looks for them at every statement,
which takes a quarter of the time of a small one.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, make_url

POOL_SIZE = 2  # and as many overflow: four connections a worker, of the 30 a shared host grants
POOL_WAIT_SECONDS = 1
RECYCLE_SECONDS = 45  # below the 60 s wait_timeout that the stingiest hosts set


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
        engine: Engine = import_module("app.persistence.sqlite").make_sqlite_engine(url, **options)
    else:
        engine = import_module("app.persistence.mysql").make_mysql_engine(url, **options)
    return engine


def tell_that_it_begins(connection: Connection) -> None:
    """Begin a transaction at the server: SQLAlchemy's own ``begin()`` only remembers that there is one."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    driver: Any = connection.connection.driver_connection
    driver.expect_a_transaction()
    connection.exec_driver_sql("START TRANSACTION")


def sqlite_path(database_url: str) -> Path | None:
    """Return the database file of a SQLite URL; None for any other database and for one in memory."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(url.database or "")
