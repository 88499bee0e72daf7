"""Secrets of links: stored hashed, derived again, alike for nobody."""

from __future__ import annotations

import hashlib
import re

from app.domain.tokens import derive_token, hash_token, is_token

SECRET = "kPz7Wq2Lx9Vb4Nt6Rm1Ys8Jd3Hf5Gc0A"


def test_a_token_is_the_same_each_time() -> None:
    assert derive_token(SECRET, "manage", "2345") == derive_token(SECRET, "manage", "2345")


def test_a_token_depends_on_secret_purpose_and_name() -> None:
    tokens = {
        derive_token(secret, purpose, name)
        for secret in (SECRET, SECRET[::-1])
        for purpose in ("manage", "hold")
        for name in ("2345", "2346")
    }
    assert len(tokens) == 8


def test_purpose_and_name_cannot_run_into_each_other() -> None:
    assert derive_token(SECRET, "ab", "c") != derive_token(SECRET, "a", "bc")


def test_a_token_has_128_bits_and_fits_into_a_link() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", derive_token(SECRET, "manage", "2345"))


def test_what_is_stored_is_not_the_token() -> None:
    assert hash_token("abc") == hashlib.sha256(b"abc").hexdigest()


def test_a_token_is_known_by_its_hash_alone() -> None:
    assert is_token("abc", hash_token("abc"))
    for wrong in ("abd", "", hash_token("abc"), "äbc"):
        assert not is_token(wrong, hash_token("abc"))
