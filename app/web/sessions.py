"""Sessions as their browser sees them: who is signed in, what is left to do, and the list of one's own."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from app.domain.accounts import User
from app.domain.throttles import Allowance
from app.domain.times import rfc3339
from app.persistence.sessions import LiveSession, SessionEntry
from app.services import sessions
from app.services.sessions import SignedIn
from app.web.access import caller
from app.web.actors import actor, member
from app.web.context import csrf_token, give_cookie, now

_NEXT = {"totp": "totp", "enrol": "totp_enrol"}


class UserView(Struct):
    """An account as its owner sees it; `email` and `phone` have been confirmed by a code."""

    id: int
    role: str
    name: str
    email: str
    phone: str
    contact_phone: str
    language: str
    has_password: bool
    has_totp: bool
    version: int
    created_at: str


class SessionView(Struct, kw_only=True):
    """Who is signed in, and what is left to do: `next` is `totp`, `totp_enrol` or null.

    `csrf_token` goes into the header `X-CSRF-Token` of whatever changes something.
    """

    user: UserView | None
    next: str | None
    csrf_token: str | None
    expires_at: str | None = None
    fresh_until: Annotated[str | None, Meta(description="Until then, what opens the account may be changed.")] = None


class SessionEntryView(Struct):
    """One session of the account."""

    id: int
    is_current: bool
    created_at: str
    seen_at: str
    address: str
    user_agent: str


class SessionsView(Struct):
    """The account's sessions, the newest first, a hundred at most."""

    items: list[SessionEntryView]
    next_cursor: str | None


def read() -> SessionView:
    """Read who is signed in here, and this browser's `csrf_token`."""
    found = caller()
    return session_view(found.live if found else None)


def list_own() -> SessionsView:
    """List one's sessions."""
    own = member()
    return SessionsView([_entry(entry, own) for entry in sessions.list_own(own.user.id, now=now())], None)


def end(session_id: int) -> None:
    """End one of one's sessions."""
    own = member()
    sessions.end_one(session_id, user_id=own.user.id, by=actor(), now=now())
    if session_id == own.id:
        give_cookie("")


def end_others() -> None:
    """End every session of one's own but this."""
    own = member()
    sessions.end_all(own.user.id, but=own.token_hash, by=actor(), now=now())


def log_out() -> None:
    """Sign out of this browser."""
    found = caller()
    if found is not None and found.live is not None:
        sessions.sign_out(found.live, by=actor(), now=now())
    give_cookie("")


def log_out_everywhere() -> None:
    """Sign out of every browser."""
    sessions.end_all(member().user.id, by=actor(), now=now())
    give_cookie("")


def entered(signed_in: SignedIn) -> SessionView:
    """Give the browser its new cookie, if there is one, and return what it opens."""
    if signed_in.token:
        give_cookie(signed_in.token)
    return session_view(signed_in.session, signed_in.token)


def session_view(live: LiveSession | None, token: str | None = None) -> SessionView:
    """Return a session as its browser may see it; *token* is its cookie's, where that is new."""
    csrf = csrf_token(token)
    if live is None:
        return SessionView(user=None, next=None, csrf_token=csrf)
    if live.stage != "full":
        return SessionView(user=None, next=_NEXT[live.stage], csrf_token=csrf, expires_at=rfc3339(live.expires_at))
    return SessionView(
        user=user_view(live.user),
        next=None,
        csrf_token=csrf,
        expires_at=rfc3339(live.expires_at),
        fresh_until=rfc3339(live.fresh_until),
    )


def user_view(found: User) -> UserView:
    """Return an account as its owner may see it."""
    return UserView(
        id=found.id,
        role=found.role,
        name=found.name,
        email=found.email,
        phone=found.phone,
        contact_phone=found.contact_phone,
        language=found.language,
        has_password=found.has_password,
        has_totp=found.has_totp,
        version=found.version,
        created_at=rfc3339(found.created_at),
    )


def limit_headers(allowance: Allowance) -> dict[str, str]:
    """Return what a throttled route tells of its limit."""
    found = {"Limit": allowance.most, "Remaining": max(allowance.remaining, 0), "Reset": allowance.reset_seconds}
    return {f"RateLimit-{name}": str(value) for name, value in found.items()}


def _entry(entry: SessionEntry, own: LiveSession) -> SessionEntryView:
    return SessionEntryView(
        id=entry.id,
        is_current=entry.id == own.id,
        created_at=rfc3339(entry.created_at),
        seen_at=rfc3339(entry.seen_at),
        address=entry.address,
        user_agent=entry.user_agent,
    )
