"""What is stored: engine, scoped session, ``transaction()``, tables and queries. Imports domain, runtime and SQLAlchemy.

Queries are Core statements built once at module level; each function here takes a session and returns plain values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.persistence import schema, session
from app.persistence.engine import make_engine
from app.runtime import shutdown

if TYPE_CHECKING:
    from flask import Flask


def init_app(app: Flask) -> None:
    """Bind the session to the database of the settings, and give each request's connection back at its end.

    At the end of the process the database is told, or it would count a client that was lost.
    """
    settings = app.extensions["settings"]
    engine = make_engine(settings.database_url)
    session.configure(engine)
    shutdown.register("database", _say_goodbye)
    schema.ensure(engine, migrate=not settings.is_production)
    app.teardown_appcontext(lambda _error: session.remove())


def _say_goodbye() -> None:
    session.remove()
    session.engine().dispose()
