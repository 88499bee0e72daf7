from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, text

from app.domain.duties import DUTIES
from app.persistence import schema, session
from app.persistence.outbox import add_message
from app.persistence.tables import duties
from tests.conftest import Queries


def test_health_asks_no_database(client: FlaskClient, queries: Queries) -> None:
    with queries(most=0):
        assert client.get("/healthz").json == {"status": "ok"}


def test_readiness_looks_at_database_schema_and_disk(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "ok")
    assert answer.json["checks"] == {"database": "ok", "disk": "ok", "cron": "has never run"}


def last_run(ago: timedelta, *, failed: bool = False) -> datetime:
    """Let a duty have been done, or have failed, some time ago."""
    at = datetime.now(timezone.utc).replace(microsecond=0) - ago
    row = {"name": "holds", "lease_ends": 0, "last_error": "", "failed_at" if failed else "succeeded_at": at}
    with session.engine().connect() as connection:
        connection.execute(insert(duties), row)
    return at


def test_readiness_says_when_each_duty_was_done(client: FlaskClient, queries: Queries) -> None:
    at = last_run(timedelta(minutes=50))
    with queries(most=3):
        answer = client.get("/readyz")
    assert answer.json["checks"]["cron"] == "ok"
    assert answer.json["duties"] == {**{duty.name: None for duty in DUTIES}, "holds": f"{at:%Y-%m-%dT%H:%M:%SZ}"}


def test_readiness_says_how_many_messages_wait_and_since_when(client: FlaskClient) -> None:
    assert client.get("/readyz").json["outbox"] == {"due": 0, "oldest_seconds": None}
    now = datetime.now(timezone.utc)
    with session.transaction() as opened:
        for minutes in (-5, 3, 8):
            values = {"topic": "account.erased", "channel": "email", "priority": 5, "created_at": now}
            add_message(opened, {**values, "due": int(now.timestamp()) - 60 * minutes})
    session.remove()
    found = client.get("/readyz").json["outbox"]
    assert found["due"] == 2
    assert 480 <= found["oldest_seconds"] < 600


@pytest.mark.parametrize("failed", [False, True])
@pytest.mark.parametrize(
    ("minutes", "status", "word"),
    [
        (59, 200, "ok"),
        (60, 200, "last run 1 hour ago"),
        (23 * 60 + 59, 200, "last run 23 hours ago"),
        (24 * 60, 503, "last run 24 hours ago"),
    ],
)
def test_a_cron_that_stays_away_is_told_and_after_a_day_the_service_is_not_ready(
    client: FlaskClient, *, minutes: int, status: int, word: str, failed: bool
) -> None:
    last_run(timedelta(minutes=minutes), failed=failed)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["checks"]["cron"]) == (status, word)


def test_a_schema_from_another_time_is_not_ready_and_takes_no_writes(client: FlaskClient) -> None:
    with session.engine().connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    try:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "schema" in answer.json["checks"]["database"]
        assert client.get("/api/v1/venues").status_code == 200
    finally:
        with session.engine().connect() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": schema.HEAD})


def test_the_description_is_served_with_a_tag(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert answer.json["openapi"].startswith("3.1")
    again = client.get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
