"""The bookings of a range, as somebody who runs the house takes them along: rows for programs, or a report to print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timezone
from itertools import chain
from zoneinfo import ZoneInfo

from app.documents.csv_text import Cell, csv_chunks
from app.documents.json_lines import json_line_chunks
from app.domain.actors import Actor
from app.domain.errors import Invalid, NotFound
from app.domain.times import from_minute, rfc3339, wall_minute
from app.persistence.booking_rows import BookingRow, Wanted, list_by_start
from app.persistence.letterheads import Letterhead, get_of_venue, list_venue_ids
from app.persistence.long_reads import iter_pages
from app.persistence.session import give_connection_back, reading

MOST_DAYS = 3660  # ten years
_FIRST_YEAR, _LAST_YEAR = 1971, 2200
HEADS = (
    "ref",
    "status",
    "venue",
    "service",
    "resources",
    "starts_at",
    "ends_at",
    "timezone",
    "party_size",
    "customer",
    "email",
    "phone",
    "currency",
    "total_minor",
    "deposit_minor",
    "notes",
    "created_at",
    "updated_at",
)


@dataclass(frozen=True, slots=True)
class Range:
    """Which bookings: those that start on the days from ``first`` up to ``end``, exclusive; of a venue, or of all there are.

    The days are each venue's own.
    """

    first: date
    end: date
    venue_id: int | None = None
    status: str = ""


def iter_csv(range_: Range, *, by: Actor, bom: bool = False) -> Iterator[bytes]:
    """Return the bookings that the caller reaches as chunks of CSV, venue by venue, in the order in which they start.

    Raises:
        NotFound: there is no such venue for this caller. Invalid: the range ends before it begins, or is too long.
    """
    return csv_chunks(HEADS, ([_cells(row) for row in page] for page in _pages(range_, by)), bom=bom)


def iter_json_lines(range_: Range, *, by: Actor) -> Iterator[bytes]:
    """Return the same as JSON Lines.

    Raises:
        NotFound, Invalid: as above.
    """
    return json_line_chunks([_object(row) for row in page] for page in _pages(range_, by))


def check_days(first: date, end: date, *, most: int) -> None:
    """Let a range through that begins before it ends, and is not too long.

    Raises:
        Invalid: it is not.
    """
    if first.year < _FIRST_YEAR or end.year > _LAST_YEAR:
        raise Invalid.field("from", "invalid", f"Ask for days from {_FIRST_YEAR} to {_LAST_YEAR}.")
    if end <= first:
        raise Invalid.field("to", "invalid", "The range ends before it begins; to is the first day after it.")
    if (end - first).days > most:
        raise Invalid.field("to", "too_far", f"Ask for {most} days at most.")


def days_between(first: date, end: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants at which the days begin and end in a zone."""
    return from_minute(wall_minute(first, 0, zone)), from_minute(wall_minute(end, 0, zone))


def require_reach(by: Actor, venue_id: int) -> None:
    """Let somebody through who runs the venue, or a part of it.

    Raises:
        NotFound: the caller does not; to them the venue does not exist.
    """
    if by.scopes is not None and venue_id not in {scope.venue_id for scope in by.scopes}:
        raise NotFound("There is no such venue.")


def pages_of_venue(head: Letterhead, range_: Range, by: Actor) -> Iterator[list[BookingRow]]:
    """Return the bookings of a venue in the order in which they start, page after page, of these what the caller reaches."""
    wanted = Wanted(*days_between(range_.first, range_.end, ZoneInfo(head.timezone)))
    pages = iter_pages(lambda connection, last: list_by_start(connection, wanted, head.venue_id, last))

    def wanted_of(page: list[BookingRow]) -> list[BookingRow]:
        return [row for row in page if _is_wanted(row, range_.status, by)]

    return map(wanted_of, pages)  # which keeps no page while the next is read: one takes a mebibyte


def _is_wanted(row: BookingRow, status: str, by: Actor) -> bool:
    return status in {"", row.status} and by.reaches(row.venue_id, [resource_id for resource_id, _ in row.resources])


def _pages(range_: Range, by: Actor) -> Iterator[list[BookingRow]]:
    """Return the pages of the export."""
    check_days(range_.first, range_.end, most=MOST_DAYS)
    if range_.venue_id is not None:
        require_reach(by, range_.venue_id)
    heads = [get_of_venue(reading(), venue_id) for venue_id in _venue_ids(range_, by)]
    give_connection_back()
    return chain.from_iterable(pages_of_venue(head, range_, by) for head in heads)


def _venue_ids(range_: Range, by: Actor) -> list[int]:
    if range_.venue_id is not None:
        return [range_.venue_id]
    return list_venue_ids(reading()) if by.scopes is None else sorted({scope.venue_id for scope in by.scopes})


def _cells(row: BookingRow) -> list[Cell]:
    return [
        row.ref,
        row.status,
        row.venue,
        row.service,
        ", ".join(name for _, name in row.resources),
        _instant(row.starts_at),
        _instant(row.ends_at),
        row.timezone,
        row.party_size,
        row.customer,
        row.email,
        row.phone,
        row.currency,
        row.total_minor,
        row.deposit_minor,
        row.notes,
        _instant(row.created_at),
        _instant(row.updated_at),
    ]


def _object(row: BookingRow) -> dict[str, object]:
    names = [{"id": resource_id, "name": name} for resource_id, name in row.resources]
    return {**dict(zip(HEADS, _cells(row), strict=True)), "resources": names}


def _instant(at: datetime) -> str:
    """Return the same as ``rfc3339``, several times faster: the time is UTC already."""
    return f"{at.isoformat()[:19]}Z" if at.tzinfo is timezone.utc else rfc3339(at)
