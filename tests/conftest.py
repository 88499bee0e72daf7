"""Fixtures for everybody: a database of each kind, the program on it, a client, and a budget of queries.

``database_url`` runs a test once on SQLite and once on MariaDB. The schema is made once a session; each test gets a copy of
the SQLite file, or the MariaDB with its tables emptied. Nothing reaches beyond this machine.
"""

from __future__ import annotations

import gc
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from ipaddress import ip_address
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from app import create_app
from app.persistence import migrate, session
from app.persistence.engine import make_engine
from app.persistence.tables import metadata
from app.runtime import memory, startup
from app.runtime.settings import Settings, load
from tests.system import servers

IS_CI = os.environ.get("CI", "").lower() in {"1", "true"}
SECRET_KEY = "q4Zt8Lw1Xv6Nb3Ks9Rf2Yh7Jd5Mc0PgA"
Queries = Callable[..., AbstractContextManager[list[str]]]


def pytest_collection_finish() -> None:
    """Keep the collector off all that was imported: to walk over it again and again costs some of the suite's time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that load the whole machine in one process, one after the other; mark those that need a MariaDB only."""
    for item in items:
        if item.get_closest_marker("walk"):
            continue
        if item.get_closest_marker("long"):
            _let_run_beside_others(item)
            continue
        if item.get_closest_marker("system"):
            item.add_marker(pytest.mark.xdist_group("system"))
        elif _asks_for_mariadb(item):
            item.add_marker(pytest.mark.mariadb)
            item.add_marker(pytest.mark.system)


def _let_run_beside_others(item: pytest.Item) -> None:
    """Give a long test to whichever process is free; one that was marked system before shares a server with its module."""
    if item.get_closest_marker("system"):
        item.add_marker(pytest.mark.xdist_group(item.path.name))
    item.add_marker(pytest.mark.system)


def _asks_for_mariadb(item: pytest.Item) -> bool:
    chosen = getattr(getattr(item, "callspec", None), "params", {}).values()
    asked: set[str] = {*getattr(item, "fixturenames", ()), *(value for value in chosen if isinstance(value, str))}
    return bool(asked & {"mariadb", "mariadb_server", "mariadb_url", "empty_mariadb_url", "migrated_mariadb"})


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.MariaDB]:
    """A MariaDB for the whole session, started by the first test that asks."""
    if not servers.mariadb_is_installed():
        (pytest.fail if IS_CI else pytest.skip)(f"there is no MariaDB server here: {servers.INSTALL}")
    with servers.mariadb(tmp_path_factory.mktemp("db")) as server:
        yield server


@pytest.fixture
def empty_mariadb_url(mariadb_server: servers.MariaDB) -> str:
    """The URL of a database without any tables."""
    mariadb_server.run("DROP DATABASE IF EXISTS bare", "CREATE DATABASE bare CHARACTER SET utf8mb4")
    return mariadb_server.url("bare")


@pytest.fixture(scope="session")
def migrated_mariadb(mariadb_server: servers.MariaDB) -> Iterator[Engine]:
    """The engine of a database with all tables."""
    mariadb_server.run("CREATE DATABASE slotkeeper CHARACTER SET utf8mb4")
    engine = make_engine(mariadb_server.url("slotkeeper"))
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    engine = make_engine(f"sqlite:///{path}")
    migrate.upgrade(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The URL of a fresh SQLite database with all tables."""
    return f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'slotkeeper.sqlite3')}"


@pytest.fixture
def mariadb_url(mariadb_server: servers.MariaDB, migrated_mariadb: Engine) -> str:
    """The URL of a MariaDB database with all tables, empty."""
    _empty(migrated_mariadb)
    return mariadb_server.url("slotkeeper")


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database with all tables, of each kind in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def _empty(engine: Engine) -> None:
    """Delete what a test has written, and count from 1 again; tables that nobody touched are left alone, for speed."""
    with engine.connect() as connection:
        touched = connection.exec_driver_sql(_TOUCHED).scalars().all()
        if not touched:
            return
        connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS=0")
        for name in touched:
            connection.exec_driver_sql(f"TRUNCATE TABLE `{name}`")
        connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS=1")


# One question about all tables, where one for each would be some twenty round trips a test.
_TOUCHED = " UNION ALL ".join(f"(SELECT '{name}' FROM `{name}` LIMIT 1)" for name in metadata.tables)  # noqa: S608


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings as an installation for tests has them."""
    environ = {
        "ENVIRONMENT": "test",
        "INSTANCE_DIR": str(tmp_path / "instance"),
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET_KEY,
        "HASH_PROFILE": "cheapest",
        "MAIL_URL": f"file:{tmp_path}/mail",
        "SMS_URL": f"file:{tmp_path}/sms",
    }
    return load(environ)


_first: dict[str, Engine] = {}


def share_compiled(engine: Engine) -> None:
    """Let an engine use what the first of its kind has compiled: a fifth of a test's work otherwise."""
    first = _first.setdefault(engine.dialect.name, engine)
    engine.dialect = first.dialect  # part of the cache's keys; of a database it knows the server's version
    engine._compiled_cache = first._compiled_cache


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The program, on an empty database."""
    # A collection for each of a thousand programs takes half a minute.
    monkeypatch.setattr(memory, "freeze", lambda: None)
    monkeypatch.setattr(startup, "quiet_collector", nullcontext)
    program = create_app(settings)
    engine = session.engine()  # a test may make another program, and then the process has another engine
    share_compiled(engine)
    yield program
    session.remove()
    session.engine().dispose()
    engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser, as far as HTTP goes."""
    return app.test_client()


@pytest.fixture
def queries() -> Queries:
    """A budget: ``with queries(most=3) as statements:`` fails, and lists them, when the block sends more statements."""
    return _queries


@contextmanager
def _queries(*, most: int) -> Iterator[list[str]]:
    statements: list[str] = []

    def count(*call: object) -> None:
        statement = str(call[2])
        if not statement.startswith(("BEGIN", "START TRANSACTION")):  # COMMIT never comes here
            statements.append(" ".join(statement.split()))

    engine = session.engine()
    event.listen(engine, "before_cursor_execute", count)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len(statements) <= most, f"{len(statements)} statements, {most} allowed:\n" + "\n".join(statements)


@pytest.fixture(autouse=True)
def _no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shut the sockets but for this machine: a test that needs the world is a test of the world."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: object) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address):
            raise PermissionError(f"a test tried to reach {address!r}: only this machine is allowed")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connect_here)


def _is_loopback(address: object) -> bool:
    host = str(address[0]) if isinstance(address, tuple) else ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
