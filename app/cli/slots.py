"""``flask slots``: free times, and why a time is not free."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask.cli import AppGroup

from app.cli.chosen import ChosenService, find_service
from app.cli.local_times import parse_local
from app.cli.operator import clock
from app.cli.output import print_json, print_table
from app.domain import slots, spans
from app.domain.offers import Ask, Offer, check_ask
from app.domain.slots import Slot
from app.domain.times import from_minute, local_date, minute_text, to_minute
from app.persistence.offers import get_offer
from app.persistence.session import reading
from app.persistence.slots import get_calendars

DAYS_SHOWN = 7
LEAST_IN_A_ROW = 3  # to be told as "from to"

group = AppGroup("slots", help="Free times, and why a time is not free.")


def _what(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command what says which service, for whom and how long."""
    positive = click.IntRange(min=1)
    for decorate in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC."),
        click.option("--resource", default="", metavar="SLUG", help="One resource instead of any that fits."),
        click.option("--party-size", type=positive, metavar="N", help="How many people; one, if not given."),
        click.option("--duration", type=positive, metavar="MINUTES", help="The service's shortest, if not given."),
        click.argument("service"),
    ):
        command = decorate(command)
    return command


@group.command("list")
@_what
@click.option("--from", "first", default="", metavar="DAY", help='First day, as "2026-12-01"; today, if not given.')
@click.option(
    "--to", "end", default="", metavar="DAY", help="Day after the last; a week after the first, if not given."
)
def list_(  # noqa: PLR0913 - an option each
    service: str, first: str, end: str, duration: int | None, party_size: int | None, resource: str, *, as_json: bool
) -> None:
    """List the free times of SERVICE.

    SERVICE is an id, "venue/service" by their slugs, or a slug that one venue alone uses. Times are local to the venue.
    """
    chosen = find_service(service)
    offer, ask = _asked(chosen, duration, party_size, resource)
    now = clock()
    first_day = _day("--from", first, chosen.zone) if first else local_date(to_minute(now), chosen.zone)
    end_day = _day("--to", end, chosen.zone) if end else first_day + timedelta(days=DAYS_SHOWN)
    span = spans.span_of_days(offer, first_day, end_day)
    calendars = get_calendars(reading(), offer, span, now_seconds=int(now.timestamp()))
    days = slots.find(offer, calendars, ask, span, now=now)
    if as_json:
        print_json(_document(chosen, days))
        return
    click.echo(f"{chosen.path}, {ask.duration_minutes} minutes, times of {chosen.zone}")
    print_table(("day", "starts", "open", "resources"), _rows(days, chosen))


@group.command("explain")
@_what
@click.argument("time")
@click.pass_context
def explain(  # noqa: PLR0913 - an option each
    ctx: click.Context,
    service: str,
    time: str,
    duration: int | None,
    party_size: int | None,
    resource: str,
    *,
    as_json: bool,
) -> None:
    """Say why SERVICE cannot be booked at TIME.

    SERVICE is as for 'slots list'; TIME is local to the venue: "2026-12-01 10:00". Exit 1 where it cannot be booked.
    """
    chosen = find_service(service)
    offer, ask = _asked(chosen, duration, party_size, resource)
    now = clock()
    starts = spans.check_start(offer, from_minute(parse_local("TIME", time, chosen.zone)))
    calendars = get_calendars(reading(), offer, spans.span_of_start(offer, starts), now_seconds=int(now.timestamp()))
    reasons = slots.explain(offer, calendars, ask, starts, now=now)
    if as_json:
        print_json({"starts_at": minute_text(starts), "bookable": not reasons, "reasons": reasons})
    else:
        _print_reasons(f"{chosen.path} at {_local(starts, chosen.zone):%Y-%m-%d %H:%M %Z}", reasons)
    ctx.exit(1 if reasons else 0)


def _print_reasons(what: str, reasons: Sequence[slots.Reason]) -> None:
    click.echo(f"{what} can{'not' if reasons else ''} be booked")
    if reasons:
        print_table(("code", "reason"), ((reason.code, reason.detail) for reason in reasons))


def _asked(chosen: ChosenService, duration: int | None, party_size: int | None, resource: str) -> tuple[Offer, Ask]:
    offer = get_offer(reading(), chosen.id)
    resource_id = chosen.resource_id(resource)
    return offer, check_ask(offer, duration_minutes=duration, party_size=party_size, resource_id=resource_id)


def _day(option: str, text: str, zone: ZoneInfo) -> date:
    return local_date(parse_local(option, text, zone), zone)


def _local(minute: int, zone: ZoneInfo) -> datetime:
    return from_minute(minute).astimezone(zone)


def _rows(days: dict[date, list[Slot]], chosen: ChosenService) -> Iterator[tuple[object, ...]]:
    names = chosen.resource_names()
    for day, found in days.items():
        heading = f"{day:%a %Y-%m-%d}"
        if not found:
            yield heading, "-", "", ""
        for (resource_ids, spots_open), same in groupby(found, key=lambda slot: (slot.resource_ids, slot.spots_open)):
            starts = ", ".join(_phrases([slot.starts for slot in same], chosen.zone))
            yield heading, starts, spots_open, ", ".join(names[key] for key in resource_ids)
            heading = ""


def _phrases(starts: Sequence[int], zone: ZoneInfo) -> Iterator[str]:
    """Yield the times, three or more that follow each other evenly as one phrase."""
    at = 0
    while at < len(starts):
        length = _even(starts[at:])
        first, last = (f"{_local(starts[place], zone):%H:%M}" for place in (at, at + length - 1))
        yield first if length == 1 else f"{first} to {last} every {starts[at + 1] - starts[at]} min"
        at += length


def _even(starts: Sequence[int]) -> int:
    """Return how many of the first starts are evenly apart; one, where that would be fewer than three."""
    steps = [after - before for before, after in pairwise(starts)]
    even = 1 + sum(1 for _ in takewhile(lambda step: step == steps[0], steps))
    return even if even >= LEAST_IN_A_ROW else 1


def _document(chosen: ChosenService, days: dict[date, list[Slot]]) -> dict[str, object]:
    return {
        "service_id": chosen.id,
        "timezone": str(chosen.zone),
        "days": [{"date": day.isoformat(), "slots": [_slot(slot) for slot in found]} for day, found in days.items()],
    }


def _slot(slot: Slot) -> dict[str, object]:
    return {
        "starts_at": minute_text(slot.starts),
        "ends_at": minute_text(slot.ends),
        "resource_ids": slot.resource_ids,
        "spots_open": slot.spots_open,
    }
