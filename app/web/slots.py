"""Free times, and why a time is not free."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Annotated

import msgspec
from flask import Response, request
from msgspec import Meta, Struct

from app.domain import slots, spans
from app.domain.errors import Invalid
from app.domain.offers import Ask, Offer, check_ask
from app.domain.times import minute_text, wall_minute
from app.persistence.offers import get_offer
from app.persistence.session import reading
from app.persistence.slots import Tag, get_calendars, get_tag, tag_of
from app.web.context import now
from app.web.pages import Id

Minutes = Annotated[int, Meta(ge=1, le=spans.MAX_OCCUPANCY_MINUTES, description="The service's shortest, if left out.")]
PartySize = Annotated[int, Meta(ge=1, le=10_000, description="How many people; one, if left out.")]


class SlotView(Struct):
    """A time that can be booked; `spots_open` counts the bookings, or people, that still fit."""

    starts_at: str
    ends_at: str
    resource_ids: tuple[int, ...]
    spots_open: int


class DayView(Struct):
    """The slots that begin on a local day."""

    date: str
    slots: list[SlotView]


class SlotsView(Struct):
    """The bookable slots of each local day asked for."""

    service_id: int
    timezone: str
    days: list[DayView]


class ReasonView(Struct):
    """One reason against a time."""

    code: str
    detail: str
    resource_id: int | None


class ExplanationView(Struct):
    """Whether a time can be booked, and everything that stands against it."""

    bookable: bool
    reasons: list[ReasonView]


class SlotsQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which days, for whom."""

    from_: Annotated[date, Meta(description="First day, local to the venue.")] = msgspec.field(name="from")
    to: Annotated[date, Meta(description="Day after the last; at most 62 days later.")]
    resource_id: Id | None = None
    party_size: PartySize | None = None
    duration_minutes: Minutes | None = None


class ExplainQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which time, for whom."""

    starts_at: Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset.")]
    resource_id: Id | None = None
    party_size: PartySize | None = None
    duration_minutes: Minutes | None = None


def list_slots(service_id: int, query: SlotsQuery) -> tuple[SlotsView, dict[str, str]] | Response:
    """List the free times of some days."""
    at = now()
    _check_days(query)
    if request.if_none_match and (unchanged := _unchanged(service_id, query, at)):
        return unchanged
    offer, ask = _asked(service_id, query)
    span = spans.span_of_days(offer, query.from_, query.to)
    calendars = get_calendars(reading(), offer, span, now_seconds=int(at.timestamp()))
    days = slots.find(offer, calendars, ask, span, now=at)
    view = SlotsView(service_id, str(offer.zone), [_day(day, found) for day, found in days.items()])
    return view, _tagged(_etag(tag_of(offer, calendars), service_id, query, at))


def explain(service_id: int, query: ExplainQuery) -> ExplanationView:
    """Say why a time can or cannot be booked."""
    at = now()
    offer, ask = _asked(service_id, query)
    starts = spans.check_start(offer, query.starts_at)
    span = spans.span_of_start(offer, starts)
    calendars = get_calendars(reading(), offer, span, now_seconds=int(at.timestamp()))
    reasons = slots.explain(offer, calendars, ask, starts, now=at)
    return ExplanationView(not reasons, [ReasonView(r.code, r.detail, r.resource_id) for r in reasons])


def _check_days(query: SlotsQuery) -> None:
    if not date(1971, 1, 1) <= query.from_ <= query.to <= date(9990, 1, 1):
        raise Invalid.field("from", "out_of_range", "'from' is no later than 'to', and both are of this age.")


def _asked(service_id: int, query: SlotsQuery | ExplainQuery) -> tuple[Offer, Ask]:
    offer = get_offer(reading(), service_id)
    ask = check_ask(
        offer,
        duration_minutes=query.duration_minutes,
        party_size=query.party_size,
        resource_id=query.resource_id,
    )
    return offer, ask


def _unchanged(service_id: int, query: SlotsQuery, at: datetime) -> Response | None:
    """Return a 304 where the client's answer still holds: one query tells."""
    etag = _etag(get_tag(reading(), service_id, now_seconds=int(at.timestamp())), service_id, query, at)
    if not request.if_none_match.star_tag and request.if_none_match.contains_weak(etag[3:-1]):  # * names no question
        return Response(status=304, headers=_tagged(etag))
    return None


def _tagged(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": "no-cache"}


def _etag(tag: Tag, service_id: int, query: SlotsQuery, at: datetime) -> str:
    """Return the tag of an answer: the calendars' state, and what the clock alone changes within the days asked for."""
    first, end = (wall_minute(day, 0, tag.zone) for day in (query.from_, query.to))
    opens, closes = (min(max(minute, first), end) for minute in spans.bookable_span(tag, at))
    parts = (tag.state, service_id, opens, closes, msgspec.json.encode(query).decode())
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def _day(day: date, found: list[slots.Slot]) -> DayView:
    return DayView(
        day.isoformat(),
        [SlotView(minute_text(s.starts), minute_text(s.ends), s.resource_ids, s.spots_open) for s in found],
    )
