"""What a handler may ask about its request: the settings, the time, and what its headers say of who is calling."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timezone

from flask import current_app, g, request

from app.domain.actors import Actor
from app.domain.tokens import derive_token, hash_token
from app.runtime import logs
from app.runtime.settings import Settings

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits


def settings() -> Settings:
    """Return this installation's settings."""
    found: Settings = current_app.extensions["settings"]
    return found


def now() -> datetime:
    """Return the time of this request; no floor below reads a clock."""
    return datetime.now(timezone.utc)


def stranger(kind: str = "guest") -> Actor:
    """Return somebody at this address, whoever it is."""
    return Actor(kind, address=request.remote_addr or "", request_id=logs.request_id.get())


def manage_token() -> str | None:
    """Return the token of a manage link, from the header or the query."""
    return request.headers.get("X-Manage-Token") or request.args.get("token")


def is_secure() -> bool:
    """Tell whether customers come by https."""
    return settings().base_url.startswith("https://")


def cookie_name() -> str:
    """Return the cookie's name; browsers let nobody but this very host set one that begins with ``__Host-``."""
    return "__Host-slotkeeper" if is_secure() else "slotkeeper"


def session_token() -> str | None:
    """Return the token in this browser's cookie; whatever else stands there counts as none."""
    g.has_read_cookie = True
    token = request.cookies.get(cookie_name(), "")
    return token if _TOKEN.fullmatch(token) else None


def browser_token() -> str:
    """Return the token by which this browser is known again, with the cookie given to it now if it has none."""
    token = session_token() or g.get("new_cookie")
    if not token:
        token = g.new_cookie = secrets.token_urlsafe(32)
    return str(token)


def give_cookie(token: str) -> None:
    """Put a token into this browser's cookie, or take the cookie away if it is empty."""
    g.has_read_cookie, g.new_cookie = True, token


def csrf_token(token: str | None = None) -> str | None:
    """Return the token that a page must send back with whatever changes something: bound to the cookie by a MAC."""
    token, g.carries_token = token or session_token(), True
    return derive_token(settings().secret_key, "csrf", hash_token(token)) if token else None
