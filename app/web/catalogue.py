"""The catalogue as visitors read it: venues, services, resources."""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import RowMapping

from app.domain.hours import WEEKDAYS, Window, weekly_from_json, window_text
from app.persistence import listings
from app.persistence.session import reading
from app.web.pages import Id, Page, page_of

Opening = dict[str, list[str]]


class VenueView(Struct):
    """A place with a zone; `opening_hours` is when any of its resources is open, local, `26:00` being 02:00 of the next day."""

    id: int
    slug: str
    name: str
    timezone: str
    currency: str
    address: str
    email: str
    phone: str
    opening_hours: Opening
    version: int


class PriceListView(Struct):
    """Net prices in minor units of the currency; `tax_bp` (hundredths of a percent) is added to them."""

    currency: str
    flat_minor: int
    per_hour_minor: int
    per_person_minor: int
    deposit_percent: int
    tax_bp: int


class CancellationStep(Struct):
    """The share that comes back when a booking is cancelled at least so many hours before it begins."""

    hours_before: int
    refund_percent: int


class CustomFieldView(Struct, omit_defaults=True):
    """A question that a booking answers in `answers`, under `key`."""

    key: str
    label: str
    type: str
    required: bool = False
    choices: list[str] = []


class ServiceView(Struct):
    """What is offered: for `duration_minutes`, or where that is null for `min_minutes` to `max_minutes`."""

    id: int
    venue_id: int
    slug: str
    name: str
    description: str
    timezone: str
    duration_minutes: int | None
    min_minutes: int
    max_minutes: int
    step_minutes: int
    slot_interval_minutes: int
    starts: Opening | None
    buffer_before_minutes: int
    buffer_after_minutes: int
    min_notice_minutes: int
    horizon_days: int
    max_party_size: int | None
    units_per_party_member: int
    requires_approval: bool
    guest_bookings: bool
    price: PriceListView
    cancellation: list[CancellationStep]
    resource_ids: list[int]
    resource_groups: list[list[int]]
    custom_fields: list[CustomFieldView]
    version: int


class ResourceView(Struct):
    """Something that is booked: a space, a member of staff, a piece of equipment."""

    id: int
    venue_id: int
    slug: str
    name: str
    kind: str
    capacity: int


class VenueList(Struct):
    """A page of venues."""

    items: list[VenueView]
    next_cursor: str | None


class ServiceList(Struct):
    """A page of services."""

    items: list[ServiceView]
    next_cursor: str | None


class ResourceList(Struct):
    """A page of resources."""

    items: list[ResourceView]
    next_cursor: str | None


class VenueQuery(Page, kw_only=True):
    """Which venues."""


class ServiceQuery(Page, kw_only=True):
    """Which services."""

    venue_id: Annotated[Id, Meta(description="Of this venue only.")] | None = None


class ResourceQuery(Page, kw_only=True):
    """Which resources."""

    venue_id: Annotated[Id, Meta(description="Of this venue only.")] | None = None
    service_id: Annotated[Id, Meta(description="Used by this service only.")] | None = None


_CUSTOM_FIELDS = msgspec.json.Decoder(list[CustomFieldView])


def list_venues(query: VenueQuery) -> VenueList:
    """List the venues."""
    rows = listings.list_venues(reading(), cursor=query.after, limit=query.limit + 1)
    return VenueList(*page_of(rows, query, _venue, lambda found: found[0]["id"]))


def get_venue(venue_id: int) -> VenueView:
    """Read a venue."""
    return _venue(listings.get_venue(reading(), venue_id))


def list_services(query: ServiceQuery) -> ServiceList:
    """List what is offered."""
    rows = listings.list_services(reading(), venue_id=query.venue_id or 0, cursor=query.after, limit=query.limit + 1)
    return ServiceList(*page_of(rows, query, _service, lambda found: found[0]["id"]))


def get_service(service_id: int) -> ServiceView:
    """Read what is offered, and under which rules."""
    return _service(listings.get_service(reading(), service_id))


def list_resources(query: ResourceQuery) -> ResourceList:
    """List what can be booked through a service."""
    rows = listings.list_resources(
        reading(),
        venue_id=query.venue_id or 0,
        service_id=query.service_id or 0,
        cursor=query.after,
        limit=query.limit + 1,
    )
    return ResourceList(*page_of(rows, query, _resource, lambda row: row["id"]))


def _venue(found: tuple[RowMapping, list[str]]) -> VenueView:
    row, hours = found
    plain = {name: row[name] for name in ("id", "slug", "name", "timezone", "currency", "address", "email", "phone")}
    return VenueView(**plain, opening_hours=_opening_hours(hours), version=row["version"])


def _opening_hours(stored: list[str]) -> Opening:
    weeks = [weekly_from_json(text) for text in stored]
    return {
        name: [window_text(window) for window in _merged([w for week in weeks for w in week[day]])]
        for day, name in enumerate(WEEKDAYS)
    }


def _merged(windows: list[Window]) -> list[Window]:
    """Return the windows with those that touch or overlap made one."""
    merged: list[Window] = []
    for opens, closes in sorted(windows):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
        else:
            merged.append((opens, closes))
    return merged


def _service(found: tuple[RowMapping, list[list[int]]]) -> ServiceView:
    row, groups = found
    is_fixed = row["min_minutes"] == row["max_minutes"]
    computed: dict[str, Any] = {
        "duration_minutes": row["min_minutes"] if is_fixed else None,
        "starts": _starts(row["weekly_starts"]),
        "price": PriceListView(**{name: row[name] for name in PriceListView.__struct_fields__}),
        "cancellation": [CancellationStep(*step) for step in json.loads(row["cancellation"])],
        "resource_ids": sorted({resource_id for group in groups for resource_id in group}),
        "resource_groups": groups,
        "custom_fields": _CUSTOM_FIELDS.decode(row["custom_fields"]),
    }
    plain = {name: row[name] for name in ServiceView.__struct_fields__ if name not in computed}
    return ServiceView(**plain, **computed)


def _starts(stored: str | None) -> Opening | None:
    if stored is None:
        return None
    return {
        name: [f"{minute // 60:02d}:{minute % 60:02d}" for minute in day]
        for name, day in zip(WEEKDAYS, json.loads(stored), strict=True)
    }


def _resource(row: RowMapping) -> ResourceView:
    return ResourceView(**{name: row[name] for name in ResourceView.__struct_fields__})
