"""What may be a password: long enough, not one of the commonest, and the same characters on every keyboard."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from app.domain.errors import Invalid

# Source: NIST SP 800-63B 5.1.1: at least 8 characters, at least 64 allowed, no rule on their kinds, common ones refused.
LEAST_CHARACTERS = 8
MOST_CHARACTERS = 128
_MOST_BEFORE_NFC = 4 * MOST_CHARACTERS  # composing makes one character of four at most (Greek with three accents)


def normal_password(text: str) -> str | None:
    """Return *text* in NFC, so that it is the same whichever way a keyboard composes its accents; not trimmed.

    None where it cannot be anybody's password: too long (not looked into then), with a NUL, or with half a surrogate pair.
    """
    if len(text) > _MOST_BEFORE_NFC or not _is_sound(text):
        return None
    text = unicodedata.normalize("NFC", text)
    return text if len(text) <= MOST_CHARACTERS else None


def check_password(text: str, *, is_common: Callable[[str], bool], field: str = "password") -> str:
    """Return a new password in NFC.

    *is_common* is asked about its lower-cased NFKC form, in which full-width letters are plain ones.

    Raises:
        Invalid: for *field*, as ``too_short``, ``too_long``, ``too_common`` or ``invalid``.
    """
    if len(text) <= _MOST_BEFORE_NFC and not _is_sound(text):
        raise Invalid.field(field, "invalid", "The password holds a character that cannot be stored; leave it out.")
    password = normal_password(text)
    if password is None:
        raise Invalid.field(field, "too_long", f"The password must have at most {MOST_CHARACTERS} characters.")
    if len(password) < LEAST_CHARACTERS:
        raise Invalid.field(field, "too_short", f"The password must have at least {LEAST_CHARACTERS} characters.")
    plain = unicodedata.normalize("NFKC", password).lower()
    if len(set(plain)) == 1 or is_common(plain):
        raise Invalid.field(field, "too_common", "The password is one that is tried first; choose another.")
    return password


def _is_sound(text: str) -> bool:
    return not any(c == "\0" or unicodedata.category(c) == "Cs" for c in text)
