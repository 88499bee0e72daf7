"""Bring the stored catalogue in line with a file: lock the calendars it touches, look, write what differs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError

from app.domain.actors import Actor
from app.domain.catalogue import Catalogue, Change, ResourceEntry, VenueEntry, differences, first_excess
from app.domain.errors import Conflict
from app.domain.times import from_minute, to_minute
from app.persistence import catalogue as store
from app.persistence.calendar import lock_resources
from app.persistence.catalogue import StoredVenue, list_catalogue
from app.persistence.session import Session, is_duplicate, reading, transaction, use_case
from app.services.catalogue_writer import CatalogueWriter

Stored = dict[str, StoredVenue]
_CALENDAR_FIELDS = frozenset({"capacity", "weekly_hours", "special_hours", "active"})
_DISPLAY_FIELDS = frozenset({"name", "description", "reminders", "approval_minutes"})


class _DryRunOver(Exception):
    """All was tried; none of it is to stay."""


@use_case
def import_catalogue(catalogue: Catalogue, *, by: Actor, now: datetime, dry_run: bool = False) -> tuple[Change, ...]:
    """Create what is new and update what differs, found by slug; what the file does not name stays as it is.

    A dry run does all of it and keeps nothing.

    Raises:
        Conflict: a capacity would fall below what is taken, or somebody else changed the catalogue at the same moment.
    """
    ids = touched(catalogue, list_catalogue(reading()))
    changes: tuple[Change, ...] = ()
    with suppress(_DryRunOver), telling_of_doubles(), transaction() as session:
        stored = lock_and_list(session, catalogue, ids)
        check_capacities(session, catalogue, stored, now=now)
        changes = CatalogueWriter(session, by, now).write(catalogue, stored)
        if dry_run:
            raise _DryRunOver
    return changes


@contextmanager
def telling_of_doubles() -> Iterator[None]:
    """Turn a row that somebody else inserted first into a refusal."""
    try:
        yield
    except IntegrityError as error:
        if is_duplicate(error):
            raise Conflict("Somebody else changed the catalogue at the same moment; run the import again.") from error
        raise


def lock_and_list(session: Session, catalogue: Catalogue, ids: set[int]) -> Stored:
    """Lock the calendars that the import touches, as seen before the transaction, and return what is stored now."""
    locked: set[int] = set()
    wanted, stored = ids, None
    while stored is None or wanted - locked:  # more to lock: the catalogue changed in between
        if wanted - locked:
            lock_resources(session, wanted - locked)
        locked |= wanted
        stored = list_catalogue(session)
        wanted = touched(catalogue, stored)
    return stored


def touched(catalogue: Catalogue, stored: Stored) -> set[int]:
    """Return the keys of the resources whose free time the import changes."""
    pairs = ((venue, stored[venue.slug]) for venue in catalogue if venue.slug in stored)
    return {known.resource_ids[slug] for venue, known in pairs for slug in _touched_slugs(venue, known)}


def _touched_slugs(venue: VenueEntry, known: StoredVenue) -> set[str]:
    if venue.timezone != known.entry.timezone:  # all hours are local
        return {*known.resource_ids}
    resources = {resource.slug: resource for resource in known.entry.resources}
    services = {service.slug: service for service in known.entry.services}
    slugs = {
        after.slug
        for after in venue.resources
        if after.slug in resources and _CALENDAR_FIELDS & {*differences(resources[after.slug], after)}
    }
    for after in venue.services:
        before = services.get(after.slug)
        if before and {*differences(before, after)} - _DISPLAY_FIELDS:
            slugs.update(slug for group in (*before.groups, *after.groups) for slug in group)
    return slugs & known.resource_ids.keys()


def check_capacities(session: Session, catalogue: Catalogue, stored: Stored, *, now: datetime) -> None:
    """Keep every resource large enough for what is taken already.

    Raises:
        Conflict: one would not be.
    """
    for venue in catalogue:
        known = stored.get(venue.slug)
        before = {resource.slug: resource.capacity for resource in known.entry.resources} if known else {}
        for resource in venue.resources:
            if known and resource.capacity < before.get(resource.slug, 0):
                _check_capacity(session, venue, resource, known.resource_ids[resource.slug], now=now)


def _check_capacity(
    session: Session, venue: VenueEntry, resource: ResourceEntry, resource_id: int, *, now: datetime
) -> None:
    taken = store.list_taken(session, resource_id, from_minute=to_minute(now), now_seconds=int(now.timestamp()))
    excess = first_excess(taken, resource.capacity)
    if excess is not None:
        when = from_minute(excess[0]).astimezone(ZoneInfo(venue.timezone))
        raise Conflict(
            f"resource {venue.slug}/{resource.slug}: capacity {resource.capacity} is less than the {excess[1]} units taken"
            f" on {when:%Y-%m-%d at %H:%M} ({venue.timezone}): move or cancel bookings first"
        )
