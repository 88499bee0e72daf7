"""Sessions: begun by a sign-in, found by the cookie's token, ended by whoever they belong to."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.accounts import HALF_WAY, LIFETIMES, User
from app.domain.actors import Actor, Scope
from app.domain.errors import DomainError, NotFound
from app.domain.tokens import hash_token
from app.persistence import sessions, users
from app.persistence.audit import add_audit
from app.persistence.session import Session, reading, transaction, use_case
from app.persistence.sessions import LiveSession, SessionEntry
from app.runtime import logs

MAX_LISTED = 100
TOUCH_SECONDS = 60  # a session in use is noted once a minute at most
_CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser, or another client, at the door: who it says it is, and the hash of the token in its cookie.

    ``language`` is the one it likes best of those we write in; empty where it likes none.
    """

    by: Actor
    browser_hash: str
    user_agent: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that went well, as far as it went: the session, and its cookie's token, empty where the cookie stays."""

    token: str
    session: LiveSession


def begin(session: Session, user: User, visitor: Visitor, *, stage: str, now: datetime) -> SignedIn:
    """Begin a session in place of the one the browser has; a fresh token, so that nobody keeps one from before."""
    token, now = secrets.token_urlsafe(32), now.replace(microsecond=0)
    idle, absolute = (HALF_WAY, HALF_WAY) if stage != "full" else LIFETIMES[user.role]
    sessions.delete_by_token(session, visitor.browser_hash)
    live = {
        "token_hash": hash_token(token),
        "stage": stage,
        "authenticated_at": now,
        "seen_at": now,
        "idle_minutes": int(idle.total_seconds() // 60),
        "expires_at": now + absolute,
    }
    about = {"address": visitor.by.address[:64], "user_agent": visitor.user_agent[:200], "created_at": now}
    session_id = sessions.add_session(session, {"user_id": user.id, **live, **about})
    return SignedIn(token, LiveSession(id=session_id, user=user, **live))  # type: ignore[arg-type]


@use_case
def find(token: str, *, now: datetime) -> LiveSession | None:
    """Return the session of a cookie's token, unless it is over; notes that it is in use."""
    found = sessions.find_session(reading(), hash_token(token), now=now)
    if found is None or not _is_in_use(found.seen_at, found.idle_minutes, now):
        return None
    if (now - found.seen_at).total_seconds() >= TOUCH_SECONDS:
        _touch(found, now)
    return found


def scopes_of(user: User) -> tuple[Scope, ...] | None:
    """Return the parts of the house that an account reaches; None is all of it."""
    if user.role == "admin":
        return None
    return users.list_scopes(reading(), user.id) if user.role == "staff" else ()


def list_own(user_id: int, *, now: datetime) -> list[SessionEntry]:
    """Return a user's sessions, the newest first."""
    entries = sessions.list_sessions(reading(), user_id, now=now, limit=MAX_LISTED)
    return [entry for entry in entries if _is_in_use(entry.seen_at, entry.idle_minutes, now)]


@use_case
def end_one(session_id: int, *, user_id: int, by: Actor, now: datetime) -> None:
    """End one of a user's sessions: its next request finds nobody.

    Raises:
        NotFound: there is no such session of this user.
    """
    with transaction() as session:
        if not sessions.delete_session(session, session_id, user_id=user_id):
            raise NotFound("There is no such session.")
        add_audit(session, "session.ended", f"user:{user_id}", by=by, now=now, session_id=session_id)


@use_case
def end_all(user_id: int, *, but: str | None = None, by: Actor, now: datetime) -> int:
    """End a user's sessions, but for that of the token hash *but*, and return how many."""
    with transaction() as session:
        ended = sessions.delete_sessions(session, user_id, but=but)
        add_audit(session, "session.ended_all", f"user:{user_id}", by=by, now=now, ended=ended)
    return ended


@use_case
def sign_out(live: LiveSession, *, by: Actor, now: datetime) -> None:
    """End the session that asks for it."""
    with transaction() as session:
        sessions.delete_by_token(session, live.token_hash)
        add_audit(session, "sign_out", f"user:{live.user.id}", by=by, now=now)


def _is_in_use(seen_at: datetime, idle_minutes: int, now: datetime) -> bool:
    """Tell whether a session has been used lately; one from the future is of a clock that jumped, and counts for nothing."""
    return -_CLOCK_SLACK <= now - seen_at < timedelta(minutes=idle_minutes)


def _touch(found: LiveSession, now: datetime) -> None:
    try:
        _note_use(found.id, now=now)
    except DomainError as error:  # what was asked can still be answered; at worst the session ends sooner
        logs.warning("session_not_touched", reason=error.detail)


@use_case
def _note_use(session_id: int, *, now: datetime) -> None:
    with transaction() as session:
        sessions.touch(session, session_id, now=now)
