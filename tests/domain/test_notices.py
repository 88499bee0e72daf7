"""Who is told of what: every event, by everybody who may have done it."""

from __future__ import annotations

import pytest

from app.domain.accounts import Target
from app.domain.bookings import Customer
from app.domain.notices import Notices, address_of, notices_of

OUTSIDE, THE_VENUE = ("guest", "holder", "customer", "key"), ("staff", "admin", "operator")
# event, state afterwards -> the customer's topic, and what the venue hears of it when somebody from outside did it
MATRIX = {
    ("booking.made", "confirmed"): ("booking.confirmed", "staff.booked"),
    ("booking.made", "pending"): ("booking.requested", "staff.requested"),
    ("booking.approved", "confirmed"): ("booking.approved", ""),
    ("booking.declined", "declined"): ("booking.declined", ""),
    ("booking.cancelled", "cancelled"): ("booking.cancelled", "staff.cancelled"),
    ("booking.rescheduled", "confirmed"): ("booking.rescheduled", "staff.rescheduled"),
    ("booking.rescheduled", "pending"): ("booking.requested", "staff.requested"),
    ("booking.expired", "expired"): ("booking.expired", "staff.expired"),
    ("booking.checked_in", "checked_in"): ("", ""),
    ("booking.completed", "completed"): ("", ""),
    ("booking.no_show", "no_show"): ("", ""),
}
ADDRESSES = [
    (Customer("Ada", "ada@example.org", "+4930123"), True, True, Target("email", "ada@example.org")),
    (Customer("Ada", "", "+4930123"), True, True, Target("whatsapp", "+4930123")),
    (Customer("Ada", "", "+4930123"), True, False, Target("whatsapp", "+4930123")),
    (Customer("Ada", "", "+4930123"), False, True, Target("sms", "+4930123")),
    (Customer("Ada", "", "+4930123"), False, False, None),
    (Customer("", "", ""), True, True, None),
]


@pytest.mark.parametrize(("event", "status"), MATRIX)
@pytest.mark.parametrize("by", OUTSIDE)
def test_what_comes_from_outside_is_told_to_both(event: str, status: str, by: str) -> None:
    notices = notices_of(event, status, by=by)
    assert (notices.customer, notices.staff) == MATRIX[event, status]


@pytest.mark.parametrize(("event", "status"), MATRIX)
@pytest.mark.parametrize("by", THE_VENUE)
def test_what_the_venue_did_itself_is_told_to_the_customer_alone(event: str, status: str, by: str) -> None:
    customer, staff = MATRIX[event, status]
    notices = notices_of(event, status, by=by)
    assert notices.customer == customer
    assert notices.staff == (staff if event == "booking.expired" else "")  # that is nobody's doing


@pytest.mark.parametrize(
    ("event", "status", "is_in_calendar"),
    [(*key, key[0] in {"booking.approved", "booking.cancelled", "booking.rescheduled"}) for key in MATRIX if key[0] != "booking.made"]
    + [("booking.made", "confirmed", True), ("booking.made", "pending", False)],
)  # fmt: skip
def test_a_calendar_is_told_of_what_stands_in_it(event: str, status: str, is_in_calendar: bool) -> None:  # noqa: FBT001
    assert notices_of(event, status, by="guest").in_calendar == is_in_calendar


@pytest.mark.parametrize(
    "event",
    ["booking.cancelled", "booking.rescheduled", "booking.checked_in", "booking.completed", "booking.no_show"],
)
def test_a_reminder_stands_no_more_once_its_booking_was_moved_or_has_come_to_an_end(event: str) -> None:
    assert notices_of(event, "any", by="staff").ends_reminders
    assert not notices_of("booking.approved", "confirmed", by="staff").ends_reminders


def test_an_event_of_another_version_of_the_program_is_refused() -> None:
    with pytest.raises(KeyError, match="teleported"):
        notices_of("booking.teleported", "confirmed", by="guest")


def test_check_in_is_told_to_nobody() -> None:
    assert notices_of("booking.checked_in", "checked_in", by="key") == Notices(ends_reminders=True)


@pytest.mark.parametrize(("customer", "whatsapp", "sms", "expected"), ADDRESSES)
def test_a_customer_is_written_to_by_mail_or_by_what_there_is(
    customer: Customer,
    whatsapp: bool,  # noqa: FBT001
    sms: bool,  # noqa: FBT001
    expected: Target | None,
) -> None:
    assert address_of(customer, whatsapp=whatsapp, sms=sms) == expected
