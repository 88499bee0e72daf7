"""Passwords as they are kept: argon2id, one at a time through the process's one worker, and the same cost for everybody.

``common_passwords.txt`` holds the 3,000 commonest passwords of 8 characters or more, in lower case, the commonest first.
Source: Royce Williams's 20,000 commonest leaked passwords, as Django 5.2 ships them, without what a wrong encoding has garbled.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher, profiles
from argon2.exceptions import VerificationError, VerifyMismatchError

from app.domain.errors import Busy
from app.domain.passwords import check_password, normal_password
from app.persistence.session import give_connection_back
from app.runtime import logs, workers

R = TypeVar("R")
_HASHERS = {
    # Source: OWASP Password Storage Cheat Sheet: 12 MiB with 3 rounds is as strong as 19 with 2. 18-31 ms.
    "strong": PasswordHasher(memory_cost=12 * 1024, time_cost=3, parallelism=1),
    "cheapest": PasswordHasher.from_parameters(profiles.CHEAPEST),  # for tests
}
_COMMON = Path(__file__).with_name("common_passwords.txt")


def check_new_password(text: str, *, field: str = "password") -> str:
    """Return a password that may be set, in its normal form.

    Raises:
        Invalid: for *field*, as :func:`app.domain.passwords.check_password` says.
    """
    return check_password(text, is_common=_is_common, field=field)


def hash_password(password: str, profile: str) -> str:
    """Return what to keep of a password that :func:`check_new_password` has returned.

    Raises:
        Busy: too many are waiting for the worker.
    """
    return _run(_HASHERS[profile].hash, password)


def verify_password(password: str, stored: str | None, profile: str) -> bool:
    """Tell whether the password is the one of which *stored* was kept; None stands for an account that is not there.

    The work is the same with an account or without, and with a text that cannot be a password.

    Raises:
        Busy: too many are waiting for the worker.
    """
    normal = normal_password(password)
    kept = _nobodys_hash(profile) if stored is None else stored
    matches = _run(_matches, _HASHERS[profile], kept, normal or "")
    return matches and stored is not None and normal is not None


def needs_rehash(stored: str, profile: str) -> bool:
    """Tell whether a hash was made with other parameters than new ones are; one that cannot be read needs a reset instead."""
    try:
        return _HASHERS[profile].check_needs_rehash(stored)
    except ValueError:
        return False


def _run(function: Callable[..., R], *args: object) -> R:
    give_connection_back()  # those in the queue would hold the whole pool
    try:
        return workers.run(function, *args)
    except workers.PoolFull:
        raise Busy("Too many people are signing in at this moment: try again in a second.") from None


def _matches(hasher: PasswordHasher, stored: str, password: str) -> bool:
    try:
        return hasher.verify(stored, password)
    except VerifyMismatchError:
        return False
    except (VerificationError, ValueError) as error:
        logs.error("password_hash_broken", reason=type(error).__name__)
        return False


@cache
def _nobodys_hash(profile: str) -> str:
    """Return a hash that no password has, as costly to verify as others.

    Its digest is drawn, not calculated: the first unknown account of a process takes no longer than the next.
    """
    hasher = _HASHERS[profile]
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${digest}"


def _is_common(plain: str) -> bool:
    """Tell whether a password is on the list; the file is read each time, as a password is set a few times a day."""
    with _COMMON.open(encoding="utf-8") as lines:
        return any(line.rstrip("\n") == plain for line in lines)
