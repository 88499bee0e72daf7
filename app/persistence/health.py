"""What the server says of itself, for a health check."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from app.persistence.tables import metadata, venues

MOST_ROWS = 20  # of what is wrong: more are the same fault again
SQLITE_FLAGS = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")

_ZONES = select(venues.c.timezone).distinct().order_by(venues.c.timezone)
_MYSQL_VARIABLES = text("SHOW SESSION VARIABLES")
_OTHER_ENGINES = text(
    "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = DATABASE() AND engine <> 'InnoDB' AND table_name IN :names ORDER BY table_name"
).bindparams(bindparam("names", value=sorted(metadata.tables), expanding=True))


def sqlite_flags(session: Session) -> dict[str, str]:
    """Return the PRAGMAs of this connection that a booking's safety hangs on."""
    return {name: str(session.execute(text(f"PRAGMA {name}")).scalar()) for name in SQLITE_FLAGS}


def sqlite_faults(session: Session) -> list[str]:
    """Return what is damaged in the file; reads all of it."""
    damage = [str(line) for line in session.execute(text("PRAGMA quick_check(20)")).scalars() if line != "ok"]
    if damage:
        return damage
    dangling = session.execute(text("PRAGMA foreign_key_check")).fetchmany(MOST_ROWS)
    return [f"row {row[1]} of {row[0]} points to no {row[2]}" for row in dangling]


def sqlite_version(session: Session) -> str:
    """Return the version of the library."""
    return str(session.execute(text("SELECT sqlite_version()")).scalar())


def mysql_variables(session: Session) -> dict[str, str]:
    """Return the server's variables as this session has them."""
    return {row.Variable_name: row.Value for row in session.execute(_MYSQL_VARIABLES)}


def list_other_engines(session: Session) -> Sequence[str]:
    """Return those of our tables that are not InnoDB, and so know no transactions; others may share the database."""
    return session.execute(_OTHER_ENGINES).scalars().all()


def list_zones(session: Session) -> Sequence[str]:
    """Return the zones of all venues."""
    return session.execute(_ZONES).scalars().all()
