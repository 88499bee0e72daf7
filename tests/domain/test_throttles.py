"""Limits: whom they count as one, and the keys of their counters."""

from __future__ import annotations

import pytest

from app.domain import throttles
from app.domain.throttles import Limit, key_of, network_of, sms_budget


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:0:7::1", "2001:db8::7:ffff:ffff:ffff:ffff"),
        ("2001:DB8:0:7::1", "2001:db8:0:7::2"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_a_caller_is_an_ipv4_address_or_an_ipv6_network(one: str, other: str) -> None:
    assert network_of(one) == network_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8:0:7::1", "2001:db8:0:8::1"), ("192.0.2.1", "192.0.2.2"), ("::ffff:192.0.2.1", "::ffff:192.0.2.2")],
)
def test_others_are_others(one: str, other: str) -> None:
    assert network_of(one) != network_of(other)


@pytest.mark.parametrize("address", ["", "unix:", "not an address", "192.0.2.256"])
def test_what_is_no_address_counts_as_itself(address: str) -> None:
    assert network_of(address) == address


def test_a_key_tells_neither_whom_nor_what_it_counts() -> None:
    keys = {
        key_of("k", Limit("a", 1, 1), "ada"),
        key_of("k", Limit("b", 1, 1), "ada"),
        key_of("k", Limit("a", 1, 1), "bob"),
    }
    keys.add(key_of("another", Limit("a", 1, 1), "ada"))
    assert len(keys) == 4
    assert key_of("k", Limit("a", 9, 9), "ada") in keys
    assert not [key for key in keys if "ada" in key or len(key) != 64]


def test_the_limits_are_as_they_were_agreed() -> None:
    found = {limit.name: (limit.most, limit.seconds) for limit in vars(throttles).values() if isinstance(limit, Limit)}
    assert found == {
        "code_cooldown": (1, 60),
        "codes_an_hour": (5, 3600),
        "codes_a_day": (10, 86_400),
        "codes_by_address": (100, 3600),
        "sign_ins_by_address": (300, 3600),
        "sign_ins": (20, 900),
        "totp_codes": (10, 900),
    }
    assert sms_budget(7) == Limit("sms_budget", 7, 86_400)


def test_no_hour_holds_more_than_a_hundred_failures_of_one_account() -> None:
    limit = throttles.SIGN_INS
    assert limit.most * (3600 // limit.seconds + 1) <= 100
