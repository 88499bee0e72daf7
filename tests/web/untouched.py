"""What stands in the database, to be compared: a request that is refused leaves it as it was."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select

from app.persistence.tables import metadata

COUNTS_REFUSALS = {"throttles"}  # its rows are how often somebody asked: a refusal is what it is for


def contents(engine: Engine) -> dict[str, list[str]]:
    """Return every row of every table, as text."""
    with engine.connect() as connection:

        def rows(table: Any) -> list[str]:
            return sorted(repr(tuple(row)) for row in connection.execute(select(table)))

        return {name: rows(table) for name, table in metadata.tables.items() if name not in COUNTS_REFUSALS}
