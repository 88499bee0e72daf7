"""Fill the tables of a database from a backup: all of it in one transaction, or nothing.

Loaded by ``flask restore`` alone: it makes the tables of the backup's schema first, for which the migration tool is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, func, insert, inspect, literal, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.domain.errors import Conflict, DomainError, Invalid
from app.persistence import migrate, schema
from app.persistence.backup import Cell, lift_limits, our_tables, revision, value_of
from app.persistence.engine import tell_that_it_begins
from app.persistence.failures import refusal

# What the program writes by itself: an installation that nobody has used has no other rows.
OWN_NOTES = frozenset({"duties", "throttles"})
_FORGET_REVISION = text("DROP TABLE IF EXISTS alembic_version")


class Filling:
    """The tables of a database while they are filled."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.tables = {table.name: table for table in our_tables(connection)}

    def empty(self) -> None:
        """Delete every row, of what refers to others first."""
        for table in reversed(self.tables.values()):
            self._connection.execute(delete(table))

    def columns(self, name: str) -> list[str]:
        """Return the names of a table's columns; none of a table that is not there."""
        return list(self.tables[name].columns.keys()) if name in self.tables else []

    def add_rows(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Insert rows whose cells are in the order of *columns*.

        Raises:
            Invalid: the table cannot hold one of them.
        """
        table = self.tables[name]
        try:
            values = [_values(table, columns, row) for row in rows]
            self._connection.execute(insert(table), values)
        except (ValueError, SQLAlchemyError) as error:
            known = refusal(error) if isinstance(error, DBAPIError) else error
            if isinstance(known, DomainError):
                raise known from error
            said = " ".join(str(getattr(error, "orig", error)).split())[:200]
            raise Invalid(f"A row of {name} cannot be stored here: {said}") from error

    def count_rows(self, name: str) -> int:
        """Return how many rows a table has."""
        return self._connection.execute(select(func.count()).select_from(self.tables[name])).scalar_one()


@contextmanager
def filling(engine: Engine) -> Iterator[Filling]:
    """Yield the tables in one transaction: when the block is left by an error, or the process is killed, nothing has changed."""
    with engine.connect() as connection:
        try:
            with connection.begin():
                tell_that_it_begins(connection)
                lift_limits(connection)
                yield Filling(connection)
        finally:
            connection.invalidate()


def is_empty(engine: Engine) -> bool:
    """Tell whether nobody has stored anything: there are no tables, or no rows but the program's own notes."""
    with engine.connect() as connection:
        tables = [table for table in our_tables(connection) if table.name not in OWN_NOTES]
        return not any(connection.execute(select(literal(1)).select_from(table).limit(1)).scalar() for table in tables)


def current_revision(engine: Engine) -> str | None:
    """Return the revision of the database; None where there are no tables."""
    with engine.connect() as connection:
        return revision(connection) if inspect(connection).has_table("alembic_version") else None


def make_tables(engine: Engine, to: str) -> None:
    """Give a database that has nothing in it the tables of a schema, which may be older than the program's.

    Raises:
        Conflict: there are rows. Busy: another process is migrating.
    """
    if current_revision(engine) == to:
        return
    if not is_empty(engine):
        raise Conflict("The database is not empty.")
    with engine.connect() as connection:
        lift_limits(connection)
        for table in reversed(our_tables(connection)):
            table.drop(connection)
        connection.execute(_FORGET_REVISION)
        connection.invalidate()
    migrate.upgrade(engine, to=to)


def bring_up(engine: Engine) -> None:
    """Migrate to the program's own schema."""
    migrate.upgrade(engine)


def is_known(of_backup: str) -> bool:
    """Tell whether this program has that schema, or had it once."""
    return of_backup <= schema.HEAD


def _values(table: Table, columns: Sequence[str], row: Sequence[Cell]) -> dict[str, Any]:
    return {name: value_of(table.columns[name], cell) for name, cell in zip(columns, row, strict=True)}
