"""Secrets that links carry: how they are kept, and how one is derived again without having been kept."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

TOKEN_BYTES = 16  # 128 bits


def hash_token(token: str) -> str:
    """Return the form in which a token is stored: it is random, so one round of SHA-256 hides it."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_token(token: str, token_hash: str) -> bool:
    """Tell, in constant time, whether the token is the one stored."""
    return hmac.compare_digest(hash_token(token), token_hash)


def derive_token(secret_key: str, purpose: str, name: str) -> str:
    """Return the 128-bit token that belongs to a name: the same each time, so that a repeated answer can carry it again."""
    mac = hmac.digest(secret_key.encode(), f"{purpose}\0{name}".encode(), "sha256")
    return urlsafe_b64encode(mac[:TOKEN_BYTES]).rstrip(b"=").decode()
