"""How often something may be asked: the limits, and who counts as one."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

HOUR, DAY = 3600, 86_400


@dataclass(frozen=True, slots=True)
class Limit:
    """At most *most* times in *seconds*, counted from the first."""

    name: str
    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit: how many more, and the seconds until it counts anew."""

    limit: str
    most: int
    remaining: int
    reset_seconds: int


CODE_COOLDOWN = Limit("code_cooldown", 1, 60)
CODES_AN_HOUR = Limit("codes_an_hour", 5, HOUR)
CODES_A_DAY = Limit("codes_a_day", 10, DAY)
CODES_BY_ADDRESS = Limit("codes_by_address", 100, HOUR)  # an office or a school behind one address
SIGN_INS_BY_ADDRESS = Limit("sign_ins_by_address", 300, HOUR)
# Of one account. Source: ASVS 4.0.3, 2.2.1: a hundred failures an hour at most; an hour touches five quarters of one.
SIGN_INS = Limit("sign_ins", 20, 900)
TOTP_CODES = Limit("totp_codes", 10, 900)


def sms_budget(most: int) -> Limit:
    """Return the limit on what all short messages of a day may cost."""
    return Limit("sms_budget", most, DAY)


def network_of(address: str) -> str:
    """Return what counts as one caller: an IPv4 address, or the /64 that every IPv6 host has for itself."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped) if found.ipv4_mapped else found.exploded[:19]
    return str(found)


def key_of(secret_key: str, limit: Limit, subject: str) -> str:
    """Return the key of a counter; it tells nobody whom it counts."""
    return hmac.new(secret_key.encode(), f"throttle\0{limit.name}\0{subject}".encode(), hashlib.sha256).hexdigest()
