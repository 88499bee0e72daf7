"""Webhooks: who is owed what, what goes over the line, and endpoints that fail."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import Engine, update
from standardwebhooks import Webhook as Library

from app.domain.errors import Busy
from app.domain.webhooks import EVENTS
from app.gateways.errors import DeliveryFailed
from app.gateways.sealing import SealBroken
from app.gateways.webhooks import EndpointGone
from app.persistence import session, tables
from app.persistence import webhooks as stored
from app.persistence.session import transaction
from app.runtime.settings import Settings
from app.services import webhook_desk, webhooks
from app.services.webhook_desk import WebhookChanges
from tests.conftest import Queries
from tests.gateways.loopback import free_port
from tests.gateways.receivers import answering
from tests.services.desk import CUSTOMER, OPERATOR
from tests.services.door import ON_SQLITE
from tests.services.factories import make_venue
from tests.services.webhook_samples import MADE, Town, claimed, event_of, make_town, receiving

WEBHOOKS = tables.webhooks
FAILED = answering("500 Oh")


@pytest.fixture
def town(database: Engine, settings: Settings) -> Town:
    return make_town(database, settings)


def fail(town: Town, *, at: timedelta = timedelta(0)) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        town.deliver(town.owed()[-1], town.now + at)
    return caught.value


def test_an_event_is_owed_to_each_webhook_of_the_venue_that_asks_for_it(town: Town) -> None:
    booking = town.booking()
    everywhere = town.add()[1].id
    here = town.add(venue_id=booking.venue_id)[1].id
    town.add(venue_id=make_venue(town.engine))
    town.add("https://hooks.example.org/", "booking.cancelled")
    off = town.add()[1].id
    webhook_desk.change(town.settings, off, WebhookChanges(active=False), by=OPERATOR, now=town.now)
    assert town.tell(booking) == 2
    assert [row.webhook_id for row in town.owed()] == [everywhere, here]


def test_what_is_owed_has_all_that_a_sender_wants(town: Town) -> None:
    booking = town.booking()
    webhook = town.add()[1]
    town.tell(booking)
    (row,) = town.owed()
    assert (row.topic, row.object, row.venue_id) == (MADE, f"booking:{booking.ref}", booking.venue_id)
    assert (row.status, row.priority, row.attempts, row.sealed, row.expires) == ("queued", 6, 0, "", None)
    assert (row.dedupe, row.due) == (f"{'e' * 32}:webhook:{webhook.id}", town.now.timestamp())


def test_a_payload_tells_of_the_booking_and_not_of_the_customer(town: Town) -> None:
    booking = town.booking()
    town.add()
    town.tell(booking, details={"was": {"starts_at": "2027-06-07T06:00:00Z"}, "reason": "private", "by": "guest"})
    payload = json.loads(town.owed()[0].details)
    assert payload == {
        "type": MADE,
        "timestamp": town.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {
            "ref": booking.ref,
            "status": "confirmed",
            "venue_id": booking.venue_id,
            "service_id": booking.service_id,
            "resource_ids": [resource_id for resource_id, _ in booking.resources],
            "starts_at": "2027-06-07T08:00:00Z",
            "ends_at": booking.ends_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "timezone": "Europe/Berlin",
            "party_size": 1,
            "total_minor": booking.price.total_minor,
            "currency": booking.price.currency,
            "version": 1,
            "was": {"starts_at": "2027-06-07T06:00:00Z"},
        },
    }
    assert CUSTOMER.name not in town.owed()[0].details
    assert CUSTOMER.email not in town.owed()[0].details


@ON_SQLITE
@pytest.mark.parametrize("event", [event for event in EVENTS if event.startswith("booking.")])
def test_every_event_that_a_webhook_may_ask_for_reaches_it(town: Town, event: str) -> None:
    with receiving(town, None, event) as (secret, receiver):
        town.tell(town.booking(), event)
        town.deliver(town.owed()[0])
    assert Library(secret).verify(receiver.received[0].body, receiver.received[0].headers)["type"] == event


def test_twenty_webhooks_take_as_many_statements_as_one(town: Town, queries: Queries) -> None:
    booking = town.booking()
    for _ in range(20):
        town.add()
    with queries(most=2):
        assert town.tell(booking) == 20
    assert len({row.message_id for row in town.owed()}) == 20


@ON_SQLITE
def test_an_event_that_nobody_asks_for_takes_one_statement_and_owes_nothing(town: Town, queries: Queries) -> None:
    booking = town.booking()
    town.add("https://hooks.example.org/", "booking.cancelled")
    with transaction() as opened, queries(most=1):
        opened.info.pop("owes_messages", None)
        message = event_of(booking, MADE, {}, at=town.now)
        assert webhooks.add_deliveries(opened, message, booking, now=town.now) == 0
        assert "owes_messages" not in opened.info


def test_a_delivery_is_taken_by_the_reference_library_and_has_the_row_for_its_id(town: Town) -> None:
    with receiving(town) as (secret, receiver):
        town.tell(town.booking())
        (row,) = town.owed()
        town.deliver(row)
        town.deliver(row, town.now + timedelta(seconds=30))
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == row.message_id
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 30
    for received in (first, second):
        assert Library(secret).verify(received.body, received.headers) == json.loads(row.details)


def test_for_a_day_after_a_change_of_secret_receivers_with_either_take_it(town: Town) -> None:
    with receiving(town) as (before, receiver):
        town.tell(town.booking())
        webhook_id = town.webhook().id
        changed = town.now - timedelta(hours=23, minutes=59)
        after, _ = webhook_desk.rotate_secret(town.settings, webhook_id, by=OPERATOR, now=changed)
        town.deliver(town.owed()[0])
        webhook_desk.rotate_secret(town.settings, webhook_id, by=OPERATOR, now=town.now - timedelta(days=1))
        town.deliver(town.owed()[0])
    both, one = receiver.received
    for secret in (before, after):
        Library(secret).verify(both.body, both.headers)
    assert len(one.headers["webhook-signature"].split()) == 1


@ON_SQLITE
def test_a_secret_opens_in_its_own_row_alone(town: Town) -> None:
    town.add()
    with receiving(town):
        town.tell(town.booking())
        first, second = town.rows("webhooks")
        with town.engine.connect() as connection:
            connection.execute(
                update(WEBHOOKS).where(WEBHOOKS.c.id == second.id).values(secret_sealed=first.secret_sealed)
            )
        with pytest.raises(SealBroken):
            town.deliver(town.owed()[1])


def test_the_first_failure_is_noted_and_the_next_success_forgets_it(town: Town) -> None:
    with receiving(town, FAILED) as (_, receiver):
        town.tell(town.booking())
        assert not fail(town).permanent
        fail(town, at=timedelta(hours=1))
        assert (town.webhook().failing_since, town.webhook().last_error) == (town.now, "the server answered 500")
        receiver.answer = answering("200 OK")
        town.deliver(town.owed()[0], town.now + timedelta(hours=2))
    assert (town.webhook().failing_since, town.webhook().last_error, town.webhook().active) == (None, "", True)


def test_after_five_days_of_nothing_but_failures_an_endpoint_is_switched_off_once(town: Town) -> None:
    with receiving(town, FAILED) as (_, receiver):
        town.tell(town.booking())
        fail(town)
        fail(town, at=timedelta(days=4, hours=23))
        assert town.webhook().active
        fail(town, at=timedelta(days=5))
        assert not town.webhook().active
        assert len(receiver.received) == 3
        refused = fail(town, at=timedelta(days=5, minutes=1))
        assert (str(refused), refused.permanent) == ("the webhook is switched off", True)
        assert len(receiver.received) == 3
    assert town.actions() == ["webhook.added", "webhook.switched_off"]


def test_a_success_in_between_gives_an_endpoint_another_five_days(town: Town) -> None:
    with receiving(town, FAILED) as (_, receiver):
        town.tell(town.booking())
        fail(town)
        receiver.answer = answering("200 OK")
        town.deliver(town.owed()[0], town.now + timedelta(days=3))
        receiver.answer = FAILED
        fail(town, at=timedelta(days=6))
        assert town.webhook().active
        assert town.webhook().failing_since == town.now + timedelta(days=6)


def test_410_switches_an_endpoint_off_at_once(town: Town) -> None:
    with receiving(town, answering("410 Gone")):
        town.tell(town.booking())
        assert isinstance(fail(town), EndpointGone)
    assert not town.webhook().active
    assert town.actions()[-1] == "webhook.switched_off"


@ON_SQLITE
@pytest.mark.parametrize(
    "to", [WebhookChanges(active=True), WebhookChanges(active=True, url="https://new.example.org/")]
)
def test_an_endpoint_that_is_switched_on_again_begins_without_failures(town: Town, to: WebhookChanges) -> None:
    with receiving(town, answering("410 Gone")):
        town.tell(town.booking())
        fail(town)
    on = webhook_desk.change(town.settings, town.webhook().id, to, by=OPERATOR, now=town.now)
    assert (on.active, on.failing_since, on.last_error) == (True, None, "")


@ON_SQLITE
def test_another_description_forgets_no_failure_and_another_address_does(town: Town) -> None:
    with receiving(town, FAILED):
        town.tell(town.booking())
        fail(town)
    webhook_id = town.webhook().id
    told = WebhookChanges(description="the till")
    same = webhook_desk.change(town.settings, webhook_id, told, by=OPERATOR, now=town.now)
    assert same.failing_since == town.now
    moved = WebhookChanges(url="https://new.example.org/")
    assert webhook_desk.change(town.settings, webhook_id, moved, by=OPERATOR, now=town.now).failing_since is None


@ON_SQLITE
@pytest.mark.parametrize("answer", [answering("200 OK"), FAILED])
def test_how_it_went_stands_though_it_cannot_be_noted(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: bytes
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise Busy("The database is busy.")

    with receiving(town, FAILED) as (_, receiver):
        town.tell(town.booking())
        fail(town)
        receiver.answer = answer
        monkeypatch.setattr(stored, "note_success", busy)
        monkeypatch.setattr(stored, "note_failure", busy)
        if answer == FAILED:
            assert str(fail(town)) == "the server answered 500"
        else:
            town.deliver(town.owed()[0])
    assert "webhook_not_noted" in caplog.text


@ON_SQLITE
def test_a_webhook_that_was_removed_is_sent_nothing(town: Town) -> None:
    with receiving(town) as (_, receiver):
        town.tell(town.booking())
        (row,) = town.owed()
        webhook_desk.remove(row.webhook_id, by=OPERATOR, now=town.now)
        with pytest.raises(DeliveryFailed, match="removed") as caught:
            town.deliver(row)
    assert caught.value.permanent
    assert receiver.received == []


@ON_SQLITE
def test_no_connection_to_the_database_is_held_while_a_server_is_talked_to(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    monkeypatch.setattr(webhooks.gateway, "post", lambda *_, **__: held.append(session.engine().pool.checkedout()))  # type: ignore[attr-defined]
    town.add()
    town.tell(town.booking())
    town.deliver(town.owed()[0])
    assert held == [0]


@ON_SQLITE
def test_a_closed_port_is_a_failure_like_any_other(town: Town) -> None:
    town.add(f"http://127.0.0.1:{free_port()}/")
    town.tell(town.booking())
    assert not fail(town).permanent
    assert town.webhook().failing_since == town.now


@ON_SQLITE
def test_this_machine_is_not_reached_unless_it_is_allowed(town: Town, settings: Settings) -> None:
    with receiving(town) as (_, receiver):
        town.tell(town.booking())
        message = claimed(town.owed()[0])
        with pytest.raises(DeliveryFailed, match="not one of the internet"):
            webhooks.deliver(settings, message, now=town.now)
        assert receiver.received == []
        webhooks.deliver(town.settings, message, now=town.now)
        assert len(receiver.received) == 1
