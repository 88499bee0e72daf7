"""A small application with the commands and a database of its own, and a runner that calls them as a shell does."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask.cli import FlaskGroup

from app import cli
from app.persistence import session
from app.persistence.engine import make_engine

Shell = Callable[..., Result]


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(autouse=True)
def _a_passenger_that_runs_any_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say which Passenger there is: the one of this machine is no test's business."""
    monkeypatch.setenv("PASSENGER_VERSION", "6.0.23")


@pytest.fixture
def shell_app(tmp_path: Path) -> Iterator[Flask]:
    """Return an application whose database has no tables yet."""
    app = Flask("shell")
    engine = make_engine(f"sqlite:///{tmp_path / 'shell.sqlite3'}")
    session.configure(engine)
    app.teardown_appcontext(lambda _error: session.remove())
    cli.init_app(app)
    yield app
    session.remove()
    engine.dispose()


@pytest.fixture
def bare_shell(shell_app: Flask) -> Shell:
    """Return a function that runs a command line, before any table was made."""
    group = FlaskGroup(create_app=lambda: shell_app, add_default_commands=False)

    def run(*args: str) -> Result:
        return shell_app.test_cli_runner().invoke(group, [*args])

    return run


@pytest.fixture
def shell(migrated_sqlite: Path, tmp_path: Path, bare_shell: Shell) -> Shell:
    """Return a function that runs a command line on an empty database with all tables."""
    shutil.copy(migrated_sqlite, tmp_path / "shell.sqlite3")
    return bare_shell
