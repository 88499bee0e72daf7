"""Which addresses of the internet are everybody's, and which lead into somebody's own network."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What is not to be reached from elsewhere. Source: IANA special-purpose registries (RFC 6890), read in full, because the lists of
# Python's ``ipaddress`` differ from version to version.
_SPECIAL_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
_UNICAST_6 = IPv6Network("2000::/3")  # all that is given out: loopback, local, multicast, mapped and NAT64 lie outside
# Protocols (with Teredo), documentation, 6to4, and what was given back; Teredo and 6to4 carry an IPv4 address inside.
_SPECIAL_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20")))


def is_public(address: Address) -> bool:
    """Tell whether an address is a server's on the internet; one that carries another inside is not, wherever that leads."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_4)
    return address in _UNICAST_6 and not any(address in network for network in _SPECIAL_6)


def is_within(address: Address, networks: Collection[Network]) -> bool:
    """Tell whether an address lies in one of the networks."""
    return any(address in network for network in networks if network.version == address.version)


def parse_address(text: str) -> Address | None:
    """Return the address that a host is written as, or None where it is a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def parse_network(text: str) -> Network:
    """Return a network such as ``10.1.0.0/16``; an address alone is a network of one.

    Raises:
        ValueError: it is none, or has bits behind its prefix.
    """
    return ip_network(text)
