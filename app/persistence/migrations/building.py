"""Words that migrations are written in: each makes its thing unless a try that was cut off has made it.

MySQL commits every statement, so a migration that was cut off is taken up again in the middle. Only add to this file: old
migrations stand on it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def table(name: str, *items: sa.Column[Any] | sa.Constraint) -> None:
    """Make a table."""
    op.create_table(name, *items, if_not_exists=True, **_OPTIONS)


def index(of_table: str, *columns: str) -> None:
    """Make an index."""
    name = f"ix_{of_table}_{'_'.join(columns)}"
    if name not in {known["name"] for known in sa.inspect(op.get_bind()).get_indexes(of_table)}:
        op.create_index(name, of_table, list(columns))


def column(name: str, kind: Any, *, nullable: bool = False) -> sa.Column[Any]:  # noqa: ANN401 - any column type
    """Return a column."""
    return sa.Column(name, kind, nullable=nullable)


def key(of_table: str) -> tuple[sa.Column[Any], sa.Constraint]:
    """Return the integer key that most tables have."""
    return (
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{of_table}"),
    )


def refers(of_table: str, name: str, target: str) -> sa.Constraint:
    """Return a foreign key of one column."""
    return sa.ForeignKeyConstraint([name], [target], name=f"fk_{of_table}_{name}")


def unique(of_table: str, *columns: str) -> sa.Constraint:
    """Return a UNIQUE constraint."""
    return sa.UniqueConstraint(*columns, name=f"uq_{of_table}_{'_'.join(columns)}")


def add_column(of_table: str, new: sa.Column[Any]) -> None:
    """Add a column to a table that stands."""
    if new.name not in {known["name"] for known in sa.inspect(op.get_bind()).get_columns(of_table)}:
        op.add_column(of_table, new)


def filled(name: str, kind: Any, value: str) -> sa.Column[Any]:  # noqa: ANN401 - any column type
    """Return a column that has *value*, in SQL's words, in the rows that there are."""
    return sa.Column(name, kind, nullable=False, server_default=sa.text(value))


def unique_index(of_table: str, *columns: str) -> None:
    """Make an index in which every value stands once."""
    name = f"ix_{of_table}_{'_'.join(columns)}"
    if name not in {known["name"] for known in sa.inspect(op.get_bind()).get_indexes(of_table)}:
        op.create_index(name, of_table, list(columns), unique=True)


def stamps() -> tuple[sa.Column[Any], ...]:
    """Return what every object that people change has."""
    return (
        column("version", sa.Integer()),
        column("created_at", sa.DateTime()),
        column("updated_at", sa.DateTime()),
    )


def named_index(name: str, of_table: str, *columns: str) -> None:
    """Make an index under a name of its own."""
    if name not in _indexes(of_table):
        op.create_index(name, of_table, list(columns))


def drop_index(name: str, of_table: str) -> None:
    """Drop an index that another one has made needless."""
    if name in _indexes(of_table):
        op.drop_index(name, of_table)


def _indexes(of_table: str) -> set[str | None]:
    return {known["name"] for known in sa.inspect(op.get_bind()).get_indexes(of_table)}
