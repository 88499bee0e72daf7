"""``POST /cron``: for whoever knows the secret, and for nobody where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select
from werkzeug.test import TestResponse

from app.domain.duties import DUTIES
from app.persistence import session
from app.persistence.tables import duties, throttles
from app.runtime.settings import Settings
from app.services import duties as use_cases
from tests.web.walking import CRON_SECRET as SECRET

NAMES = [duty.name for duty in DUTIES]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, cron_secret=SECRET)


def call(client: FlaskClient, secret: str | None = SECRET, method: str = "POST") -> TestResponse:
    return client.open("/cron", method=method, headers={} if secret is None else {"X-Cron-Secret": secret})


def has_run() -> bool:
    with session.engine().connect() as connection:
        return bool(connection.execute(select(duties)).all())


def test_it_does_what_is_due_and_says_what(client: FlaskClient) -> None:
    with session.engine().connect() as connection:
        connection.execute(insert(throttles), {"key_hash": "over", "count": 1, "ends": 1})
    answer = call(client)
    assert answer.status_code == 200
    assert answer.json == {
        "duties": [{"name": name, "state": "done", "number": int(name == "throttles")} for name in NAMES]
    }
    assert call(client).json == {"duties": []}


@pytest.mark.parametrize("secret", [None, "", SECRET[:-1], SECRET + "x", SECRET.lower(), "é" * 32])
def test_without_the_secret_nothing_is_done(client: FlaskClient, secret: str | None) -> None:
    answer = call(client, secret)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert not has_run()


@pytest.mark.parametrize("secret", [None, "", SECRET])
def test_where_no_secret_is_set_there_is_no_such_page(client: FlaskClient, app: Flask, secret: str | None) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], cron_secret="")
    answer = call(client, secret)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert not has_run()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_no_other_method_does_anything(client: FlaskClient, method: str) -> None:
    assert call(client, method=method).status_code == 405
    assert not has_run()


def test_a_page_of_another_site_cannot_call_it(client: FlaskClient) -> None:
    headers = {"X-Cron-Secret": SECRET, "Origin": "https://evil.example"}
    assert client.post("/cron", headers=headers).status_code == 403
    assert not has_run()


def test_one_that_fails_is_told_without_its_reason(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_shift: use_cases.Shift) -> tuple[int, bool]:
        raise OSError("the store is away")

    monkeypatch.setattr(use_cases, "_WORK", {**use_cases._WORK, "requests": fail})
    answer = call(client)
    assert answer.json["duties"][0] == {"name": "requests", "state": "failed", "number": 0}
    assert len(answer.json["duties"]) == len(NAMES)
    assert "away" not in answer.text


def test_it_takes_ten_seconds_at_most_for_what_it_begins(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets: list[object] = []
    monkeypatch.setattr(use_cases, "run", lambda _, **named: budgets.append(named["budget_seconds"]) or [])
    assert call(client).json == {"duties": []}
    assert budgets == [10]


def test_the_answer_is_kept_by_nobody(client: FlaskClient) -> None:
    assert "no-store" in call(client).headers["Cache-Control"]
