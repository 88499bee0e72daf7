"""What the server says of itself, for a health check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select, text

from app.persistence.engine import POOL_SIZE
from app.persistence.session import Session
from app.persistence.tables import metadata, outbox, venues

MOST_ROWS = 20  # of what is wrong: more are the same fault again
SQLITE_FLAGS = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")

_ZONES = select(venues.c.timezone).distinct().order_by(venues.c.timezone)
_SQLITE_AND_SCHEMA = text("SELECT sqlite_version(), version_num FROM alembic_version")
_MYSQL_AND_SCHEMA = text("SELECT VERSION(), version_num FROM alembic_version")
_OUTBOX_DEPTH = select(outbox.c.status, func.count(), func.min(outbox.c.due)).group_by(outbox.c.status)
_SQLITE_TIME = text("SELECT CAST(strftime('%s', 'now') AS INTEGER)")
_MYSQL_TIME = text("SELECT UNIX_TIMESTAMP()")
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


def server(session: Session) -> tuple[str, str]:
    """Return the database's name and version, and the schema's revision; one query."""
    is_sqlite = session.engine.dialect.name == "sqlite"
    version, revision = session.execute(_SQLITE_AND_SCHEMA if is_sqlite else _MYSQL_AND_SCHEMA).one()
    kind = "SQLite" if is_sqlite else "MariaDB" if "mariadb" in version.lower() else "MySQL"
    return f"{kind} {version}", revision


def outbox_depth(session: Session) -> dict[str, tuple[int, int]]:
    """Return how many messages are in each state, and when the first of them was or is due, in UTC seconds."""
    return {status: (count, int(due)) for status, count, due in session.execute(_OUTBOX_DEPTH)}


def pool(session: Session) -> dict[str, int]:
    """Return how many connections this process may have, and how many are in use; this question's own included."""
    found: Any = session.engine.pool
    return {"size": POOL_SIZE, "overflow": POOL_SIZE, "in_use": found.checkedout(), "idle": found.checkedin()}


def server_time(session: Session) -> int:
    """Return the database's time in UTC seconds."""
    is_sqlite = session.engine.dialect.name == "sqlite"
    return int(session.execute(_SQLITE_TIME if is_sqlite else _MYSQL_TIME).scalar_one())
