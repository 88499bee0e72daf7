"""Bring a database to the newest schema: forward only, under a lock, by as many processes at once as like to try.

Loaded when there is something to migrate, and by ``flask db``: the migration tool costs memory that no request needs.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from app.domain.errors import Busy, Conflict
from app.persistence.engine import sqlite_path

LOCK_SECONDS = 60  # another process may be migrating: longer than any of our migrations takes on a shared host
MIGRATION_SECONDS = 3600  # for one statement: a column added to a large table is copied row by row
_POLL_SECONDS = 0.05
_FOLDER = Path(__file__).parent / "migrations"
# Sixty-four characters at most, and locks are the server's, not the database's: hence the digest of the name.
_LOCK_NAME = "CONCAT('slotkeeper ', MD5(DATABASE()))"
_LOCK = text(f"SELECT GET_LOCK({_LOCK_NAME}, :seconds)")


def upgrade(engine: Engine, *, to: str = "head") -> None:
    """Migrate the database to the newest schema, or an empty one to an older; does nothing where it is there already.

    Each migration is one transaction on SQLite; MySQL commits every statement, so there a migration that was cut off is
    taken up again by the next try.

    Raises:
        Busy: another process has been migrating for a minute.
        Conflict: the database belongs to a newer program.
    """
    with engine.connect() as connection, _lock(connection, engine):
        scripts = ScriptDirectory.from_config(_config())
        revision = _revision(connection)
        if revision not in {None, *(script.revision for script in scripts.walk_revisions())}:
            raise Conflict(
                f"The database is at schema {revision}, which this program does not know: install the newer one."
            )
        if revision != scripts.get_current_head():
            command.upgrade(_config(connection), to)


def head() -> str | None:
    """Return the newest revision among the migrations."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _revision(connection: Connection) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return revision


@contextmanager
def _lock(connection: Connection, engine: Engine) -> Iterator[None]:
    """Let one process at a time in."""
    path = sqlite_path(str(engine.url))
    if connection.dialect.name == "mysql":
        with _named_lock(connection):
            yield
    elif path is not None:
        with _file_lock(path):
            yield
    else:
        yield  # a database in memory is this process's own


@contextmanager
def _file_lock(database: Path) -> Iterator[None]:
    """Hold a lock file beside the database; the system drops it if we are killed."""
    with database.with_name(database.name + ".migrating").open("w", encoding="ascii") as file:
        deadline = time.monotonic() + LOCK_SECONDS
        while not _try_lock(file):
            if time.monotonic() > deadline:
                raise Busy("Another process has been migrating the database for a minute; ask again when it is done.")
            time.sleep(_POLL_SECONDS)
        yield


def _try_lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _named_lock(connection: Connection) -> Iterator[None]:
    """Hold a lock of the server on the very connection that migrates: whoever loses the one loses the other."""
    _lift_limits(connection)
    try:
        if not connection.execute(_LOCK, {"seconds": LOCK_SECONDS}).scalar():
            raise Busy("Another process has been migrating the database for a minute; ask again when it is done.")
        connection.rollback()
        yield
    finally:
        connection.invalidate()  # ends the lock, and keeps the lifted limits out of the pool


def _lift_limits(connection: Connection) -> None:
    """Give a migration the time it needs."""
    driver: Any = connection.connection.driver_connection
    driver.expect_answers_within(MIGRATION_SECONDS)
    is_mariadb = bool(getattr(connection.dialect, "is_mariadb", False))
    connection.exec_driver_sql(f"SET SESSION {'max_statement_time' if is_mariadb else 'max_execution_time'}=0")
    connection.rollback()
