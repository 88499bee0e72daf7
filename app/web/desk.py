"""The desk: what the venue's people do with bookings all day."""

from __future__ import annotations

from datetime import datetime, timezone

from app.domain.bookings import Booking, check_reason
from app.domain.errors import Invalid
from app.domain.times import minute_text, rfc3339
from app.domain.wishes import BookingWish, Wish
from app.persistence.booking_desk import DeskRow
from app.persistence.booking_notes import BookingNote
from app.services import booking_desk, booking_lists, bookings
from app.services.booking_lists import Question
from app.services.bookings import Access
from app.web.actors import actor, caller_scope
from app.web.bookings import (
    BookingView,
    clean_notes,
    customer_of,
    made_view,
    owner_view,
)
from app.web.context import now, settings
from app.web.desk_views import (
    BookingsQuery,
    CalendarClosure,
    CalendarQuery,
    CalendarResource,
    CalendarView,
    ChangeView,
    ChangeViews,
    Decision,
    Decisions,
    DeskBooking,
    DeskCustomer,
    DeskItem,
    DeskItems,
    DoneView,
    DoneViews,
    NewDeskBooking,
    NewNote,
    NoteView,
    NoteViews,
    OpenTime,
    Rivals,
)
from app.web.holds import ResourceName
from app.web.inputs import expected_version, idempotency_key
from app.web.pages import Page, page_of

_EARLIEST, _LATEST = datetime(1971, 1, 1, tzinfo=timezone.utc), datetime(9990, 1, 1, tzinfo=timezone.utc)


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
    by = _answer_by(booking)
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
        answer_by=_answer_by(row),
        version=row.version,
        created_at=rfc3339(row.created_at),
    )


def _answer_by(booking: Booking | DeskRow) -> str | None:
    """Return when a request lapses; what has been answered does not."""
    is_waiting = booking.answer_by is not None and booking.status == "pending"
    return rfc3339(booking.answer_by) if is_waiting and booking.answer_by else None


def _note(note: BookingNote) -> NoteView:
    return NoteView(note.id, note.text, note.written_by, rfc3339(note.created_at))
