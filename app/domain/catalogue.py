"""The catalogue as a whole: what venues offer, in the words of its file, before anything has a key in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date

from app.domain.custom_fields import CustomField
from app.domain.hours import WeeklyHours, WeeklyStarts, Window

SpecialHours = Mapping[date, tuple[Window, ...]]
_PARTS = frozenset({"resources", "services"})  # compared one by one


@dataclass(frozen=True, slots=True)
class ResourceEntry:
    """What is booked. ``special_hours`` of None says nothing about them: those that are stored stay."""

    slug: str
    name: str
    kind: str
    capacity: int
    weekly_hours: WeeklyHours
    special_hours: SpecialHours | None
    active: bool


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """What is offered; ``groups`` are resource slugs, of which a booking needs one out of every group."""

    slug: str
    name: str
    description: str
    min_minutes: int
    max_minutes: int
    step_minutes: int
    slot_interval_minutes: int
    weekly_starts: WeeklyStarts | None
    buffer_before_minutes: int
    buffer_after_minutes: int
    min_notice_minutes: int
    horizon_days: int
    requires_approval: bool
    guest_bookings: bool
    max_party_size: int | None
    units_per_party_member: int
    flat_minor: int
    per_hour_minor: int
    per_person_minor: int
    deposit_percent: int
    tax_bp: int
    cancellation: tuple[tuple[int, int], ...]  # (hours before, refund percent), longest first
    custom_fields: tuple[CustomField, ...]
    groups: tuple[tuple[str, ...], ...]
    active: bool
    reminders: tuple[int, ...] = ()  # minutes before the start, longest first
    approval_minutes: int | None = None  # after which a request lapses; None: at its start


@dataclass(frozen=True, slots=True)
class VenueEntry:
    """A place with a zone, and everything in it."""

    slug: str
    name: str
    timezone: str
    currency: str
    address: str
    email: str
    phone: str
    resources: tuple[ResourceEntry, ...]
    services: tuple[ServiceEntry, ...]
    language: str = "en"
    quiet_from: int | None = None  # local minutes between which no short message is sent
    quiet_until: int | None = None
    active: bool = True


Entry = VenueEntry | ResourceEntry | ServiceEntry
Catalogue = tuple[VenueEntry, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What an import does to one object: ``what`` is created, updated, unchanged, or not in file."""

    kind: str
    slug: str
    what: str
    fields: tuple[str, ...] = ()


def differences(before: Entry, after: Entry) -> tuple[str, ...]:
    """Return the names of the fields in which *after* says something else; the parts of a venue are not looked at."""
    names = (field.name for field in fields(before) if field.name not in _PARTS)
    return tuple(name for name in names if _differ(name, getattr(before, name), getattr(after, name)))


def _differ(name: str, before: object, after: object) -> bool:
    is_silent = name == "special_hours" and after is None
    return before != after and not is_silent


def first_excess(spans: Iterable[tuple[int, int, int]], capacity: int) -> tuple[int, int] | None:
    """Return the first UTC minute at which more than *capacity* units are taken, and how many; None where all fits.

    *spans* are ``(starts, ends, units)``, half-open.
    """
    steps: dict[int, int] = {}
    for starts, ends, units in spans:
        steps[starts] = steps.get(starts, 0) + units
        steps[ends] = steps.get(ends, 0) - units
    taken = 0
    for minute in sorted(steps):
        taken += steps[minute]
        if taken > capacity:
            return minute, taken
    return None
