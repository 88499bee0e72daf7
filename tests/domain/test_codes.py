"""One-time codes: six ASCII digits, and a MAC that another purpose, browser, address or key does not share."""

from __future__ import annotations

import pytest

from app.domain.codes import is_code, mac_code, mac_target

KEPT = {"browser_hash": "b" * 64, "purpose": "sign_in", "target_mac": "t" * 64, "code": "012345"}


@pytest.mark.parametrize("text", ["000000", "123456", "999999"])
def test_six_ascii_digits_are_a_code(text: str) -> None:
    assert is_code(text)


@pytest.mark.parametrize(
    "text",
    ["", "12345", "1234567", "12345a", " 12345", "123456\n", "-12345", "1e3456", "\uff11\uff12\uff13\uff14\uff15\uff16",
     "\u0661\u0662\u0663\u0664\u0665\u0666", "12345\u00b2", "\x00" * 6],
)  # fmt: skip
def test_nothing_else_is(text: str) -> None:
    assert not is_code(text)


@pytest.mark.parametrize(
    "change",
    [
        {"browser_hash": "c" * 64},
        {"purpose": "reset"},
        {"target_mac": "u" * 64},
        {"code": "012346"},
        {"secret_key": "other"},
    ],
)
def test_a_mac_is_for_one_code_purpose_browser_address_and_key(change: dict[str, str]) -> None:
    whole = {"secret_key": "key", **KEPT}
    assert mac_code(**whole) == mac_code(**whole)
    assert mac_code(**{**whole, **change}) != mac_code(**whole)


def test_the_mac_of_an_address_tells_neither_it_nor_its_channel() -> None:
    macs = {
        mac_target("key", "email", "a@b.org"),
        mac_target("key", "sms", "a@b.org"),
        mac_target("other", "email", "a@b.org"),
    }
    assert len(macs) == 3
    assert all(len(mac) == 64 and "a@b" not in mac for mac in macs)
