"""Bookings in calendars: one to take along, and feeds to subscribe to."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Response, request
from msgspec import Meta, Struct

from app.domain.times import rfc3339
from app.services import calendar_feeds as feeds
from app.services.calendar_feeds import FeedWish
from app.services.calendars import calendar_file
from app.web.access_to_bookings import access
from app.web.actors import actor
from app.web.context import now, settings
from app.web.languages import Language, language_of, told
from app.web.routes.route import ICS
from app.web.streams import VISITORS, later, stream


class TokenQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """The booking's manage token, where that opens it."""

    token: Annotated[str, Meta(max_length=200)] | None = None


class FeedQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to show: with `busy=1` only when something is booked, and neither what nor for whom."""

    busy: Literal["0", "1"] = "0"
    lang: Language | None = None


class FeedLink(Struct):
    """The address to subscribe to. It is told this once, and opens the calendar to whoever has it."""

    url: str
    busy_url: str


class FeedState(Struct):
    """Whether there is a link, and since when."""

    active: bool
    created_at: str | None


def read_booking(ref: str, query: TokenQuery) -> Response:
    """Read a booking as a calendar file."""
    del query  # looked at where every manage token is
    headers = {"Content-Disposition": f'attachment; filename="booking-{ref}.ics"'}
    return Response(calendar_file(ref, access()), mimetype=ICS, headers=headers)


def read_feed(feed: str, query: FeedQuery) -> Response:
    """Read a calendar that is subscribed to.

    It reaches from thirty days ago until in four hundred days. A calendar without `END:VCALENDAR` was cut.
    """
    found, at = feeds.get_feed(feed), now()
    headers = {"ETag": f'W/"{feeds.tag_of(found, now=at)}"', "Cache-Control": "private, no-cache"}
    if request.if_none_match.contains_weak(headers["ETag"][3:-1]) and not request.if_none_match.star_tag:
        return Response(status=304, headers=headers)
    wish = FeedWish(query.busy == "1", language_of(query.lang), at)
    chunks = later(lambda: feeds.iter_feed(found, wish))
    response = stream(chunks, ICS, "calendar.ics", is_shown=True, places=VISITORS)
    response.headers.update(headers)
    return told(response)


def read_own_feed() -> FeedState:
    """Say whether there is a link to one's own calendar."""
    made_at = feeds.own_made_at(actor())
    return FeedState(made_at is not None, rfc3339(made_at) if made_at else None)


def make_own_feed() -> FeedLink:
    """Make the link to one's own calendar, or another one; the one before opens nothing any more.

    A customer's shows their bookings, a member of staff's those of their part of the house.
    """
    return _link(feeds.make_own(actor(), now=now()))


def drop_own_feed() -> None:
    """Make the link to one's own calendar open nothing any more."""
    feeds.drop_own(actor(), now=now())


def make_resource_feed(resource_id: int) -> FeedLink:
    """Make the link to a resource's calendar, or another one; the one before opens nothing any more."""
    return _link(feeds.make_of_resource(resource_id, by=actor(), now=now()))


def drop_resource_feed(resource_id: int) -> None:
    """Make the link to a resource's calendar open nothing any more."""
    feeds.drop_of_resource(resource_id, by=actor(), now=now())


def _link(token: str) -> FeedLink:
    url = f"{settings().base_url}/api/v1/calendar/{token}.ics"
    return FeedLink(url, f"{url}?busy=1")
