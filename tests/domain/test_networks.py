"""Public addresses and those inside somebody's network, against the lists of the standard library."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.networks import is_public, is_within, parse_address, parse_network


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "8.8.8.8", "93.184.215.14", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0",
             "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1"]
)  # fmt: skip
def test_servers_of_the_internet_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_what_the_standard_library_calls_private_is_never_public(address: IPv4Address) -> None:
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not is_public(address)


@given(st.ip_addresses(v=6))
def test_the_same_holds_for_long_addresses_and_for_those_that_carry_another(address: IPv6Address) -> None:
    carries = address.ipv4_mapped or address.sixtofour or address.teredo
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local or carries:
        assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_no_address_becomes_public_by_another_way_to_write_it(address: IPv4Address) -> None:
    for prefix in (0, 0xFFFF << 32, 0x0064FF9B << 96):  # compatible, mapped, translated
        assert not is_public(IPv6Address(prefix | int(address)))
    assert not is_public(IPv6Address((0x2002 << 112) | int(address) << 80))  # 6to4


def test_networks_hold_their_own_kind_of_address_only() -> None:
    networks = [parse_network("10.0.0.0/8"), parse_network("::1")]
    assert is_within(ip_address("10.255.0.1"), networks)
    assert is_within(ip_address("::1"), networks)
    assert not is_within(ip_address("11.0.0.1"), networks)
    assert not is_within(ip_address("::ffff:10.0.0.1"), networks)
    assert not is_within(ip_address("10.0.0.1"), [ip_network("::/0")])


def test_a_name_is_no_address() -> None:
    assert parse_address("example.org") is None
    assert parse_address("::1") == IPv6Address("::1")
