"""``flask reports``: how full the house was, what was quoted, how bookings ended, and how long ahead people book."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.operator import operator
from app.cli.output import print_json, print_table
from app.domain.figures import EXPECTED, Tally, Use, rate
from app.services import figure_exports, figures
from app.services.blackouts import find_place
from app.services.booking_exports import Range
from app.services.figures import WEEKDAYS, LeadTimes, Tallies

group = AppGroup("reports", help="Occupancy, revenue, cancellations and lead times as figures.")
_day = click.DateTime(["%Y-%m-%d"])
_FORMATS = click.Choice(["table", "csv", "json"])


def _asks_for_a_range(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which bookings it counts, and how it prints."""
    for option in (
        click.option("--format", "kind", type=_FORMATS, default="table", show_default=True, help="How to print it."),
        click.option("--to", "end", type=_day, required=True, help="Day after the last; at most 366 days on."),
        click.option("--from", "first", type=_day, required=True, help='First day, as "2026-12-01"; the venue\'s own.'),
        click.option("--venue", required=True, metavar="SLUG", help="Of which venue."),
    ):
        command = option(command)
    return command


@group.command("occupancy")
@_asks_for_a_range
def occupancy(kind: str, **which: Any) -> None:  # noqa: ANN401 - click's values
    """Tell how full each resource was; as CSV by weekday and hour."""
    found = figures.occupancy(_range(**which), by=operator())
    heads = ("resource", "open h", "booked h", "share", "bookings")
    rows = [(name, *_hours(use), use.bookings) for _, name, use in found.resources]
    _print(
        kind,
        heads,
        [*rows, ("altogether", *_hours(found.all), found.all.bookings)],
        figure_exports.iter_occupancy_csv(found),
    )
    if kind == "table":
        click.echo()
        print_table(("weekday", "open h", "booked h", "share"), _weekdays(found.all))


@group.command("revenue")
@_asks_for_a_range
def revenue(kind: str, **which: Any) -> None:  # noqa: ANN401 - click's values
    """Tell what was quoted for bookings that stand, by service, in minor units of the venue's currency."""
    found = figures.tallies(_range(**which), by=operator())
    sums = found.sums(lambda row: row.service_id, of=EXPECTED)
    rows = [
        (name, sums[key].bookings, sums[key].total_minor, sums[key].deposit_minor) for key, name in _named(found, sums)
    ]
    whole = sum(sums.values(), Tally())
    total = ("altogether", whole.bookings, whole.total_minor, whole.deposit_minor)
    currency = found.scene.head.currency
    _print(
        kind,
        ("service", "bookings", f"total {currency}", "deposits"),
        [*rows, total],
        figure_exports.iter_tallies_csv(found),
    )


@group.command("cancellations")
@_asks_for_a_range
def cancellations(kind: str, **which: Any) -> None:  # noqa: ANN401 - click's values
    """Tell how bookings ended, by service: called off, turned down, not come to."""
    found = figures.tallies(_range(**which), by=operator())
    sums = found.sums(lambda row: (row.service_id, row.status))
    services = found.sums(lambda row: row.service_id)
    ended = ("cancelled", "declined", "expired", "no_show")
    rows = [
        (name, services[key].bookings, *(sums.get((key, status), Tally()).bookings for status in ended))
        for key, name in _named(found, services)
    ]
    heads = ("service", "bookings", "cancelled", "declined", "expired", "no-show")
    _print(kind, heads, rows, figure_exports.iter_tallies_csv(found))


@group.command("lead-times")
@_asks_for_a_range
def lead_times(kind: str, **which: Any) -> None:  # noqa: ANN401 - click's values
    """Tell how long ahead bookings were made, by service."""
    _, found = figures.lead_times(_range(**which), by=operator())
    heads = ("service", "bookings", "mean h", "<1h", "<1d", "<3d", "<7d", "<14d", "<30d", "more")
    _print(kind, heads, [_lead(item) for item in found], figure_exports.iter_lead_times_csv(found))


def _range(venue: str, first: Any, end: Any) -> Range:  # noqa: ANN401 - click's values
    return Range(first.date(), end.date(), find_place(venue).venue_id)


def _print(kind: str, heads: Sequence[str], rows: Iterable[Sequence[object]], csv: Iterator[bytes]) -> None:
    if kind == "csv":
        for chunk in csv:
            click.echo(chunk, nl=False)
    elif kind == "json":
        print_json([dict(zip(heads, row, strict=True)) for row in rows])
    else:
        print_table(heads, rows)


def _hours(use: Use) -> tuple[str, str, str]:
    return _row(sum(use.open_minutes), sum(use.booked_minutes))


def _row(opened: int, booked: int) -> tuple[str, str, str]:
    share = rate(booked, opened)
    return f"{opened / 60:.1f}", f"{booked / 60:.1f}", "-" if share is None else f"{share:.0%}"


def _weekdays(use: Use) -> list[tuple[str, ...]]:
    days = [(name, slice(number * 24, number * 24 + 24)) for number, name in enumerate(WEEKDAYS)]
    return [(name, *_row(sum(use.open_minutes[part]), sum(use.booked_minutes[part]))) for name, part in days]


def _named(found: Tallies, sums: dict[Any, Tally]) -> list[tuple[int, str]]:
    return [(key, name) for key, name in found.services.items() if key in sums]


def _lead(item: LeadTimes) -> tuple[object, ...]:
    return (item.service, item.bookings, f"{item.mean_minutes / 60:.1f}", *item.made)
