"""How an installation stands, as an admin sees it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert
from werkzeug.test import TestResponse

from app.domain.duties import DUTIES
from app.persistence import schema, session, tables
from tests.web.people import make_person

Get = Callable[[str], TestResponse]

URL = "/api/v1/admin/system"


@pytest.fixture
def get(app: Flask) -> Get:
    """Return a function that asks as an admin."""
    admin = make_person("admin")
    return lambda url: admin.ask(app, "GET", url)


def owe(status: str, *, due: datetime) -> None:
    row = {
        "topic": "code",
        "channel": "email",
        "sealed": "",
        "message_id": f"{status}{due.timestamp()}",
        "status": status,
        "priority": 1,
        "due": int(due.timestamp()),
        "attempts": 0,
        "last_error": "",
        "created_at": due,
    }
    with session.engine().connect() as connection:
        connection.execute(insert(tables.outbox), row)


def test_it_is_told_in_figures(get: Get) -> None:
    found = get(URL).get_json()
    assert found["schema"] == schema.HEAD
    kind = "SQLite 3." if session.engine().dialect.name == "sqlite" else "MariaDB "
    assert found["database"].startswith(kind)
    assert {"Python", "Flask", "SQLAlchemy"} <= set(found["versions"])
    assert 10_000_000 < found["memory"]["rss_bytes"] < 2_000_000_000
    assert found["pool"]["in_use"] == 1
    assert 0 <= found["uptime_seconds"] < 100_000
    assert found["disk_free_bytes"] > 0
    assert set(found["duties"]) == {duty.name for duty in DUTIES}
    assert found["outbox"] == {"by_status": {}, "oldest_due_seconds": 0}


def test_messages_that_wait_are_counted_and_their_age_told(get: Get) -> None:
    now = datetime.now(timezone.utc)
    owe("queued", due=now - timedelta(minutes=10))
    owe("queued", due=now + timedelta(minutes=10))
    owe("dead", due=now - timedelta(days=3))
    found = get(URL).get_json()["outbox"]
    assert found["by_status"] == {"queued": 2, "dead": 1}
    assert 600 <= found["oldest_due_seconds"] < 660


def test_what_is_due_later_is_not_old(get: Get) -> None:
    owe("queued", due=datetime.now(timezone.utc) + timedelta(minutes=10))
    assert get(URL).get_json()["outbox"]["oldest_due_seconds"] == 0


def test_it_costs_four_queries(get: Get, queries: Callable[..., Any]) -> None:
    get(URL)
    with queries(most=4):  # the caller's session included
        assert get(URL).status_code == 200


def test_no_secret_is_told(get: Get, app: Flask) -> None:
    text = get(URL).get_data(as_text=True)
    settings = app.extensions["settings"]
    assert settings.secret_key not in text
    assert settings.database_url not in text
