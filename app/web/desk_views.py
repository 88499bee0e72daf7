"""What the desk sends and gets: questions, bodies and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from app.domain.bookings import MAX_REASON
from app.services.booking_desk import MAX_NOTE, MOST_IN_BULK
from app.web.blackouts import Instant
from app.web.bookings import (
    MAX_NOTES,
    CustomerBody,
    OwnerView,
)
from app.web.exports import Day, Status
from app.web.holds import ResourceName, Start
from app.web.pages import Id, Limit
from app.web.slots import Minutes, PartySize

Reason = Annotated[str, Meta(max_length=4 * MAX_REASON)]


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
