"""Webhooks over HTTP: added by an admin, told their secret once, and told of a booking by a server that is really there."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from standardwebhooks import Webhook as Library

from app.domain.webhooks import EVENTS
from app.runtime.settings import Settings
from tests.gateways.receivers import LOOPBACK, Receiver, answering, running
from tests.services.door import ON_SQLITE
from tests.web.accounts import Browser, Town, refusal, take_the_clock
from tests.web.conftest import Hall, at

URL = "https://hooks.example.org/slotkeeper"
ALL = "/admin/webhooks"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The same, where webhooks may reach this machine."""
    return replace(settings, webhook_allowed_networks=LOOPBACK)


@pytest.fixture
def town(app: Flask) -> Town:
    return Town(app)


def add(admin: Browser, url: str = URL, *events: str, **values: Any) -> dict[str, Any]:
    answer = admin.post(ALL, url=url, events=list(events or EVENTS), **values)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    made: dict[str, Any] = answer.json
    return made


@contextmanager
def receiving(admin: Browser, *events: str, answer: bytes | None = None) -> Iterator[tuple[dict[str, Any], Receiver]]:
    receiver = Receiver() if answer is None else Receiver(answer)
    with running(receiver) as port:
        yield add(admin, f"http://127.0.0.1:{port}/hook", *events), receiver


def test_a_secret_is_told_once_and_stands_nowhere(town: Town) -> None:
    admin = town.admin()
    made = add(admin, description="the till")
    webhook_id, secret = made["webhook"]["id"], made["secret"]
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"))) <= 64
    assert made["webhook"]["events"] == list(EVENTS)
    for path in (ALL, f"{ALL}/{webhook_id}", f"{ALL}/{webhook_id}/deliveries"):
        assert secret.removeprefix("whsec_") not in admin.get(path).get_data(as_text=True)
    assert secret.removeprefix("whsec_") not in town.everything()
    again = admin.post(f"{ALL}/{webhook_id}/rotate-secret").json
    assert again["secret"] != secret
    assert again["secret"].removeprefix("whsec_") not in town.everything()


def test_a_webhook_is_changed_on_the_version_that_was_read_and_removed(town: Town) -> None:
    admin = town.admin()
    path = f"{ALL}/{add(admin)['webhook']['id']}"
    tag = admin.get(path).headers["ETag"]
    changed = admin.ask("PATCH", path, {"active": False, "description": "off"}, If_Match=tag)
    assert (changed.status_code, changed.json["active"], changed.json["description"]) == (200, False, "off")
    assert changed.json["url"] == URL
    assert refusal(admin.ask("PATCH", path, {"active": True}, If_Match=tag)) == (412, "version_mismatch")
    assert refusal(admin.ask("DELETE", path, If_Match=tag)) == (412, "version_mismatch")
    assert admin.ask("DELETE", path, If_Match=changed.headers["ETag"]).status_code == 204
    assert refusal(admin.get(path)) == (404, "not_found")
    assert refusal(admin.get(f"{path}/deliveries")) == (404, "not_found")


@ON_SQLITE
@pytest.mark.parametrize(
    "body",
    [{"url": URL}, {"events": ["booking.made"]}, {"url": URL, "events": []}, {"url": URL, "events": ["booking.paid"]},
     {"url": "https://10.0.0.1/", "events": ["booking.made"]}, {"url": "https://a:b@example.org/", "events": ["booking.made"]},
     {"url": URL, "events": ["booking.made"], "secret": "whsec_mine"}, {"url": URL, "events": ["booking.made"], "active": False},
     {"url": "https://example.org/" + "a" * 500, "events": ["booking.made"]}],
)  # fmt: skip
def test_a_webhook_that_cannot_be_is_not_made(town: Town, body: dict[str, Any]) -> None:
    assert refusal(town.admin().ask("POST", ALL, body)) == (422, "invalid")
    assert town.rows("webhooks") == []


@ON_SQLITE
def test_webhooks_come_in_pages_in_the_order_they_were_made(town: Town) -> None:
    admin = town.admin()
    made = [add(admin)["webhook"]["id"] for _ in range(3)]
    first = admin.get(f"{ALL}?limit=2").json
    rest = admin.get(f"{ALL}?limit=2&cursor={first['next_cursor']}").json
    assert [item["id"] for item in first["items"] + rest["items"]] == made
    assert rest["next_cursor"] is None


def test_a_test_reaches_the_receiver_after_the_answer(town: Town) -> None:
    admin = town.admin()
    with receiving(admin) as (made, receiver):
        answer = admin.post(f"{ALL}/{made['webhook']['id']}/test")
        assert answer.status_code == 202
        (received,) = receiver.received
    assert received.headers["webhook-id"] == answer.json["webhook_message_id"]
    assert Library(made["secret"]).verify(received.body, received.headers)["type"] == "webhook.test"
    (delivery,) = admin.get(f"{ALL}/{made['webhook']['id']}/deliveries").json["items"]
    assert (delivery["status"], delivery["event"], delivery["attempts"]) == ("sent", "webhook.test", 1)
    assert [one["outcome"] for one in delivery["tries"]] == ["sent"]


def test_a_receiver_hears_of_a_booking_and_of_its_end_and_reads_nothing_of_the_customer(town: Town, hall: Hall) -> None:
    admin = town.admin()
    with receiving(admin) as (made, receiver):
        booked = hall.client.post("/api/v1/bookings", json=hall.body(), buffered=True).json
        cancelled = admin.post(f"/bookings/{booked['ref']}/cancel", reason="a private reason")
        assert cancelled.status_code == 200
    told = [Library(made["secret"]).verify(one.body, one.headers) for one in receiver.received]
    assert [(one["type"], one["data"]["ref"]) for one in told] == [
        ("booking.made", booked["ref"]),
        ("booking.cancelled", booked["ref"]),
    ]
    assert told[0]["data"]["starts_at"] == at(10)
    for one in receiver.received:
        assert not [word for word in ("ada@", "Ada Example", "private") if word in one.body.decode()]


def test_a_delivery_that_failed_is_sent_again_under_its_id(town: Town) -> None:
    admin = town.admin()
    with receiving(admin, answer=answering("500 Oh")) as (made, receiver):
        path = f"{ALL}/{made['webhook']['id']}"
        admin.post(f"{path}/test")
        (delivery,) = admin.get(f"{path}/deliveries").json["items"]
        assert (delivery["status"], delivery["last_error"]) == ("queued", "the server answered 500")
        assert admin.get(path).json["failing_since"] is not None
        replayed = admin.post(f"{path}/deliveries/{delivery['id']}/replay")
        assert refusal(replayed) == (409, "conflict")
        receiver.answer = answering("410 Gone")
        admin.post(f"{path}/test")
        assert admin.get(path).json["active"] is False
        admin.ask("PATCH", path, {"active": True})
        receiver.answer = answering("200 OK")
        gone = admin.get(f"{path}/deliveries").json["items"][0]
        assert gone["status"] == "dead"
        assert admin.post(f"{path}/deliveries/{gone['id']}/replay").status_code == 204
    assert [one.headers["webhook-id"] for one in receiver.received[1:]] == [gone["webhook_message_id"]] * 2
    assert admin.get(f"{path}/deliveries").json["items"][0]["status"] == "sent"
    assert json.loads(receiver.received[-1].body)["type"] == "webhook.test"


@ON_SQLITE
def test_an_admin_who_signed_in_long_ago_is_told_no_secret(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = take_the_clock(monkeypatch)
    admin = town.admin()
    path = f"{ALL}/{add(admin)['webhook']['id']}"
    clock.move(minutes=11)
    assert refusal(admin.post(f"{path}/rotate-secret")) == (403, "step_up_required")
    assert refusal(admin.ask("PATCH", path, {"url": URL})) == (403, "step_up_required")
    assert admin.get(path).status_code == 200
