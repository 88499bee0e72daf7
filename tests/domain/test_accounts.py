"""People with an account: addresses, names, roles, and what counts as a fresh proof."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from app.domain.accounts import (
    FRESH,
    LIFETIMES,
    ROLES,
    STAFF_ROLES,
    Target,
    check_addresses,
    check_keeps_an_address,
    check_name,
    check_role,
    check_target,
    is_fresh,
)
from app.domain.errors import Conflict, Invalid

NOW = datetime(2027, 6, 1, 8, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("email", "phone", "target"),
    [
        (" Ada@Example.ORG ", None, Target("email", "ada@example.org")),
        (None, "+49 (30) 123-456", Target("sms", "+4930123456")),
        ("ada@example.org", "", Target("email", "ada@example.org")),
    ],
)
def test_an_account_is_named_by_one_address_however_it_is_typed(
    email: str | None, phone: str | None, target: Target
) -> None:
    assert check_target(email, phone) == target


@pytest.mark.parametrize(
    ("email", "phone", "field"),
    [
        (None, None, "email"),
        ("", "", "email"),
        ("ada@example.org", "+4930123456", "email"),
        ("ada", None, "email"),
        ("ada@example.org\nBcc: eve@example.org", None, "email"),
        (None, "\uff10\uff11\uff12\uff13\uff14\uff15", "phone"),
        (None, "abc", "phone"),
    ],
)
def test_what_is_no_address_or_two_of_them_is_refused(email: str | None, phone: str | None, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_target(email, phone)
    assert [error.field for error in refused.value.errors] == [field]


def test_an_address_knows_its_field() -> None:
    assert (Target("email", "x").field, Target("sms", "x").field) == ("email", "phone")


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "a\nb", "a\x00b", "x" * 201])
def test_a_name_is_one_line_that_shows(name: str) -> None:
    with pytest.raises(Invalid):
        check_name(name)


def test_a_name_may_be_of_any_script() -> None:
    assert check_name("  \u30a8\u30a4\u30c0 ") == "\u30a8\u30a4\u30c0"


def test_there_are_three_roles_and_each_has_its_lifetimes() -> None:
    assert [check_role(role) for role in ROLES] == ["customer", "staff", "admin"]
    assert set(LIFETIMES) == set(ROLES)
    assert {LIFETIMES[role] for role in STAFF_ROLES} == {(timedelta(minutes=30), timedelta(hours=12))}
    assert LIFETIMES["customer"] == (timedelta(hours=12), timedelta(days=30))


@pytest.mark.parametrize("role", ["", "Admin", "root", "staff "])
def test_no_other_role_exists(role: str) -> None:
    with pytest.raises(Invalid):
        check_role(role)


def test_an_account_made_by_an_admin_may_have_both_addresses_and_needs_one() -> None:
    assert check_addresses("ADA@example.org", "+49 30 123456") == ("ada@example.org", "+4930123456")
    assert check_addresses(None, "+4930123456") == ("", "+4930123456")
    with pytest.raises(Invalid):
        check_addresses(None, None)


def test_an_account_keeps_one_verified_address() -> None:
    check_keeps_an_address("", "+4930123456")
    check_keeps_an_address("ada@example.org", "")
    with pytest.raises(Conflict):
        check_keeps_an_address("", "")


@pytest.mark.parametrize(
    ("ago", "fresh"),
    [(timedelta(0), True), (FRESH, True), (FRESH + timedelta(seconds=1), False), (timedelta(seconds=-2), False),
     (timedelta(days=-1), False), (timedelta(days=400), False)],
)  # fmt: skip
def test_a_proof_is_fresh_for_ten_minutes_and_never_before_it_was_given(ago: timedelta, fresh: bool) -> None:  # noqa: FBT001
    assert is_fresh(NOW - ago, now=NOW) is fresh
