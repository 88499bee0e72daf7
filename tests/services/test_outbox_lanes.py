"""What fails is left alone and holds up nothing else, what is over a budget waits, and every try is written down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.domain.accounts import Target
from app.domain.errors import Busy
from app.gateways.errors import DeliveryFailed
from app.persistence import outbox as stored
from app.persistence import tables
from app.persistence.outbox import add_event, add_message
from app.persistence.session import transaction
from app.runtime.settings import Settings
from app.services import letters, messages, outbox, webhooks
from app.services.outbox_gateways import Gateways
from tests.gateways.loopback import Postbox, free_port, mail_server
from tests.gateways.providers import Provider, running
from tests.services.desk import Desk, at
from tests.services.door import ADA, ON_SQLITE, Door, at_once

OUTBOX = tables.outbox
BOB = Target("sms", "+491701234567")
EVE = Target("whatsapp", "+491701234568")


@pytest.fixture
def door(database: Engine, settings: Settings, tmp_path: Path) -> Door:
    return Door(database, replace(settings, whatsapp_url=f"file:{tmp_path}/whatsapp"))


def owe(door: Door, target: Target = ADA, topic: str = "booking.cancelled", number: int = 1, **values: Any) -> None:
    with transaction() as opened:
        for _ in range(number):
            messages.owe(opened, door.settings, topic, target, now=door.now, **values)


def owe_webhook(door: Door, *webhook_ids: int) -> None:
    fixed = {"topic": "booking.made", "channel": "webhook", "priority": 6, "details": "{}", "created_at": door.now}
    with transaction() as opened:
        for webhook_id in webhook_ids:
            add_message(opened, {**fixed, "webhook_id": webhook_id, "due": int(door.now.timestamp())})


def drain(door: Door) -> int:
    return outbox.drain(door.settings, clock=lambda: door.now, budget_seconds=30)


def states(door: Door) -> list[tuple[str, int]]:
    return [(row.status, row.attempts) for row in door.rows("outbox")]


def outcomes(door: Door) -> list[tuple[int, str, str]]:
    return [(row.outbox_id, row.outcome, row.detail) for row in door.rows("deliveries")]


def without_mail_server(door: Door) -> None:
    door.settings = replace(door.settings, mail_url=f"smtp://127.0.0.1:{free_port()}")


@contextmanager
def mail_by_smtp(door: Door, box: Postbox) -> Iterator[None]:
    with mail_server(box) as port:
        door.settings = replace(door.settings, mail_url=f"smtp://127.0.0.1:{port}")
        yield


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the webhooks that were asked, in order; the first of them is dead."""
    asked: list[int] = []

    def deliver(_: Settings, message: stored.OwedMessage, **__: Any) -> None:
        assert message.webhook_id is not None
        asked.append(message.webhook_id)
        if message.webhook_id == 1:
            raise DeliveryFailed("no answer", permanent=False, retry_after_seconds=4000)

    monkeypatch.setattr(webhooks, "deliver", deliver)
    return asked


def test_a_webhook_that_is_dead_is_asked_once_and_holds_up_no_other(door: Door, taken: list[int]) -> None:
    owe_webhook(door, 1, 1, 2, 1, 2)
    owe(door)
    assert drain(door) == 3
    assert taken == [1, 2, 2]
    assert states(door) == [("queued", 1), ("queued", 0), ("sent", 1), ("queued", 0), ("sent", 1), ("sent", 1)]
    assert drain(door) == 0
    assert taken == [1, 2, 2]  # nor is it asked by whoever sends next, for a minute
    door.pass_time(seconds=60)
    drain(door)
    assert taken == [1, 2, 2, 1]


@ON_SQLITE
def test_a_webhook_is_not_asked_before_it_wants_to_be_and_given_up_after_three_days(
    door: Door, taken: list[int]
) -> None:
    owe_webhook(door, 1)
    drain(door)
    assert taken == [1]
    assert 3200 <= door.rows("outbox")[0].due - door.now.timestamp() <= 4800
    began = last = door.now
    while states(door)[0][0] == "queued":
        last, door.now = door.now, door.now + timedelta(seconds=door.rows("outbox")[0].due - door.now.timestamp())
        drain(door)
    assert timedelta(days=2) < last - began < timedelta(days=4)
    assert door.rows("outbox")[0].details == "{}"  # to be sent again, should somebody want it


def test_a_mail_server_that_is_down_holds_up_neither_texts_nor_webhooks_nor_events(
    door: Door, taken: list[int]
) -> None:
    owe(door, number=3)
    owe(door, BOB)
    owe(door, EVE)
    owe_webhook(door, 2)
    without_mail_server(door)
    assert drain(door) == 3
    assert taken == [2]
    assert [row.attempts for row in door.rows("outbox") if row.channel == "email"] == [1, 0, 0]


@ON_SQLITE
def test_what_waits_for_a_gateway_that_fails_waits_a_minute_but_not_what_comes_meanwhile(door: Door) -> None:
    settings = door.settings
    owe(door, number=3)
    without_mail_server(door)
    drain(door)
    door.settings = settings
    owe(door)
    assert drain(door) == 1
    assert states(door) == [("queued", 1), ("queued", 0), ("queued", 0), ("sent", 1)]
    door.pass_time(seconds=72)
    assert drain(door) == 3


@ON_SQLITE
def test_an_addressee_who_gets_nothing_just_now_holds_up_nobody(door: Door) -> None:
    class Grey(Postbox):
        async def handle_RCPT(self, *call: Any) -> str:  # noqa: N802
            await super().handle_RCPT(*call)
            return "450 4.2.0 greylisted" if "grey" in call[3] else "250 OK"

    for name in ("grey1", "white1", "grey2", "white2"):
        owe(door, Target("email", f"{name}@example.org"))
    with mail_by_smtp(door, Grey()):
        assert drain(door) == 2
    assert [status for status, _ in states(door)] == ["queued", "sent", "queued", "sent"]


@ON_SQLITE
def test_a_server_that_refuses_one_addressee_after_the_other_is_left_alone(door: Door) -> None:
    owe(door, number=5)
    with mail_by_smtp(door, box := Postbox(rcpt="451 too many mails this hour")):
        assert drain(door) == 0
    assert box.commands.count("RCPT") == 3
    assert sum(attempts for _, attempts in states(door)) == 3


def test_each_try_is_written_down_with_what_became_of_it(door: Door) -> None:
    owe(door)
    settings = door.settings
    without_mail_server(door)
    drain(door)
    door.settings = settings
    door.pass_time(minutes=5)
    drain(door)
    owe(door)
    with mail_by_smtp(door, Postbox(rcpt="550 5.1.1 <ada@example.org> unknown")):
        drain(door)
    assert outcomes(door) == [
        (1, "failed", "the connection to the mail server failed: ConnectionRefusedError"),
        (1, "sent", ""),
        (2, "refused", "the mail server refused the addressee: 550 5.1.1"),
    ]
    assert all(row.milliseconds >= 0 for row in door.rows("deliveries"))
    assert ADA.address not in str(door.rows("deliveries"))


@ON_SQLITE
def test_a_try_that_cannot_be_written_down_leaves_the_message_as_it_was(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise Busy("the disk is slow")

    owe(door)
    monkeypatch.setattr("app.services.outbox_marks.add_delivery", fail)
    with pytest.raises(Busy):
        drain(door)
    assert states(door) == [("queued", 1)]


def test_a_message_goes_with_its_tries_a_month_after_it_was_sent(door: Door) -> None:
    owe(door, number=2)
    drain(door)
    door.pass_time(days=30, seconds=1)
    owe(door)
    drain(door)
    with transaction() as opened:
        assert stored.delete_done(opened, now=door.now, limit=500) == 2
    assert [row.outbox_id for row in door.rows("deliveries")] == [3]


@ON_SQLITE
def test_what_nobody_has_foreseen_stops_none_behind_it_and_tells_nothing_private(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose, broken = letters.compose_mail, []

    def compose_badly(settings: Settings, message: stored.OwedMessage) -> Any:
        if not broken:
            broken.append(message.id)
            raise TypeError("no word for ada@example.org")
        return compose(settings, message)

    monkeypatch.setattr(letters, "compose_mail", compose_badly)
    owe(door, number=2)
    assert drain(door) == 1
    assert door.rows("outbox")[0].last_error == "it could not be written: TypeError"


@ON_SQLITE
def test_a_database_that_is_away_ends_the_round_and_is_no_messages_fault(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise Busy("no connection")

    monkeypatch.setattr(letters, "compose_mail", away)
    owe(door, number=2)
    with pytest.raises(Busy):
        drain(door)
    assert (states(door), door.rows("deliveries")) == ([("queued", 1), ("queued", 0)], [])


@ON_SQLITE
def test_gateways_are_let_go_of_even_where_a_round_ends_badly(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    owe(door, number=2)
    monkeypatch.setattr("app.services.outbox_marks.add_delivery", lambda *_: (_ for _ in ()).throw(Busy("slow")))
    farewells: list[int] = []

    class Polite(Postbox):
        async def handle_QUIT(self, *call: Any) -> str:  # noqa: N802
            farewells.append(1)
            return await super().handle_QUIT(*call)

    with mail_by_smtp(door, Polite()), pytest.raises(Busy):
        drain(door)
    assert farewells == [1]


@ON_SQLITE
def test_many_mails_of_a_round_go_over_one_connection(door: Door) -> None:
    owe(door, number=4)
    farewells: list[int] = []

    class Polite(Postbox):
        async def handle_QUIT(self, *call: Any) -> str:  # noqa: N802
            farewells.append(1)
            return await super().handle_QUIT(*call)

    with mail_by_smtp(door, Polite()):
        assert drain(door) == 4
    assert farewells == [1]


def test_mail_over_the_budget_waits_for_the_next_hour_and_costs_no_try(door: Door) -> None:
    door.settings = replace(door.settings, mail_hourly_budget=10)
    owe(door, number=12)
    assert drain(door) == 8  # the last fifth is for codes
    waiting = [row for row in door.rows("outbox") if row.status == "queued"]
    assert [(row.attempts, row.due) for row in waiting] == [(0, int(door.now.timestamp()) + 3600)] * 4
    assert drain(door) == 0
    owe(door)
    assert drain(door) == 0
    door.pass_time(hours=1)
    assert drain(door) == 5


@ON_SQLITE
def test_codes_have_the_last_fifth_and_no_more(door: Door) -> None:
    door.settings = replace(door.settings, mail_hourly_budget=10)
    owe(door, number=9)
    drain(door)
    seconds = int(door.now.timestamp())
    owe(door, topic="code.sign_in", number=3, expires=seconds + 300, code="271828")
    assert drain(door) == 2
    assert [row.due for row in door.rows("outbox") if row.status == "queued"] == [seconds + 3600] * 2
    door.pass_time(hours=1)
    assert drain(door) == 1
    assert states(door)[-1] == ("expired", 1)


@pytest.mark.long
@ON_SQLITE
def test_without_a_budget_everything_goes(door: Door) -> None:
    door.settings = replace(door.settings, mail_hourly_budget=0)
    owe(door, number=120)
    assert drain(door) == 120


@ON_SQLITE
def test_mail_that_did_not_leave_is_not_counted_and_mail_that_may_have_is(door: Door) -> None:
    for answer in ("450 4.2.0 greylisted", "550 5.1.1 unknown"):
        owe(door)
        with mail_by_smtp(door, Postbox(rcpt=answer)):
            door.settings = replace(door.settings, mail_hourly_budget=10)
            drain(door)
    assert [row.count for row in door.rows("throttles")] == [0]
    owe(door)
    with mail_by_smtp(door, Postbox(data="drop")):
        door.settings = replace(door.settings, mail_hourly_budget=10)
        drain(door)
    assert [row.count for row in door.rows("throttles")] == [1]


def test_senders_at_once_send_no_more_than_the_budget(door: Door) -> None:
    door.settings = replace(door.settings, mail_hourly_budget=20)
    owe(door, number=40)
    sent = at_once(4, lambda: drain(door))
    assert sum(sent) == 16, sent
    assert [row.count for row in door.rows("throttles")] == [16]


@ON_SQLITE
def test_texts_and_whatsapp_share_the_days_budget_with_the_codes_that_were_asked_for(door: Door) -> None:
    door.settings = replace(door.settings, sms_daily_budget=5)
    door.register(Target("sms", "+4930123456"))  # a code counts when it is asked for
    owe(door, BOB, number=2)
    owe(door, EVE, number=2)
    assert drain(door) == 4  # the code, and three of them: four fifths of five
    assert sorted(row.attempts for row in door.rows("outbox")) == [0, 1, 1, 1, 1]
    door.pass_time(days=1)
    assert drain(door) == 1


@ON_SQLITE
def test_codes_by_sms_that_were_asked_for_go_however_little_is_left(door: Door) -> None:
    door.settings = replace(door.settings, sms_daily_budget=1)
    door.register(Target("sms", "+4930123456"))
    door.run(tables.outbox.update().values(due=int(door.now.timestamp()) + 1))  # the notice is looked at before it
    owe(door, BOB)
    assert drain(door) == 0
    door.pass_time(seconds=1)
    assert drain(door) == 1
    assert [(row.topic, row.status) for row in door.rows("outbox")] == [
        ("code.register", "sent"),
        ("booking.cancelled", "queued"),
    ]


@ON_SQLITE
def test_a_day_without_a_budget_lets_codes_and_texts_go(door: Door) -> None:
    door.settings = replace(door.settings, sms_daily_budget=0)
    door.register(Target("sms", "+4930123456"))
    owe(door, BOB, number=3)
    assert drain(door) == 4


@ON_SQLITE
def test_the_smallest_budget_lets_a_notice_go_in_the_end(door: Door) -> None:
    door.settings = replace(door.settings, mail_hourly_budget=1)
    owe(door, number=2)
    assert drain(door) == 1
    door.pass_time(hours=1)
    assert drain(door) == 1


@ON_SQLITE
def test_whatsapp_goes_by_its_own_settings_and_codes_never_do(door: Door, tmp_path: Path) -> None:
    owe(door, EVE)
    assert drain(door) == 1
    (path,) = (tmp_path / "whatsapp").iterdir()
    assert EVE.address in path.read_text()
    with running(Provider(status=503)) as provider:
        url = f"http://127.0.0.1:{provider.port}/send"
        body = '{"phone": "{to}", "body": "{text}"}'
        door.settings = replace(door.settings, whatsapp_url=url, whatsapp_headers="X-Key: abc", whatsapp_body=body)
        owe(door, EVE, number=2)
        assert drain(door) == 0
    (request,) = provider.requests
    assert json.loads(request.body)["phone"] == EVE.address
    assert request.headers["X-Key"] == "abc"


@ON_SQLITE
def test_a_channel_that_is_not_set_up_is_given_up_and_says_what_to_set(door: Door) -> None:
    door.settings = replace(door.settings, whatsapp_url="none:")
    owe(door, EVE)
    drain(door)
    assert states(door) == [("dead", 1)]
    assert "WHATSAPP_URL" in door.rows("outbox")[0].last_error


def test_a_second_message_of_the_same_dedupe_is_nothing(door: Door) -> None:
    for number in range(3):
        owe(door, dedupe="event 1:customer" if number < 2 else "event 2:customer")
    assert [row.dedupe for row in door.rows("outbox")] == ["event 1:customer", "event 2:customer"]


def test_two_at_once_with_the_same_dedupe_leave_one(door: Door) -> None:
    assert at_once(4, lambda: owe(door, dedupe="the same")) == [None] * 4
    assert len(door.rows("outbox")) == 1


def test_an_event_becomes_messages_which_leave_in_the_same_round(door: Door, tmp_path: Path) -> None:
    ref = make_booking(door)
    with transaction() as opened:
        add_event(opened, "booking.made", f"booking:{ref}", venue_id=1, details={"status": "confirmed"}, now=door.now)
    assert drain(door) >= 1
    assert {row.status for row in door.rows("outbox")} == {"sent"}
    assert any(f"To: {ADA.address}" in path.read_text() for path in (tmp_path / "mail").iterdir())


@ON_SQLITE
def test_an_event_that_nobody_knows_is_tried_again_and_holds_up_nothing(door: Door) -> None:
    with transaction() as opened:
        add_event(opened, "booking.of_tomorrow", "booking:2345678CFG", venue_id=1, details={}, now=door.now)
    owe(door)
    assert drain(door) == 1
    assert states(door) == [("queued", 1), ("sent", 1)]


def make_booking(door: Door) -> str:
    """Return the reference of a booking of Ada's, with nothing owed of it yet."""
    desk = Desk(door.engine)
    booking = desk.book(desk.room_service(), at("10:00"))
    door.run(tables.outbox.delete())
    return str(booking.ref)


@ON_SQLITE
def test_a_gateway_is_made_when_it_is_needed(door: Door) -> None:
    door.settings = replace(door.settings, mail_url="nonsense:")
    with Gateways(door.settings) as gateways:
        assert vars(gateways)
    owe(door, BOB)
    assert drain(door) == 1
