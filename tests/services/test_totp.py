"""The second factor: time steps that are taken once, secrets that open for one account alone, and recovery codes."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from pyotp import TOTP
from sqlalchemy import Engine, select, update

from app.domain.accounts import Target
from app.domain.errors import Conflict, Forbidden, InvalidCredentials, RateLimited
from app.domain.tokens import hash_token
from app.persistence import recovery_codes as stored_codes
from app.persistence import tables, users
from app.persistence.session import reading
from app.runtime.settings import Settings
from app.services import sessions, totp
from app.services.sessions import SignedIn
from app.services.users import Enrolment
from tests.services.door import GOOD, NOW, ON_SQLITE, OPERATOR, Door, app_of, at_once, other_than

BOB = Target("email", "bob@example.org")
FULL_WIDTH = str.maketrans("0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19")
STEP = 30


class Vault:
    """An admin with an authenticator app, half-way in."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.made: Enrolment = door.make("admin")
        self.app: TOTP = app_of(self.made.otpauth_uri or "")

    def code(self, steps: int = 0) -> str:
        """Return the code of a time step some steps from now."""
        return self.app.at(self.door.now, counter_offset=steps)

    def enter(self, code: str, half: SignedIn | None = None) -> SignedIn:
        door = self.door
        live = (half or door.enter_password()).session
        signed_in, _ = totp.enter(door.settings, live, code, door.visitor(), now=door.now)
        return door.keep(signed_in)

    def recover(self, code: str, half: SignedIn | None = None) -> SignedIn:
        door = self.door
        live = (half or door.enter_password()).session
        signed_in, _ = totp.enter_with_recovery_code(door.settings, live, code, door.visitor(), now=door.now)
        return door.keep(signed_in)


@pytest.fixture
def door(database: Engine, settings: Settings) -> Door:
    return Door(database, settings)


@pytest.fixture
def vault(door: Door) -> Vault:
    return Vault(door)


def test_password_and_code_open_the_account_under_a_fresh_token(vault: Vault) -> None:
    half = vault.door.enter_password()
    whole = vault.enter(vault.code(), half)
    assert (half.session.stage, whole.session.stage) == ("totp", "full")
    assert vault.door.find(half) is None
    assert vault.door.find(whole) is not None
    assert vault.door.actions()[-2:] == ["sign_in.password", "sign_in.totp"]


@ON_SQLITE
@pytest.mark.parametrize(("steps", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_the_steps_beside_this_one_count_and_no_others(vault: Vault, steps: int, is_good: bool) -> None:  # noqa: FBT001
    code, near = vault.code(steps), {vault.code(n) for n in (-1, 0, 1)}
    if is_good:
        assert vault.enter(code).session.stage == "full"
    elif code not in near:
        with pytest.raises(InvalidCredentials):
            vault.enter(code)


def test_a_step_is_taken_once_and_no_older_one_after_it(vault: Vault) -> None:
    vault.enter(vault.code())
    for steps in (0, -1):
        with pytest.raises(InvalidCredentials):
            vault.enter(vault.code(steps))
    vault.enter(vault.code(1))
    vault.door.pass_time(seconds=STEP)
    with pytest.raises(InvalidCredentials):
        vault.enter(vault.code())
    vault.enter(vault.code(1))


@ON_SQLITE
@pytest.mark.parametrize("form", ["full-width", "blank", "short", "long", "empty", "letters"])
def test_the_right_digits_in_another_form_are_a_wrong_code(vault: Vault, form: str) -> None:
    code = vault.code()
    forms = {
        "full-width": code.translate(FULL_WIDTH), "blank": f"{code} ", "short": code[:5], "long": f"{code}0", "empty": "",
        "letters": "abcdef",
    }  # fmt: skip
    with pytest.raises(InvalidCredentials):
        vault.enter(forms[form])
    assert vault.door.actions()[-1] == "totp.wrong"


@ON_SQLITE
def test_ten_codes_a_quarter_of_an_hour_are_looked_at(vault: Vault) -> None:
    half, wrong = vault.door.enter_password(), other_than(vault.code())
    near = {vault.code(n) for n in (-1, 0, 1)}
    wrong = next(f"{n:06d}" for n in range(9) if f"{n:06d}" not in near)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            vault.enter(wrong, half)
    with pytest.raises(RateLimited):
        vault.enter(vault.code(), half)
    with pytest.raises(RateLimited):
        vault.recover(vault.made.recovery_codes[0], half)
    vault.door.pass_time(minutes=15)
    vault.enter(vault.code())


def test_a_secret_copied_from_another_account_opens_nothing(vault: Vault, caplog: pytest.LogCaptureFixture) -> None:
    door = vault.door
    other = door.make("admin", BOB.address)
    column = tables.users.c.totp_sealed
    with door.engine.connect() as connection:
        sealed = connection.scalar(select(column).where(tables.users.c.id == vault.made.user.id))
    door.run(update(tables.users).values(totp_sealed=sealed).where(tables.users.c.id == other.user.id))
    half = door.enter_password(GOOD, BOB)
    for code in (vault.code(), app_of(other.otpauth_uri or "").at(door.now)):
        with pytest.raises(InvalidCredentials):
            vault.enter(code, half)
    assert "totp_seal_broken" in caplog.text
    vault.recover(other.recovery_codes[0], half)  # a way in that needs no seal


@ON_SQLITE
def test_the_secret_stands_nowhere_in_the_open(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    live = door.member().session
    secret, uri = totp.enrol(door.settings, live.user, door.visitor(), now=door.now)
    _, fresh = totp.confirm(door.settings, live, TOTP(secret).at(door.now), door.visitor(), now=door.now)
    said = "".join(str(row) for name in tables.metadata.tables for row in door.rows(name))
    said += "".join(str(vars(record)) for record in caplog.records)
    assert secret in uri
    for word in (secret, *fresh, *(code.replace("-", "") for code in fresh)):
        assert word not in said


def test_an_enrolment_counts_once_the_app_has_shown_a_code(door: Door) -> None:
    live, other = door.member().session, door.enter_password(browser="another")
    secret, _ = totp.enrol(door.settings, live.user, door.visitor(), now=door.now)
    assert door.enter_password(browser="a third").session.stage == "full"
    code = TOTP(secret).at(door.now)
    with pytest.raises(InvalidCredentials):
        totp.confirm(door.settings, live, other_than(code), door.visitor(), now=door.now)
    signed_in, fresh = totp.confirm(door.settings, live, code, door.visitor(), now=door.now)
    door.keep(signed_in)
    assert len(set(fresh)) == len(door.rows("recovery_codes")) == 10
    assert door.find(other) is None
    assert door.find(signed_in) is not None
    assert [row.id for row in door.rows("sessions")] == [signed_in.session.id]
    half = door.enter_password(browser="a fourth")
    assert half.session.stage == "totp"
    with pytest.raises(InvalidCredentials):  # the step that confirmed is used up
        totp.enter(door.settings, half.session, code, door.visitor("a fourth"), now=door.now)
    assert "account.totp_changed" in door.topics()


@ON_SQLITE
def test_an_enrolment_begun_anew_makes_the_first_secret_useless(door: Door) -> None:
    live = door.member().session
    with pytest.raises(Conflict):
        totp.confirm(door.settings, live, "123456", door.visitor(), now=door.now)
    first, _ = totp.enrol(door.settings, live.user, door.visitor(), now=door.now)
    totp.enrol(door.settings, live.user, door.visitor(), now=door.now)
    with pytest.raises(InvalidCredentials):
        totp.confirm(door.settings, live, TOTP(first).at(door.now), door.visitor(), now=door.now)
    assert door.rows("users")[0].totp_sealed is None


@ON_SQLITE
def test_a_customer_takes_the_second_factor_off_and_an_admin_does_not(vault: Vault) -> None:
    door = vault.door
    whole = vault.enter(vault.code())
    with pytest.raises(Forbidden):
        totp.disable(door.settings, whole.session, door.visitor(), now=door.now)
    live = door.member(BOB, browser="bob's").session
    with pytest.raises(Conflict):
        totp.disable(door.settings, live, door.visitor("bob's"), now=door.now)
    secret, _ = totp.enrol(door.settings, live.user, door.visitor("bob's"), now=door.now)
    signed_in, _ = totp.confirm(door.settings, live, TOTP(secret).at(door.now), door.visitor("bob's"), now=door.now)
    totp.disable(door.settings, signed_in.session, door.visitor("bob's"), now=door.now)
    assert door.enter_password(GOOD, BOB, "elsewhere").session.stage == "full"
    assert {row.user_id for row in door.rows("recovery_codes")} == {vault.made.user.id}
    assert door.topics(to=BOB.address)[-1] == "account.totp_changed"


def test_a_recovery_code_opens_once_however_it_is_typed_and_the_owner_is_told(vault: Vault) -> None:
    code = vault.made.recovery_codes[3]
    vault.recover(f" {code.lower().replace('-', ' ')} ")
    with pytest.raises(InvalidCredentials):
        vault.recover(code)
    vault.recover(vault.made.recovery_codes[4])
    assert vault.door.topics().count("account.recovery_code_used") == 2
    assert len(vault.door.rows("recovery_codes")) == 8


@ON_SQLITE
def test_recovery_codes_have_120_bits_and_are_stored_hashed(vault: Vault) -> None:
    codes = vault.made.recovery_codes
    kept = {row.code_hash for row in vault.door.rows("recovery_codes")}
    assert kept == {hash_token(code.replace("-", "")) for code in codes}
    assert all(len(code.replace("-", "")) == 24 for code in codes)  # of 32 signs, so 5 bits each
    assert len({code[:6] for code in codes}) == 10


@ON_SQLITE
def test_another_accounts_recovery_code_opens_nothing(vault: Vault) -> None:
    other = vault.door.make("admin", BOB.address)
    with pytest.raises(InvalidCredentials):
        vault.recover(other.recovery_codes[0])
    assert len(vault.door.rows("recovery_codes")) == 20


@ON_SQLITE
def test_renewed_recovery_codes_make_the_old_ones_useless(vault: Vault) -> None:
    door = vault.door
    live = vault.enter(vault.code()).session
    fresh = totp.renew_recovery_codes(door.settings, live, door.visitor(), now=door.now)
    with pytest.raises(InvalidCredentials):
        vault.recover(vault.made.recovery_codes[0])
    vault.recover(fresh[0])
    with pytest.raises(Conflict):
        totp.renew_recovery_codes(door.settings, door.member(BOB, browser="b").session, door.visitor("b"), now=door.now)


@ON_SQLITE
@pytest.mark.parametrize("way", ["totp", "recovery"])
def test_a_sign_in_that_was_ended_meanwhile_is_not_finished(vault: Vault, way: str) -> None:
    half = vault.door.enter_password()
    sessions.end_all(vault.made.user.id, by=OPERATOR, now=NOW)
    with pytest.raises(InvalidCredentials):
        vault.enter(vault.code(), half) if way == "totp" else vault.recover(vault.made.recovery_codes[0], half)
    assert vault.door.rows("sessions") == []
    assert len(vault.door.rows("recovery_codes")) == 10


def unguarded(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Take the guards off: what was used is read, and then, when all have read, written."""
    have_looked = threading.Barrier(number)
    step_of = totp._step_of
    looked = threading.local()

    def look(secret: str | None, code: str, **named: Any) -> int | None:
        step = step_of(secret, code, **named)
        looked.last = reading().scalar(select(tables.users.c.totp_step))
        reading().close()  # gives the connection back: there are fewer than there are threads
        have_looked.wait(10)
        return step

    def take(session: Any, user_id: int, step: int) -> bool:
        session.execute(update(tables.users).values(totp_step=step).where(tables.users.c.id == user_id))
        return looked.last is None or bool(looked.last < step)

    monkeypatch.setattr(totp, "_step_of", look)
    monkeypatch.setattr(users, "take_step", take)
    monkeypatch.setattr(totp.sessions, "delete_by_token", lambda *_call: True)


@pytest.mark.parametrize("guarded", [True, False])
def test_the_same_code_eight_times_at_once_opens_once(
    vault: Vault,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,  # noqa: FBT001
) -> None:
    door, code = vault.door, vault.code()
    halves = [(f"{number}", door.enter_password(browser=f"{number}").session) for number in range(8)]
    if not guarded:
        unguarded(monkeypatch, 8)

    def enter() -> SignedIn:
        browser, live = halves.pop()
        return totp.enter(door.settings, live, code, door.visitor(browser), now=door.now)[0]

    kinds = Counter(type(result) for result in at_once(8, enter))
    if guarded:
        assert kinds == {SignedIn: 1, InvalidCredentials: 7}
    else:
        assert kinds[SignedIn] > 1  # without its guard, the race lets more than one through


@pytest.mark.parametrize("guarded", [True, False])
def test_the_same_recovery_code_eight_times_at_once_opens_once(
    vault: Vault,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,  # noqa: FBT001
) -> None:
    door, code = vault.door, vault.made.recovery_codes[0]
    halves = [(f"{number}", door.enter_password(browser=f"{number}").session) for number in range(8)]
    if not guarded:
        have_looked = threading.Barrier(8)
        count_try, looked = totp._count_try, threading.local()

        def look(*call: Any, **named: Any) -> Any:
            allowance = count_try(*call, **named)
            looked.left = stored_codes.count_recovery_codes(reading(), vault.made.user.id)
            reading().close()
            have_looked.wait(10)
            return allowance

        def use(session: Any, user_id: int, code_hash: str) -> bool:
            stored_codes.replace_codes(session, user_id, ())
            return bool(looked.left == 10 and code_hash)

        monkeypatch.setattr(totp, "_count_try", look)
        monkeypatch.setattr(totp.recovery_codes, "use_recovery_code", use)

    def enter() -> SignedIn:
        browser, live = halves.pop()
        return totp.enter_with_recovery_code(door.settings, live, code, door.visitor(browser), now=door.now)[0]

    kinds = Counter(type(result) for result in at_once(8, enter))
    if guarded:
        assert kinds == {SignedIn: 1, InvalidCredentials: 7}
    else:
        assert kinds[SignedIn] > 1
