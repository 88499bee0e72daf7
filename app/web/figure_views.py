"""What reports as figures look like."""

from __future__ import annotations

from msgspec import Struct, field

from app.web.exports import Day
from app.web.languages import Language
from app.web.pages import Id


class FiguresQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Of which venue, and which days: from `from` up to `to`, exclusive; 366 at most."""

    first: Day = field(name="from")
    end: Day = field(name="to")
    venue_id: Id


class PrintQuery(FiguresQuery, kw_only=True, forbid_unknown_fields=True):
    """The same, and in which language."""

    lang: Language | None = None


class UseView(Struct):
    """Minutes of capacity, open and booked; `share` is the booked part, null where nothing was open."""

    open_minutes: int
    booked_minutes: int
    share: float | None


class ResourceUseView(UseView, kw_only=True):
    """How full one resource was."""

    resource_id: int
    name: str
    bookings: int


class Venue(Struct):
    """Whose figures these are; days and hours are those of its clock."""

    venue_id: int
    timezone: str
    first: str = field(name="from")
    end: str = field(name="to")


class OccupancyView(Struct):
    """How full a venue was; what was called off is left out. `by_weekday_and_hour` has seven lists of 24, from Monday."""

    venue: Venue
    total: UseView
    by_resource: list[ResourceUseView]
    by_weekday: list[UseView]
    by_hour: list[UseView]
    by_weekday_and_hour: list[list[UseView]]


class TallyView(Struct):
    """So many bookings, and what was quoted for them, in minor units."""

    bookings: int
    total_minor: int
    deposit_minor: int


class ServiceTallyView(TallyView, kw_only=True):
    """The same, of one service."""

    service_id: int
    name: str


class DayTallyView(TallyView, kw_only=True):
    """The same, of one day."""

    date: str


class RevenueView(Struct):
    """What was quoted for bookings that stand: pending, confirmed, checked in or completed."""

    venue: Venue
    currency: str
    total: TallyView
    by_service: list[ServiceTallyView]
    by_day: list[DayTallyView]


class MissedView(Struct):
    """Shares of bookings that came to nothing; `no_show` is of those whose customer was awaited. Null where there were none."""

    cancelled: float | None
    turned_down: float | None
    no_show: float | None


class ServiceMissedView(Struct):
    """How the bookings of one service ended."""

    service_id: int
    name: str
    by_status: dict[str, int]
    rates: MissedView


class CancellationsView(Struct):
    """How the bookings of a venue ended; `lost_minor` was quoted for those that did not come about."""

    venue: Venue
    currency: str
    lost_minor: int
    by_status: dict[str, int]
    rates: MissedView
    by_service: list[ServiceMissedView]


class LeadView(Struct):
    """Bookings made, and called off, at least so long ahead of their start and less than so long; null is no bound."""

    at_least_hours: int
    below_hours: int | None
    made: int
    called_off: int


class ServiceLeadView(Struct):
    """How long ahead one service was booked."""

    service_id: int
    name: str
    bookings: int
    mean_hours: float
    classes: list[LeadView]


class LeadTimesView(Struct):
    """How long ahead the bookings of a venue were made and called off."""

    venue: Venue
    by_service: list[ServiceLeadView]
