"""Who is told of what happens to a booking, and by which way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.accounts import Target
from app.domain.bookings import Customer

REMINDER = "booking.reminder"
# What an admin does to an account, and its holder is told under the same name.
OF_ACCOUNTS = frozenset({"account.role_changed", "account.disabled", "account.enabled", "account.api_key_made"})
# What the venue's own people did, they know. A key is a server, such as a website's: nobody at the venue has seen what it did.
_THE_VENUE = frozenset({"operator", "admin", "staff"})


@dataclass(frozen=True, slots=True)
class Notices:
    """What is said of one event: the topics for the customer and for the venue's staff; empty is nothing.

    ``in_calendar``: the customer's calendar is told, too. ``ends_reminders``: what it was to be reminded of stands no more.
    """

    customer: str = ""
    staff: str = ""
    in_calendar: bool = False
    ends_reminders: bool = False


# (event, state afterwards) -> what is said; "*" is any state
_TABLE: Mapping[tuple[str, str], Notices] = {
    ("booking.made", "pending"): Notices("booking.requested", "staff.requested"),
    ("booking.made", "*"): Notices("booking.confirmed", "staff.booked", in_calendar=True),
    ("booking.approved", "*"): Notices("booking.approved", in_calendar=True),
    ("booking.declined", "*"): Notices("booking.declined"),
    ("booking.cancelled", "*"): Notices("booking.cancelled", "staff.cancelled", in_calendar=True, ends_reminders=True),
    # Moved and pending, it is a request again, which somebody has to answer; a calendar that had it shows the new time.
    ("booking.rescheduled", "pending"): Notices("booking.requested", "staff.requested", True, True),  # noqa: FBT003
    ("booking.rescheduled", "*"): Notices("booking.rescheduled", "staff.rescheduled", True, True),  # noqa: FBT003
    ("booking.expired", "*"): Notices("booking.expired", "staff.expired"),
    ("booking.checked_in", "*"): Notices(ends_reminders=True),
    ("booking.completed", "*"): Notices(ends_reminders=True),
    ("booking.no_show", "*"): Notices(ends_reminders=True),
}
_NOBODY_DID = frozenset({"booking.expired"})  # time did, whoever noticed it


def notices_of(event: str, status: str, *, by: str) -> Notices:
    """Return what is said of an event that led to *status*; *by* is the kind of whoever did it.

    Raises:
        KeyError: there is no such event.
    """
    notices = _TABLE.get((event, status)) or _TABLE[event, "*"]
    if by in _THE_VENUE and event not in _NOBODY_DID:
        return Notices(notices.customer, "", notices.in_calendar, notices.ends_reminders)
    return notices


def address_of(customer: Customer, *, whatsapp: bool, sms: bool) -> Target | None:
    """Return where a customer is written to: by e-mail, or else by what this installation has; None is nowhere."""
    if customer.email:
        return Target("email", customer.email)
    channel = "whatsapp" if whatsapp else "sms" if sms else ""
    return Target(channel, customer.phone) if customer.phone and channel else None
