"""Servers that are told of bookings, and what is owed to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from app.domain.errors import NotFound
from app.domain.webhooks import Webhook
from app.persistence.session import Session
from app.persistence.tables import outbox, webhooks

_C = webhooks.c
_SELECT = select(
    _C.id, _C.venue_id, _C.url, _C.description, _C.events, _C.active, _C.failing_since, _C.last_error, _C.version,
    _C.created_at, _C.updated_at,
)  # fmt: skip
_FIND = _SELECT.where(_C.id == bindparam("webhook_id"))
_LOCK = _FIND.with_for_update()
_LIST = _SELECT.where(_C.id > bindparam("cursor")).order_by(_C.id).limit(bindparam("most"))
_COUNT = select(func.count()).select_from(webhooks)
_TOLD = select(_C.id, _C.events).where(
    _C.active.is_(True), or_(_C.venue_id.is_(None), _C.venue_id == bindparam("of_venue"))
)
_ENDPOINT = select(_C.id, _C.url, _C.active, _C.secret_sealed, _C.failing_since).where(_C.id == bindparam("webhook_id"))
_ADD = insert(webhooks)
_MINE = update(webhooks).where(_C.id == bindparam("webhook_id"))
_CHANGED = _MINE.values(version=_C.version + 1, updated_at=bindparam("now"))
_CHANGE = _CHANGED.values(
    venue_id=bindparam("to_venue"),
    url=bindparam("to_url"),
    description=bindparam("to_description"),
    events=bindparam("to_events"),
    active=bindparam("to_active"),
    failing_since=bindparam("to_failing_since"),
    last_error=bindparam("to_last_error"),
)
_SEAL = _CHANGED.values(secret_sealed=bindparam("sealed"))
_DELETE = delete(webhooks).where(_C.id == bindparam("webhook_id"))
_WORKS = _MINE.where(_C.failing_since.is_not(None)).values(failing_since=None, last_error="")
_FAILS = _MINE.where(_C.active.is_(True)).values(
    failing_since=func.coalesce(_C.failing_since, bindparam("at", type_=_C.failing_since.type)),
    last_error=bindparam("error"),
)
_SWITCH_OFF = _CHANGED.where(_C.active.is_(True), _C.failing_since <= bindparam("before")).values(active=False)
_OWE = insert(outbox)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to send, and the sealed secrets to sign with."""

    id: int
    url: str
    active: bool
    secret_sealed: str
    failing_since: datetime | None


def list_told(session: Session, venue_id: int, event: str) -> list[int]:
    """Return the keys of the webhooks that are to be told of an event in a venue."""
    rows = session.execute(_TOLD, {"of_venue": venue_id})
    return [webhook_id for webhook_id, events in rows if event in events.split()]


def add_owed(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert what is owed to webhooks, one row of the outbox each, in one statement."""
    fresh = {"channel": "webhook", "sealed": "", "status": "queued", "expires": None, "attempts": 0, "claim": None}
    session.execute(_OWE, [{**fresh, "last_error": "", "sent_at": None, **row} for row in rows])
    session.info["owes_messages"] = True


def find_endpoint(session: Session, webhook_id: int) -> Endpoint | None:
    """Return where a webhook leads."""
    row = session.execute(_ENDPOINT, {"webhook_id": webhook_id}).one_or_none()
    return None if row is None else Endpoint(*row)


def list_webhooks(session: Session, *, cursor: int = 0, limit: int) -> list[Webhook]:
    """Return at most *limit* webhooks in the order they were made, from after *cursor*."""
    return [_webhook(row) for row in session.execute(_LIST, {"cursor": cursor, "most": limit})]


def get_webhook(session: Session, webhook_id: int) -> Webhook:
    """Return a webhook.

    Raises:
        NotFound: there is none of that number.
    """
    return _found(session.execute(_FIND, {"webhook_id": webhook_id}).one_or_none())


def lock_webhook(session: Session, webhook_id: int) -> Webhook:
    """Return a webhook that nobody else changes until the transaction ends.

    Raises:
        NotFound: there is none of that number.
    """
    return _found(session.execute(_LOCK, {"webhook_id": webhook_id}).one_or_none())


def count_webhooks(session: Session) -> int:
    """Return how many webhooks there are."""
    return int(session.scalar(_COUNT) or 0)


def add_webhook(session: Session, values: dict[str, Any], *, now: datetime) -> int:
    """Insert a webhook and return its number; its secret is sealed once that is known."""
    fresh = {**dict.fromkeys(("secret_sealed", "last_error"), ""), "active": True, "failing_since": None, "version": 1}
    result: Any = session.execute(_ADD, {**fresh, "created_at": now, "updated_at": now, **values})
    return int(result.inserted_primary_key[0])


def change_webhook(session: Session, to: Webhook, *, now: datetime) -> None:
    """Write what a webhook says now; its version goes up."""
    values = {
        "to_venue": to.venue_id,
        "to_url": to.url,
        "to_description": to.description,
        "to_events": " ".join(to.events),
        "to_active": to.active,
        "to_failing_since": to.failing_since,
        "to_last_error": to.last_error,
    }
    session.execute(_CHANGE, {"webhook_id": to.id, "now": now, **values})


def seal_secret(session: Session, webhook_id: int, sealed: str, *, now: datetime) -> None:
    """Write a webhook's sealed secrets; its version goes up."""
    session.execute(_SEAL, {"webhook_id": webhook_id, "sealed": sealed, "now": now})


def delete_webhook(session: Session, webhook_id: int) -> None:
    """Delete a webhook; what was owed to it stays in the outbox."""
    session.execute(_DELETE, {"webhook_id": webhook_id})


def note_success(session: Session, webhook_id: int) -> None:
    """Note that an endpoint takes messages again."""
    session.execute(_WORKS, {"webhook_id": webhook_id})


def note_failure(session: Session, webhook_id: int, *, error: str, now: datetime) -> None:
    """Note what went wrong, and since when nothing else has happened."""
    session.execute(_FAILS, {"webhook_id": webhook_id, "error": error[:300], "at": now})


def switch_off(session: Session, webhook_id: int, *, failing_before: datetime, now: datetime) -> bool:
    """Send no more to an endpoint that has failed since then or longer; tell whether this call has switched it off."""
    result: Any = session.execute(_SWITCH_OFF, {"webhook_id": webhook_id, "before": failing_before, "now": now})
    return bool(result.rowcount == 1)


def _found(row: Any) -> Webhook:  # noqa: ANN401 - SQLAlchemy types a row by its columns
    if row is None:
        raise NotFound("There is no such webhook.")
    return _webhook(row)


def _webhook(row: Any) -> Webhook:  # noqa: ANN401 - as above
    return Webhook(**{**row._mapping, "events": tuple(row.events.split())})  # noqa: SLF001 - its public name
