"""``flask bookings``: see what is booked, approve, decline, cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import islice
from zoneinfo import ZoneInfo

import click
from flask.cli import AppGroup

from app.cli.chosen import clean_ref, service_paths
from app.cli.local_times import parse_local
from app.cli.operator import clock, operator
from app.cli.output import print_json, print_table
from app.domain.bookings import STATES, Booking
from app.domain.errors import Invalid
from app.domain.times import UTC
from app.persistence.bookings import list_bookings
from app.persistence.session import reading
from app.services import bookings as use_cases
from app.services.blackouts import find_place
from app.services.bookings import Access

PAGE_SIZE = 200
_LAST_DAY = date(9990, 1, 1)
_A_DAY = timedelta(days=1)

group = AppGroup("bookings", help="Bookings: list, show, approve, decline, cancel.")
_ref = click.argument("ref", metavar="REF")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")
_reason = click.option("--reason", required=True, metavar="TEXT", help="Why; the customer may read it.")


@group.command("list")
@click.option("--status", type=click.Choice(sorted(STATES)), help="Only bookings in this state.")
@click.option("--venue", default="", metavar="SLUG", help="One venue instead of all.")
@click.option("--from", "first", default="", metavar="DAY", help='First day, as "2026-12-01"; today, if not given.')
@click.option("--to", "end", default="", metavar="DAY", help="Day after the last; no end, if not given.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most so many.")
@_json
def list_(status: str | None, venue: str, first: str, end: str, limit: int, *, as_json: bool) -> None:
    """List bookings by the day they begin.

    Days are local to the venue. The order is that in which they were made.
    """
    venue_id = find_place(venue).venue_id if venue else 0
    today = clock().date() - _A_DAY  # where it is still yesterday, too; each booking's own zone decides
    first_day = _day("--from", first) if first else None
    end_day = _day("--to", end) if end else _LAST_DAY
    found = list(islice(_matching(status or "", venue_id, first_day, end_day, today=today), limit + 1))
    _print_bookings(found[:limit], as_json=as_json)
    if len(found) > limit:
        click.echo(f"there are more than these {limit}: raise --limit, or say --from and --to", err=True)


@group.command("show")
@_ref
@_json
def show(ref: str, *, as_json: bool) -> None:
    """Show one booking.

    REF is the reference that the customer has, in capitals or not.
    """
    booking = use_cases.get_for(clean_ref(ref), _access())
    if as_json:
        print_json(booking)
    else:
        print_table(("field", "value"), _fields(booking))


@group.command("approve")
@_ref
def approve(ref: str) -> None:
    """Confirm a pending booking.

    It has had its time since it was made.
    """
    _print_change(use_cases.approve(clean_ref(ref), access=_access(), now=clock()))


@group.command("decline")
@_ref
@_reason
def decline(ref: str, reason: str) -> None:
    """Turn a pending booking down.

    Its time is free again at once.
    """
    _change(use_cases.decline, ref, reason)


@group.command("cancel")
@_ref
@_reason
def cancel(ref: str, reason: str) -> None:
    """Cancel a pending or confirmed booking.

    One that has begun, too. Its time is free again at once.
    """
    _change(use_cases.cancel, ref, reason)


def _change(verb: Callable[..., Booking], ref: str, reason: str) -> None:
    _print_change(verb(clean_ref(ref), reason=reason, access=_access(), now=clock()))


def _access() -> Access:
    return Access(by=operator())


def _day(option: str, text: str) -> date:
    """Return a day; which instants it has depends on the venue of each booking."""
    minute = parse_local(option, text, ZoneInfo("UTC"))
    if minute % (24 * 60):
        raise Invalid.field(option, "invalid", f"{text!r} is no day: write it as '2026-12-24'.")
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)).date()


def _matching(status: str, venue_id: int, first: date | None, end: date, *, today: date) -> Iterator[Booking]:
    """Yield the bookings that begin within local days, page by page; no zone is a day away from UTC."""
    now = clock()
    after = datetime.combine((first or today) - _A_DAY, time(), UTC)
    before = datetime.combine(end + _A_DAY, time(), UTC)
    cursor = 0
    read = partial(list_bookings, reading(), status=status, venue_id=venue_id, after=after, before=before)
    while page := read(cursor=cursor, limit=PAGE_SIZE):
        for booking in page:
            zone = ZoneInfo(booking.timezone)
            if (first or now.astimezone(zone).date()) <= booking.starts_at.astimezone(zone).date() < end:
                yield booking
        cursor = page[-1].id


def _print_bookings(found: list[Booking], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    paths = service_paths()
    rows = (
        (
            booking.ref,
            booking.status,
            *_times(booking),
            paths[booking.service_id],
            _resources(booking),
            booking.party_size,
            booking.customer.name,
        )
        for booking in found
    )
    print_table(("ref", "status", "starts", "ends", "service", "resources", "party", "customer"), rows)


def _print_change(booking: Booking) -> None:
    starts, _ = _times(booking)
    click.echo(f"{booking.ref} is {booking.status}: {starts} {booking.timezone}, {_resources(booking)}")


def _times(booking: Booking) -> tuple[str, str]:
    """Return start and end, local to the venue; the end's day only where it is another."""
    zone = ZoneInfo(booking.timezone)
    starts, ends = (instant.astimezone(zone) for instant in (booking.starts_at, booking.ends_at))
    same_day = starts.date() == ends.date()
    return f"{starts:%Y-%m-%d %H:%M}", f"{ends:%H:%M}" if same_day else f"{ends:%Y-%m-%d %H:%M}"


def _resources(booking: Booking) -> str:
    return ", ".join(name for _, name in booking.resources)


def _fields(booking: Booking) -> Iterator[tuple[str, object]]:
    zone = ZoneInfo(booking.timezone)
    starts, ends = (instant.astimezone(zone) for instant in (booking.starts_at, booking.ends_at))
    price = booking.price
    yield "ref", booking.ref
    yield "status", f"{booking.status} ({booking.status_reason})" if booking.status_reason else booking.status
    yield "service", service_paths()[booking.service_id]
    yield "resources", _resources(booking)
    yield "starts", f"{starts:%a %Y-%m-%d %H:%M %Z}"
    yield "ends", f"{ends:%a %Y-%m-%d %H:%M %Z}"
    yield "party", booking.party_size
    yield "customer", booking.customer.name
    yield "email", booking.customer.email
    yield "phone", booking.customer.phone
    yield "total", f"{price.total_minor} {price.currency} in minor units, deposit {price.deposit_minor}"
    yield from ((f"answer {key}", answer) for key, answer in booking.answers.items())
    yield "notes", " / ".join(booking.notes.splitlines())
    yield "made", f"{booking.created_at.astimezone(zone):%Y-%m-%d %H:%M}"
    yield "changed", f"{booking.updated_at.astimezone(zone):%Y-%m-%d %H:%M}, version {booking.version}"
