"""The words of documents, one value per language. English is here; a further language is a further value in the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Messages:
    """All that documents say in one language; braces hold what is filled in."""

    language: str
    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    statuses: dict[str, str]
    page: str
    zone_note: str
    generated: str
    bookings_report: str
    no_bookings: str
    not_counted: str
    ref: str
    starts: str
    service: str
    resource: str
    customer: str
    status: str
    total: str
    booking_confirmation: str
    booked_for: str
    until: str
    party_size: str
    description: str
    quantity: str
    unit_price: str
    amount: str
    per_hour: str
    minutes: str
    deposit: str
    nothing_to_pay: str
    notes: str
    change_or_cancel: str
    show_this: str


ENGLISH = Messages(
    language="en",
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    statuses={
        "hold": "Held",
        "pending": "Pending",
        "confirmed": "Confirmed",
        "checked_in": "Checked in",
        "completed": "Completed",
        "declined": "Declined",
        "cancelled": "Cancelled",
        "expired": "Expired",
        "no_show": "No-show",
    },
    page="Page {page} of ",
    zone_note="All times are in {zone}.",
    generated="Made on {at}.",
    bookings_report="Bookings",
    no_bookings="There are no bookings in this range.",
    not_counted="{status} (not in the total)",
    ref="Reference",
    starts="Starts",
    service="Service",
    resource="Resource",
    customer="Customer",
    status="Status",
    total="Total",
    booking_confirmation="Booking confirmation",
    booked_for="Booked for",
    until="until {day}",
    party_size="Party size",
    description="Description",
    quantity="Quantity",
    unit_price="Unit price",
    amount="Amount",
    per_hour="{amount} an hour",
    minutes="{count} min",
    deposit="Deposit",
    nothing_to_pay="There is nothing to pay.",
    notes="Notes",
    change_or_cancel="Change or cancel this booking",
    show_this="Show this code when you arrive.",
)

_TABLE = {"en": ENGLISH}


def messages(language: str) -> Messages:
    """Return the words for a BCP 47 tag, or English where there are none."""
    return _TABLE.get(language.partition("-")[0].lower(), ENGLISH)
