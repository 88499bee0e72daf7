"""One-time codes as rows: one for each browser, purpose and address, whose attempts outlive what is sent anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, select

from app.persistence import session
from app.persistence.codes import count_attempt, find_code, replace_code, use_code
from app.persistence.engine import make_engine
from app.persistence.session import reading, transaction
from app.persistence.tables import one_time_codes

NOW = 1_800_000_000
KEY = {"browser_hash": "b" * 64, "purpose": "sign_in", "target_mac": "t" * 64}
CODE = {"code_mac": "c" * 64, "payload": "sealed"}


@pytest.fixture(autouse=True)
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    session.configure(engine)
    yield engine
    session.remove()
    engine.dispose()


def send(now: int = NOW, **values: str) -> None:
    with transaction() as opened:
        replace_code(opened, **{**KEY, **CODE, **values}, now_seconds=now)


def find(*purposes: str, **values: str) -> Any:
    key = {"browser_hash": KEY["browser_hash"], "target_mac": KEY["target_mac"], **values}
    return find_code(reading(), purposes=purposes or ("sign_in",), **key)


def attempt() -> bool:
    with transaction() as opened:
        return count_attempt(opened, find().id)


def use(code: Any, now: int = NOW) -> bool:
    with transaction() as opened:
        return use_code(opened, code, now_seconds=now)


def test_a_code_is_found_by_browser_address_and_one_of_the_purposes() -> None:
    send()
    assert find("register", "sign_in").code_mac == CODE["code_mac"]
    assert find("reset") is None
    assert find(browser_hash="x" * 64) is None
    assert find(target_mac="x" * 64) is None


def test_the_newest_of_several_purposes_is_found() -> None:
    send(purpose="register", code_mac="1" * 64)
    send(NOW + 60, code_mac="2" * 64)
    assert find("register", "sign_in").purpose == "sign_in"
    send(NOW + 120, purpose="register", code_mac="3" * 64)
    assert find("register", "sign_in").code_mac == "3" * 64


def test_a_code_sent_anew_takes_the_row_of_the_one_before_with_its_attempts() -> None:
    send()
    attempt()
    send(NOW + 3599, code_mac="d" * 64)
    rows = reading().execute(select(one_time_codes)).all()
    assert [(row.code_mac, row.attempts, row.began, row.expires) for row in rows] == [("d" * 64, 1, NOW, NOW + 3899)]
    send(NOW + 3600)
    rows = reading().execute(select(one_time_codes)).all()
    assert [(row.attempts, row.began) for row in rows] == [(0, NOW + 3600)]


def test_five_attempts_are_counted() -> None:
    send()
    assert [attempt() for _ in range(7)] == [True] * 5 + [False] * 2
    assert reading().scalar(select(one_time_codes.c.attempts)) == 5


def test_a_code_is_used_once_and_what_it_was_for_goes() -> None:
    send()
    assert use(find())
    assert not use(find())
    found = find()
    assert (found.payload, found.used) == ("", NOW)


def test_a_code_that_was_replaced_between_look_and_use_is_not_used() -> None:
    send()
    before = find()
    send(NOW + 60, code_mac="d" * 64)
    assert not use(before, NOW + 61)
    assert use(find(), NOW + 61)


def test_a_used_code_comes_to_life_only_as_another_one() -> None:
    send()
    use(find())
    send(NOW + 60, code_mac="d" * 64)
    assert find().used is None
    assert use(find(), NOW + 61)


@pytest.mark.parametrize(("later", "is_good"), [(0, True), (299, True), (300, False), (-1, False), (-(10**6), False)])
def test_a_code_is_good_for_five_minutes_from_when_it_was_sent(later: int, is_good: bool) -> None:  # noqa: FBT001
    send()
    assert find().is_open(NOW + later) is is_good
    assert use(replace(find(), used=None), NOW + later) is is_good
