"""``flask desk``: what staff do with bookings all day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.chosen import clean_ref, find_service
from app.cli.local_times import parse_local
from app.cli.operator import clock, operator
from app.cli.output import print_json, print_table
from app.domain.bookings import check_reason
from app.domain.customers import check_customer
from app.domain.times import UTC, from_minute
from app.domain.wishes import BookingWish, Wish
from app.persistence.booking_desk import DeskRow
from app.services import booking_desk, booking_lists, bookings
from app.services.blackouts import find_place
from app.services.booking_lists import Question

_EVER = (datetime(1971, 1, 1, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC))
_HISTORY = 1000
group = AppGroup("desk", help="Bookings all day long: search, calendar, book, check in, complete, notes, history.")
_ref = click.argument("ref", metavar="REF")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")
_VERBS = {
    "check-in": "Note that the customer is here.",
    "no-show": "Note that nobody came.",
    "complete": "Note that it has taken place.",
}


@group.command("search")
@click.argument("text")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@_json
def search(text: str, limit: int, *, as_json: bool) -> None:
    """Find bookings, the latest first, by the beginning of a reference or of the customer's name, address or number."""
    question = Question(*_EVER, text=text, newest=True)
    _print(booking_lists.search(question, by=operator(), limit=limit), as_json=as_json)


@group.command("calendar")
@click.option("--venue", required=True, metavar="SLUG", help="The venue.")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day; today, if not given.")
@click.option("--days", type=click.IntRange(1, 31), default=1, show_default=True, help="So many days.")
@_json
def calendar(venue: str, first: datetime | None, days: int, *, as_json: bool) -> None:
    """Show who comes to a venue, resource by resource."""
    place = find_place(venue)
    day = first.date() if first else clock().astimezone(place.zone).date()
    board = booking_lists.board(place.venue_id, day, day + timedelta(days=days), by=operator())
    if as_json:
        print_json(board)
        return
    rows = [
        (resource.name, *_times(row), row.ref, row.status, row.customer, row.party_size)
        for resource in board.resources
        for row in board.bookings
        if resource.id in {key for key, _ in row.resources}
    ]
    print_table(("resource", "starts", "ends", "ref", "status", "customer", "party"), rows)


@group.command("book")
@click.option("--service", required=True, metavar="VENUE/SLUG", help="What is booked.")
@click.option("--start", required=True, metavar="TIME", help='Local to the venue: "2026-12-24 12:00".')
@click.option("--minutes", type=click.IntRange(1), help="How long; the service's own length, if not given.")
@click.option("--party", type=click.IntRange(1), help="How many people.")
@click.option("--name", required=True, help="Of the customer.")
@click.option("--email", default="", help="Of the customer.")
@click.option("--phone", default="", help="Of the customer.")
@click.option("--override", metavar="TEXT", help="Why it is outside hours or notice; what is taken stays taken.")
def book(service: str, start: str, override: str | None, **wish: Any) -> None:  # noqa: ANN401 - click's values
    """Book a time for somebody; it needs no approval."""
    chosen = find_service(service)
    starts_at = from_minute(parse_local("--start", start, chosen.zone))
    time = Wish(chosen.id, starts_at, wish["minutes"], wish["party"], any_hours=override is not None)
    customer = check_customer(wish["name"], wish["email"], wish["phone"])
    asked = BookingWish(time, customer, on_behalf=True, override=check_reason(override or ""))
    secret = current_app.extensions["settings"].secret_key
    booking, _ = bookings.book(asked, secret_key=secret, by=operator(), now=clock())
    click.echo(f"{booking.ref} is {booking.status}: {start} {booking.timezone}")


def _decision(verb: str, about: str) -> None:
    @group.command(verb, help=about)
    @click.argument("refs", metavar="REF...", nargs=-1, required=True)
    def decide(refs: tuple[str, ...]) -> None:
        done = booking_desk.decide_many([clean_ref(ref) for ref in refs], verb, by=operator(), now=clock())
        for item in done:
            click.echo(f"{item.ref}: {item.status or item.detail}", err=not item.status)
        if not all(item.status for item in done):
            raise click.exceptions.Exit(1)


for _verb, _about in _VERBS.items():
    _decision(_verb, _about)


@group.command("note")
@_ref
@click.argument("text")
def note(ref: str, text: str) -> None:
    """Tell the others something about a booking; its customer never sees it."""
    made = booking_desk.add_note(clean_ref(ref), text, by=operator(), now=clock())
    click.echo(f"noted as {made.id}")


@group.command("notes")
@_ref
@_json
def notes(ref: str, *, as_json: bool) -> None:
    """Show what was noted about a booking."""
    found = booking_desk.list_notes(clean_ref(ref), by=operator())
    if as_json:
        print_json(found)
        return
    print_table(("at", "by", "text"), ((f"{n.created_at:%Y-%m-%d %H:%M}", n.written_by, _line(n.text)) for n in found))


@group.command("history")
@_ref
def history(ref: str) -> None:
    """Show every change of a booking."""
    rows = booking_desk.history(clean_ref(ref), by=operator(), cursor=0, limit=_HISTORY)
    print_table(
        ("at (UTC)", "what", "by", "detail"),
        ((f"{at:%Y-%m-%d %H:%M:%S}", action, actor, detail) for _, at, action, actor, detail in rows),
    )


@group.command("rivals")
@_ref
@_json
def rivals(ref: str, *, as_json: bool) -> None:
    """Show what else is on the same resources at the time of a booking."""
    _print(booking_desk.rivals(clean_ref(ref), by=operator()), as_json=as_json)


@group.command("show")
@_ref
def show(ref: str) -> None:
    """Show a booking with all that its venue knows, as JSON."""
    print_json(booking_desk.read(clean_ref(ref), by=operator()))


def _print(rows: Iterable[DeskRow], *, as_json: bool) -> None:
    rows = [*rows]
    if as_json:
        print_json(rows)
        return
    heads = ("ref", "status", "starts", "ends", "service", "customer", "reached by", "party")
    print_table(
        heads,
        ((r.ref, r.status, *_times(r), r.service, r.customer, r.email or r.phone, r.party_size) for r in rows),
    )


def _times(row: DeskRow) -> tuple[str, str]:
    zone = ZoneInfo(row.timezone)
    starts, ends = row.starts_at.astimezone(zone), row.ends_at.astimezone(zone)
    return f"{starts:%Y-%m-%d %H:%M}", f"{ends:%H:%M}" if starts.date() == ends.date() else f"{ends:%Y-%m-%d %H:%M}"


def _line(text: str) -> str:
    return " / ".join(text.splitlines())
