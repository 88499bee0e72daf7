"""The outbox: a message is owed with what it tells of, sent once by whoever is first, and never after its time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from app.domain.accounts import Target
from app.domain.errors import Conflict
from app.gateways.letters import Mail
from app.persistence import outbox as stored
from app.persistence import outbox_queue as queue
from app.persistence import session, tables
from app.persistence.outbox import OwedMessage
from app.persistence.session import transaction
from app.runtime.settings import Settings
from app.services import letters, messages, outbox
from app.services.outbox_marks import MAX_ATTEMPTS
from tests.gateways.loopback import Postbox, free_port, mail_server
from tests.services.door import ADA, GOOD, ON_SQLITE, Door, at_once

OUTBOX = tables.outbox


@pytest.fixture
def door(database: Engine, settings: Settings) -> Door:
    return Door(database, settings)


def owe(door: Door, topic: str = "account.password_changed", target: Target = ADA, **values: Any) -> None:
    with transaction() as opened:
        messages.owe(opened, door.settings, topic, target, now=door.now, **values)


def drain(door: Door, *, clock: Callable[[], datetime] | None = None) -> int:
    return outbox.drain(door.settings, clock=clock or (lambda: door.now), budget_seconds=30)


def mails(door: Door) -> list[str]:
    folder = Path(door.settings.mail_url.removeprefix("file:"))
    return [path.read_text() for path in sorted(folder.glob("*.eml"))]


def statuses(door: Door) -> list[tuple[str, int]]:
    return [(row.status, row.attempts) for row in door.rows("outbox")]


def test_a_message_goes_with_the_transaction_that_owes_it(door: Door) -> None:
    class GaveUpError(Exception):
        """What ends a transaction."""

    with pytest.raises(GaveUpError), transaction() as opened:
        messages.owe(opened, door.settings, "account.erased", ADA, now=door.now)
        raise GaveUpError
    assert door.rows("outbox") == []


def test_a_registration_that_fails_owes_nobody_anything(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_call: Any, **_named: Any) -> None:
        raise Conflict("the audit log is shut")

    monkeypatch.setattr("app.services.codes.add_audit", fail)
    with pytest.raises(Conflict):
        door.register(password=GOOD)
    assert [door.rows(name) for name in ("outbox", "one_time_codes", "audit_log")] == [[], [], []]


def test_a_message_is_sent_and_its_content_wiped(door: Door) -> None:
    owe(door)
    assert ADA.address not in str(door.rows("outbox"))
    assert drain(door) == 1
    (mail,) = mails(door)
    assert f"To: {ADA.address}" in mail
    (row,) = door.rows("outbox")
    assert (row.status, row.sealed, row.sent_at, row.attempts) == ("sent", "", door.now, 1)
    assert f"Message-ID: <{row.message_id}@" in mail
    assert drain(door) == 0
    assert len(mails(door)) == 1


@ON_SQLITE
def test_codes_go_before_notices(door: Door) -> None:
    owe(door)
    door.register()
    drain(door)
    assert ["is your code" in mail for mail in mails(door)] == [True, False]


@ON_SQLITE
def test_a_text_message_goes_to_the_telephone(door: Door) -> None:
    door.register(Target("sms", "+4930123456"))
    code = door.code()
    assert drain(door) == 1
    (path,) = Path(door.settings.sms_url.removeprefix("file:")).iterdir()
    assert code in path.read_text()
    assert mails(door) == []


def test_a_code_that_is_over_is_never_sent(door: Door) -> None:
    door.register()
    door.pass_time(seconds=300)
    assert drain(door) == 0
    (row,) = door.rows("outbox")
    assert (row.status, row.sealed, row.sent_at) == ("expired", "", None)
    assert mails(door) == []


@ON_SQLITE
def test_a_code_that_ran_out_while_it_was_claimed_is_not_sent(door: Door) -> None:
    door.register()
    clock = iter([door.now, door.now])  # to look, and to claim
    drain(door, clock=lambda: next(clock, door.now.replace(minute=5)))
    assert statuses(door) == [("expired", 1)]
    assert mails(door) == []


@ON_SQLITE
def test_what_nobody_is_owed_is_written_and_never_sent(door: Door) -> None:
    door.ask("sign_in")
    assert drain(door) == 0
    assert [(row.status, row.sealed) for row in door.rows("outbox")] == [("void", "")]


def test_a_mail_server_that_is_down_costs_a_try_and_no_message(door: Door) -> None:
    settings = door.settings
    owe(door)
    door.settings = replace(settings, mail_url=f"smtp://127.0.0.1:{free_port()}")
    for attempts, (least, most) in enumerate([(48, 72), (96, 144), (192, 288)], start=1):
        drain(door)
        (row,) = door.rows("outbox")
        assert (row.status, row.attempts, row.claim) == ("queued", attempts, None)
        assert least <= row.due - door.now.timestamp() <= most
        assert "mail server failed" in row.last_error
        assert drain(door) == 0  # not due
        door.pass_time(seconds=row.due - int(door.now.timestamp()))
    door.settings = settings
    assert drain(door) == 1
    assert statuses(door) == [("sent", 4)]


@ON_SQLITE
def test_a_server_that_is_down_is_asked_once_and_holds_up_no_other_channel(door: Door) -> None:
    for number in range(3):
        owe(door, target=Target("email", f"person{number}@example.org"))
    owe(door, target=Target("sms", "+491701234567"))
    door.settings = replace(door.settings, mail_url=f"smtp://127.0.0.1:{free_port()}")
    assert drain(door) == 1
    assert sorted((row.channel, row.status, row.attempts) for row in door.rows("outbox")) == [
        ("email", "queued", 0), ("email", "queued", 0), ("email", "queued", 1), ("sms", "sent", 1),
    ]  # fmt: skip


@ON_SQLITE
def test_a_code_is_tried_again_within_seconds(door: Door) -> None:
    door.register()
    door.settings = replace(door.settings, mail_url=f"smtp://127.0.0.1:{free_port()}")
    drain(door)
    assert 0 < door.rows("outbox")[0].due - door.now.timestamp() <= 12


@ON_SQLITE
def test_a_message_that_is_refused_for_good_is_kept_for_whoever_mends_it(door: Door) -> None:
    box = Postbox(rcpt="550 5.1.1 nobody here")
    owe(door)
    with mail_server(box) as port:
        door.settings = replace(door.settings, mail_url=f"smtp://127.0.0.1:{port}")
        drain(door)
    (row,) = door.rows("outbox")
    assert (row.status, row.attempts) == ("dead", 1)
    assert door.letters()[0][1].to == ADA.address
    assert ADA.address not in row.last_error


@ON_SQLITE
def test_a_mail_is_given_up_after_a_day_and_a_half_at_least(door: Door) -> None:
    owe(door)
    door.settings = replace(door.settings, mail_url=f"smtp://127.0.0.1:{free_port()}")
    began = last = door.now
    while statuses(door)[0][0] == "queued":
        drain(door)
        last, door.now = door.now, max(door.now, datetime.fromtimestamp(door.rows("outbox")[0].due, timezone.utc))
    assert statuses(door) == [("dead", MAX_ATTEMPTS)]
    assert timedelta(days=1) < last - began < timedelta(days=2)
    assert [row.outcome for row in door.rows("deliveries")] == ["failed"] * MAX_ATTEMPTS
    assert door.rows("outbox")[0].sealed


@ON_SQLITE
def test_a_message_that_cannot_be_opened_stops_none_behind_it(door: Door) -> None:
    owe(door)
    owe(door, target=Target("email", "bob@example.org"))
    owe(door, "account.exists", Target("email", "eve@example.org"))
    door.run(update(OUTBOX).values(sealed="v1.AAAA").where(OUTBOX.c.id == door.rows("outbox")[0].id))
    door.run(update(OUTBOX).values(topic="of another version").where(OUTBOX.c.id == door.rows("outbox")[1].id))
    assert drain(door) == 1
    assert [status for status, _ in statuses(door)] == ["queued", "queued", "sent"]


def test_a_claim_that_was_never_finished_is_taken_up_after_its_lease(door: Door) -> None:
    owe(door)
    seconds = int(door.now.timestamp())
    with transaction() as opened:
        assert stored.claim(opened, door.rows("outbox")[0].id, "a sender that was killed", now_seconds=seconds)
    assert drain(door) == 0
    door.pass_time(seconds=stored.LEASE_SECONDS)
    assert drain(door) == 1
    assert statuses(door) == [("sent", 2)]


def test_a_sender_that_has_lost_its_claim_marks_nothing(door: Door) -> None:
    owe(door)
    row_id, seconds = door.rows("outbox")[0].id, int(door.now.timestamp())
    with transaction() as opened:
        stored.claim(opened, row_id, "slow", now_seconds=seconds)
        stored.claim(opened, row_id, "quick", now_seconds=seconds + stored.LEASE_SECONDS)
        stored.end_message(opened, row_id, "slow", status="sent", at=door.now)
        stored.bury(opened, row_id, "slow", error="late")
        stored.put_off(opened, row_id, "slow", due=0, error="late")
    (row,) = door.rows("outbox")
    assert (row.status, row.claim, row.last_error) == ("queued", "quick", "")


@pytest.mark.parametrize("guarded", [True, False])
def test_two_senders_at_once_send_each_message_once(
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,  # noqa: FBT001
) -> None:
    for number in range(8):
        owe(door, target=Target("email", f"person{number}@example.org"))
    have_looked = threading.Barrier(2)
    list_due = queue.list_due

    def look(*call: Any, **criteria: Any) -> list[queue.Due]:
        found = list_due(*call, **criteria)
        if found and len(found) == 8:
            have_looked.wait(10)
        return found

    monkeypatch.setattr(queue, "list_due", look)
    if not guarded:
        claim = update(OUTBOX).where(OUTBOX.c.id == stored.bindparam("row_id"))
        monkeypatch.setattr(stored, "_CLAIM", claim.values(claim=stored.bindparam("claimant")))
        monkeypatch.setattr(stored, "_MINE", claim)
        have_claimed, first = threading.Barrier(2), door.rows("outbox")[0].message_id
        compose = letters.compose_mail

        def compose_late(settings: Settings, message: OwedMessage) -> Mail:
            if message.message_id == first:
                have_claimed.wait(10)  # the busiest host does not let one be done before the other begins
            return compose(settings, message)

        monkeypatch.setattr(letters, "compose_mail", compose_late)
    sent = at_once(2, lambda: drain(door))
    assert (sum(sent) == 8) is guarded, sent
    assert (len(mails(door)) == 8) is guarded


@ON_SQLITE
def test_the_time_for_a_drain_is_kept_and_the_rest_left(door: Door) -> None:
    for number in range(3):
        owe(door, target=Target("email", f"person{number}@example.org"))
    assert outbox.drain(door.settings, clock=lambda: door.now, budget_seconds=0) == 0
    assert [status for status, _ in statuses(door)] == ["queued"] * 3


@ON_SQLITE
def test_a_request_that_owes_something_is_told_once(door: Door) -> None:
    assert not stored.owes_messages()
    owe(door)
    assert stored.owes_messages()
    assert not stored.owes_messages()
    session.remove()
    assert not stored.owes_messages()
