"""One's own account: reset and change of passwords, other addresses, and what is left of it once it is deleted."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app.domain.accounts import Target
from app.domain.actors import Actor
from app.domain.bookings import Booking, Customer
from app.domain.errors import Conflict, Forbidden, Invalid, InvalidCredentials, RateLimited, VersionMismatch
from app.persistence import session
from app.persistence.sessions import LiveSession
from app.runtime.settings import Settings
from app.services import accounts, exports, outbox, users
from tests.services.desk import Desk, at
from tests.services.door import ADA, GOOD, NOW, ON_SQLITE, OPERATOR, OTHER, Door, other_than

BOB, PHONE = Target("email", "bob@example.org"), Target("sms", "+4930123456")


@pytest.fixture
def door(database: Engine, settings: Settings) -> Door:
    return Door(database, settings)


def reset(door: Door, code: str, password: str = OTHER) -> None:
    accounts.reset_password(door.settings, ADA, code, password, door.visitor(), now=door.now)


def test_a_reset_sets_the_password_ends_every_session_and_tells_the_owner(door: Door) -> None:
    before = [door.member(), door.enter_password(browser="another")]
    door.ask("reset", browser="ada's")
    reset(door, door.code())
    assert [door.find(signed_in) for signed_in in before] == [None, None]
    assert door.topics()[-1] == "account.password_changed"
    assert door.actions()[-1] == "user.password_reset"
    with pytest.raises(InvalidCredentials):
        door.enter_password(GOOD)
    door.enter_password(OTHER)


@ON_SQLITE
def test_a_reset_with_a_wrong_code_or_a_weak_password_changes_nothing(door: Door) -> None:
    door.make()
    door.ask("reset")
    with pytest.raises(InvalidCredentials):
        reset(door, other_than(door.code()))
    with pytest.raises(Invalid):
        reset(door, door.code(), "password1")
    door.enter_password(GOOD)


@ON_SQLITE
def test_a_reset_is_refused_once_the_account_is_disabled(door: Door) -> None:
    made = door.make()
    door.ask("reset")
    code = door.code()
    users.set_active(made.user.id, active=False, by=OPERATOR, now=door.now)
    with pytest.raises(InvalidCredentials):
        reset(door, code)


@ON_SQLITE
def test_nobody_without_account_is_sent_a_code_for_a_password(door: Door) -> None:
    door.ask("reset")
    assert door.topics() == []
    assert [row.status for row in door.rows("outbox")] == ["void"]


@ON_SQLITE
def test_a_registration_with_a_common_password_is_refused_before_anything_is_stored(door: Door) -> None:
    with pytest.raises(Invalid):
        door.register(password="password1")
    assert door.rows("one_time_codes") == []


def test_another_password_ends_the_other_sessions_and_gives_this_one_a_fresh_token(door: Door) -> None:
    mine, other = door.member(), door.enter_password(browser="another")
    after = accounts.change_password(door.settings, mine.session, OTHER, door.visitor(), now=door.now)
    assert [door.find(signed_in) for signed_in in (mine, other)] == [None, None]
    found = door.find(after)
    assert found is not None
    assert found.user.id == mine.session.user.id
    assert door.topics()[-1] == "account.password_changed"


@ON_SQLITE
def test_the_first_password_shows_in_the_answer_that_sets_it(door: Door) -> None:
    signed_in = door.member(password=None)
    assert not signed_in.session.user.has_password
    after = accounts.change_password(door.settings, signed_in.session, GOOD, door.visitor(), now=door.now)
    assert after.session.user.has_password
    assert after.session.user.version == signed_in.session.user.version + 1


@ON_SQLITE
def test_the_present_password_is_asked_for_twenty_times_at_most(door: Door) -> None:
    live = door.member().session
    accounts.prove_password(door.settings, live, GOOD, door.visitor(), now=door.now)
    for _ in range(19):
        with pytest.raises(InvalidCredentials):
            accounts.prove_password(door.settings, live, OTHER, door.visitor(), now=door.now)
    with pytest.raises(RateLimited):
        accounts.prove_password(door.settings, live, GOOD, door.visitor(), now=door.now)
    assert door.actions().count("user.password_wrong") == 19


def rename(door: Door, live: LiveSession, version: int | None) -> None:
    who = {"name": "Augusta", "contact_phone": "+4930", "language": "de", "version": version, "visitor": door.visitor()}
    accounts.rename(live, now=door.now, **who)  # type: ignore[arg-type]


def test_a_name_is_changed_only_in_the_version_that_was_read(door: Door) -> None:
    live = door.member().session
    rename(door, live, None)
    rename(door, live, 2)
    with pytest.raises(VersionMismatch):
        rename(door, live, 2)
    (user,) = door.rows("users")
    assert (user.name, user.contact_phone, user.language, user.version) == ("Augusta", "+4930", "de", 3)


@ON_SQLITE
def test_an_account_keeps_one_address_and_is_told_when_it_loses_the_other(door: Door) -> None:
    live = door.member().session
    with pytest.raises(Conflict):
        accounts.remove_address(door.settings, live, "email", door.visitor(), now=door.now)
    accounts.ask_new_address(door.settings, live, PHONE, door.visitor(), now=door.now)
    door.enter_code(door.code(), PHONE, live=live)
    accounts.remove_address(door.settings, live, "email", door.visitor(), now=door.now)
    assert [(row.email, row.phone) for row in door.rows("users")] == [(None, PHONE.address)]
    assert {letter.to for topic, letter in door.letters() if topic == "account.email_changed"} == {
        ADA.address,
        PHONE.address,
    }


@ON_SQLITE
def test_an_admin_keeps_the_email_address(door: Door) -> None:
    door.make("admin", phone=PHONE.address)
    live = door.enter_password().session
    with pytest.raises(Forbidden):
        accounts.remove_address(door.settings, live, "email", door.visitor(), now=door.now)


def test_the_address_of_another_account_is_sent_nothing_and_the_answer_is_the_same(door: Door) -> None:
    live = door.member().session
    door.make("customer", BOB.address)
    free = Target("email", "free@example.org")
    known, unknown = (
        accounts.ask_new_address(door.settings, live, target, door.visitor(address=address), now=door.now)
        for target, address in ((BOB, "198.51.100.1"), (free, "198.51.100.2"))
    )
    assert known == unknown
    assert door.topics(to=BOB.address) == []
    assert door.topics(to=free.address) == ["code.change_email"]


def book(door: Door, live: LiveSession, starts_at: str) -> Booking:
    desk = Desk(door.engine)
    desk.now = door.now
    service = desk.room_service(custom_fields=[{"key": "diet", "label": "Diet", "type": "text", "required": False}])
    by = Actor("customer", user_id=live.user.id)
    customer = Customer("Augusta Byron", ADA.address, PHONE.address)
    return desk.book(service, at(starts_at), by=by, customer=customer, answers={"diet": "oysters"})


def erase(door: Door, live: LiveSession) -> None:
    accounts.erase(door.settings, live, door.visitor(user=live.user), now=door.now)


def test_an_account_is_deleted_only_when_no_booking_is_to_come(door: Door) -> None:
    live = door.member().session
    booking = book(door, live, "09:00")
    door.now = booking.ends_at - timedelta(seconds=1)
    with pytest.raises(Conflict):
        erase(door, live)
    door.now = booking.ends_at
    erase(door, live)
    assert door.rows("users")[0].active is False


def test_a_deleted_account_leaves_no_name_and_no_address(door: Door) -> None:
    door.register(ADA, password=GOOD, name="Augusta Byron")
    signed_in = door.enter_code(door.code())
    live = signed_in.session
    booking = book(door, live, "09:00")
    door.now = booking.ends_at
    erase(door, live)
    (told,) = door.letters(to=ADA.address)[-1:]
    assert told[0] == "account.erased"
    outbox.drain(door.settings, clock=lambda: door.now, budget_seconds=30)
    tables = ("users", "customers", "bookings", "one_time_codes", "outbox", "sessions", "audit_log", "recovery_codes")
    kept = "\n".join(str(row) for name in tables for row in door.rows(name))
    for word in ("Augusta", "Byron", "ada@", "4930123456", "oysters", "$argon2"):
        assert word not in kept
    assert len(door.rows("bookings")) == 1
    assert {row.sealed for row in door.rows("outbox")} == {""}
    assert door.find(signed_in) is None
    with pytest.raises(InvalidCredentials):
        door.enter_password()


@ON_SQLITE
def test_a_deleted_account_stays_closed_and_its_address_is_free(door: Door) -> None:
    live = door.member().session
    erase(door, live)
    with pytest.raises(Conflict):
        users.set_active(live.user.id, active=True, by=OPERATOR, now=door.now)
    door.pass_time(minutes=1)
    assert door.member(browser="new").session.user.id != live.user.id


@ON_SQLITE
def test_staff_do_not_delete_themselves(door: Door) -> None:
    door.make("admin")
    with pytest.raises(Forbidden):
        erase(door, door.enter_password().session)


def test_an_export_holds_the_account_its_sessions_bookings_and_events_and_nobody_elses(door: Door) -> None:
    live = door.member().session
    bob = door.member(BOB, browser="bob's").session
    ours = book(door, live, "09:00")
    theirs = book(door, bob, "10:00")
    chunks = list(exports.iter_account(live.user, now=NOW))
    document = json.loads(b"".join(chunks))
    assert document["account"]["email"] == ADA.address
    assert [booking["ref"] for booking in document["bookings"]] == [ours.ref]
    assert document["bookings"][0]["answers"] == {"diet": "oysters"}
    assert len(document["sessions"]) == 1
    assert [event["action"] for event in document["events"]] == ["user.registered"]
    text = b"".join(chunks).decode()
    assert theirs.ref not in text
    assert "argon2" not in text
    assert BOB.address not in text
    assert len(chunks) > 5


def test_an_export_holds_no_connection_before_during_and_after_its_reading(door: Door) -> None:
    live = door.member().session
    session.remove()
    pool = session.engine().pool
    assert pool.checkedout() == 0  # type: ignore[attr-defined]
    chunks = exports.iter_account(live.user, now=NOW)
    assert pool.checkedout() == 0  # type: ignore[attr-defined]
    held = [pool.checkedout() for _ in chunks]  # type: ignore[attr-defined]
    assert set(held) == {0}
    assert len(held) > 5


@ON_SQLITE
def test_an_export_of_several_pages_holds_each_booking_and_event_once(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_PAGE", 3)
    live = door.member().session
    desk = Desk(door.engine)
    desk.now = NOW
    service = desk.room_service(capacity=7, units_per_party_member=1)
    refs = [desk.book(service, at("09:00"), by=Actor("customer", user_id=live.user.id)).ref for _ in range(7)]
    document = json.loads(b"".join(exports.iter_account(live.user, now=NOW)))
    assert [booking["ref"] for booking in document["bookings"]] == refs[::-1]
