"""The outbox over HTTP: what an admin sees of a message, and how it is sent again."""

from __future__ import annotations

import pytest
from flask import Flask

from app.domain.accounts import Target
from app.persistence import session
from app.services import messages
from tests.services.door import NOW, ON_SQLITE
from tests.web.people import make_person

pytestmark = ON_SQLITE
OUTBOX = "/api/v1/admin/outbox"


@pytest.fixture
def owed(app: Flask) -> list[int]:
    """Return the numbers of three messages, one of them a code."""
    with session.transaction() as opened:
        for topic in ("booking.cancelled", "code.sign_in", "booking.cancelled"):
            target = Target("email", "ada@example.org")
            messages.owe(opened, app.extensions["settings"], topic, target, now=NOW, code="271828")
    session.remove()
    return [1, 2, 3]


def test_messages_are_listed_page_by_page_without_what_is_sealed(app: Flask, owed: list[int]) -> None:
    admin = make_person("admin")
    first = admin.ask(app, "GET", f"{OUTBOX}?limit=2").json
    rest = admin.ask(app, "GET", f"{OUTBOX}?limit=2&cursor={first['next_cursor']}").json
    assert [item["id"] for item in (*first["items"], *rest["items"])] == owed[::-1]
    assert rest["next_cursor"] is None
    assert {item["to"] for item in first["items"]} == {"a***@example.org"}
    assert [word for word in ("271828", "ada@", "v1.") if word in str(first)] == []
    narrowed = admin.ask(app, "GET", f"{OUTBOX}?topic=code.sign_in&status=queued&channel=email").json
    assert [item["id"] for item in narrowed["items"]] == [2]


@pytest.mark.parametrize("query", ["status=lost", "channel=pigeon", "topic=A", "limit=101", "cursor=x", "to=ada"])
def test_a_filter_that_is_none_is_refused(app: Flask, query: str) -> None:
    assert make_person("admin").ask(app, "GET", f"{OUTBOX}?{query}").status_code == 422


def test_a_message_is_sent_again_after_the_answer_and_then_shows_each_try(app: Flask, owed: list[int]) -> None:
    admin = make_person("admin")
    assert owed
    with admin.ask(app, "POST", f"{OUTBOX}/1/retry", json={"to": "eve@example.org"}) as answer:
        assert (answer.status_code, answer.json["status"]) == (200, "queued")
    found = admin.ask(app, "GET", f"{OUTBOX}/1").json
    assert (found["status"], found["to"]) == ("sent", "")
    assert [delivery["outcome"] for delivery in found["deliveries"]] == ["sent"]
    assert admin.ask(app, "POST", f"{OUTBOX}/1/retry", json={}).status_code == 409
    assert admin.ask(app, "POST", f"{OUTBOX}/1/cancel").status_code == 409


def test_a_message_is_called_off(app: Flask, owed: list[int]) -> None:
    admin = make_person("admin")
    assert owed
    assert admin.ask(app, "POST", f"{OUTBOX}/3/cancel").json["status"] == "void"
    assert admin.ask(app, "GET", f"{OUTBOX}/3").json["status"] == "void"
    assert admin.ask(app, "POST", f"{OUTBOX}/2/retry", json={"to": "eve@example.org"}).status_code == 403
    assert admin.ask(app, "POST", f"{OUTBOX}/3/retry", json={"to": "eve@example.org", "text": "x"}).status_code == 422
