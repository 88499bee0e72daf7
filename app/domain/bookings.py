"""A booking: its states, who may move it from one to the next, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.custom_fields import Answer
from app.domain.errors import Conflict, Invalid, VersionMismatch
from app.domain.prices import Quote
from app.domain.text import clean_text

REF_ALPHABET = "23456789CFGHJMPQRVWX"  # no vowels, no look-alikes: a reference spells no word and reads well aloud
MAX_REASON = 500
REF_LENGTH = 10  # 20^10 is about 10^13: a guess hits one of a million bookings once in ten million
TAKING_TIME = frozenset({"pending", "confirmed", "checked_in"})

# verb -> (states it starts from, state it leads to); None leaves the state to the service's rules
TRANSITIONS: Mapping[str, tuple[frozenset[str], str | None]] = {
    "approve": (frozenset({"pending"}), "confirmed"),
    "decline": (frozenset({"pending"}), "declined"),
    "expire": (frozenset({"pending"}), "expired"),
    "cancel": (frozenset({"pending", "confirmed"}), "cancelled"),
    "reschedule": (frozenset({"pending", "confirmed"}), None),
    "check_in": (frozenset({"confirmed"}), "checked_in"),
    "complete": (frozenset({"confirmed", "checked_in"}), "completed"),
    "no_show": (frozenset({"confirmed"}), "no_show"),
}
STATES = frozenset().union(*(states | {to} for states, to in TRANSITIONS.values() if to is not None))


@dataclass(frozen=True, slots=True)
class Customer:
    """Who a booking is for; at least one of the two addresses is set."""

    name: str
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking as its owner and the venue's staff may see it. Instants are UTC; ``timezone`` is the venue's."""

    id: int
    ref: str
    status: str
    venue_id: int
    service_id: int
    resources: tuple[tuple[int, str], ...]
    starts_at: datetime
    ends_at: datetime
    timezone: str
    party_size: int
    price: Quote
    customer: Customer
    answers: Mapping[str, Answer]
    notes: str
    status_reason: str
    version: int
    created_at: datetime
    updated_at: datetime
    language: str = ""  # that its customer is written to in; empty where nobody has said
    answer_by: datetime | None = None  # of a request: when it lapses, where that is not its start

    @property
    def duration_minutes(self) -> int:
        """Return how long it lasts."""
        return int((self.ends_at - self.starts_at).total_seconds() // 60)


def check_reason(reason: str) -> str:
    """Return why somebody changed a booking, cleaned.

    Raises:
        Invalid: it is too long or cannot be shown.
    """
    try:
        return clean_text(reason, MAX_REASON)
    except ValueError as error:
        raise Invalid.field("reason", "invalid", str(error)) from None


def first_state(*, requires_approval: bool) -> str:
    """Return the state in which a booking begins."""
    return "pending" if requires_approval else "confirmed"


def next_state(booking: Booking, verb: str, *, otherwise: str | None = None) -> str:
    """Return the state that *verb* leads to; *otherwise* is for a verb that leaves it to the service.

    Raises:
        Conflict: the booking is in no state for it.
    """
    states, to = TRANSITIONS[verb]
    if booking.status not in states:
        raise Conflict(f"A booking that is {booking.status.replace('_', ' ')} cannot be changed that way.")
    return to or otherwise or booking.status


def check_version(booking: Booking, expected: int | None) -> None:
    """Let a change through only on the version that the caller has seen; None is any.

    Raises:
        VersionMismatch: the booking has moved on.
    """
    if expected is not None and expected != booking.version:
        raise VersionMismatch(f"The booking is at version {booking.version} by now; read it again.")


def answer_by(status: str, starts_at: datetime, approval_minutes: int | None, *, now: datetime) -> datetime | None:
    """Return until when a booking that becomes a request is to be answered; None is its start, or that it is no request."""
    if status != "pending" or approval_minutes is None:
        return None
    return min(starts_at, now.replace(microsecond=0) + timedelta(minutes=approval_minutes))


def lapses_at(booking: Booking) -> datetime:
    """Return when a request ends unanswered: at its start, or sooner."""
    return min(booking.answer_by or booking.starts_at, booking.starts_at)


def check_lapsed(booking: Booking, *, now: datetime) -> None:
    """Let a pending booking be ended unanswered only once its time to be answered is over.

    Raises:
        Conflict: it is not.
    """
    if lapses_at(booking) > now:
        raise Conflict("The request is not over yet; it can still be approved or declined.")


def check_not_begun(booking: Booking, *, now: datetime) -> None:
    """Keep customers from changing what has begun.

    Raises:
        Conflict: the booking has begun.
    """
    if booking.starts_at <= now:
        raise Conflict("The booking has begun; ask the venue.")
