"""A migrated SQLite database for the tests of use cases that import things."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.persistence import session
from app.persistence.engine import make_engine
from tests.conftest import share_compiled


@pytest.fixture
def import_database(sqlite_url: str) -> Iterator[Engine]:
    """Bind the session to a fresh database."""
    engine = make_engine(sqlite_url)
    session.configure(engine)
    yield engine
    session.remove()
    engine.dispose()


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Bind the session to an empty database with all tables, of each kind in turn; a lost race is tried again at once."""
    monkeypatch.setattr(session, "_JITTER_SECONDS", 0.0)
    engine = make_engine(database_url)
    share_compiled(engine)
    session.configure(engine)
    yield engine
    session.remove()
    engine.dispose()
