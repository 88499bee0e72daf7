"""Keys for servers that call the interface: made by an admin, shown once, revoked at once."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from app.domain.actors import Actor
from app.domain.errors import DomainError, Invalid, NotFound
from app.domain.permissions import check_scopes
from app.domain.text import clean_line
from app.domain.tokens import hash_token
from app.persistence import api_keys, listings
from app.persistence.api_keys import ApiKey
from app.persistence.audit import add_audit
from app.persistence.outbox import add_event
from app.persistence.session import reading, transaction, use_case
from app.runtime import logs

PREFIX = "sk_"
MAX_NAME = 100
_SHOWN = 10  # characters of a key by which people tell it from others; 40 bits of its 256
_TOUCH_SECONDS = 60


@use_case
def create(
    name: str,
    scopes: Sequence[str],
    *,
    venue_id: int | None = None,
    expires_at: datetime | None = None,
    by: Actor,
    now: datetime,
) -> tuple[str, ApiKey]:
    """Make a key and return it, told this once, with its entry.

    Raises:
        Invalid: the name, a scope or the end cannot be used. NotFound: there is no such venue.
    """
    row = {"name": _check_name(name), "scopes": " ".join(check_scopes(scopes)), "venue_id": venue_id}
    if venue_id is not None and "users:read" in scopes:
        raise Invalid.field(
            "scopes", "invalid", "users:read is for keys of the whole house: accounts belong to no venue."
        )
    if expires_at is not None and expires_at <= now:
        raise Invalid.field("expires_at", "out_of_range", "The key would be over already.")
    key = PREFIX + secrets.token_urlsafe(32)
    key_hash = hash_token(key)
    made = {"key_hash": key_hash, "prefix": key[:_SHOWN], "created_by": str(by), "created_at": now}
    with transaction() as session:
        if venue_id is not None and not listings.has_place(session, venue_id, None):
            raise NotFound(f"There is no venue {venue_id}.")
        key_id = api_keys.add_key(session, {**row, **made, "expires_at": expires_at})
        add_audit(session, "api_key.created", f"api_key:{key_id}", by=by, now=now, **row)
        if by.user_id is not None:
            whose = f"user:{by.user_id}"
            add_event(session, "account.api_key_made", whose, venue_id=None, details={"key": key_id}, now=now)
        entry = api_keys.find_key(session, key_hash, now=now)
    if entry is None:
        raise NotFound("The key is over already.")
    return key, entry


@use_case
def revoke(key_id: int, *, by: Actor, now: datetime) -> None:
    """Make a key open nothing any more, from the next request on.

    Raises:
        NotFound: there is no such key, or it is revoked already.
    """
    with transaction() as session:
        if not api_keys.revoke_key(session, key_id, now=now):
            raise NotFound("There is no such key, or it was revoked before.")
        add_audit(session, "api_key.revoked", f"api_key:{key_id}", by=by, now=now)


@use_case
def find(key: str, *, now: datetime) -> ApiKey | None:
    """Return the entry of a key that may be used; notes, once a minute, that it is."""
    found = api_keys.find_key(reading(), hash_token(key), now=now)
    if found and (found.used_at is None or (now - found.used_at).total_seconds() >= _TOUCH_SECONDS):
        try:
            _touch(found.id, now=now)
        except DomainError as error:  # what was asked can still be answered
            logs.warning("api_key_not_touched", reason=error.detail)
    return found


@use_case
def _touch(key_id: int, *, now: datetime) -> None:
    with transaction() as session:
        api_keys.touch(session, key_id, now=now)


def _check_name(name: str) -> str:
    try:
        cleaned = clean_line(name, MAX_NAME)
    except ValueError as error:
        raise Invalid.field("name", "invalid", str(error)) from None
    if not cleaned:
        raise Invalid.field("name", "required", "Say what the key is for.")
    return cleaned
