"""What a handler may ask about its request: the settings, the time, and who is calling."""

from __future__ import annotations

from datetime import datetime, timezone

from flask import current_app, request

from app.domain.actors import Actor
from app.runtime import logs
from app.runtime.settings import Settings


def settings() -> Settings:
    """Return this installation's settings."""
    found: Settings = current_app.extensions["settings"]
    return found


def now() -> datetime:
    """Return the time of this request; no floor below reads a clock."""
    return datetime.now(timezone.utc)


def actor(kind: str) -> Actor:
    """Return the caller, as the audit log names it."""
    return Actor(kind, address=request.remote_addr or "", request_id=logs.request_id.get())


def manage_token() -> str | None:
    """Return the token of a manage link, from the header or the query."""
    return request.headers.get("X-Manage-Token") or request.args.get("token")
