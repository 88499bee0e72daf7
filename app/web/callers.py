"""Who is calling: the session of a cookie, or the API key of a server. Loaded by the first request that brings either.

Flask-Login keeps the caller for the length of a request. It is given nothing to keep longer: no remember cookie, no
client-side session; what a browser has is a random token, and what it means stands in the database.
"""

from __future__ import annotations

from datetime import datetime

from flask import Request, current_app, request
from flask_login import LoginManager, UserMixin, current_user

from app.domain.accounts import User, is_fresh
from app.domain.actors import Scope
from app.domain.errors import SignInRequired
from app.persistence.api_keys import ApiKey
from app.persistence.sessions import LiveSession
from app.services import api_keys, sessions
from app.web.context import now, session_token

_BEARER = "bearer "
_LONGEST_KEY = 100


class Caller(UserMixin):  # type: ignore[misc]
    """A person with a session, or a server with a key: one of the two."""

    def __init__(
        self, live: LiveSession | None = None, key: ApiKey | None = None, scopes: tuple[Scope, ...] | None = ()
    ) -> None:
        """Keep what was found."""
        self.live = live
        self.key = key
        self.scopes = scopes  # the parts of the house that it reaches; None is all

    @property
    def user(self) -> User | None:
        """Return the account of the session."""
        return self.live.user if self.live else None

    @property
    def stage(self) -> str:
        """Return how far the sign-in has come."""
        return self.live.stage if self.live else ""

    @property
    def role(self) -> str:
        """Return the account's role; a key has none."""
        return self.live.user.role if self.live else ""

    @property
    def key_scopes(self) -> tuple[str, ...]:
        """Return what a key may do."""
        return self.key.scopes if self.key else ()

    @property
    def is_authenticated(self) -> bool:
        """Tell Flask-Login whether the sign-in is complete."""
        return self.key is not None or self.stage == "full"

    def get_id(self) -> str:
        """Return a name for Flask-Login."""
        return f"session:{self.live.id}" if self.live else f"key:{self.key.id}" if self.key else ""

    def is_fresh(self, at: datetime) -> bool:
        """Tell whether the person has proved who they are a short while ago."""
        return self.live is not None and is_fresh(self.live.authenticated_at, now=at)


class _Manager(LoginManager):  # type: ignore[misc]
    """Flask-Login without its remember cookie: one that is sent is not looked at."""

    def _load_user_from_remember_cookie(self, cookie: str) -> Caller | None:  # noqa: ARG002 - its signature
        return _caller_of(request)


def find() -> Caller | None:
    """Return the caller of this request.

    Raises:
        SignInRequired: an API key was given and is none.
    """
    if not hasattr(current_app, "login_manager"):
        current_app.login_manager = _manager  # type: ignore[attr-defined]
    found = current_user._get_current_object()  # noqa: SLF001 - werkzeug's name for what a proxy stands for
    return found if isinstance(found, Caller) else None


def _caller_of(asked: Request) -> Caller | None:
    if "Authorization" in asked.headers:
        return _by_key(asked.headers["Authorization"])
    token = session_token()
    live = sessions.find(token, now=now()) if token else None
    if live is None:
        return None
    return Caller(live=live, scopes=sessions.scopes_of(live.user) if live.stage == "full" else ())


def _by_key(header: str) -> Caller:
    key = header[len(_BEARER) :].strip()
    is_key = header[: len(_BEARER)].lower() == _BEARER and key.startswith(api_keys.PREFIX) and len(key) <= _LONGEST_KEY
    entry = api_keys.find(key, now=now()) if is_key and key.isascii() else None
    if entry is None:
        raise SignInRequired("The API key is unknown, revoked or over.")
    return Caller(key=entry, scopes=None if entry.venue_id is None else (Scope(entry.venue_id),))


_manager = _Manager()
_manager.session_protection = None  # it would compare what a client says of itself
_manager.request_loader(_caller_of)
