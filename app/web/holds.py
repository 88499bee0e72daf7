"""Keep a time while a form is filled in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from app.domain.times import rfc3339
from app.domain.wishes import Wish
from app.services import holds
from app.web.actors import actor, caller_scope
from app.web.context import now, settings
from app.web.inputs import idempotency_key
from app.web.pages import Id
from app.web.slots import Minutes, PartySize

Start = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset; a start that `slots` lists.")]


class NewHold(Struct, kw_only=True, forbid_unknown_fields=True):
    """The time to keep."""

    service_id: Id
    starts_at: Start
    duration_minutes: Minutes | None = None
    resource_id: Id | None = None
    party_size: PartySize | None = None


class ResourceName(Struct):
    """A resource that was chosen."""

    id: int
    name: str


class HoldView(Struct):
    """A time that is kept until `expires_at` for whoever has the token."""

    token: str
    expires_at: str
    service_id: int
    resources: list[ResourceName]
    starts_at: str
    ends_at: str
    timezone: str
    party_size: int


def make(body: NewHold) -> tuple[HoldView, dict[str, str]]:
    """Keep a time for a few minutes."""
    held, replayed = holds.hold(
        Wish(body.service_id, body.starts_at, body.duration_minutes, body.party_size, body.resource_id),
        hold_minutes=settings().hold_minutes,
        secret_key=settings().secret_key,
        by=actor(),
        now=now(),
        key=idempotency_key(f"{caller_scope()}:hold", body),
    )
    return _view(held), {"Idempotency-Replayed": "true"} if replayed else {}


def release(token: str) -> None:
    """Give a time back before its hold expires."""
    holds.release(token, by=actor("holder"), now=now())


def _view(held: holds.Held) -> HoldView:
    return HoldView(
        token=held.token(settings().secret_key),
        expires_at=rfc3339(held.expires_at),
        service_id=held.service_id,
        resources=[ResourceName(*resource) for resource in held.resources],
        starts_at=rfc3339(held.starts_at),
        ends_at=rfc3339(held.ends_at),
        timezone=held.timezone,
        party_size=held.party_size,
    )
