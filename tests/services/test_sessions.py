"""Sessions: how long they last, whose they are, and how they end."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, update

from app.domain.accounts import Target, User
from app.domain.actors import Scope
from app.domain.errors import Busy, NotFound
from app.domain.tokens import hash_token
from app.persistence import tables
from app.persistence import users as stored
from app.runtime.settings import Settings
from app.services import accounts, sessions, sign_in, users
from app.services.sessions import SignedIn
from tests.conftest import Queries
from tests.services.desk import Desk
from tests.services.door import GOOD, NOW, ON_SQLITE, OPERATOR, OTHER, Door, at_once

BOB = Target("email", "bob@example.org")
MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.fixture
def door(database: Engine, settings: Settings) -> Door:
    return Door(database, settings)


def whole(door: Door, role: str) -> SignedIn:
    """Return a full session of a new account, whatever its role asks for."""
    scopes = (Scope(Desk(door.engine).venue_id),) if role == "staff" else ()
    user = door.make(role, scopes=scopes).user
    with sessions.transaction() as session:
        return sessions.begin(session, user, door.visitor(), stage="full", now=door.now)


@pytest.mark.parametrize(
    ("role", "idle", "absolute"),
    [("customer", 12 * HOUR, 30 * DAY), ("staff", 30 * MINUTE, 12 * HOUR), ("admin", 30 * MINUTE, 12 * HOUR)],
)
def test_a_session_ends_when_it_is_not_used_and_in_any_case(door: Door, role: str, idle: int, absolute: int) -> None:
    signed_in = whole(door, role)
    rested = 0
    while rested + idle - 1 < absolute:
        rested += idle - 1
        door.pass_time(seconds=idle - 1)
        assert door.find(signed_in) is not None, rested
    door.pass_time(seconds=absolute - rested - 1)
    assert door.find(signed_in) is not None
    door.pass_time(seconds=1)
    assert door.find(signed_in) is None


@pytest.mark.parametrize(("role", "idle"), [("customer", 12 * HOUR), ("admin", 30 * MINUTE)])
def test_a_session_that_nobody_used_is_over(door: Door, role: str, idle: int) -> None:
    signed_in = whole(door, role)
    door.pass_time(seconds=idle)
    assert door.find(signed_in) is None


@ON_SQLITE
@pytest.mark.parametrize(("seconds", "is_live"), [(-240, True), (-301, False), (-DAY, False), (400 * DAY, False)])
def test_a_clock_that_jumps_opens_no_session(door: Door, seconds: int, is_live: bool) -> None:  # noqa: FBT001
    signed_in = whole(door, "customer")
    door.pass_time(seconds=seconds)
    assert (door.find(signed_in) is not None) is is_live


@ON_SQLITE
def test_a_half_way_session_lasts_ten_minutes(door: Door) -> None:
    door.make("admin")
    half = door.enter_password()
    door.pass_time(minutes=9, seconds=59)
    assert door.find(half) is not None
    door.pass_time(seconds=1)
    assert door.find(half) is None


def test_a_token_is_stored_only_as_a_hash(door: Door) -> None:
    signed_in = door.member()
    assert len(signed_in.token) == 43
    assert [row.token_hash for row in door.rows("sessions")] == [hash_token(signed_in.token)]
    kept = "".join(str(row) for name in tables.metadata.tables for row in door.rows(name))
    assert signed_in.token not in kept


@ON_SQLITE
@pytest.mark.parametrize("token", ["", "x" * 43, "\x00"])
def test_another_token_opens_nothing(door: Door, token: str) -> None:
    signed_in = door.member()
    assert sessions.find(token, now=door.now) is None
    assert sessions.find(hash_token(signed_in.token), now=door.now) is None


def test_one_of_several_sessions_is_ended_and_only_by_its_owner(door: Door) -> None:
    hers = [door.member(browser="a"), door.enter_password(browser="b")]
    his = door.member(BOB, browser="c")
    owner = hers[0].session.user.id
    with pytest.raises(NotFound):
        sessions.end_one(hers[1].session.id, user_id=his.session.user.id, by=OPERATOR, now=door.now)
    listed = sessions.list_own(owner, now=door.now)
    assert [entry.id for entry in listed] == [hers[1].session.id, hers[0].session.id]
    assert {(entry.address, entry.user_agent) for entry in listed} == {("192.0.2.1", "a test")}
    sessions.end_one(hers[1].session.id, user_id=owner, by=OPERATOR, now=door.now)
    assert [door.find(each) is None for each in (*hers, his)] == [False, True, False]
    with pytest.raises(NotFound):
        sessions.end_one(hers[1].session.id, user_id=owner, by=OPERATOR, now=door.now)


def test_the_others_are_ended_or_all(door: Door) -> None:
    hers = [door.member(browser="a"), *(door.enter_password(browser=name) for name in "bc")]
    his = door.member(BOB, browser="d")
    owner = hers[0].session.user.id
    assert sessions.end_all(owner, but=hers[0].session.token_hash, by=OPERATOR, now=door.now) == 2
    assert [door.find(each) is None for each in (*hers, his)] == [False, True, True, False]
    assert sessions.end_all(owner, by=OPERATOR, now=door.now) == 1
    assert [door.find(each) is None for each in (*hers, his)] == [True, True, True, False]


@ON_SQLITE
def test_a_half_way_session_is_not_listed_and_ends_with_the_others(door: Door) -> None:
    user = door.make("admin").user
    half = door.enter_password()
    assert sessions.list_own(user.id, now=door.now) == []
    sessions.end_all(user.id, by=OPERATOR, now=door.now)
    assert door.find(half) is None


def disable(user: User, door: Door) -> None:
    users.set_active(user.id, active=False, by=OPERATOR, now=door.now)


def promote(user: User, door: Door) -> None:
    users.set_role(user.id, "admin", (), by=OPERATOR, now=door.now)


def set_password(user: User, door: Door) -> None:
    users.set_password(door.settings, user.id, OTHER, by=OPERATOR, now=door.now)


def revoke(user: User, door: Door) -> None:
    assert users.revoke_sessions(user.id, by=OPERATOR, now=door.now) == 2


@pytest.mark.parametrize("verb", [disable, promote, set_password, revoke])
def test_what_an_admin_does_to_an_account_ends_each_of_its_sessions(door: Door, verb: object) -> None:
    hers = [door.member(browser="a"), door.enter_password(browser="b")]
    his = door.member(BOB, browser="c")
    verb(hers[0].session.user, door)  # type: ignore[operator]
    assert [door.find(each) is None for each in (*hers, his)] == [True, True, False]


def test_an_account_switched_off_in_the_table_alone_opens_no_session(door: Door) -> None:
    signed_in = door.member()
    door.run(update(tables.users).values(active=False))
    assert door.find(signed_in) is None


@ON_SQLITE
def test_sessions_that_were_ended_stay_so_when_the_account_is_let_in_again(door: Door) -> None:
    signed_in = door.member()
    disable(signed_in.session.user, door)
    users.set_active(signed_in.session.user.id, active=True, by=OPERATOR, now=door.now)
    assert door.find(signed_in) is None


def test_a_session_in_use_is_noted_once_a_minute_and_read_in_one_query(door: Door, queries: Queries) -> None:
    signed_in = door.member()
    with queries(most=1):
        door.find(signed_in)
    door.pass_time(seconds=59)
    with queries(most=1):
        door.find(signed_in)
    door.pass_time(seconds=1)
    door.find(signed_in)
    assert door.rows("sessions")[0].seen_at == NOW.replace(minute=1)


@ON_SQLITE
def test_a_database_that_takes_no_writes_still_lets_its_users_in(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in = door.member()
    door.pass_time(minutes=2)

    def refuse(*_call: object, **_named: object) -> None:
        raise Busy("the disk is slow today")

    monkeypatch.setattr(sessions, "_note_use", refuse)
    assert door.find(signed_in) is not None


@ON_SQLITE
def test_staff_reaches_its_scopes_admins_everything_and_customers_nothing(door: Door) -> None:
    scope = Scope(Desk(door.engine).venue_id)
    found = [
        sessions.scopes_of(door.make(role, f"{role}@example.org", scopes=(scope,) if role == "staff" else ()).user)
        for role in ("customer", "staff", "admin")
    ]
    assert found == [(), (scope,), None]


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)  # the other lets one write at a time
def test_a_sign_in_with_the_old_password_does_not_outlive_a_change_that_comes_at_once(
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,  # noqa: FBT001
) -> None:
    live = door.member().session
    has_looked, is_changed = threading.Event(), threading.Event()

    def begin_late(*call: Any, **named: Any) -> SignedIn:
        has_looked.set()
        is_changed.wait(0.5)  # in vain, where the change waits for this transaction
        return sessions.begin(*call, **named)

    def change() -> SignedIn:
        has_looked.wait(10)
        changed = accounts._change_password(door.settings, live, "another hash", door.visitor("c"), now=door.now)
        is_changed.set()
        return changed

    monkeypatch.setattr(sign_in, "begin", begin_late)
    if not guarded:
        monkeypatch.setattr(stored, "lock_user", stored.get_user)
    acts = [change, lambda: door.enter_password(GOOD, browser="late")]

    def act() -> SignedIn:
        return acts.pop()()

    results = at_once(2, act)
    assert [type(each) for each in results] == [SignedIn, SignedIn], results
    assert (len(door.rows("sessions")) == 1) is guarded
