"""Addresses as they are shown to those who need to tell them apart, and not to know them."""

from __future__ import annotations

_SHOWN = 2  # of a number's last digits


def mask_address(address: str) -> str:
    """Return ``a***@example.org`` of an e-mail address, ``+49***56`` of a telephone number."""
    mailbox, at, domain = address.rpartition("@")
    if at:
        return f"{mailbox[:1]}***@{domain}"
    return f"{address[:3]}***{address[-_SHOWN:]}" if len(address) > 3 + _SHOWN else "***"
