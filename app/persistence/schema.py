"""Which schema the database has, without loading the migration tool: one row says it."""

from __future__ import annotations

import time
from importlib import import_module

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.domain.errors import Busy
from app.persistence.unit_of_work import Session

HEAD = "0007"  # the newest file in migrations/versions; a test compares
_TRUST_SECONDS = 10.0
_REVISION = text("SELECT version_num FROM alembic_version")
_trusted_until: dict[str, float] = {}


def current(session: Session) -> str | None:
    """Return the revision that the database is at; None where there are no tables yet."""
    try:
        return session.execute(_REVISION).scalar()
    except DBAPIError as error:
        if _is_missing_table(error):
            session.rollback()
            return None
        raise


def require_known(session: Session) -> None:
    """Let a write through only on the schema this program was written for; asked again every ten seconds.

    Raises:
        Busy: the database is at another revision.
    """
    name = str(session.engine.url)
    now = time.monotonic()
    if now < _trusted_until.get(name, 0.0):
        return
    revision = current(session)
    if revision != HEAD:
        raise Busy(
            f"The database is at schema {revision or 'none'} and this program needs {HEAD}: run 'flask db upgrade'."
        )
    _trusted_until[name] = now + _TRUST_SECONDS


def ensure(engine: Engine, *, migrate: bool) -> None:
    """Bring an empty or older database to the newest schema where the settings allow it without being asked."""
    if not migrate:
        return  # and ask nothing: a process must come up, and say that it is not ready, while the database is away
    with Session(engine) as session:
        revision = current(session)
    if revision != HEAD:
        import_module("app.persistence.migrate").upgrade(engine)


def _is_missing_table(error: DBAPIError) -> bool:
    text_of_error = str(error.orig)
    return "no such table" in text_of_error or "1146" in text_of_error
