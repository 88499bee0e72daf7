from __future__ import annotations

import dataclasses

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.runtime.settings import Settings
from app.web.headers import SAFETY
from tests.web.conftest import Hall


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url  # what is tested here never reaches a database, or does not care which


SITE = "https://www.example.org"


@pytest.mark.parametrize(
    "path", ["/healthz", "/api/v1/venues", "/nowhere", "/api/v1/venues?limit=x", "/api/v1/openapi.json"]
)
def test_every_answer_is_safe_to_show_a_browser(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] in {"no-store", "no-cache"}
    assert len(headers["X-Request-Id"]) == 16


def test_an_unchanged_answer_and_an_empty_one_are_safe_too(hall: Hall) -> None:
    tag = hall.slots().headers["ETag"]
    unchanged = hall.slots(headers={"If-None-Match": tag})
    released = hall.client.delete(f"/api/v1/holds/{hall.hold(10).json['token']}")
    options = hall.client.options("/api/v1/bookings")
    assert [answer.status_code for answer in (unchanged, released, options)] == [304, 204, 200]
    for answer in (unchanged, released, options):
        assert answer.data == b""
        assert SAFETY.items() <= dict(answer.headers).items()
        assert answer.headers["X-Request-Id"]
    assert unchanged.headers["Cache-Control"] == "no-cache"


def test_what_carries_a_token_is_kept_by_nobody(hall: Hall) -> None:
    assert hall.book(10).headers["Cache-Control"] == "no-store"
    assert hall.hold(12).headers["Cache-Control"] == "no-store"


def test_two_requests_have_two_names(client: FlaskClient) -> None:
    assert client.get("/healthz").headers["X-Request-Id"] != client.get("/healthz").headers["X-Request-Id"]


def test_head_is_get_without_a_body(hall: Hall) -> None:
    shown, headed = hall.client.get("/api/v1/venues"), hall.client.head("/api/v1/venues")
    assert (headed.status_code, headed.data) == (200, b"")
    assert headed.headers["Content-Length"] == shown.headers["Content-Length"]


def shared(settings: Settings) -> FlaskClient:
    return create_app(dataclasses.replace(settings, cors_origins=(SITE,))).test_client()


def test_pages_of_a_listed_origin_may_read_and_others_may_not(settings: Settings) -> None:
    client = shared(settings)
    mine = client.get("/api/v1/venues", headers={"Origin": SITE})
    assert mine.headers["Access-Control-Allow-Origin"] == SITE
    assert "ETag" in mine.headers["Access-Control-Expose-Headers"]
    for origin in ("https://evil.example", "null", SITE + ".evil.example", SITE.replace("https", "http")):
        theirs = client.get("/api/v1/venues", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in theirs.headers
        assert "Origin" in theirs.headers["Vary"]


def test_a_preflight_is_answered_for_a_listed_origin(settings: Settings) -> None:
    headers = {
        "Origin": SITE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "idempotency-key",
    }
    answer = shared(settings).options("/api/v1/bookings", headers=headers)
    assert answer.status_code == 200
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]


def test_a_preflight_from_elsewhere_is_told_nothing(settings: Settings) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = shared(settings).options("/api/v1/bookings", headers=headers)
    assert [name for name, _ in answer.headers if name.startswith("Access-Control")] == []


def test_a_refusal_can_be_read_by_a_listed_origin(settings: Settings) -> None:
    refused = shared(settings).get("/api/v1/venues?limit=x", headers={"Origin": SITE})
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (422, SITE)


def test_without_a_list_no_origin_is_named(client: FlaskClient) -> None:
    answer = client.get("/api/v1/venues", headers={"Origin": SITE})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_site_on_https_says_so_for_a_year(settings: Settings, client: FlaskClient) -> None:
    assert "Strict-Transport-Security" not in client.get("/healthz").headers
    secure = create_app(dataclasses.replace(settings, base_url="https://book.example.org")).test_client()
    assert secure.get("/healthz").headers["Strict-Transport-Security"] == "max-age=31536000"
