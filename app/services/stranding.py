"""Keep bookings that are to come from losing their place by a change of the catalogue that nobody has thought through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from app.domain.catalogue import Entry, ResourceEntry, ServiceEntry, VenueEntry
from app.domain.errors import WouldStrand
from app.domain.stranding import closes_during, leaves_group
from app.domain.times import rfc3339
from app.persistence import catalogue_desk as desk
from app.persistence.catalogue import StoredVenue
from app.persistence.catalogue_desk import Found, Upcoming
from app.persistence.session import Session

MOST_SHOWN = 20  # bookings that a refusal names
Judge = Callable[[Upcoming], bool]


def check_stranding(session: Session, after: Entry, known: StoredVenue, found: Found, *, now: datetime) -> None:
    """Let a change through that leaves every booking to come its place; under the lock of the calendars.

    Raises:
        WouldStrand: it does not; names the first twenty bookings.
    """
    judge = _judge(after, known, found.id)
    if judge is None:
        return
    upcoming = desk.list_upcoming(session, known.id, now=now)
    if len(upcoming) > desk.MOST_STRANDED:
        raise WouldStrand("Too many bookings are to come to look at each; force the change.", bookings=[], count=0)
    stranded = {one.ref: one for one in upcoming if judge(one)}
    if stranded:
        shown = [{"ref": one.ref, "starts_at": rfc3339(one.starts_at)} for one in [*stranded.values()][:MOST_SHOWN]]
        many = f"{len(stranded)} bookings" if len(stranded) > 1 else "A booking"
        detail = f"{many} to come would have no place; move them first, or force the change."
        raise WouldStrand(detail, bookings=shown, count=len(stranded))


def _judge(after: Entry, known: StoredVenue, key: int) -> Judge | None:
    """Return what tells whether a booking loses its place; None where none can."""
    if isinstance(after, VenueEntry):
        closes = known.entry.active and not after.active
        return (lambda _: True) if closes or known.entry.timezone != after.timezone else None
    if isinstance(after, ResourceEntry):
        before = next(one for one in known.entry.resources if one.slug == after.slug)
        return _judge_of_resource(before, after, key, ZoneInfo(known.entry.timezone))
    was = next(one for one in known.entry.services if one.slug == after.slug)
    return _judge_of_service(was, after, key, known)


def _judge_of_resource(before: ResourceEntry, after: ResourceEntry, key: int, zone: ZoneInfo) -> Judge | None:
    if before.active and not after.active:
        return lambda one: one.resource_id == key
    if after.special_hours is None:
        after = replace(after, special_hours=before.special_hours)
    if (before.weekly_hours, before.special_hours) == (after.weekly_hours, after.special_hours):
        return None
    closes = closes_during(before, after, zone)
    return lambda one: one.resource_id == key and closes(one.starts_at, one.ends_at)


def _judge_of_service(before: ServiceEntry, after: ServiceEntry, key: int, known: StoredVenue) -> Judge | None:
    if before.active and not after.active:
        return lambda one: one.service_id == key
    lost = {known.resource_ids[slug] for slug in leaves_group(before.groups, after.groups)}
    return (lambda one: one.service_id == key and one.resource_id in lost) if lost else None
