"""Calendars elsewhere that keep a resource busy, as the venue's people enter them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from app.domain.times import rfc3339
from app.services import busy_calendars as desk
from app.services.busy_calendars import Listed
from app.web.actors import actor
from app.web.context import now, settings
from app.web.pages import Id, Page, page_of


class NewBusyCalendar(Struct, kw_only=True, forbid_unknown_fields=True):
    """A calendar whose events keep a resource from being booked."""

    resource_id: Id
    url: Annotated[
        str,
        Meta(max_length=500, description="Of https or webcal; its server must be one of the internet. Never shown."),
    ]
    name: Annotated[str, Meta(max_length=800, description="What visitors may read where they ask why.")] = "Busy"


class BusyCalendarView(Struct):
    """A calendar without its address; `last_error` says why it could not be read since `succeeded_at`."""

    id: int
    venue_id: int
    resource_id: int
    resource: str
    name: str
    host: str
    checked_at: str | None
    succeeded_at: str | None
    last_error: str


class BusyCalendarPage(Struct):
    """A page of calendars, in the order they were added."""

    items: list[BusyCalendarView]
    next_cursor: str | None


def list_all(query: Page) -> BusyCalendarPage:
    """List the calendars that keep resources busy."""
    rows = desk.list_page(settings(), by=actor(), cursor=query.after, limit=query.limit + 1)
    return BusyCalendarPage(*page_of(rows, query, _view, lambda item: item.calendar.id))


def add(body: NewBusyCalendar) -> BusyCalendarView:
    """Add a calendar by its address, which is not shown again.

    Nothing is fetched now: cron reads it within a quarter of an hour, and then every quarter.
    """
    return _view(desk.add(settings(), body.resource_id, body.name, body.url, by=actor(), now=now()))


def remove(calendar_id: int) -> None:
    """Forget a calendar; its busy times can be booked again."""
    desk.remove(calendar_id, by=actor(), now=now())


def _view(listed: Listed) -> BusyCalendarView:
    one = listed.calendar
    checked, succeeded = (None if at is None else rfc3339(at) for at in (one.checked_at, one.succeeded_at))
    return BusyCalendarView(
        one.id,
        one.venue_id,
        one.resource_id,
        one.resource,
        one.name,
        listed.host,
        checked,
        succeeded,
        one.last_error,
    )
