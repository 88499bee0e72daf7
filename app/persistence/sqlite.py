"""Connections to SQLite; loaded only where the database is one."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event

BUSY_SECONDS = 3
_POLL_SECONDS = 0.01


def make_sqlite_engine(url: URL, **options: Any) -> Engine:  # noqa: ANN401 - create_engine's own
    """Return an engine whose connections are durable, check foreign keys and begin when they are told to."""
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, **options)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "handle_error", _give_up_on_read_only)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # Python's own transaction mode begins too late and double-books
    _write_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _give_up_on_read_only(context: ExceptionContext) -> None:
    """Replace connections that cannot write: opened so, they stay so when the file can be written again."""
    if "readonly" in str(context.original_exception):
        context.is_disconnect = True


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Set the journal mode; of processes that open a new file at once SQLite refuses all but one, without waiting."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return
