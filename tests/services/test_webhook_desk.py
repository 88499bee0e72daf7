"""What admins do with webhooks, and what of it is never shown again."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from sqlalchemy import Engine, update
from standardwebhooks import Webhook as Library

from app.domain.errors import Conflict, Invalid, NotFound, VersionMismatch
from app.domain.webhooks import MOST_WEBHOOKS
from app.persistence import tables, webhook_deliveries
from app.persistence.session import reading
from app.runtime.settings import Settings
from app.services import webhook_desk as desk
from app.services.webhook_desk import WebhookChanges, WebhookWish
from tests.services.desk import OPERATOR
from tests.services.door import ON_SQLITE
from tests.services.webhook_samples import MADE, URL, Town, make_town, receiving

OUTBOX = tables.outbox


@pytest.fixture
def town(database: Engine, settings: Settings) -> Town:
    return make_town(database, settings)


def replay(town: Town, webhook_id: int, delivery_id: int) -> None:
    desk.replay(webhook_id, delivery_id, by=OPERATOR, now=town.now)


def end(town: Town, status: str) -> None:
    with town.engine.connect() as connection:
        connection.execute(update(OUTBOX).values(status=status, attempts=10, sent_at=town.now, last_error="oh"))


def test_a_secret_is_told_once_and_kept_sealed(town: Town) -> None:
    secret, made = town.add(description="  the till ")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert (made.url, made.events, made.description, made.active, made.venue_id) == (
        URL,
        (MADE,),
        "the till",
        True,
        None,
    )
    everything = str([town.rows(name) for name in ("webhooks", "outbox", "audit_log")])
    assert secret not in everything
    assert secret.removeprefix("whsec_") not in everything
    assert town.actions() == ["webhook.added"]


@ON_SQLITE
def test_no_two_webhooks_have_one_secret(town: Town) -> None:
    assert len({town.add()[0] for _ in range(5)}) == 5


@ON_SQLITE
def test_there_are_twenty_at_most(town: Town) -> None:
    for _ in range(MOST_WEBHOOKS):
        town.add()
    with pytest.raises(Conflict):
        town.add()
    desk.remove(town.webhook().id, by=OPERATOR, now=town.now)
    town.add()


@ON_SQLITE
@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("url", {"url": "http://hooks.example.org/"}), ("url", {"url": "https://10.0.0.1/"}), ("url", {"url": "https://[::1]/"}),
        ("url", {"url": "https://user:pw@hooks.example.org/"}), ("url", {"url": "ftp://hooks.example.org"}), ("url", {"url": ""}),
        ("events", {"events": []}), ("events", {"events": ["booking.made", "user.created"]}),
        ("description", {"description": "a" * 201}), ("description", {"description": "two\nlines"}),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_its_field(
    town: Town, settings: Settings, field: str, values: dict[str, object]
) -> None:
    wish = WebhookWish(**{"url": URL, "events": [MADE], **values})  # type: ignore[arg-type]  # on purpose
    with pytest.raises(Invalid) as caught:
        desk.add(settings, wish, by=OPERATOR, now=town.now)
    assert [error.field for error in caught.value.errors] == [field]
    webhook_id = town.add()[1].id
    with pytest.raises(Invalid):
        desk.change(settings, webhook_id, WebhookChanges(**values), by=OPERATOR, now=town.now)  # type: ignore[arg-type]
    assert town.webhook().version == 2


@ON_SQLITE
@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "https://127.0.0.1/", "http://till.internal/"])
def test_a_network_that_is_allowed_may_be_named_and_go_without_encryption(town: Town, url: str) -> None:
    assert town.add(url)[1].url == url


@ON_SQLITE
def test_a_webhook_of_no_venue_is_refused(town: Town) -> None:
    with pytest.raises(NotFound):
        town.add(venue_id=10**6)


def test_a_change_says_in_the_audit_log_what_is_different_and_raises_the_version(town: Town) -> None:
    before = town.add(description="till")[1]
    to = WebhookChanges(events=["booking.cancelled", MADE, MADE], active=False)
    after = desk.change(town.settings, before.id, to, version=before.version, by=OPERATOR, now=town.now)
    assert (after.events, after.active, after.url) == ((MADE, "booking.cancelled"), False, URL)
    assert (after.description, after.version) == ("till", before.version + 1)
    assert town.rows("audit_log")[-1].detail == '{"events":["booking.made","booking.cancelled"],"active":false}'
    with pytest.raises(VersionMismatch):
        desk.change(town.settings, before.id, to, version=before.version, by=OPERATOR, now=town.now)
    desk.change(town.settings, before.id, to, by=OPERATOR, now=town.now)  # nothing is different
    assert (town.webhook().version, len(town.actions())) == (after.version, 2)


def test_what_is_owed_to_a_webhook_goes_when_it_is_removed_and_stays_apart_from_the_next(town: Town) -> None:
    booking = town.booking()
    removed = town.add()[1]
    town.tell(booking)
    with pytest.raises(VersionMismatch):
        desk.remove(removed.id, version=removed.version + 1, by=OPERATOR, now=town.now)
    desk.remove(removed.id, version=removed.version, by=OPERATOR, now=town.now)
    (row,) = town.owed()
    assert (row.status, row.webhook_id) == ("void", None)
    fresh = town.add("https://other.example.org/")[1]  # on SQLite it has the number of the one before
    assert webhook_deliveries.list_deliveries(reading(), fresh.id, cursor=10**18, limit=9) == []
    with pytest.raises(NotFound):
        desk.remove(fresh.id + 1, by=OPERATOR, now=town.now)


def test_a_test_is_a_message_that_the_receiver_can_check(town: Town) -> None:
    with receiving(town) as (secret, receiver):
        webhook_id = town.webhook().id
        message_id = desk.send_test(webhook_id, by=OPERATOR, now=town.now)
        (row,) = town.owed()
        town.deliver(row)
    (received,) = receiver.received
    assert received.headers["webhook-id"] == message_id
    payload = Library(secret).verify(received.body, received.headers)
    assert (payload["type"], payload["data"]) == ("webhook.test", {"webhook_id": webhook_id})


@pytest.mark.parametrize("status", ["sent", "dead", "expired"])
def test_a_message_is_sent_again_as_it_was_and_under_the_same_id(town: Town, status: str) -> None:
    with receiving(town) as (_, receiver):
        town.tell(town.booking())
        (before,) = town.owed()
        town.deliver(before)
        end(town, status)
        replay(town, before.webhook_id, before.id)
        (after,) = town.owed()
        assert (after.status, after.attempts, after.claim, after.sent_at, after.last_error) == (
            "queued",
            0,
            None,
            None,
            "",
        )
        town.deliver(after)
    first, second = receiver.received
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert town.actions()[-1] == "webhook.replayed"


@ON_SQLITE
def test_a_message_that_is_on_its_way_is_not_sent_again(town: Town) -> None:
    webhook_id = town.add()[1].id
    town.tell(town.booking())
    (row,) = town.owed()
    with pytest.raises(Conflict, match="on its way"):
        replay(town, webhook_id, row.id)
    end(town, "sent")
    replay(town, webhook_id, row.id)
    with pytest.raises(Conflict, match="on its way"):
        replay(town, webhook_id, row.id)


@ON_SQLITE
def test_no_message_of_another_webhook_or_channel_is_sent_again(town: Town) -> None:
    first, second = town.add()[1], town.add("https://hooks.example.org/", "booking.cancelled")[1]
    town.tell(town.booking())
    end(town, "sent")
    (row,) = town.owed()
    with pytest.raises(NotFound):
        replay(town, second.id, row.id)
    with pytest.raises(NotFound):
        replay(town, first.id, row.id + 100)
    with pytest.raises(NotFound):
        replay(town, second.id + 100, row.id)


@ON_SQLITE
def test_a_webhook_that_is_switched_off_is_neither_tested_nor_sent_anything_again(town: Town) -> None:
    webhook_id = town.add()[1].id
    town.tell(town.booking())
    end(town, "dead")
    desk.change(town.settings, webhook_id, WebhookChanges(active=False), by=OPERATOR, now=town.now)
    with pytest.raises(Conflict, match="switched off"):
        desk.send_test(webhook_id, by=OPERATOR, now=town.now)
    with pytest.raises(Conflict, match="switched off"):
        replay(town, webhook_id, town.owed()[0].id)


def test_deliveries_are_listed_the_newest_first_with_every_try(town: Town) -> None:
    webhook_id = town.add()[1].id
    for _ in range(3):
        town.tell(town.booking())
        town.now += timedelta(seconds=1)
        with town.engine.connect() as connection:
            connection.execute(update(OUTBOX).values(dedupe=None))
    oldest, middle, newest = (row.id for row in town.owed())
    with town.engine.connect() as connection:
        for outcome, milliseconds in (("failed", 5000), ("sent", 12)):
            tried = {
                "outbox_id": middle,
                "at": town.now,
                "outcome": outcome,
                "detail": "",
                "milliseconds": milliseconds,
            }
            connection.execute(tables.deliveries.insert(), tried)
    page = webhook_deliveries.list_deliveries(reading(), webhook_id, cursor=10**18, limit=2)
    assert [one.id for one in page] == [newest, middle]
    assert [(one.outcome, one.milliseconds) for one in page[1].tries] == [("failed", 5000), ("sent", 12)]
    assert page[0].tries == ()
    rest = webhook_deliveries.list_deliveries(reading(), webhook_id, cursor=middle, limit=2)
    assert [one.id for one in rest] == [oldest]


def test_a_lost_sealing_key_is_overcome_by_another_secret(town: Town) -> None:
    with receiving(town) as (_, receiver):
        with town.engine.connect() as connection:
            connection.execute(update(tables.webhooks).values(secret_sealed="v1.bG9zdA=="))
        secret, _ = desk.rotate_secret(town.settings, town.webhook().id, by=OPERATOR, now=town.now)
        town.tell(town.booking())
        town.deliver(town.owed()[0])
    Library(secret).verify(receiver.received[0].body, receiver.received[0].headers)
