"""``flask busy-calendars``: calendars elsewhere that keep a resource busy."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.operator import clock, operator
from app.cli.output import print_json, print_table, say_progress
from app.domain.times import rfc3339
from app.persistence import busy_calendars as stored
from app.persistence.busy_calendars import BusyCalendar
from app.persistence.session import reading
from app.runtime.settings import Settings
from app.services import busy_calendars as desk
from app.services.blackouts import find_place
from app.services.busy_calendars import Listed
from app.services.busy_refresh import Refreshed, Unreadable, refresh

MOST_LISTED = 500

group = AppGroup("busy-calendars", help="Calendars elsewhere that keep a resource busy: add, list, remove, refresh.")
_which = click.argument("calendar_id", type=click.IntRange(1, 2**62), metavar="ID")


@group.command("add")
@click.argument("url")
@click.option("--venue", required=True, metavar="SLUG", help="The venue.")
@click.option("--resource", required=True, metavar="SLUG", help="What its events keep busy.")
@click.option("--name", default="Busy", show_default=True, help="What visitors may read where they ask why.")
def add(url: str, venue: str, resource: str, name: str) -> None:
    """Add a calendar by its secret address in iCalendar format (https:// or webcal://).

    The address is kept sealed and not shown again. Cron reads the calendar every quarter of an hour; 'busy-calendars
    refresh' does at once.
    """
    place = find_place(venue, resource)
    listed = desk.add(_settings(), place.resource_id or 0, name, url, by=operator(), now=clock())
    click.echo(f"added calendar {listed.calendar.id} of {listed.host} for {resource}")


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")
def list_(*, as_json: bool) -> None:
    """List calendars: when each was last read, and why not since."""
    found = desk.list_page(_settings(), by=operator(), cursor=0, limit=MOST_LISTED)
    if as_json:
        print_json([_document(listed) for listed in found])
    else:
        print_table(("id", "resource", "name", "host", "last read", "last error"), map(_row, found))


@group.command("remove")
@_which
def remove(calendar_id: int) -> None:
    """Forget a calendar; its busy times can be booked again."""
    count = desk.remove(calendar_id, by=operator(), now=clock())
    click.echo(f"removed calendar {calendar_id}, and {count} busy {'time' if count == 1 else 'times'} with it")


@group.command("refresh")
@click.argument("calendar_id", type=click.IntRange(1, 2**62), metavar="[ID]", required=False)
@click.pass_context
def refresh_(ctx: click.Context, calendar_id: int | None) -> None:
    """Read one calendar, or all, now; exit 1 where one could not be read."""
    if calendar_id is not None:
        calendars = [stored.get_calendar(reading(), calendar_id)]
    else:
        calendars = stored.list_calendars(reading(), limit=MOST_LISTED)
    failed = sum(not _refresh(calendar) for calendar in calendars)  # every one has its turn
    ctx.exit(1 if failed else 0)


def _refresh(calendar: BusyCalendar) -> bool:
    say_progress(f"reading calendar {calendar.id} ...")
    try:
        done = refresh(_settings(), calendar, by=operator(), now=clock())
    except Unreadable as error:
        click.echo(
            f"error: calendar {calendar.id}, {calendar.name}: {error}; its busy times stay as they were", err=True
        )
        return False
    _tell(done)
    return True


def _tell(done: Refreshed) -> None:
    counts = {"added": done.added, "moved": done.moved, "removed": done.removed, "unchanged": done.kept}
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "no busy times"
    click.echo(f"calendar {done.calendar.id}, {done.calendar.name}: {said}")
    if done.refs:
        stand = "1 booking stands" if len(done.refs) == 1 else f"{len(done.refs)} bookings stand"
        click.echo(f"{stand} inside, and stay until somebody moves them: {', '.join(done.refs[:20])}")


def _row(listed: Listed) -> tuple[object, ...]:
    one = listed.calendar
    read = "never" if one.succeeded_at is None else rfc3339(one.succeeded_at)
    return one.id, one.resource_slug, one.name, listed.host, read, one.last_error


def _document(listed: Listed) -> dict[str, object]:
    one = listed.calendar
    return {
        "id": one.id,
        "resource": one.resource_slug,
        "name": one.name,
        "host": listed.host,
        "checked_at": one.checked_at,
        "succeeded_at": one.succeeded_at,
        "last_error": one.last_error,
    }


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found
