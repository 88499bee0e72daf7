"""Bookings as the venue's people look for them, and a day, a week or a month of them as a calendar draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.actors import Actor
from app.domain.bookings import REF_ALPHABET
from app.domain.errors import Invalid
from app.domain.hours import open_intervals
from app.domain.search import LEAST_LETTERS, terms_of
from app.domain.times import days, to_minute
from app.persistence import booking_desk, customer_search
from app.persistence.blackouts import list_blackouts
from app.persistence.booking_desk import MOST_FOUND, DeskRow, Filters
from app.persistence.letterheads import get_of_venue
from app.persistence.occupancy import OpenResource, list_resources
from app.persistence.session import reading
from app.services.booking_exports import days_between, require_reach
from app.services.catalogue_desk import reach_of

MOST_DAYS = 31  # of a board: a month
MOST_ON_BOARD = 5_000  # rows, one a booking and resource
_REF_LETTERS = frozenset(REF_ALPHABET)


@dataclass(frozen=True, slots=True)
class Question:
    """Which bookings are asked for; ``text`` is a reference, or what a customer is called or reached by."""

    after: datetime
    before: datetime
    status: str = ""
    venue_id: int = 0
    service_id: int = 0
    resource_id: int = 0
    customer_id: int = 0
    text: str = ""
    newest: bool = False
    last: tuple[datetime, int] | None = None


@dataclass(frozen=True, slots=True)
class BoardResource:
    """A resource on a board: when it is open, in UTC minutes."""

    id: int
    name: str
    capacity: int
    open: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class BoardClosure:
    """A blackout on a board; ``resource_id`` of None closes the whole venue."""

    resource_id: int | None
    starts: int
    ends: int
    reason: str


@dataclass(frozen=True, slots=True)
class Board:
    """A day, a week or a month of a venue; ``is_cut`` where there was more than a board holds."""

    timezone: str
    resources: tuple[BoardResource, ...]
    closures: tuple[BoardClosure, ...]
    bookings: tuple[DeskRow, ...]
    is_cut: bool


def search(question: Question, *, by: Actor, limit: int) -> list[DeskRow]:
    """Return at most *limit* bookings that the caller reaches, by their start; four queries at most.

    Raises:
        Invalid: the text to look for has fewer than three letters.
    """
    filters = Filters(
        question.after,
        question.before,
        reach_of(by),
        status=question.status,
        venue_id=question.venue_id,
        service_id=question.service_id,
        resource_id=question.resource_id,
        customer_ids=(question.customer_id,) if question.customer_id else None,
        newest=question.newest,
        last=question.last,
    )
    if not question.text:
        return booking_desk.list_rows(reading(), filters, limit=limit)
    ref, terms = _ref_of(question.text), terms_of(question.text)
    if not ref and not terms:
        raise Invalid.field("q", "too_short", "Look for three letters at least.")
    if ref:
        found = booking_desk.list_rows(reading(), replace(filters, ref=ref), limit=limit)
        if found or not terms:
            return found
    ids = customer_search.find_ids(reading(), terms, filters.reach, limit=MOST_FOUND)
    return booking_desk.list_rows(reading(), replace(filters, customer_ids=ids), limit=limit) if ids else []


def board(venue_id: int, first: date, end: date, *, by: Actor) -> Board:
    """Return what a calendar shows of a venue: resources with their open hours, blackouts and bookings; three queries.

    Raises:
        NotFound: there is no such venue for this caller. Invalid: the days are none, or too many.
    """
    if not 0 < (end - first).days <= MOST_DAYS:
        raise Invalid.field("to", "out_of_range", f"'to' is 1 to {MOST_DAYS} days after 'from'.")
    require_reach(by, venue_id)
    found = list_resources(reading(), venue_id, first=first - timedelta(days=1), end=end)
    timezone = found[0].timezone if found else get_of_venue(reading(), venue_id).timezone
    zone = ZoneInfo(timezone)
    after, before = days_between(first, end, zone)
    mine = [one for one in found if by.reaches(venue_id, [one.id])]
    ids = {one.id for one in mine}
    rows = booking_desk.list_during(
        reading(), venue_id, after=after, before=before, resource_ids=ids, limit=MOST_ON_BOARD
    )
    span = {"after": to_minute(after), "before": to_minute(before)}
    closures = list_blackouts(reading(), venue_id, **span, limit=MOST_ON_BOARD)
    on_days = days(first - timedelta(days=1), end)
    return Board(
        timezone,
        tuple(_opened(one, on_days, zone, span) for one in mine),
        tuple(
            BoardClosure(one.resource_id, one.starts, one.ends, one.reason)
            for one in closures
            if one.resource_id is None or one.resource_id in ids
        ),
        tuple(rows),
        is_cut=len(rows) >= MOST_ON_BOARD,
    )


def _ref_of(text: str) -> str:
    """Return the beginning of a reference, if the text may be one."""
    plain = text.strip().upper().replace("-", "").replace(" ", "")
    return plain if len(plain) >= LEAST_LETTERS and set(plain) <= _REF_LETTERS else ""


def _opened(one: OpenResource, on_days: Sequence[date], zone: ZoneInfo, span: Mapping[str, int]) -> BoardResource:
    hours = open_intervals(one.weekly, one.special, on_days, zone)
    inside = ((max(opens, span["after"]), min(closes, span["before"])) for opens, closes in hours)
    return BoardResource(one.id, one.name, one.capacity, tuple((a, b) for a, b in inside if a < b))
