"""People and servers at the door, put into the tables as signed in as a test needs them: nothing is hashed, nothing sent."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app.domain.accounts import LIFETIMES
from app.domain.actors import Scope
from app.domain.tokens import derive_token, hash_token
from app.persistence import api_keys, sessions, users
from app.persistence.session import transaction
from tests.conftest import SECRET_KEY

COOKIE = "slotkeeper"
FRESHLY, LONG_AGO = timedelta(0), timedelta(minutes=25)  # within the half hour that staff may be idle
_numbers = count(1)


@dataclass(frozen=True)
class Person:
    """Somebody with what they send along: a cookie and its CSRF token, an API key, or a manage token."""

    headers: Mapping[str, str] = field(default_factory=dict)
    user_id: int | None = None
    token: str = ""

    def ask(self, app: Flask, method: str, path: str, **what: Any) -> TestResponse:
        """Return the answer; only the headers say who is asking, as nothing is kept between two requests."""
        headers = {**self.headers, **what.pop("headers", {})}
        return app.test_client(use_cookies=False).open(path, method=method, headers=headers, **what)

    def having(self, name: str, value: str) -> Person:
        """Return the same person, who sends something else in one header."""
        return Person({**self.headers, name: value}, self.user_id, self.token)

    def without(self, name: str) -> Person:
        """Return the same person, who leaves one header out."""
        return Person({key: value for key, value in self.headers.items() if key != name}, self.user_id, self.token)


def stranger() -> Person:
    return Person()


def holder(token: str) -> Person:
    return Person({"X-Manage-Token": token})


def make_user(role: str = "customer", *, scopes: Sequence[Scope] = (), **values: Any) -> int:
    """Return the key of a new account with an address of its own."""
    number = next(_numbers)
    defaults = {"role": role, "name": f"Person {number}", "email": f"person{number}@example.org", "phone": None}
    now = datetime.now(timezone.utc)
    with transaction() as session:
        user_id = users.add_user(session, {**defaults, **values}, now=now)
        users.replace_scopes(session, user_id, scopes)
    return user_id


def sign_in(
    user_id: int,
    *,
    role: str = "customer",
    stage: str = "full",
    signed_in: timedelta = FRESHLY,
    unseen: timedelta = FRESHLY,
    lasts: timedelta | None = None,
) -> Person:
    """Return somebody with a session of the account: *signed_in* and *unseen* say how long ago."""
    now, token = datetime.now(timezone.utc).replace(microsecond=0), secrets.token_urlsafe(32)
    idle, absolute = LIFETIMES[role]
    row = {
        "user_id": user_id,
        "token_hash": hash_token(token),
        "stage": stage,
        "authenticated_at": now - signed_in,
        "seen_at": now - unseen,
        "idle_minutes": int(idle.total_seconds() // 60),
        "expires_at": now + (absolute if lasts is None else lasts),
        "address": "127.0.0.1",
        "user_agent": "a test",
        "created_at": now - signed_in,
    }
    with transaction() as session:
        sessions.add_session(session, row)
    return with_cookie(token, user_id)


def with_cookie(token: str, user_id: int | None = None) -> Person:
    """Return whoever has the token in a cookie, and the CSRF token that goes with it."""
    return Person({"Cookie": f"{COOKIE}={token}", "X-CSRF-Token": csrf_of(token)}, user_id, token)


def csrf_of(token: str) -> str:
    return derive_token(SECRET_KEY, "csrf", hash_token(token))


def make_person(
    role: str = "customer", *, scopes: Sequence[Scope] = (), values: dict[str, Any] | None = None, **session: Any
) -> Person:
    """Return somebody with a new account and a session."""
    return sign_in(make_user(role, scopes=scopes, **(values or {})), role=role, **session)


def make_server(
    *scopes: str, venue_id: int | None = None, lasts: timedelta | None = None, revoked: bool = False
) -> Person:
    """Return a server with a new API key."""
    now, key = datetime.now(timezone.utc).replace(microsecond=0), "sk_" + secrets.token_urlsafe(32)
    row = {
        "name": "a server",
        "prefix": key[:10],
        "key_hash": hash_token(key),
        "scopes": " ".join(scopes),
        "venue_id": venue_id,
        "created_by": "operator:test",
        "created_at": now,
        "expires_at": None if lasts is None else now + lasts,
    }
    with transaction() as session:
        key_id = api_keys.add_key(session, row)
        if revoked:
            api_keys.revoke_key(session, key_id, now=now)
    return with_key(key)


def with_key(key: str) -> Person:
    return Person({"Authorization": f"Bearer {key}"}, token=key)
