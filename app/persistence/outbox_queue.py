"""What of the outbox is due: the most urgent first, without the lanes that a sender leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, func, not_, or_, select, update

from app.domain.duties import DAY, MOST_AHEAD
from app.persistence.session import Session
from app.persistence.tables import outbox

CHANNELS = ("event", "email", "sms", "whatsapp", "webhook")
URGENT = 0  # the priority of codes, which are no use to anybody who waits
_C = outbox.c
# Each priority there is, by its number: so the index is entered at each, and what is not due yet is never walked over.
_PRIORITIES = tuple(range(10))
_IS_DUE = and_(_C.status == "queued", _C.priority.in_(_PRIORITIES), _C.due <= bindparam("now"))
_DUE = (
    select(_C.id, _C.channel, _C.priority, _C.webhook_id)
    .where(
        _IS_DUE,
        _C.channel.in_(bindparam("channels", expanding=True)),
        not_(and_(_C.channel.in_(bindparam("for_codes", expanding=True)), _C.priority > URGENT)),
        or_(_C.webhook_id.is_(None), _C.webhook_id.not_in(bindparam("webhooks", expanding=True))),
    )
    .order_by(_C.priority, _C.due)
    .limit(bindparam("most"))
)
_OF_CHANNEL = (
    select(_C.id)
    .where(_IS_DUE, _C.channel == bindparam("of_channel"), _C.priority >= bindparam("least"))
    .order_by(_C.priority, _C.due)
    .limit(bindparam("most"))
)
_OF_WEBHOOK = (
    select(_C.id)
    .where(_C.webhook_id == bindparam("of_webhook"), _C.status == "queued", _C.due <= bindparam("now"))
    .order_by(_C.id)
    .limit(bindparam("most"))
)
_PUSH_BACK = (
    update(outbox)
    .where(_C.id.in_(bindparam("ids", expanding=True)), _C.status == "queued", _C.due <= bindparam("now"))
    .values(due=bindparam("until"))
)
# Nothing waits longer than a day for its turn: what does was owed, claimed or put off by a clock that was ahead.
_LONGEST_SECONDS = DAY + int(MOST_AHEAD.total_seconds())
_IS_STRANDED = and_(_C.status == "queued", _C.priority.in_(_PRIORITIES), _C.due > bindparam("latest"))
_STRANDED = select(_C.id).where(_IS_STRANDED).limit(bindparam("most"))
_BRING_BACK = (
    update(outbox)
    .where(_C.id.in_(bindparam("ids", expanding=True)), _IS_STRANDED)
    .values(due=bindparam("now"), claim=None, expires=case((_C.priority == URGENT, bindparam("now")), else_=_C.expires))
)
_DEAD = select(func.count()).select_from(outbox).where(_C.status == "dead")
_DEPTH = select(func.count(), func.min(_C.due)).where(_IS_DUE)


@dataclass(frozen=True, slots=True)
class Due:
    """A message that may be sent now."""

    id: int
    channel: str
    priority: int
    webhook_id: int | None


@dataclass(slots=True)
class Lanes:
    """What a sender leaves alone: whole channels, all but the codes of a channel, and single webhooks."""

    channels: set[str] = field(default_factory=set)
    notices: set[str] = field(default_factory=set)
    webhooks: set[int] = field(default_factory=set)

    def has_closed(self, due: Due) -> bool:
        """Tell whether a message is in a lane that is left alone."""
        return (
            due.channel in self.channels
            or (due.channel in self.notices and due.priority > URGENT)
            or due.webhook_id in self.webhooks
        )


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages are due, and since when the first of them is, in UTC seconds."""

    due: int
    oldest_due: int | None


def list_due(session: Session, lanes: Lanes, *, now_seconds: int, limit: int) -> list[Due]:
    """Return at most *limit* messages that may be sent now, the most urgent first."""
    values = {
        "channels": [channel for channel in CHANNELS if channel not in lanes.channels],
        "for_codes": [*lanes.notices],
        "webhooks": [*lanes.webhooks],
    }
    return [Due(*row) for row in session.execute(_DUE, {**values, "now": now_seconds, "most": limit})]


def list_due_of(session: Session, channel: str, *, least_priority: int, now_seconds: int, limit: int) -> Sequence[int]:
    """Return the keys of at most *limit* messages of a channel that may be sent now."""
    values = {"of_channel": channel, "least": least_priority, "now": now_seconds, "most": limit}
    return session.execute(_OF_CHANNEL, values).scalars().all()


def list_due_for(session: Session, webhook_id: int, *, now_seconds: int, limit: int) -> Sequence[int]:
    """Return the keys of at most *limit* messages to a webhook that may be sent now."""
    values = {"of_webhook": webhook_id, "now": now_seconds, "most": limit}
    return session.execute(_OF_WEBHOOK, values).scalars().all()


def push_back(session: Session, ids: Sequence[int], *, until: int, now_seconds: int) -> int:
    """Let messages wait until then, with no try counted, and return how many do; not those that somebody has claimed."""
    result: Any = session.execute(_PUSH_BACK, {"ids": ids, "until": until, "now": now_seconds})
    return int(result.rowcount)


def bring_back(session: Session, *, now_seconds: int, limit: int) -> int:
    """Let at most *limit* messages be due now that were to wait longer than a day, and return how many there were.

    Codes among them are over: they were good by a clock that was wrong.
    """
    latest = {"latest": now_seconds + _LONGEST_SECONDS}
    ids = session.execute(_STRANDED, {**latest, "most": limit}).scalars().all()
    if ids:
        session.execute(_BRING_BACK, {**latest, "ids": ids, "now": now_seconds})
    return len(ids)


def depth(session: Session, *, now: datetime) -> Depth:
    """Return how much waits that could be sent now."""
    return Depth(*session.execute(_DEPTH, {"now": int(now.timestamp())}).one())


def count_dead(session: Session) -> int:
    """Return how many messages were given up and wait for somebody to mend them."""
    return session.execute(_DEAD).scalar_one()
