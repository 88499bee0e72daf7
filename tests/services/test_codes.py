"""One-time codes: how they are kept, how often they are sent and guessed, and that each is used once."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime
from hmac import compare_digest
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from app.domain.accounts import Target
from app.domain.codes import mac_target
from app.domain.errors import Invalid, InvalidCredentials, RateLimited
from app.domain.throttles import CODES_BY_ADDRESS
from app.persistence import codes as stored
from app.persistence import tables
from app.persistence.session import reading, transaction
from app.runtime.settings import Settings
from app.services import accounts, codes
from app.services.sessions import SignedIn
from tests.services.door import ADA, GOOD, ON_SQLITE, OTHER, Door, at_once, other_than

CODES = tables.one_time_codes
BOB, PHONE = Target("email", "bob@example.org"), Target("sms", "+4930123456")
FULL_WIDTH = str.maketrans("0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19")


@pytest.fixture
def door(database: Engine, settings: Settings) -> Door:
    return Door(database, settings)


def is_refused(door: Door, code: str, target: Target = ADA, browser: str = "ada's") -> bool:
    try:
        door.enter_code(code, target, browser)
    except InvalidCredentials:
        return True
    return False


@ON_SQLITE
def test_a_code_is_six_ascii_digits_and_may_begin_with_noughts(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(codes.secrets, "randbelow", lambda most: drawn.append(most) or 42)
    door.register()
    assert (door.code(), drawn) == ("000042", [1_000_000])
    assert door.enter_code("000042").session.stage == "full"


def test_neither_code_nor_address_stands_in_a_table(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    door.register(password=GOOD)
    code = door.code()
    assert not is_refused(door, code)
    kept = "\n".join(
        str(row) for name in ("one_time_codes", "outbox", "audit_log", "throttles") for row in door.rows(name)
    )
    said = kept + "".join(str(vars(record)) for record in caplog.records)
    assert code in door.letters()[0][1].body
    for secret in (code, ADA.address, GOOD):
        assert secret not in said
    assert len(door.rows("one_time_codes")[0].code_mac) == 64


def test_what_a_code_is_for_is_sealed_until_it_comes_and_wiped_then(door: Door) -> None:
    door.register(password=GOOD, name="Augusta")
    (row,) = door.rows("one_time_codes")
    assert row.payload.startswith("v1.")
    assert "Augusta" not in str(row)
    assert door.enter_code(door.code()).session.user.name == "Augusta"
    assert door.rows("one_time_codes")[0].payload == ""


@ON_SQLITE
def test_what_was_sealed_for_another_code_is_not_done(door: Door) -> None:
    door.register(name="Ada")
    door.register(BOB, name="Eve", password=OTHER)
    sealed = door.rows("one_time_codes")[1].payload
    door.run(update(CODES).values(payload=sealed).where(CODES.c.id == door.rows("one_time_codes")[0].id))
    assert is_refused(door, door.code(to=ADA.address))
    assert door.rows("users") == []


def test_a_code_is_accepted_once(door: Door) -> None:
    door.make()
    door.ask("reset")
    code = door.code()
    accounts.reset_password(door.settings, ADA, code, OTHER, door.visitor(), now=door.now)
    with pytest.raises(InvalidCredentials):
        accounts.reset_password(door.settings, ADA, code, GOOD, door.visitor(), now=door.now)
    door.enter_password(OTHER)
    assert door.actions().count("code.wrong") == 1


@ON_SQLITE
@pytest.mark.parametrize(
    ("seconds", "is_good"), [(299, True), (300, False), (-1, False), (-86_400, False), (10**8, False)]
)
def test_a_code_lives_five_minutes_by_a_clock_that_goes_forward(door: Door, seconds: int, is_good: bool) -> None:  # noqa: FBT001
    door.register()
    code = door.code()
    door.pass_time(seconds=seconds)
    assert is_refused(door, code) is not is_good
    assert len(door.rows("users")) == is_good


@ON_SQLITE
def test_a_code_that_came_too_late_is_not_made_good_by_a_clock_set_back(door: Door) -> None:
    door.register()
    code = door.code()
    door.pass_time(seconds=300)
    assert is_refused(door, code)
    door.pass_time(seconds=-240)
    assert is_refused(door, code)
    assert door.rows("one_time_codes")[0].payload == ""
    door.register()
    assert not is_refused(door, door.code())


@ON_SQLITE
@pytest.mark.parametrize("form", ["full-width", "blank", "short", "long", "empty", "signed", "arabic"])
def test_the_right_digits_in_another_form_are_a_wrong_code(door: Door, form: str) -> None:
    door.register()
    code = door.code()
    forms = {
        "full-width": code.translate(FULL_WIDTH), "blank": f" {code}", "short": code[:5], "long": f"0{code}", "empty": "",
        "signed": f"+{code}", "arabic": code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    }  # fmt: skip
    assert is_refused(door, forms[form])
    assert not is_refused(door, code)


def test_a_code_opens_nothing_in_another_browser(door: Door) -> None:
    door.register(browser="hers")
    code = door.code()
    assert is_refused(door, code, browser="his")
    assert not is_refused(door, code, browser="hers")


@ON_SQLITE
def test_a_code_opens_nothing_for_another_address(door: Door) -> None:
    door.register()
    code = door.code()
    door.register(BOB)
    if code != door.code():
        assert is_refused(door, code, BOB)
    assert not is_refused(door, code)


@ON_SQLITE
def test_a_code_to_sign_in_resets_no_password_and_the_other_way_round(door: Door) -> None:
    door.make()
    door.ask("sign_in")
    code = door.code()
    with pytest.raises(InvalidCredentials):
        accounts.reset_password(door.settings, ADA, code, OTHER, door.visitor(), now=door.now)
    door.pass_time(seconds=61)
    door.ask("reset", browser="another")
    assert is_refused(door, door.code(), browser="another")
    door.enter_password(GOOD)


@ON_SQLITE
def test_a_code_kept_for_another_purpose_is_not_the_same(door: Door) -> None:
    door.make()
    door.ask("reset")
    door.run(update(CODES).values(purpose="sign_in"))
    assert is_refused(door, door.code())


def test_a_code_sent_anew_is_the_only_one(door: Door) -> None:
    door.register()
    first = door.code()
    door.pass_time(seconds=60)
    door.register()
    second = door.code()
    assert first == second or is_refused(door, first)
    assert not is_refused(door, second)


def test_five_attempts_are_looked_at_and_the_sixth_is_not(door: Door) -> None:
    door.register()
    code = door.code()
    assert all(is_refused(door, other_than(code)) for _ in range(5))
    with pytest.raises(RateLimited) as refused:
        door.enter_code(code)
    assert (refused.value.limit, refused.value.most) == ("code_attempts", 5)
    assert door.rows("users") == []


def test_a_code_sent_anew_brings_no_attempts_back_within_the_hour(door: Door) -> None:
    door.register()
    for _ in range(5):
        is_refused(door, other_than(door.code()))
    door.pass_time(seconds=61)
    door.register()
    with pytest.raises(RateLimited):
        door.enter_code(door.code())
    door.pass_time(hours=1)
    door.register()
    assert not is_refused(door, door.code())


def test_an_attempt_is_counted_and_that_committed_before_the_code_is_compared(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.register()
    seen = []

    def fail(*_macs: str) -> bool:
        with door.engine.connect() as another:
            seen.append(another.scalar(select(CODES.c.attempts)))
        raise SystemError

    monkeypatch.setattr(codes, "compare_digest", fail)
    for _ in range(2):
        with pytest.raises(SystemError):
            door.enter_code(door.code())
    assert seen == [1, 2]
    assert door.rows("one_time_codes")[0].attempts == 2


def accept_after_a_look(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Take the guard off: whether a code was used is read, and then, when all have read, written."""
    looked, have_looked = threading.local(), threading.Barrier(number)

    def find(session: Any, **criteria: Any) -> stored.SentCode | None:
        found = find_code(session, **criteria)
        looked.is_unused = found is not None and found.used is None
        session.close()  # gives the connection back: there are fewer than there are threads
        have_looked.wait(10)
        return found

    def use(session: Any, code: stored.SentCode, *, now_seconds: int) -> bool:
        session.execute(update(CODES).where(CODES.c.id == code.id).values(used=now_seconds))
        return bool(looked.is_unused)

    find_code = stored.find_code
    monkeypatch.setattr(stored, "find_code", find)
    monkeypatch.setattr(stored, "use_code", use)


@pytest.mark.parametrize("guarded", [True, False])
def test_the_same_code_eight_times_at_once_is_accepted_once(
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,  # noqa: FBT001
) -> None:
    door.make()
    door.ask()
    code = door.code()
    if not guarded:
        accept_after_a_look(monkeypatch, 8)
    kinds = Counter(type(result) for result in at_once(8, lambda: door.enter_code(code)))
    if guarded:
        assert kinds == {SignedIn: 1, InvalidCredentials: 4, RateLimited: 3}
        assert len(door.rows("sessions")) == 1
    else:
        assert kinds[SignedIn] > 1  # without its guard, the race lets more than one through


def count_after_a_look(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Take the guard off: the attempts are read, and then, when all have read, written."""
    have_looked = threading.Barrier(number)

    def count_attempt(*_call: Any, **_named: Any) -> tuple[stored.SentCode | None, bool]:
        attempts = reading().scalar(select(CODES.c.attempts))
        found = reading().execute(select(CODES)).one()
        reading().close()  # gives the connection back: there are fewer than there are threads
        have_looked.wait(10)
        with transaction() as session:
            session.execute(update(CODES).values(attempts=attempts + 1))
        code = stored.SentCode(found.id, found.purpose, found.code_mac, found.payload, found.expires, found.used)
        return code, attempts < 5

    monkeypatch.setattr(codes, "_count_attempt", count_attempt)


@pytest.mark.parametrize("guarded", [True, False])
def test_of_eight_guesses_at_once_five_are_compared(
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,  # noqa: FBT001
) -> None:
    door.register()
    wrong, compared = other_than(door.code()), []

    def watch(mine: str, kept: str) -> bool:
        compared.append(mine)
        return compare_digest(mine, kept)

    monkeypatch.setattr(codes, "compare_digest", watch)
    if not guarded:
        count_after_a_look(monkeypatch, 8)
    kinds = Counter(type(result) for result in at_once(8, lambda: door.enter_code(wrong)))
    assert (len(compared) == 5) is guarded  # without its guard, the race looks at more
    if guarded:
        assert kinds == {InvalidCredentials: 5, RateLimited: 3}


def sent(door: Door) -> int:
    return sum(row.status == "queued" for row in door.rows("outbox"))


def test_one_code_a_minute_goes_to_an_address_whoever_asks_and_what_for(door: Door) -> None:
    door.make()
    answers = [
        door.ask("sign_in", browser="hers"),
        door.ask("sign_in", browser="his"),
        door.ask("reset", browser="its"),
    ]
    assert sent(door) == 1
    assert {(answer.expires_in_seconds, answer.resend_in_seconds) for answer in answers} == {(300, 60)}
    door.pass_time(seconds=59)
    door.ask()
    assert sent(door) == 1
    door.pass_time(seconds=1)
    door.ask()
    assert sent(door) == 2


@ON_SQLITE
def test_a_code_that_is_not_sent_leaves_the_one_before_good(door: Door) -> None:
    door.register()
    code = door.code()
    door.register()
    assert not is_refused(door, code)


def test_five_codes_an_hour_and_ten_a_day_go_to_an_address(door: Door) -> None:
    door.make()
    for _ in range(59):
        door.ask()
        door.pass_time(minutes=1)
    assert sent(door) == 5
    door.pass_time(minutes=1)
    for _ in range(10):
        door.ask()
        door.pass_time(minutes=1)
    assert sent(door) == 10
    door.pass_time(hours=2)
    door.ask()
    assert sent(door) == 10
    door.pass_time(days=1)
    door.ask()
    assert sent(door) == 11


@ON_SQLITE
def test_a_hundred_codes_an_hour_are_sent_for_one_network(door: Door) -> None:
    for number in range(100):
        door.register(Target("email", f"person{number}@example.org"), browser=f"{number}")
    with pytest.raises(RateLimited) as refused:
        door.register(ADA)
    assert refused.value.limit == "codes_by_address"
    assert sent(door) == 100
    door.ask("register", ADA, "elsewhere", address="198.51.100.7")
    assert sent(door) == 101


@ON_SQLITE
def test_asking_in_vain_counts_against_the_network_too(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "CODES_BY_ADDRESS", replace(CODES_BY_ADDRESS, most=3))
    for _ in range(3):
        door.ask()
    with pytest.raises(RateLimited):
        door.ask()


@ON_SQLITE
def test_hosts_of_one_ipv6_network_count_as_one(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "CODES_BY_ADDRESS", replace(CODES_BY_ADDRESS, most=3))
    for number in range(3):
        door.ask("register", Target("email", f"p{number}@example.org"), address=f"2001:db8:0:7::{number:x}")
    with pytest.raises(RateLimited):
        door.ask("register", ADA, address="2001:db8:0:7:ffff::1")
    door.ask("register", ADA, address="2001:db8:0:8::1")


@ON_SQLITE
def test_all_short_messages_of_a_day_stay_within_their_budget(door: Door) -> None:
    door.settings = replace(door.settings, sms_daily_budget=3)
    answers = [door.ask("register", Target("sms", f"+49301234{n}"), f"{n}") for n in range(100, 106)]
    assert sent(door) == 3
    assert [answer.allowance.remaining for answer in answers] == [99, 98, 97, 96, 95, 94]  # nobody is told
    door.ask("register", ADA)
    assert sent(door) == 4
    door.pass_time(days=1)
    door.ask("register", Target("sms", "+49301234107"), "x")
    assert sent(door) == 5


def test_a_spent_budget_does_not_tell_which_numbers_have_an_account(door: Door) -> None:
    door.settings = replace(door.settings, sms_daily_budget=1)
    door.make(phone=PHONE.address)
    door.ask("register", Target("sms", "+4930999999"))
    known, unknown = (door.ask("sign_in", target, address=address) for target, address in (
        (PHONE, "198.51.100.1"), (Target("sms", "+4930777777"), "198.51.100.2"),
    ))  # fmt: skip
    assert known == unknown


@ON_SQLITE
def test_numbers_without_account_cost_nothing(door: Door) -> None:
    door.settings = replace(door.settings, sms_daily_budget=1)
    for number in range(5):
        door.ask("sign_in", Target("sms", f"+4930123450{number}"))
    assert sent(door) == 0
    door.ask("register", PHONE)
    assert sent(door) == 1


@ON_SQLITE
def test_a_house_without_text_messages_says_so(door: Door) -> None:
    door.settings = replace(door.settings, sms_url="none:")
    with pytest.raises(Invalid):
        door.ask("sign_in", PHONE)


@ON_SQLITE
def test_another_key_makes_another_mac(door: Door) -> None:
    door.register()
    code = door.code()
    door.settings = replace(door.settings, secret_key="another key of thirty-two letters and more")
    assert is_refused(door, code)
    assert mac_target("a", "email", "x") != mac_target("b", "email", "x")


@ON_SQLITE
def test_a_code_that_is_asked_for_leaves_a_row_in_the_audit_log(door: Door) -> None:
    door.register()
    is_refused(door, other_than(door.code()))
    asked, wrong = door.rows("audit_log")
    assert (asked.action, wrong.action) == ("code.asked", "code.wrong")
    assert asked.object == wrong.object == f"address:{mac_target(door.settings.secret_key, 'email', ADA.address)[:16]}"
    assert (asked.address, asked.request_id, asked.at) == ("192.0.2.1", "by ada's", door.now)
    assert isinstance(asked.at, datetime)
