"""``flask blackouts``: times in which nobody may book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask.cli import AppGroup

from app.cli.files import read_file
from app.cli.local_times import parse_local
from app.cli.operator import clock, operator
from app.cli.output import print_json, print_table, say_progress
from app.domain.blackouts import Blackout, BlackoutChange, Repeat
from app.domain.errors import Invalid
from app.domain.times import from_minute, minute_text, to_minute
from app.persistence.blackouts import list_blackouts, list_places
from app.persistence.session import reading
from app.services import blackout_desk
from app.services import blackouts as use_cases
from app.services.blackout_desk import Closed, Wanted
from app.services.blackouts import find_place
from app.services.holidays import parse

MOST_SHOWN = 1000
_NO_END = 2**40  # two million years, in minutes

group = AppGroup("blackouts", help="Times in which nobody may book: import, list, add, delete.")


def _where(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the two options that say where."""
    resource = click.option("--resource", default="", metavar="SLUG", help="One resource instead of the whole venue.")
    venue = click.option("--venue", required=True, metavar="SLUG", help="The venue.")
    return venue(resource(command))


@group.command("import")
@click.argument("file")
@_where
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
def import_(file: str, venue: str, resource: str, *, dry_run: bool) -> None:
    """Close the times of a calendar FILE (iCalendar); an event imported before is found again by its UID."""
    place = find_place(venue, resource)
    closings = parse(read_file(file), file, place.zone)
    say_progress(f"importing {len(closings)} events ...")
    changes = use_cases.import_blackouts(place, closings, by=operator(), now=clock(), dry_run=dry_run)
    _print_changes(changes, place.zone)
    counts = Counter(change.what for change in changes)
    summary = ", ".join(f"{counts[what]} {what}" for what in ("created", "updated", "unchanged") if counts[what])
    click.echo((summary or "the file names no events") + (" (dry run: nothing was written)" if dry_run else ""))
    _print_bookings(changes)


@group.command("list")
@click.option("--venue", required=True, metavar="SLUG", help="The venue.")
@click.option("--from", "first", default="", metavar="TIME", help="From this local time on; now, if not given.")
@click.option("--to", "end", default="", metavar="TIME", help="Up to this local time.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(venue: str, first: str, end: str, *, as_json: bool) -> None:
    """List the blackouts of a venue, the first thousand, in order of time."""
    place = find_place(venue)
    after = parse_local("--from", first, place.zone) if first else to_minute(clock())
    before = parse_local("--to", end, place.zone, later=True) if end else _NO_END
    found = list_blackouts(reading(), place.venue_id, after=after, before=before, limit=MOST_SHOWN)
    _, _, ids = list_places(reading(), venue)
    slugs = {key: slug for slug, key in ids.items()}
    if as_json:
        print_json([_document(blackout, slugs) for blackout in found])
        return
    rows = ((item.id, _resource(item, slugs), *_span(item, place.zone), item.reason) for item in found)
    print_table(("id", "resource", "from", "to", "reason"), rows)


@group.command("add")
@_where
@click.option(
    "--from", "first", required=True, metavar="TIME", help='Local to the venue: "2026-12-24 12:00", or a day.'
)
@click.option("--to", "end", required=True, metavar="TIME", help="The end, exclusive; a day alone is its midnight.")
@click.option("--reason", default="", help="What visitors may read.")
@click.option("--every", type=click.Choice(["day", "week", "month", "year"]), help="Again and again, up to --until.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it comes again.")
@click.option("--dry-run", is_flag=True, help="Say which bookings stand there, and close nothing.")
def add(venue: str, resource: str, *, reason: str, dry_run: bool, **times: Any) -> None:  # noqa: ANN401 - click's values
    """Close a venue, or one resource of it, for a time, once or again and again."""
    place = find_place(venue, resource)
    starts = parse_local("--from", times["first"], place.zone)
    ends = parse_local("--to", times["end"], place.zone, later=True)
    if ends <= starts:
        raise Invalid.field("to", "not_after_start", "The end must be after the start.")
    repeat = _repeat(times["every"], times["until"])
    venue_id = None if place.resource_id else place.venue_id
    wanted = Wanted(venue_id, place.resource_id, from_minute(starts), from_minute(ends), reason, repeat)
    closed = blackout_desk.close(wanted, by=operator(), now=clock(), dry_run=dry_run)
    _print_closed(closed, place.zone, is_dry=dry_run)


def _repeat(every: Any, until: datetime | None) -> Repeat | None:  # noqa: ANN401 - one of the choices
    if (every is None) != (until is None):
        raise click.UsageError("--every and --until go together.")
    return None if until is None else Repeat(every, 1, until.date())


def _print_closed(closed: Closed, zone: ZoneInfo, *, is_dry: bool) -> None:
    rows = (
        ("would close" if is_dry else "closed", "" if is_dry else item.id, *_span(item, zone), item.reason)
        for item in closed.blackouts
    )
    print_table(("what", "id", "from", "to", "reason"), rows)
    if closed.count:
        stand = "1 booking stands" if closed.count == 1 else f"{closed.count} bookings stand"
        refs = ", ".join(booking["ref"] for booking in closed.bookings)
        click.echo(f"{stand} inside, and stay until somebody moves them: {refs}")


@group.command("delete")
@click.argument("blackout_id", type=click.IntRange(1, 2**62), metavar="ID")
@click.option("--series", is_flag=True, help="And all that were closed at once with it.")
def delete(blackout_id: int, *, series: bool) -> None:
    """Open a time again; ID is the first column of 'blackouts list'."""
    if series:
        count = blackout_desk.open_again(blackout_id, by=operator(), now=clock(), whole_series=True)
        click.echo(f"deleted {count} {'blackout' if count == 1 else 'blackouts'}")
        return
    blackout = use_cases.delete_blackout(blackout_id, by=operator(), now=clock())
    click.echo(f"deleted blackout {blackout.id}: {blackout.reason or 'without a reason'}")


def _print_changes(changes: Iterable[BlackoutChange], zone: ZoneInfo) -> None:
    rows = (
        (change.what, change.blackout.id, *_span(change.blackout, zone), change.bookings_inside, change.blackout.reason)
        for change in changes
    )
    print_table(("what", "id", "from", "to", "bookings", "reason"), rows)


def _print_bookings(changes: Iterable[BlackoutChange]) -> None:
    """Tell of bookings that stand where nobody may book now: moving them is for people."""
    inside = sum(change.bookings_inside for change in changes)
    if inside:
        stand = "booking stands" if inside == 1 else "bookings stand"
        click.echo(f"{inside} {stand} inside: see 'bookings list'")


def _span(blackout: Blackout, zone: ZoneInfo) -> tuple[str, str]:
    """Return both ends, local to the venue."""
    first, end = (
        f"{from_minute(minute).astimezone(zone):%Y-%m-%d %H:%M}" for minute in (blackout.starts, blackout.ends)
    )
    return first, end


def _resource(blackout: Blackout, slugs: dict[int, str]) -> str:
    return "(all)" if blackout.resource_id is None else slugs.get(blackout.resource_id, str(blackout.resource_id))


def _document(blackout: Blackout, slugs: dict[int, str]) -> dict[str, object]:
    return {
        "id": blackout.id,
        "resource": None if blackout.resource_id is None else _resource(blackout, slugs),
        "starts_at": minute_text(blackout.starts),
        "ends_at": minute_text(blackout.ends),
        "reason": blackout.reason,
        "uid": blackout.uid,
    }
