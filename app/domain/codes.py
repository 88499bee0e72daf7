"""One-time codes: what they look like, how long they live, and the form in which they are kept."""

from __future__ import annotations

import hmac
import re
from typing import Literal

Purpose = Literal["register", "sign_in", "reset", "change_email", "change_phone"]

LIFETIME_SECONDS = 300
MAX_ATTEMPTS = 5
ATTEMPTS_SECONDS = 3600  # failures count for an hour, however many codes are sent in it
_CODE = re.compile(r"[0-9]{6}")  # ASCII: \d would take the digits of every script


def is_code(text: str) -> bool:
    """Tell whether this is six ASCII digits."""
    return _CODE.fullmatch(text) is not None


def mac_target(secret_key: str, channel: str, address: str) -> str:
    """Return the form in which an address stands beside its code: the table tells nobody who asked."""
    return hmac.new(secret_key.encode(), f"target\0{channel}\0{address}".encode(), "sha256").hexdigest()


def mac_code(secret_key: str, *, browser_hash: str, purpose: str, target_mac: str, code: str) -> str:
    """Return the form in which a code is kept: six digits are guessed at once unless the key is needed to try one."""
    parts = f"code\0{browser_hash}\0{purpose}\0{target_mac}\0{code}"
    return hmac.new(secret_key.encode(), parts.encode(), "sha256").hexdigest()
