"""Whole tables, as one instant has them, row by row: what a backup is made of and what a restore fills.

Tables are taken as the database has them, not as the program knows them, so that a database of an older schema can be read and
filled. What other programs keep in the same database is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, func, select, text

from app.persistence.tables import metadata

PATIENCE_SECONDS = 3600  # for one statement: all rows of a table are one, and may wait for a slow disk at the other end
ROWS_AT_ONCE = 500
Cell = str | int | float | None
_REVISION = text("SELECT version_num FROM alembic_version")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The tables at one instant, in an order in which they can be filled: what is referred to comes first."""

    connection: Connection
    tables: tuple[Table, ...]
    revision: str | None

    def count_rows(self, table: Table) -> int:
        """Return how many rows a table has."""
        return self.connection.execute(select(func.count()).select_from(table)).scalar_one()

    def iter_rows(self, table: Table) -> Iterator[list[Cell]]:
        """Yield the rows of a table in the order of its key; no more than some hundred are in memory."""
        statement = select(table).order_by(*table.primary_key.columns)
        rows = self.connection.execution_options(yield_per=ROWS_AT_ONCE).execute(statement)
        for row in rows:
            yield [_plain(value) for value in row]


@contextmanager
def snapshot(engine: Engine) -> Iterator[Snapshot]:
    """Yield the database as it is now, whatever is written meanwhile; on a connection of its own, for as long as it takes."""
    with engine.connect() as connection:
        try:
            lift_limits(connection)
            for statement in _beginning(connection):
                connection.exec_driver_sql(statement)
            tables = our_tables(connection)
            yield Snapshot(connection, tables, revision(connection) if tables else None)
        finally:
            connection.invalidate()  # ends the reading, and keeps the lifted limits out of the pool


def our_tables(connection: Connection) -> tuple[Table, ...]:
    """Return our tables as the database has them, each after those that it refers to."""
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name in metadata.tables)
    return tuple(table for table in found.sorted_tables if table.name in metadata.tables)


def revision(connection: Connection) -> str | None:
    """Return the schema's revision; the table that says it must be there."""
    return connection.execute(_REVISION).scalar()


def value_of(column: Column[Any], cell: Cell) -> object:
    """Return what is stored for what a backup says.

    Raises:
        ValueError: a column of this kind cannot hold it.
    """
    kind = column.type.python_type
    if cell is None:
        return None
    if kind in {datetime, date}:
        return kind.fromisoformat(str(cell))
    if isinstance(cell, str) != (kind is str):
        raise ValueError(f"{column.name} is no {kind.__name__}")
    return bool(cell) if kind is bool else cell


def lift_limits(connection: Connection) -> None:
    """Give a connection the time that whole tables need; it must not go back to the pool afterwards."""
    if connection.dialect.name != "mysql":
        return
    driver: Any = connection.connection.driver_connection
    driver.expect_answers_within(PATIENCE_SECONDS)
    is_mariadb = bool(getattr(connection.dialect, "is_mariadb", False))
    connection.exec_driver_sql(f"SET SESSION {'max_statement_time' if is_mariadb else 'max_execution_time'}=0")
    connection.exec_driver_sql(f"SET SESSION net_write_timeout={PATIENCE_SECONDS}, net_read_timeout={PATIENCE_SECONDS}")


def _beginning(connection: Connection) -> tuple[str, ...]:
    """Return the statements after which every read sees the same instant."""
    if connection.dialect.name == "mysql":
        return (
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        )
    return ("BEGIN", "SELECT 1 FROM sqlite_master")  # SQLite's begins with the first page that is read


def _plain(value: object) -> Cell:
    if isinstance(value, bool):
        return int(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    raise TypeError(f"A backup has no words for {type(value).__name__}.")  # a new kind of column needs them first
