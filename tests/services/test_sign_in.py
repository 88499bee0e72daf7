"""Sign in: by code, by password, with a second factor; registration; what joins an account once its address is shown."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, update

from app.domain.accounts import Target
from app.domain.actors import Scope
from app.domain.bookings import Customer
from app.domain.errors import Conflict, InvalidCredentials, RateLimited
from app.domain.throttles import SIGN_INS
from app.persistence import bookings as stored
from app.persistence import tables
from app.persistence import users as accounts_stored
from app.persistence.session import reading
from app.runtime.settings import Settings
from app.services import accounts, passwords, sessions, sign_in, users
from app.services.sessions import SignedIn
from tests.conftest import Queries
from tests.services.desk import Desk, at
from tests.services.door import ADA, GOOD, NOW, ON_SQLITE, OPERATOR, OTHER, Door, app_of, at_once, other_than

BOB, PHONE = Target("email", "bob@example.org"), Target("sms", "+4930123456")


@pytest.fixture
def door(database: Engine, settings: Settings) -> Door:
    return Door(database, settings)


@pytest.mark.parametrize("target", [ADA, PHONE])
def test_an_account_is_made_when_the_code_comes_back_and_not_before(door: Door, target: Target) -> None:
    door.register(target, password=GOOD)
    assert door.rows("users") == []
    with pytest.raises(InvalidCredentials):
        door.enter_code(other_than(door.code()), target)
    assert door.rows("users") == []
    signed_in = door.enter_code(door.code(), target)
    (user,) = door.rows("users")
    assert (user.role, user.name, user.email, user.phone) == (
        "customer", "Ada", *((target.address, None) if target is ADA else (None, target.address)),
    )  # fmt: skip
    assert signed_in.session.stage == "full"


@ON_SQLITE
def test_the_password_of_a_registration_without_its_code_opens_nothing(door: Door) -> None:
    door.register(password=GOOD)
    with pytest.raises(InvalidCredentials):
        door.enter_password()


def test_of_two_registrations_the_password_counts_of_whose_code_came_back(door: Door) -> None:
    door.register(password=GOOD, browser="hers")
    hers = door.code()
    door.pass_time(seconds=61)
    door.register(password=OTHER, browser="his")
    door.enter_code(hers, browser="hers")
    door.enter_password(GOOD, browser="a third")
    with pytest.raises(InvalidCredentials):
        door.enter_password(OTHER, browser="his")


def test_the_second_of_two_codes_signs_in_and_sets_no_password(door: Door) -> None:
    door.register(password=GOOD, browser="hers")
    hers = door.code()
    door.pass_time(seconds=61)
    door.register(password=OTHER, browser="theirs")
    theirs = door.code()
    first = door.enter_code(hers, browser="hers")
    second = door.enter_code(theirs, browser="theirs")
    assert second.session.user.id == first.session.user.id
    assert len(door.rows("users")) == 1
    with pytest.raises(InvalidCredentials):
        door.enter_password(OTHER, browser="a third")


def test_a_known_address_is_told_that_it_has_an_account_and_gets_no_code(door: Door) -> None:
    door.make()
    answers = [door.register(target, password=OTHER, browser=target.address) for target in (ADA, BOB)]
    assert {(answer.expires_in_seconds, answer.resend_in_seconds) for answer in answers} == {(300, 60)}
    assert [answer.allowance.remaining for answer in answers if answer.allowance] == [
        99,
        98,
    ]  # of the network's hundred
    assert door.topics(to=ADA.address) == ["account.exists"]
    assert door.topics(to=BOB.address) == ["code.register"]
    ((_, letter),) = door.letters(to=ADA.address)
    assert not any(part.isdigit() and len(part) == 6 for part in letter.body.split())


def test_a_member_signs_in_by_code(door: Door) -> None:
    made = door.make()
    door.ask()
    assert door.enter_code(door.code()).session.user.id == made.user.id
    assert door.actions()[-1] == "sign_in.code"


def test_staff_gets_no_code_and_a_customer_with_two_factors_is_half_way_in(door: Door) -> None:
    desk = Desk(door.engine)
    door.make("staff", "sam@example.org", scopes=(Scope(desk.venue_id),))
    door.ask("sign_in", Target("email", "sam@example.org"))
    assert door.topics() == []
    made = door.make()
    door.run(update(tables.users).values(totp_sealed="x").where(tables.users.c.id == made.user.id))
    door.ask()
    assert door.enter_code(door.code()).session.stage == "totp"


def test_a_code_of_a_customer_who_became_staff_meanwhile_opens_nothing(door: Door) -> None:
    made = door.make()
    door.ask()
    code = door.code()
    users.set_role(made.user.id, "admin", (), by=OPERATOR, now=door.now)
    with pytest.raises(InvalidCredentials):
        door.enter_code(code)
    assert door.rows("sessions") == []


@ON_SQLITE
@pytest.mark.parametrize(("role", "given", "stage"), [("customer", False, "full"), ("admin", True, "totp")])
def test_a_password_is_enough_for_customers_alone(door: Door, role: str, given: bool, stage: str) -> None:  # noqa: FBT001
    made = door.make(role)
    assert (made.otpauth_uri is not None) == given
    assert door.enter_password().session.stage == stage


@ON_SQLITE
def test_an_admin_without_a_second_factor_is_to_enrol_one(door: Door) -> None:
    made = door.make()
    users.set_role(made.user.id, "admin", (), by=OPERATOR, now=door.now)
    assert door.enter_password().session.stage == "enrol"


@ON_SQLITE
@pytest.mark.parametrize("password", ["", "a", OTHER, GOOD + " ", "\x00" * 9, "x" * 2000, "\ud800" * 9])
def test_another_password_opens_nothing(door: Door, password: str) -> None:
    door.make()
    with pytest.raises(InvalidCredentials):
        door.enter_password(password)
    assert door.rows("sessions") == []
    assert door.actions()[-1] == "sign_in.failed"


def test_a_disabled_account_opens_by_neither_password_nor_code(door: Door) -> None:
    made = door.make()
    door.ask()
    code = door.code()
    users.set_active(made.user.id, active=False, by=OPERATOR, now=door.now)
    with pytest.raises(InvalidCredentials):
        door.enter_password()
    assert door.actions()[-1] == "sign_in.failed"
    with pytest.raises(InvalidCredentials):
        door.enter_code(code)
    assert door.rows("sessions") == []


def test_an_address_that_differs_in_an_accent_or_in_case_is_another_account(door: Door) -> None:
    door.make()
    # As they are stored: at the edge, capitals are lowered first.
    for other in (
        "ada@exampl\u00e9.org",
        "\u00e4da@example.org",
        "ada\u200b@example.org",
        "ADA@EXAMPLE.ORG",
        "a\uff44a@example.org",
    ):
        with pytest.raises(InvalidCredentials):
            door.enter_password(GOOD, Target("email", other))


def test_guesses_at_a_password_end_after_twenty_whoever_makes_them(door: Door) -> None:
    door.make()
    for number in range(20):
        with pytest.raises(InvalidCredentials):
            sign_in.by_password(
                door.settings, ADA, OTHER, door.visitor(f"{number}", address=f"192.0.2.{number}"), now=door.now
            )
    with pytest.raises(RateLimited) as refused:
        door.enter_password()
    assert refused.value.limit == "sign_ins"
    door.pass_time(minutes=15)
    door.enter_password()


@ON_SQLITE
def test_a_right_password_forgets_the_wrong_ones(door: Door) -> None:
    door.make()
    for _ in range(3):
        for _ in range(19):
            with pytest.raises(InvalidCredentials):
                door.enter_password(OTHER)
        door.enter_password()


def test_a_password_that_was_changed_while_it_was_verified_opens_nothing(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = door.make()

    def verify_slowly(*known: str) -> bool:
        users.set_password(door.settings, made.user.id, OTHER, by=OPERATOR, now=door.now)
        return passwords.verify_password(*known)

    monkeypatch.setattr(sign_in, "verify_password", verify_slowly)
    with pytest.raises(InvalidCredentials):
        door.enter_password()
    assert door.rows("sessions") == []


@ON_SQLITE
def test_a_weaker_hash_is_renewed_at_the_next_sign_in(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.make()
    (before,) = door.rows("users")
    monkeypatch.setitem(passwords._HASHERS, "cheapest", passwords.PasswordHasher(2, 16, 1))
    door.enter_password()
    (after,) = door.rows("users")
    assert before.password_hash.startswith("$argon2id$v=19$m=8,t=1,")
    assert after.password_hash.startswith("$argon2id$v=19$m=16,t=2,")
    door.enter_password()


def test_a_guests_bookings_join_the_account_once_the_address_is_shown(door: Door) -> None:
    desk = Desk(door.engine)
    desk.now, service = NOW, desk.room_service()
    mine = [desk.book(service, at(clock), customer=Customer("Ada", ADA.address)) for clock in ("09:00", "10:00")]
    desk.book(service, at("11:00"), customer=Customer("Bob", BOB.address))
    desk.book(service, at("12:00"), customer=Customer("Ann", "ada@example.org.example.org"))
    door.register(password=GOOD)
    assert {row.user_id for row in door.rows("customers")} == {None}
    user = door.enter_code(door.code()).session.user
    found = stored.list_own(reading(), user.id, cursor=10**18, limit=10)
    assert [booking.ref for booking in found] == [booking.ref for booking in reversed(mine)]
    assert [row.user_id for row in door.rows("customers")] == [user.id, None, None]  # one for both of hers


def test_what_has_joined_one_account_never_joins_another(door: Door) -> None:
    desk = Desk(door.engine)
    desk.now = NOW
    desk.book(desk.room_service(), at("09:00"), customer=Customer("Ada", ADA.address, PHONE.address))
    first = door.member(browser="hers").session.user
    door.member(PHONE, browser="his")
    assert [row.user_id for row in door.rows("customers")] == [first.id]


@ON_SQLITE
def test_signing_in_by_password_joins_nothing(door: Door) -> None:
    desk = Desk(door.engine)
    desk.now = NOW
    desk.book(desk.room_service(), at("09:00"), customer=Customer("Ada", ADA.address))
    door.make()
    door.enter_password()
    assert [row.user_id for row in door.rows("customers")] == [None]


def test_a_new_address_counts_once_its_code_has_come_and_the_old_one_is_told(door: Door) -> None:
    live = door.member().session
    new = Target("email", "new@example.org")
    accounts.ask_new_address(door.settings, live, new, door.visitor(), now=door.now)
    assert [row.email for row in door.rows("users")] == [ADA.address]
    with pytest.raises(InvalidCredentials):  # the code is for the one who is signed in
        door.enter_code(door.code(), new, live=None)
    door.pass_time(seconds=61)
    accounts.ask_new_address(door.settings, live, new, door.visitor(), now=door.now)
    door.enter_code(door.code(), new, live=live)
    assert [row.email for row in door.rows("users")] == [new.address]
    assert door.topics(to=ADA.address)[-1] == "account.email_changed"


@ON_SQLITE
def test_a_confirmed_address_makes_the_sign_in_no_fresher(door: Door) -> None:
    live = door.member().session
    new = Target("email", "new@example.org")
    door.pass_time(minutes=9)
    accounts.ask_new_address(door.settings, live, new, door.visitor(), now=door.now)
    door.pass_time(minutes=4)
    after = door.enter_code(door.code(), new, live=live).session
    assert after.authenticated_at == live.authenticated_at


def test_two_new_addresses_that_were_asked_for_together_can_both_be_confirmed(door: Door) -> None:
    live = door.member().session
    new = Target("email", "new@example.org")
    for target in (new, PHONE):
        accounts.ask_new_address(door.settings, live, target, door.visitor(), now=door.now)
    first, second = door.code(to=new.address), door.code(to=PHONE.address)
    after = door.enter_code(first, new, live=live).session
    door.enter_code(second, PHONE, live=after)
    (user,) = door.rows("users")
    assert (user.email, user.phone) == (new.address, PHONE.address)


def test_an_address_that_another_account_took_meanwhile_is_refused(door: Door) -> None:
    live = door.member().session
    new = Target("email", "new@example.org")
    accounts.ask_new_address(door.settings, live, new, door.visitor(), now=door.now)
    code = door.code()
    door.make("customer", new.address)
    with pytest.raises(Conflict):
        door.enter_code(code, new, live=live)
    assert [row.email for row in door.rows("users")] == [ADA.address, new.address]


def test_the_new_address_of_one_account_is_not_confirmed_by_another(door: Door) -> None:
    hers = door.member(browser="shared").session
    new = Target("email", "new@example.org")
    accounts.ask_new_address(door.settings, hers, new, door.visitor("shared"), now=door.now)
    his = door.member(BOB, browser="his").session
    with pytest.raises(InvalidCredentials):
        door.enter_code(door.code(to=new.address), new, "shared", live=his)
    assert {row.email for row in door.rows("users")} == {ADA.address, BOB.address}


def test_a_session_is_begun_in_place_of_the_one_the_browser_had(door: Door) -> None:
    before = door.member()
    after = door.enter_password()
    assert after.token != before.token
    assert door.find(before) is None
    assert door.find(after) is not None
    assert len(door.rows("sessions")) == 1


@pytest.mark.parametrize("role", ["customer", "admin"])
def test_a_sign_in_by_password_takes_a_dozen_statements_at_most(door: Door, queries: Queries, role: str) -> None:
    made = door.make(role)
    door.enter_password()
    with queries(most=9):
        door.enter_password()
    assert made.user.role == role


def test_a_registration_and_its_code_take_a_handful_of_statements(door: Door, queries: Queries) -> None:
    door.member(BOB, browser="another")
    with queries(most=12):
        door.register(password=GOOD)
    code = door.code()
    with queries(most=16):
        door.enter_code(code)


@ON_SQLITE
def test_app_and_password_open_an_admins_account(door: Door) -> None:
    made = door.make("admin")
    assert app_of(made.otpauth_uri or "").digits == 6
    assert len(made.recovery_codes) == 10
    assert door.enter_password().session.expires_at == NOW.replace(minute=10)


@ON_SQLITE
def test_an_audit_row_says_who_from_where_and_in_which_request(door: Door) -> None:
    made = door.make()
    door.enter_password()
    row = door.rows("audit_log")[-1]
    assert (row.action, row.object, row.actor) == ("sign_in.password", f"user:{made.user.id}", "guest")
    assert (row.address, row.request_id, row.at) == ("192.0.2.1", "by ada's", door.now)


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)  # the other lets one write at a time
def test_a_code_opens_no_session_of_a_role_that_comes_at_once(
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,  # noqa: FBT001
) -> None:
    user_id = door.make().user.id
    door.ask()
    code, has_looked, is_changed = door.code(), threading.Event(), threading.Event()

    def begin_late(*call: Any, **named: Any) -> SignedIn:
        has_looked.set()
        is_changed.wait(0.5)  # in vain, where the change waits for this transaction
        return sessions.begin(*call, **named)

    def promote() -> None:
        has_looked.wait(10)
        users.set_role(user_id, "admin", (), by=OPERATOR, now=door.now)
        is_changed.set()

    monkeypatch.setattr(sign_in, "begin", begin_late)
    if not guarded:
        monkeypatch.setattr(accounts_stored, "lock_by_target", accounts_stored.find_by_target)
    acts: list[Any] = [promote, lambda: door.enter_code(code)]

    def act() -> Any:
        return acts.pop()()

    assert [each for each in at_once(2, act) if isinstance(each, Exception)] == []
    assert (door.rows("sessions") == []) is guarded  # else: an admin's, and without a second factor


@ON_SQLITE
def test_the_last_try_of_a_limit_is_noted_once_and_what_is_refused_is_not(door: Door) -> None:
    door.make()
    for _ in range(SIGN_INS.most):
        with pytest.raises(InvalidCredentials):
            door.enter_password(OTHER)
    for _ in range(3):
        with pytest.raises(RateLimited):
            door.enter_password(OTHER)
    assert door.actions().count("sign_in.limit_reached") == 1
    assert door.actions().count("sign_in.failed") == SIGN_INS.most
