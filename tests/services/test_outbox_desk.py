"""Messages as staff and admins mend them: sent again, to another address, or called off; never twice, never a code elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from app.domain.accounts import Target
from app.domain.actors import Actor, Scope
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from app.domain.masks import mask_address
from app.persistence import outbox as stored
from app.persistence import tables
from app.persistence.outbox_desk import Wanted
from app.persistence.session import transaction
from app.runtime.settings import Settings
from app.services import messages, outbox
from app.services import outbox_desk as desk
from tests.gateways.loopback import free_port
from tests.services.desk import Desk, at
from tests.services.door import ADA, ON_SQLITE, Door

ADMIN = Actor("admin", user_id=1)
OUTBOX = tables.outbox


@pytest.fixture
def door(database: Engine, settings: Settings) -> Door:
    return Door(database, settings)


def owe(door: Door, topic: str = "booking.cancelled", target: Target = ADA, **values: Any) -> int:
    with transaction() as opened:
        messages.owe(opened, door.settings, topic, target, now=door.now, **values)
    return int(door.rows("outbox")[-1].id)


def drain(door: Door) -> int:
    return outbox.drain(door.settings, clock=lambda: door.now, budget_seconds=30)


def give_up(door: Door) -> None:
    """Let whatever is queued fail for the last time."""
    settings = door.settings
    door.settings = replace(settings, mail_url=f"smtp://127.0.0.1:{free_port()}")
    door.run(update(OUTBOX).values(attempts=99))
    drain(door)
    door.settings = settings


def retry(door: Door, row_id: int, to: str | None = None, by: Actor = ADMIN) -> desk.ShownMessage:
    return desk.retry(door.settings, row_id, to=to, by=by, now=door.now)


def listed(door: Door, by: Actor = ADMIN, **wanted: str) -> list[int]:
    return [item.entry.id for item in desk.list_messages(door.settings, Wanted(**wanted), by=by, limit=50)]


def mails(door: Door) -> list[str]:
    return [path.read_text() for path in sorted(Path(door.settings.mail_url.removeprefix("file:")).glob("*.eml"))]


def test_a_message_that_was_given_up_goes_to_the_address_it_should_have_had(door: Door) -> None:
    row_id = owe(door)
    give_up(door)
    assert desk.get_message(door.settings, row_id, by=ADMIN)[0].entry.status == "dead"
    shown = retry(door, row_id, "Eve@Example.org")
    assert (shown.to, shown.entry.status, shown.entry.attempts) == ("e***@example.org", "queued", 0)
    assert drain(door) == 1
    (mail,) = mails(door)
    assert "To: eve@example.org" in mail
    assert [row.outcome for row in door.rows("deliveries")] == ["failed", "sent"]
    (audit,) = [row for row in door.rows("audit_log") if row.action == "outbox.retried"]
    assert (audit.object, audit.actor) == (f"outbox:{row_id}", "admin:1")
    assert "eve@" not in audit.detail


def test_what_was_sent_is_not_sent_again_and_shows_nobody(door: Door) -> None:
    row_id = owe(door)
    drain(door)
    for act in (lambda: retry(door, row_id), lambda: desk.cancel(door.settings, row_id, by=ADMIN, now=door.now)):
        with pytest.raises(Conflict):
            act()
    shown, deliveries = desk.get_message(door.settings, row_id, by=ADMIN)
    assert (shown.to, [delivery.outcome for delivery in deliveries]) == ("", ["sent"])
    assert len(mails(door)) == 1


def test_what_is_being_sent_is_left_to_its_sender(door: Door) -> None:
    row_id, seconds = owe(door), int(door.now.timestamp())
    with transaction() as opened:
        assert stored.claim(opened, row_id, "a sender", now_seconds=seconds)
    with pytest.raises(Conflict):
        retry(door, row_id)
    with pytest.raises(Conflict):
        desk.cancel(door.settings, row_id, by=ADMIN, now=door.now)
    with transaction() as opened:
        assert stored.end_message(opened, row_id, "a sender", status="sent", at=door.now)
    assert drain(door) == 0
    door.pass_time(seconds=stored.LEASE_SECONDS)
    assert drain(door) == 0


def test_a_claim_whose_sender_was_killed_can_be_retried_at_once_when_its_lease_is_over(door: Door) -> None:
    row_id, seconds = owe(door), int(door.now.timestamp())
    with transaction() as opened:
        stored.claim(opened, row_id, "killed", now_seconds=seconds)
    door.pass_time(seconds=stored.LEASE_SECONDS)
    retry(door, row_id)
    with transaction() as opened:
        assert not stored.end_message(opened, row_id, "killed", status="sent", at=door.now)
    assert drain(door) == 1


def test_a_message_that_is_called_off_is_wiped_and_never_sent(door: Door) -> None:
    row_id = owe(door)
    desk.cancel(door.settings, row_id, by=ADMIN, now=door.now)
    assert drain(door) == 0
    (row,) = door.rows("outbox")
    assert (row.status, row.sealed) == ("void", "")
    assert "outbox.cancelled" in door.actions()
    with pytest.raises(Conflict):
        retry(door, row_id)


@ON_SQLITE
@pytest.mark.parametrize("topic", ["code.sign_in", "account.exists", "account.password_changed"])
def test_what_is_about_an_account_goes_to_its_holder_alone(door: Door, topic: str) -> None:
    row_id = owe(door, topic, code="271828")
    with pytest.raises(Forbidden):
        retry(door, row_id, "eve@example.org")
    assert door.letters()[-1][1].to == ADA.address
    retry(door, row_id)
    shown, _ = desk.get_message(door.settings, row_id, by=ADMIN)
    assert "271828" not in repr(shown)
    assert shown.entry.sealed == ""


@ON_SQLITE
@pytest.mark.parametrize(
    ("target", "to"),
    [
        (ADA, "eve"),
        (ADA, "eve@example.org\r\nBcc: mallory@example.org"),
        (ADA, "+491701234567"),
        (Target("sms", "+491701234567"), "eve@example.org"),
        (Target("whatsapp", "+491701234567"), "1"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(door: Door, target: Target, to: str) -> None:
    row_id = owe(door, target=target)
    with pytest.raises(Invalid):
        retry(door, row_id, to)


def test_staff_see_and_mend_what_is_of_their_part_of_the_house(door: Door) -> None:
    house = Desk(door.engine)
    room, other = house.resource(), house.resource()
    booked = house.book(house.service([room]), at("10:00"))
    door.run(OUTBOX.delete())
    about = owe(door, venue_id=house.venue_id, about=f"booking:{booked.ref}")
    elsewhere = owe(door, venue_id=house.venue_id + 1, about="booking:CFGH2345XYZ")
    account = owe(door, "account.exists")
    venue, here, there = (
        Actor("staff", user_id=2, scopes=(Scope(house.venue_id, resource_id),)) for resource_id in (None, room, other)
    )
    assert listed(door) == [account, elsewhere, about]
    assert (listed(door, venue), listed(door, here), listed(door, there)) == ([about], [about], [])
    assert listed(door, Actor("staff", user_id=2, scopes=())) == []
    assert listed(door, here, about=f"booking:{booked.ref}") == [about]
    assert listed(door, there, about=f"booking:{booked.ref}") == []
    for row_id, by in ((about, there), (elsewhere, venue), (account, venue), (99, ADMIN)):
        for act in (
            lambda row_id=row_id, by=by: retry(door, row_id, by=by),
            lambda row_id=row_id, by=by: desk.cancel(door.settings, row_id, by=by, now=door.now),
            lambda row_id=row_id, by=by: desk.get_message(door.settings, row_id, by=by),
        ):
            with pytest.raises(NotFound):
                act()  # type: ignore[no-untyped-call]
    retry(door, about, by=here)


def test_the_list_is_narrowed_and_goes_page_by_page(door: Door) -> None:
    ids = [
        owe(door, about="booking:2345678CFG"),
        owe(door, "account.exists", Target("sms", "+491701234567")),
        owe(door),
    ]
    drain(door)
    ids.append(owe(door))
    assert listed(door) == ids[::-1]
    assert listed(door, status="queued") == [ids[3]]
    assert listed(door, channel="sms") == [ids[1]]
    assert listed(door, topic="booking.cancelled", status="sent") == [ids[2], ids[0]]
    assert listed(door, about="booking:2345678CFG") == [ids[0]]
    page = desk.list_messages(door.settings, Wanted(), by=ADMIN, cursor=ids[3], limit=2)
    assert [item.entry.id for item in page] == [ids[2], ids[1]]


@ON_SQLITE
def test_a_message_of_another_key_is_shown_without_its_address(door: Door) -> None:
    row_id = owe(door)
    door.run(update(OUTBOX).values(sealed="v1.AAAA"))
    assert desk.get_message(door.settings, row_id, by=ADMIN)[0].to == ""
    with pytest.raises(Conflict):
        retry(door, row_id, "eve@example.org")


@pytest.mark.parametrize(
    ("address", "shown"),
    [("ada@example.org", "a***@example.org"), ("+491701234567", "+49***67"), ("12345", "***"), ("", "***")],
)
def test_an_address_is_shown_so_that_it_can_be_told_apart_and_not_be_used(address: str, shown: str) -> None:
    assert mask_address(address) == shown
