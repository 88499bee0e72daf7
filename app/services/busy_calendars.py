"""Calendars elsewhere that keep a resource busy: added, listed and removed; what reads them is ``busy_refresh``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.actors import Actor
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.text import clean_line
from app.domain.web_addresses import parse_web_address
from app.domain.webhooks import check_url as check_server
from app.gateways.sealing import SealBroken, load_sealer
from app.persistence import busy_calendars as stored
from app.persistence.audit import add_audit
from app.persistence.busy_calendars import BusyCalendar
from app.persistence.calendar import lock_resources
from app.persistence.letterheads import get_of_resource
from app.persistence.session import reading, transaction, use_case
from app.runtime.settings import Settings
from app.services.catalogue_desk import reach_of

MAX_NAME = 200
MOST_OF_A_RESOURCE = 10
MOST_OF_ALL = 500  # each is fetched every quarter of an hour
_HTTPS = ("webcals://", "webcal://")  # what calendar programs call the same


@dataclass(frozen=True, slots=True)
class Listed:
    """A calendar as it is shown: its host, of its address nothing else."""

    calendar: BusyCalendar
    host: str


@use_case
def add(settings: Settings, resource_id: int, name: str, url: str, *, by: Actor, now: datetime) -> Listed:
    """Keep a calendar's address, sealed; it is first read by cron, never by whoever adds it.

    Raises:
        NotFound: there is no such resource for this caller. Invalid: the name or address cannot be used.
        Conflict: there are too many.
    """
    name, url = _name(name), check_url(settings, url)
    venue_id = get_of_resource(reading(), resource_id).venue_id
    if not by.reaches(venue_id, [resource_id]):
        raise NotFound("There is no such resource.")
    with transaction() as session:
        lock_resources(session, [resource_id])  # two at once would both be the tenth
        if stored.count_calendars(session, resource_id) >= MOST_OF_A_RESOURCE:
            raise Conflict(f"A resource has {MOST_OF_A_RESOURCE} calendars at most: remove one first.")
        if stored.count_calendars(session) >= MOST_OF_ALL:
            raise Conflict(f"There are {MOST_OF_ALL} calendars already: remove one first.")
        calendar_id = stored.add_calendar(session, resource_id, name, now=now)
        stored.set_url(session, calendar_id, _seal(settings, calendar_id, url))
        subject = f"busy_calendar:{calendar_id}"
        add_audit(session, "busy_calendar.added", subject, by=by, now=now, resource_id=resource_id, name=name)
        return _listed(settings, stored.get_calendar(session, calendar_id))


def list_page(settings: Settings, *, by: Actor, cursor: int, limit: int) -> list[Listed]:
    """Return at most *limit* calendars of what the caller reaches, from after the key *cursor*; one query."""
    reach = reach_of(by)
    found = stored.list_calendars(
        reading(),
        is_all=reach.is_all,
        venue_ids=reach.venue_ids,
        resource_ids=reach.resource_ids,
        cursor=cursor,
        limit=limit,
    )
    return [_listed(settings, calendar) for calendar in found]


def get(calendar_id: int, *, by: Actor) -> BusyCalendar:
    """Return a calendar.

    Raises:
        NotFound: there is none of that key for this caller.
    """
    calendar = stored.get_calendar(reading(), calendar_id)
    if not by.reaches(calendar.venue_id, [calendar.resource_id]):
        raise NotFound("There is no such calendar.")
    return calendar


@use_case
def remove(calendar_id: int, *, by: Actor, now: datetime) -> int:
    """Forget a calendar and open its busy times again; return how many they were.

    Raises:
        NotFound: there is none of that key for this caller.
    """
    calendar = get(calendar_id, by=by)
    with transaction() as session:
        lock_resources(session, [calendar.resource_id])
        stored.get_calendar(session, calendar_id)
        ids = [row.id for row in stored.list_times(session, calendar_id)]
        stored.delete_times(session, ids)
        stored.delete_calendar(session, calendar_id)
        detail = {"resource_id": calendar.resource_id, "name": calendar.name, "busy_times": len(ids)}
        add_audit(session, "busy_calendar.removed", f"busy_calendar:{calendar_id}", by=by, now=now, **detail)
    return len(ids)


def check_url(settings: Settings, url: str) -> str:
    """Return a calendar's address as it is asked.

    Raises:
        Invalid: it is none, is not encrypted, or names no server of the internet.
    """
    url = url.strip()
    for scheme in _HTTPS:
        if url.lower().startswith(scheme):
            url = "https://" + url[len(scheme) :]
    return check_server(url, allowed=settings.webhook_allowed_networks)


def open_url(settings: Settings, calendar: BusyCalendar) -> str:
    """Return a calendar's address.

    Raises:
        SealBroken: it cannot be opened with this installation's key.
    """
    sealer = load_sealer(settings.sealing_key_file)
    return sealer.open(calendar.url_sealed, bound_to=f"busy_calendar:{calendar.id}").decode()


def _seal(settings: Settings, calendar_id: int, url: str) -> str:
    return load_sealer(settings.sealing_key_file).seal(url.encode(), bound_to=f"busy_calendar:{calendar_id}")


def _listed(settings: Settings, calendar: BusyCalendar) -> Listed:
    try:
        host = parse_web_address(open_url(settings, calendar)).host
    except SealBroken:
        host = ""
    return Listed(calendar, host)


def _name(name: str) -> str:
    try:
        name = clean_line(name, MAX_NAME)
    except ValueError as error:
        raise Invalid.field("name", "invalid", str(error)) from None
    if not name:
        raise Invalid.field("name", "required", "Give the calendar a name.")
    return name
