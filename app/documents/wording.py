"""What documents say in one language, and how that language writes days, numbers and money.

A further language is a further value in the table. These few tables stand here, and not Babel, as that takes 11.3 MiB of a
worker for good (its code 4.9, the three languages 6.4; measured with Babel 2.18 on Python 3.11), more than all else of a
document, for a dozen patterns. They follow CLDR, but for the time of day, which has 24 hours in every language, and the
English day, which does without its comma.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Messages:
    """All that documents say in one language; braces hold what is filled in."""

    language: str
    months: tuple[str, ...]
    short_months: tuple[str, ...]
    weekdays: tuple[str, ...]
    short_weekdays: tuple[str, ...]
    short_day: str
    long_day: str
    decimal: str
    group: str
    lakhs: bool  # 12,34,567: the last three digits, then pairs
    money: str
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
    tax: str
    price_quote: str
    quote_for: str
    net: str
    tax_note: str
    day_sheet: str
    nobody_comes: str
    time: str
    phone: str
    people: str
    here: str
    bookings_and_people: str
    occupancy_report: str
    occupancy: str
    open_hours: str
    booked_hours: str
    bookings: str
    by_day: str
    by_week: str
    by_month: str
    by_resource: str
    nothing_open: str
    altogether: str
    occupancy_note: str
    busy: str
    revenue: str
    revenue_note: str
    cancellations: str
    cancellations_note: str
    lead_times: str
    lead_times_note: str
    mean: str
