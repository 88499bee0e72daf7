"""A service as it can be booked: its rules, and the resources it needs with theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from app.domain.custom_fields import CustomField
from app.domain.errors import Invalid
from app.domain.hours import WeeklyHours, WeeklyStarts, Window
from app.domain.prices import PriceList

MAX_PARTY_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that is booked; ``capacity`` is in units."""

    id: int
    name: str
    capacity: int
    weekly_hours: WeeklyHours


@dataclass(frozen=True, slots=True)
class Offer:
    """One service with everything that decides when it can be booked; ``groups`` each give one resource.

    ``calendar_version`` is the sum over all resources, those out of use included.
    """

    service_id: int
    venue_id: int
    version: int
    venue_version: int
    calendar_version: int
    name: str
    zone: ZoneInfo
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
    prices: PriceList
    custom_fields: tuple[CustomField, ...]
    groups: tuple[tuple[Resource, ...], ...]
    approval_minutes: int | None = None

    @property
    def resources(self) -> Iterator[Resource]:
        """Yield every resource of every group."""
        return (resource for group in self.groups for resource in group)

    @property
    def resource_ids(self) -> tuple[int, ...]:
        """Return the ids of all resources, ascending: the order in which they are locked."""
        return tuple(sorted(resource.id for resource in self.resources))

    @property
    def unit(self) -> int:
        """Return the units that one spot takes."""
        return self.units_per_party_member or 1

    def units(self, party_size: int) -> int:
        """Return the units that a party takes of each resource."""
        return self.units_per_party_member * party_size or 1


@dataclass(frozen=True, slots=True)
class Ask:
    """What is wanted, once checked: minutes, people, perhaps one resource in particular, and some rather than others."""

    duration_minutes: int
    party_size: int = 1
    resource_id: int | None = None
    preferred_ids: tuple[int, ...] = ()
    is_held: bool = False
    any_hours: bool = False


@dataclass(frozen=True, slots=True)
class Closure:
    """A blackout: nobody may book from ``starts`` to ``ends`` (UTC minutes)."""

    starts: int
    ends: int
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken of one resource, column by column: UTC minutes, and units of its capacity."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    units: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Calendars:
    """What the days in question hold, by resource id; filled by the queries, read by the arithmetic."""

    special_hours: dict[int, dict[date, tuple[Window, ...]]] = field(default_factory=dict)
    closures: dict[int, list[Closure]] = field(default_factory=dict)
    taken: dict[int, Taken] = field(default_factory=dict)
    live_holds: int = 0


def check_ask(
    offer: Offer, *, duration_minutes: int | None, party_size: int | None, resource_id: int | None = None
) -> Ask:
    """Return what is wanted, with the service's defaults: its shortest duration, a party of one.

    Raises:
        Invalid: the service does not come in that length, for that many, or with that resource.
    """
    duration = offer.min_minutes if duration_minutes is None else duration_minutes
    party = 1 if party_size is None else party_size
    _check_duration(offer, duration)
    _check_party(offer, party)
    if resource_id is not None and resource_id not in offer.resource_ids:
        raise Invalid.field("resource_id", "unknown", "This service does not use that resource.")
    return Ask(duration, party, resource_id)


def _check_duration(offer: Offer, minutes: int) -> None:
    if not offer.min_minutes <= minutes <= offer.max_minutes or (minutes - offer.min_minutes) % offer.step_minutes:
        lengths = f"{offer.min_minutes} minutes"
        if offer.max_minutes > offer.min_minutes:
            lengths = f"{offer.min_minutes} to {offer.max_minutes} minutes in steps of {offer.step_minutes}"
        raise Invalid.field("duration_minutes", "not_offered", f"This service lasts {lengths}.")


def _check_party(offer: Offer, party_size: int) -> None:
    room = min(max((r.capacity for r in group), default=0) // offer.unit for group in offer.groups)
    most = min(offer.max_party_size or MAX_PARTY_SIZE, room if offer.units_per_party_member else MAX_PARTY_SIZE)
    if not 1 <= party_size <= most:
        raise Invalid.field("party_size", "out_of_range", f"A party is of 1 to {most}.")
