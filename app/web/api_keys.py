"""Keys of servers that call this interface, for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from app.domain.times import rfc3339
from app.persistence import api_keys as stored
from app.persistence.api_keys import ApiKey
from app.persistence.session import reading
from app.services import api_keys
from app.web.actors import actor
from app.web.context import now
from app.web.pages import Id, Page, page_of


class NewKey(Struct, kw_only=True, forbid_unknown_fields=True):
    """A key to be made: what for, what it may do, and where."""

    name: Annotated[str, Meta(max_length=400)]
    scopes: Annotated[list[str], Meta(min_length=1, max_length=20)]
    venue_id: Annotated[Id | None, Meta(description="Every venue, if left out.")] = None
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class KeyView(Struct):
    """A key without the key: its `prefix` tells which one it is."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    venue_id: int | None
    created_by: str
    created_at: str
    expires_at: str | None
    used_at: str | None
    revoked_at: str | None


class MadeKey(Struct):
    """The key, told this once, and its entry."""

    key: str
    entry: KeyView


class KeysView(Struct):
    """A page of keys, in the order they were made."""

    items: list[KeyView]
    next_cursor: str | None


def list_all(query: Page) -> KeysView:
    """List API keys, those that are revoked included."""
    rows = stored.list_keys(reading(), cursor=query.after, limit=query.limit + 1)
    return KeysView(*page_of(rows, query, _view, lambda key: key.id))


def create(body: NewKey) -> MadeKey:
    """Make an API key."""
    key, entry = api_keys.create(
        body.name, body.scopes, venue_id=body.venue_id, expires_at=body.expires_at, by=actor(), now=now()
    )
    return MadeKey(key, _view(entry))


def revoke(key_id: int) -> None:
    """Make an API key open nothing any more."""
    api_keys.revoke(key_id, by=actor(), now=now())


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        scopes=list(key.scopes),
        venue_id=key.venue_id,
        created_by=key.created_by,
        created_at=rfc3339(key.created_at),
        expires_at=_instant(key.expires_at),
        used_at=_instant(key.used_at),
        revoked_at=_instant(key.revoked_at),
    )


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
