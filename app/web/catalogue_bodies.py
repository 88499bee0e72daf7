"""What the catalogue desk sends and gets: objects of the catalogue, whole or in part."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.web.pages import Id, Page

Text = Annotated[str, Meta(max_length=20_000)]
Hours = Annotated[list[Annotated[str, Meta(max_length=20)]], Meta(max_length=100)]
Week = dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], Hours]
Whole = Annotated[int, Meta(ge=0, lt=10**12)]


class VenuesPage(Page, kw_only=True):
    """Which page."""


class OfVenuePage(Page, kw_only=True):
    """Which page, and of which venue."""

    venue_id: Annotated[Id, Meta(description="Of this venue only.")] | None = None


class ForceQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """With `force=1` it is done even where bookings to come lose their place."""

    force: Literal["0", "1"] = "0"


class VenueBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A venue, or what is to change of it. `quiet_hours` is a night without short messages, as `22:00-08:00`."""

    slug: Text | UnsetType = UNSET
    name: Text | UnsetType = UNSET
    timezone: Text | UnsetType = UNSET
    currency: Text | UnsetType = UNSET
    address: Text | UnsetType | None = UNSET
    email: Text | UnsetType | None = UNSET
    phone: Text | UnsetType | None = UNSET
    language: Text | UnsetType | None = UNSET
    quiet_hours: Text | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


class ResourceBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A resource, or what is to change of it. Hours are local, as `09:00-17:00`; `26:00` is 02:00 of the next day.

    `special_hours` are all of them: those of a day that is left out go.
    """

    slug: Text | UnsetType = UNSET
    name: Text | UnsetType = UNSET
    kind: Text | UnsetType = UNSET
    capacity: Whole | UnsetType = UNSET
    opening_hours: Week | UnsetType = UNSET
    special_hours: dict[str, Hours] | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class NewResource(ResourceBody, kw_only=True, forbid_unknown_fields=True):
    """A resource to be made, and in which venue."""

    venue_id: Id


class Duration(Struct, forbid_unknown_fields=True):
    """From the shortest to the longest, by steps."""

    min_minutes: Whole
    max_minutes: Whole
    step_minutes: Whole


class PriceBody(Struct, forbid_unknown_fields=True):
    """Net prices in minor units of the venue's currency; `tax_bp` in hundredths of a percent."""

    flat_minor: Whole = 0
    per_hour_minor: Whole = 0
    per_person_minor: Whole = 0
    deposit_percent: Whole = 0
    tax_bp: Whole = 0


class CancellationBody(Struct, forbid_unknown_fields=True):
    """Who cancels at least so many hours before gets that share back."""

    hours_before: Whole
    refund_percent: Whole


class FieldBody(Struct, forbid_unknown_fields=True):
    """A question that a booking answers."""

    key: Text
    label: Text
    type: Text = "text"
    required: bool = False
    choices: list[Text] = []


class ServiceBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A service, or what is to change of it: its length is `duration_minutes`, or `duration` where customers choose.

    A booking takes one resource out of each of `resource_groups`.
    """

    slug: Text | UnsetType = UNSET
    name: Text | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    resource_groups: list[list[Id]] | UnsetType = UNSET
    duration_minutes: Whole | UnsetType | None = UNSET
    duration: Duration | UnsetType | None = UNSET
    slot_interval_minutes: Whole | UnsetType | None = UNSET
    starts: Week | UnsetType | None = UNSET
    buffer_before_minutes: Whole | UnsetType = UNSET
    buffer_after_minutes: Whole | UnsetType = UNSET
    min_notice_minutes: Whole | UnsetType = UNSET
    horizon_days: Whole | UnsetType = UNSET
    requires_approval: bool | UnsetType = UNSET
    approval_minutes: Whole | UnsetType | None = UNSET
    guest_bookings: bool | UnsetType = UNSET
    max_party_size: Whole | UnsetType | None = UNSET
    units_per_party_member: Whole | UnsetType = UNSET
    price: PriceBody | UnsetType = UNSET
    cancellation: list[CancellationBody] | UnsetType = UNSET
    custom_fields: list[FieldBody] | UnsetType = UNSET
    reminders: list[Whole] | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class NewService(ServiceBody, kw_only=True, forbid_unknown_fields=True):
    """A service to be made, and in which venue."""

    venue_id: Id


class VenueItem(Struct, kw_only=True):
    """A venue as its people see it."""

    id: int
    version: int
    slug: str
    name: str
    timezone: str
    currency: str
    address: str
    email: str
    phone: str
    language: str
    quiet_hours: str
    active: bool


class ResourceItem(Struct, kw_only=True):
    """A resource with its hours."""

    id: int
    venue_id: int
    version: int
    slug: str
    name: str
    kind: str
    capacity: int
    opening_hours: dict[str, list[str]]
    special_hours: dict[str, list[str]]
    active: bool


class ServiceItem(Struct, kw_only=True):
    """A service with its rules; `starts` of null are every slot interval from opening."""

    id: int
    venue_id: int
    version: int
    slug: str
    name: str
    description: str
    resource_groups: list[list[int]]
    duration_minutes: int | None
    duration: Duration | None
    slot_interval_minutes: int
    starts: dict[str, list[str]] | None
    buffer_before_minutes: int
    buffer_after_minutes: int
    min_notice_minutes: int
    horizon_days: int
    requires_approval: bool
    approval_minutes: int | None
    guest_bookings: bool
    max_party_size: int | None
    units_per_party_member: int
    price: PriceBody
    cancellation: list[CancellationBody]
    custom_fields: list[FieldBody]
    reminders: list[int]
    active: bool


class VenueItems(Struct):
    """A page of venues."""

    items: list[VenueItem]
    next_cursor: str | None


class ResourceItems(Struct):
    """A page of resources."""

    items: list[ResourceItem]
    next_cursor: str | None


class ServiceItems(Struct):
    """A page of services."""

    items: list[ServiceItem]
    next_cursor: str | None
