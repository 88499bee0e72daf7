"""A million accounts: registering and signing in look at one of them, through an index, in a handful of statements."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, event, text

from app import create_app
from app.persistence import session
from app.runtime.settings import load
from app.services.passwords import hash_password
from tests.conftest import SECRET_KEY
from tests.system import servers
from tests.web.accounts import GOOD, Town

MILLION = 1_000_000
KINDS = ("sqlite", "mariadb")
KNOWN = "person0500000@example.org"
_COLUMNS = "role, name, email, phone, contact_phone, password_hash, active, version, created_at, updated_at"
_SEED = f"""
INSERT INTO users ({_COLUMNS})
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MILLION})
SELECT 'customer', 'Person', %s, NULL, '', '%s', 1, 1, '2027-01-01 00:00:00', '2027-01-01 00:00:00' FROM n"""  # noqa: S608 - our own words
Sent = list[tuple[str, Any]]


@pytest.fixture(scope="module", params=KINDS)
def crowded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database with a million accounts, each with the password GOOD."""
    kept = hash_password(GOOD, "cheapest")
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("crowd") / "slotkeeper.sqlite3"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(_SEED % ("'person' || printf('%07d', i) || '@example.org'", kept))
        return f"sqlite:///{path}"
    # Over a connection of its own: the program's gives up on a statement after three seconds.
    mortal: servers.MariaDB = request.getfixturevalue("mortal")
    statement = _SEED % ("CONCAT('person', LPAD(i, 7, '0'), '@example.org')", kept)
    mortal.run("USE slotkeeper", f"SET max_recursive_iterations = {2 * MILLION}", statement, "ANALYZE TABLE users")
    return mortal.url("slotkeeper")


@pytest.fixture
def town(crowded: str, tmp_path: Path) -> Iterator[Town]:
    environ = {
        "ENVIRONMENT": "test",
        "INSTANCE_DIR": str(tmp_path / "instance"),
        "DATABASE_URL": crowded,
        "SECRET_KEY": SECRET_KEY,
        "HASH_PROFILE": "cheapest",
        "MAIL_URL": f"file:{tmp_path}/mail",
    }
    app: Flask = create_app(load(environ))
    yield Town(app)
    session.remove()
    session.engine().dispose()


@contextmanager
def explained(*, most: int) -> Iterator[None]:
    """Fail if the block sends more statements, or one that looks through accounts instead of using an index."""
    sent: Sent = []

    def note(*call: Any) -> None:
        if not call[2].startswith(("BEGIN", "START")) and "alembic_version" not in call[2]:  # asked every ten seconds
            sent.append((call[2], call[3]))

    engine = session.engine()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert 0 < len(sent) <= most, "\n".join(statement for statement, _ in sent)
    looked = [(statement, values) for statement, values in sent if not statement.lstrip().startswith("INSERT")]
    assert any("FROM users" in statement for statement, _ in looked)
    with engine.connect() as connection:
        scans = [(statement, plan) for statement, values in looked for plan in _scans(connection, statement, values)]
    assert scans == []


def _scans(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    """Yield the steps of a statement's plan that look at every row of a table."""
    if connection.dialect.name == "sqlite":
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
            # SQLAlchemy writes a list of nothing as a SELECT from nothing, which is no table's rows.
            if row.detail.startswith("SCAN") and not row.detail.startswith(("SCAN (subquery", "SCAN CONSTANT")):
                yield row.detail
        return
    for step in connection.exec_driver_sql(f"EXPLAIN {statement}", values).mappings():
        # A table of a few rows is read whole, index or not; what counts is that there is one for when it has grown.
        if step["type"] in {"ALL", "index"} and (step["table"] == "users" or step["possible_keys"] is None):
            yield str(dict(step))


def test_there_are_a_million_accounts_and_a_look_through_them_would_be_noticed(town: Town) -> None:
    del town
    with session.engine().connect() as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM users")) >= MILLION
        assert list(_scans(connection, "SELECT * FROM users WHERE name = 'Ada'", {} if is_mysql() else ()))


def is_mysql() -> bool:
    return session.engine().dialect.name == "mysql"


def test_a_new_address_is_registered(town: Town) -> None:
    browser, email = town.browser(), f"new-{session.engine().dialect.name}@example.org"
    with explained(most=19):  # with the mail behind the answer: 10 of them
        assert browser.post("/auth/register", name="Ada", email=email, password=GOOD).status_code == 202
    with explained(most=14):
        assert browser.post("/auth/otp/verify", email=email, code=town.code(email)).status_code == 200


def test_a_known_address_signs_in_by_password(town: Town) -> None:
    browser = town.browser()
    with explained(most=9):
        assert browser.log_in(KNOWN).status_code == 200
    assert browser.whoami() == KNOWN


def test_a_known_address_signs_in_by_code(town: Town) -> None:
    browser = town.browser()
    with explained(most=19):  # as above
        assert browser.post("/auth/otp", email=KNOWN).status_code == 202
    with explained(most=13):
        assert browser.post("/auth/otp/verify", email=KNOWN, code=town.code(KNOWN)).status_code == 200


def test_an_unknown_address_is_refused_as_cheaply(town: Town) -> None:
    with explained(most=7):
        assert town.browser().log_in("nobody@example.org").status_code == 401


def test_an_admin_finds_one_account_by_its_address(town: Town) -> None:
    admin = town.admin(f"root-{session.engine().dialect.name}@example.org")
    with explained(most=3):
        assert [item["email"] for item in admin.get(f"/admin/users?email={KNOWN}").json["items"]] == [KNOWN]
