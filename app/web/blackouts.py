"""Times in which nobody may book, as the venue's people enter them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from app.domain.blackouts import Blackout, Repeat
from app.domain.times import minute_text
from app.services import blackout_desk
from app.services.blackout_desk import Wanted
from app.web.actors import actor
from app.web.context import now
from app.web.pages import Id, Page, page_of

Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset.")]


class BlackoutsQuery(Page, kw_only=True):
    """Of which venue, and between which instants."""

    venue_id: Id
    first: Instant | None = field(name="from", default=None)
    end: Instant | None = field(name="to", default=None)


class RepeatBody(Struct, forbid_unknown_fields=True):
    """How it comes again, at the same local times: up to a last day, at most 400 times."""

    every: Literal["day", "week", "month", "year"]
    until: Annotated[date, Meta(description="The last day, local to the venue.")]
    interval: Annotated[int, Meta(ge=1, le=100)] = 1


class NewBlackout(Struct, kw_only=True, forbid_unknown_fields=True):
    """A time to close, of a whole venue or of one resource; with `dry_run` nothing is stored."""

    starts_at: Instant
    ends_at: Instant
    venue_id: Id | None = None
    resource_id: Id | None = None
    reason: Annotated[str, Meta(max_length=800)] = ""
    repeat: RepeatBody | None = None
    dry_run: bool = False


class SeriesQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """With `series=1`, all that were entered with it."""

    series: Literal["0", "1"] = "0"


class BlackoutView(Struct):
    """A time in which nobody may book; `resource_id` of null is the whole venue. A dry run has no `id`s: they are 0."""

    id: int
    venue_id: int
    resource_id: int | None
    starts_at: str
    ends_at: str
    reason: str
    series: str | None


class BlackoutPage(Struct):
    """A page of blackouts, in the order they were made."""

    items: list[BlackoutView]
    next_cursor: str | None


class BookingInside(Struct):
    """A booking that stands where nobody may book; it stays until somebody moves it."""

    ref: str
    starts_at: str


class ClosedView(Struct):
    """What was closed, or would be; `bookings` are the first hundred of `bookings_inside`."""

    items: list[BlackoutView]
    bookings: list[BookingInside]
    bookings_inside: int


_EARLIEST, _LATEST = (
    datetime.fromisoformat("1971-01-01T00:00:00+00:00"),
    datetime.fromisoformat("9990-01-01T00:00:00+00:00"),
)


def list_all(query: BlackoutsQuery) -> BlackoutPage:
    """List the blackouts of a venue."""
    rows = blackout_desk.list_page(
        query.venue_id,
        by=actor(),
        after=query.first or _EARLIEST,
        before=query.end or _LATEST,
        cursor=query.after,
        limit=query.limit + 1,
    )
    return BlackoutPage(*page_of(rows, query, _view, lambda item: item.id))


def close(body: NewBlackout) -> ClosedView:
    """Close a time, once or again and again; bookings that stand there stay, and are told."""
    again = body.repeat
    repeat = None if again is None else Repeat(again.every, again.interval, again.until)
    wanted = Wanted(body.venue_id, body.resource_id, body.starts_at, body.ends_at, body.reason, repeat)
    closed = blackout_desk.close(wanted, by=actor(), now=now(), dry_run=body.dry_run)
    inside = [BookingInside(**booking) for booking in closed.bookings]
    return ClosedView([_view(item, is_dry=body.dry_run) for item in closed.blackouts], inside, closed.count)


def open_again(blackout_id: int, query: SeriesQuery) -> None:
    """Open a time again."""
    blackout_desk.open_again(blackout_id, by=actor(), now=now(), whole_series=query.series == "1")


def _view(item: Blackout, *, is_dry: bool = False) -> BlackoutView:
    key = 0 if is_dry else item.id
    times = (minute_text(item.starts), minute_text(item.ends))
    return BlackoutView(key, item.venue_id, item.resource_id, *times, item.reason, None if is_dry else item.series)
