"""What staff print: the bookings of a venue, the day sheet of a resource, how full the house was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from app.documents.bookings_report import BookingLine, BookingsReport, bookings_report
from app.documents.day_sheet import DaySheet, Visit, day_sheet
from app.documents.languages import printable
from app.documents.occupancy_report import OccupancyReport, Step, Use, occupancy_report
from app.documents.pdf.pauses import Pauses
from app.domain.actors import Actor
from app.domain.errors import Invalid, NotFound
from app.domain.hours import open_intervals
from app.domain.times import days
from app.persistence.booking_rows import BookingRow, Wanted, list_of_resource
from app.persistence.letterheads import Letterhead, get_of_resource, get_of_venue
from app.persistence.long_reads import iter_pages
from app.persistence.occupancy import Booked, OpenResource, list_booked, list_resources
from app.persistence.session import give_connection_back, reading
from app.runtime.settings import Settings
from app.services.booking_exports import MOST_DAYS, Range, check_days, days_between, pages_of_venue, require_reach
from app.services.documents import Asked

_MOST_OCCUPANCY_DAYS = 366
_DAILY, _WEEKLY = 31, 183  # days that still have a bar each, or each week one
_EXPECTED = frozenset({"pending", "confirmed", "checked_in", "completed"})
_LONGEST = timedelta(days=2)  # a booking that began earlier is not looked for on a day's sheet


def iter_bookings_report(settings: Settings, range_: Range, *, by: Actor, asked: Asked) -> Iterator[bytes]:
    """Return the bookings of a venue that the caller reaches as chunks of a PDF, in the order in which they start.

    Raises:
        NotFound: there is no such venue for this caller. Invalid: no venue is named, or the range is none.
    """
    check_days(range_.first, range_.end, most=MOST_DAYS)
    head = _venue(range_.venue_id, by)
    language = printable(asked.language, settings.font_dir)
    last_on = range_.end - timedelta(days=1)
    report = BookingsReport(head.venue, head.timezone, head.currency, range_.first, last_on, asked.now, language)
    lines = map(_line, chain.from_iterable(pages_of_venue(head, range_, by)))
    return bookings_report(report, lines, packs=settings.font_dir)


def iter_day_sheet(settings: Settings, resource_id: int, on: date, *, by: Actor, asked: Asked) -> Iterator[bytes]:
    """Return who comes to a resource on a day of its venue, as chunks of a PDF.

    Raises:
        NotFound: there is no such resource for this caller. Invalid: the day is out of range.
    """
    check_days(on, on + timedelta(days=1), most=1)
    head = get_of_resource(reading(), resource_id)
    if not by.reaches(head.venue_id, [resource_id]):
        raise NotFound("There is no such resource.")
    give_connection_back()
    after, before = days_between(on, on + timedelta(days=1), ZoneInfo(head.timezone))
    code = f"{settings.base_url}/api/v1/admin/resources/{resource_id}/day-sheet.pdf?date={on}"
    language = printable(asked.language, settings.font_dir)
    sheet = DaySheet(head.venue, head.timezone, head.subject, on, asked.now, code, language)
    wanted = Wanted(after - _LONGEST, before)
    pages = iter_pages(
        lambda connection, last: list_of_resource(
            connection, wanted, venue_id=head.venue_id, resource_id=resource_id, last=last
        )
    )
    visits = (_visit(row) for page in pages for row in page if row.ends_at > after)
    return day_sheet(sheet, visits, packs=settings.font_dir)


def iter_occupancy_report(settings: Settings, range_: Range, *, by: Actor, asked: Asked) -> Iterator[bytes]:
    """Return how full a venue was as chunks of a PDF; of somebody who runs a part of it, that part.

    Raises:
        NotFound: there is no such venue for this caller. Invalid: no venue is named, or the range is none or too long.
    """
    check_days(range_.first, range_.end, most=_MOST_OCCUPANCY_DAYS)
    head = _venue(range_.venue_id, by)
    zone = ZoneInfo(head.timezone)
    found = list_resources(reading(), head.venue_id, first=range_.first, end=range_.end)
    resources = [one for one in found if by.reaches(head.venue_id, [one.id])]
    give_connection_back()
    counts = _Counts(resources, range_, zone)
    after, before = days_between(range_.first, range_.end, zone)
    for page in iter_pages(
        lambda connection, last: list_booked(connection, head.venue_id, after=after, before=before, last=last)
    ):
        counts.add(page)
    report = OccupancyReport(
        venue=head.venue,
        timezone=head.timezone,
        first_on=range_.first,
        last_on=range_.end - timedelta(days=1),
        made_at=asked.now,
        step=counts.step,
        steps=tuple(counts.by_step.items()),
        resources=tuple((one.name, counts.by_resource[one.id]) for one in resources),
        language=printable(asked.language, settings.font_dir),
    )
    return occupancy_report(report, packs=settings.font_dir)


class _Counts:
    """What was open and booked, by resource and by the bars of the chart: as much as there are of these, whatever is added."""

    def __init__(self, resources: list[OpenResource], range_: Range, zone: ZoneInfo) -> None:
        all_days = days(range_.first, range_.end)
        self.step = _step(len(all_days))
        self._first, self._zone, self._pauses = range_.first, zone, Pauses()
        self.by_step = {self._bar(day): Use() for day in all_days}
        self.by_resource = {one.id: Use() for one in resources}
        for one in resources:
            for day in all_days:
                minutes = sum(end - start for start, end in open_intervals(one.weekly, one.special, [day], zone))
                self._add(one.id, day, Use(open_minutes=minutes * one.capacity))
            self._pauses.worked()

    def add(self, page: list[Booked]) -> None:
        for booked in page:
            if booked.resource_id in self.by_resource:
                minutes = int((booked.ends_at - booked.starts_at).total_seconds() // 60)
                day = booked.starts_at.astimezone(self._zone).date()
                self._add(booked.resource_id, day, Use(booked_minutes=minutes * booked.units, bookings=1))
        self._pauses.worked()

    def _add(self, resource_id: int, day: date, use: Use) -> None:
        self.by_resource[resource_id] += use
        self.by_step[self._bar(day)] += use

    def _bar(self, day: date) -> date:
        """Return the first day of the bar that a day counts with."""
        if self.step == "month":
            return max(day.replace(day=1), self._first)
        return day - timedelta(days=(day - self._first).days % (7 if self.step == "week" else 1))


def _step(count: int) -> Step:
    if count <= _DAILY:
        return "day"
    return "week" if count <= _WEEKLY else "month"


def _venue(venue_id: int | None, by: Actor) -> Letterhead:
    if venue_id is None:
        raise Invalid.field("venue_id", "required", "Say of which venue.")
    require_reach(by, venue_id)
    head = get_of_venue(reading(), venue_id)
    give_connection_back()
    return head


def _line(row: BookingRow) -> BookingLine:
    names = ", ".join(name for _, name in row.resources)
    return BookingLine(row.ref, row.starts_at, row.service, names, row.customer, row.status, row.total_minor)


def _visit(row: BookingRow) -> Visit:
    return Visit(
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        ref=row.ref,
        customer=row.customer,
        phone=row.phone,
        service=row.service,
        party_size=row.party_size,
        status=row.status,
        notes=row.notes,
        is_expected=row.status in _EXPECTED,
    )
