from __future__ import annotations

from flask.testing import FlaskClient

from app.persistence import schema, session
from tests.conftest import Queries


def test_health_asks_no_database(client: FlaskClient, queries: Queries) -> None:
    with queries(most=0):
        assert client.get("/healthz").json == {"status": "ok"}


def test_readiness_looks_at_database_schema_and_disk(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "checks": {"database": "ok", "disk": "ok"}})


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
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{schema.HEAD}'")


def test_the_description_is_served_with_a_tag(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert answer.json["openapi"].startswith("3.1")
    again = client.get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
