"""The desk: what the venue's people do with bookings all day."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from app.domain.bookings import MAX_REASON, Booking, check_reason
from app.domain.errors import Invalid
from app.domain.times import minute_text, rfc3339
from app.domain.wishes import BookingWish, Wish
from app.persistence.booking_desk import DeskRow
from app.persistence.booking_notes import BookingNote
from app.services import booking_desk, booking_lists, bookings
from app.services.booking_desk import MAX_NOTE, MOST_IN_BULK
from app.services.booking_lists import Question
from app.services.bookings import Access
from app.web.actors import actor, caller_scope
from app.web.blackouts import Instant
from app.web.bookings import (
    MAX_NOTES,
    BookingView,
    CustomerBody,
    OwnerView,
    clean_notes,
    customer_of,
    made_view,
    owner_view,
)
from app.web.context import now, settings
from app.web.exports import Day, Status
from app.web.holds import ResourceName, Start
from app.web.inputs import expected_version, idempotency_key
from app.web.pages import Id, Limit, Page, page_of
from app.web.slots import Minutes, PartySize

Reason = Annotated[str, Meta(max_length=4 * MAX_REASON)]
_EARLIEST, _LATEST = datetime(1971, 1, 1, tzinfo=timezone.utc), datetime(9990, 1, 1, tzinfo=timezone.utc)


class BookingsQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which bookings: those that start between two instants, and whatever else is asked for.

    `q` is the beginning of a reference, or of words of the customer's name, e-mail address or telephone number; three letters at least.
    """

    limit: Limit = 50
    cursor: (
        Annotated[str, Meta(pattern="^-?[0-9]{1,12}_[0-9]{1,18}$", description="`next_cursor` of the page before.")]
        | None
    ) = None
    first: Instant | None = field(name="from", default=None)
    end: Instant | None = field(name="to", default=None)
    status: Status | None = None
    venue_id: Id | None = None
    service_id: Id | None = None
    resource_id: Id | None = None
    customer_id: Id | None = None
    q: Annotated[str, Meta(max_length=200)] | None = None
    newest: Annotated[Literal["0", "1"], Meta(description="With 1 the latest start comes first.")] = "0"


class CalendarQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Of which venue, and which days: from `from` up to `to`, exclusive; 31 at most."""

    venue_id: Id
    first: Day = field(name="from")
    end: Day = field(name="to")


class DeskCustomer(Struct):
    """Who a booking is for."""

    id: int
    name: str
    email: str
    phone: str


class DeskItem(Struct, kw_only=True):
    """A booking in a list."""

    ref: str
    status: str
    venue_id: int
    service_id: int
    service: str
    resources: list[ResourceName]
    starts_at: str
    ends_at: str
    timezone: str
    party_size: int
    customer: DeskCustomer
    total_minor: int
    currency: str
    notes: str
    answer_by: str | None
    version: int
    created_at: str


class DeskItems(Struct):
    """A page of bookings by their start."""

    items: list[DeskItem]
    next_cursor: str | None


class Rivals(Struct):
    """Bookings that are on the same resources at the same time."""

    items: list[DeskItem]


class OpenTime(Struct):
    """A time in which a resource is open."""

    starts_at: str
    ends_at: str


class CalendarResource(Struct):
    """A resource, and when it is open."""

    id: int
    name: str
    capacity: int
    open: list[OpenTime]


class CalendarClosure(Struct):
    """A time in which nobody may book; `resource_id` of null is the whole venue."""

    resource_id: int | None
    starts_at: str
    ends_at: str
    reason: str


class CalendarView(Struct):
    """What a calendar draws; `is_cut` where there were more bookings than it holds: ask for fewer days."""

    timezone: str
    resources: list[CalendarResource]
    closures: list[CalendarClosure]
    bookings: list[DeskItem]
    is_cut: bool


class NewDeskBooking(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A booking that the venue makes for somebody; it needs no approval.

    With `override` (why) it is made outside opening hours, blackouts, notice and horizon; what is taken stays taken.
    """

    service_id: Id
    starts_at: Start
    customer: CustomerBody
    duration_minutes: Minutes | None = None
    resource_id: Id | None = None
    party_size: PartySize | None = None
    answers: Annotated[dict[str, str | int | float | bool], Meta(max_length=100)] = {}
    notes: Annotated[str, Meta(max_length=4 * MAX_NOTES)] = ""
    language: Literal["en", "de", "hi"] | None = None
    override: Annotated[str, Meta(min_length=1, max_length=4 * MAX_REASON)] | None = None


class Decision(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why; the customer reads it."""

    reason: Reason = ""


class Decisions(Struct, kw_only=True, forbid_unknown_fields=True):
    """One verb for many bookings."""

    verb: Literal["approve", "decline", "cancel", "check-in", "no-show", "complete"]
    refs: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(min_length=1, max_length=MOST_IN_BULK)]
    reason: Reason = ""


class DoneView(Struct):
    """What became of one of them: `status`, or why not."""

    ref: str
    ok: bool
    status: str | None
    code: str | None
    detail: str | None


class DoneViews(Struct):
    """What became of each, in the order they were named."""

    items: list[DoneView]


class DeskBooking(OwnerView, kw_only=True):
    """A booking as its venue sees it."""

    venue_id: int
    answer_by: str | None


class NewNote(Struct, forbid_unknown_fields=True):
    """Something to tell the others."""

    text: Annotated[str, Meta(max_length=4 * MAX_NOTE)]


class NoteView(Struct):
    """A note that customers never see."""

    id: int
    text: str
    written_by: str
    created_at: str


class NoteViews(Struct):
    """The notes of a booking, in the order they were written."""

    items: list[NoteView]


class ChangeView(Struct):
    """A change of a booking: what, when and by whom."""

    at: str
    action: str
    actor: str
    detail: dict[str, Any]


class ChangeViews(Struct):
    """A page of changes, in order."""

    items: list[ChangeView]
    next_cursor: str | None


def list_all(query: BookingsQuery) -> DeskItems:
    """List and search bookings."""
    rows = booking_lists.search(_question(query), by=actor(), limit=query.limit + 1)
    shown = rows[: query.limit]
    more = f"{int(shown[-1].starts_at.timestamp())}_{shown[-1].id}" if len(rows) > query.limit else None
    return DeskItems([_item(row) for row in shown], more)


def read_calendar(query: CalendarQuery) -> CalendarView:
    """Show days of a venue: who is open, what is closed, who comes."""
    found = booking_lists.board(query.venue_id, query.first, query.end, by=actor())
    return CalendarView(
        found.timezone,
        [
            CalendarResource(one.id, one.name, one.capacity, [OpenTime(*map(minute_text, span)) for span in one.open])
            for one in found.resources
        ],
        [CalendarClosure(c.resource_id, minute_text(c.starts), minute_text(c.ends), c.reason) for c in found.closures],
        [_item(row) for row in found.bookings],
        found.is_cut,
    )


def book(body: NewDeskBooking) -> tuple[BookingView, dict[str, str]]:
    """Book a time for somebody."""
    key = idempotency_key(f"{caller_scope()}:desk", body)
    booking, replayed = bookings.book(_wish(body), secret_key=settings().secret_key, by=actor(), now=now(), key=key)
    return made_view(booking), {"Idempotency-Replayed": "true"} if replayed else {}


def read(ref: str) -> tuple[DeskBooking, dict[str, str]]:
    """Read a booking with all that its venue knows."""
    return _decided(booking_desk.read(ref, by=actor()))


def approve(ref: str) -> tuple[DeskBooking, dict[str, str]]:
    """Confirm a request."""
    return _decide(ref, "approve", "")


def decline(ref: str, body: Decision) -> tuple[DeskBooking, dict[str, str]]:
    """Turn a request down; its time is free again at once."""
    return _decide(ref, "decline", body.reason)


def check_in(ref: str) -> tuple[DeskBooking, dict[str, str]]:
    """Note that the customer is here."""
    return _decide(ref, "check-in", "")


def no_show(ref: str) -> tuple[DeskBooking, dict[str, str]]:
    """Note that nobody came."""
    return _decide(ref, "no-show", "")


def complete(ref: str) -> tuple[DeskBooking, dict[str, str]]:
    """Note that it has taken place."""
    return _decide(ref, "complete", "")


def decide_many(body: Decisions) -> DoneViews:
    """Do the same with many bookings; each stands for itself."""
    done = booking_desk.decide_many(body.refs, body.verb, reason=body.reason, by=actor(), now=now())
    return DoneViews([DoneView(o.ref, not o.code, o.status or None, o.code or None, o.detail or None) for o in done])


def list_rivals(ref: str) -> Rivals:
    """List what else is on the same resources at the time of a booking."""
    return Rivals([_item(row) for row in booking_desk.rivals(ref, by=actor())])


def list_history(ref: str, query: Page) -> ChangeViews:
    """List every change of a booking."""
    rows = booking_desk.history(ref, by=actor(), cursor=query.after, limit=query.limit + 1)
    return ChangeViews(*page_of(rows, query, lambda row: ChangeView(rfc3339(row[1]), *row[2:]), lambda row: row[0]))


def list_notes(ref: str) -> NoteViews:
    """List what the venue's people told each other about a booking."""
    return NoteViews([_note(note) for note in booking_desk.list_notes(ref, by=actor())])


def add_note(ref: str, body: NewNote) -> NoteView:
    """Tell the others something about a booking."""
    return _note(booking_desk.add_note(ref, body.text, by=actor(), now=now()))


def _question(query: BookingsQuery) -> Question:
    last = None
    if query.cursor is not None:
        seconds, _, key = query.cursor.partition("_")
        last = (_instant(int(seconds)), int(key))
    return Question(
        query.first or _EARLIEST,
        query.end or _LATEST,
        query.status or "",
        query.venue_id or 0,
        query.service_id or 0,
        query.resource_id or 0,
        query.customer_id or 0,
        query.q or "",
        query.newest == "1",
        last,
    )


def _instant(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        raise Invalid.field("cursor", "invalid", "That is no cursor of this list.") from None


def _wish(body: NewDeskBooking) -> BookingWish:
    override = check_reason(body.override or "")
    time = (body.service_id, body.starts_at, body.duration_minutes, body.party_size, body.resource_id)
    return BookingWish(
        Wish(*time, any_hours=body.override is not None),
        customer_of(body.customer),
        None,
        body.answers,
        clean_notes(body.notes),
        body.language or "",
        on_behalf=True,
        override=override,
    )


def _decide(ref: str, verb: str, reason: str) -> tuple[DeskBooking, dict[str, str]]:
    access = Access(actor(), version=expected_version())
    return _decided(booking_desk.decide(ref, verb, reason=reason, access=access, now=now()))


def _decided(booking: Booking) -> tuple[DeskBooking, dict[str, str]]:
    view = owner_view(booking)
    known = {name: getattr(view, name) for name in view.__struct_fields__}
    by = None if booking.answer_by is None else rfc3339(booking.answer_by)
    return DeskBooking(**known, venue_id=booking.venue_id, answer_by=by), {"ETag": f'W/"{booking.version}"'}


def _item(row: DeskRow) -> DeskItem:
    return DeskItem(
        ref=row.ref,
        status=row.status,
        venue_id=row.venue_id,
        service_id=row.service_id,
        service=row.service,
        resources=[ResourceName(*resource) for resource in row.resources],
        starts_at=rfc3339(row.starts_at),
        ends_at=rfc3339(row.ends_at),
        timezone=row.timezone,
        party_size=row.party_size,
        customer=DeskCustomer(row.customer_id, row.customer, row.email, row.phone),
        total_minor=row.total_minor,
        currency=row.currency,
        notes=row.notes,
        answer_by=None if row.answer_by is None else rfc3339(row.answer_by),
        version=row.version,
        created_at=rfc3339(row.created_at),
    )


def _note(note: BookingNote) -> NoteView:
    return NoteView(note.id, note.text, note.written_by, rfc3339(note.created_at))
