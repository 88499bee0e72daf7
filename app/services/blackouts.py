"""Close a venue or a resource for a time, by hand or from a calendar of holidays; bookings that stand there stay."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from app.domain.actors import Actor
from app.domain.blackouts import Blackout, BlackoutChange
from app.domain.errors import Invalid, NotFound
from app.domain.text import clean_line
from app.domain.times import minute_text
from app.persistence import blackouts as store
from app.persistence.audit import add_audit
from app.persistence.calendar import lock_resources
from app.persistence.session import Session, reading, transaction, use_case

MAX_REASON = 200


@dataclass(frozen=True, slots=True)
class Closing:
    """A time to close, before it has a key: UTC minutes, and the event it comes from."""

    uid: str
    starts: int
    ends: int
    reason: str
    series: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where to close: a venue, or one resource of it."""

    venue_id: int
    zone: ZoneInfo
    resource_id: int | None = None
    resource_slug: str = ""

    def blackout(self, closing: Closing) -> Blackout:
        """Return the blackout that a closing becomes here.

        One calendar may close several resources of a venue, so the event's name carries the resource's.
        """
        uid = f"{self.resource_slug}/{closing.uid}" if self.resource_slug else closing.uid
        return Blackout(
            0, self.venue_id, self.resource_id, closing.starts, closing.ends, closing.reason, uid, closing.series
        )


class _DryRunOver(Exception):
    """All was tried; none of it is to stay."""


def find_place(venue_slug: str, resource_slug: str = "") -> Place:
    """Return the venue, or the one resource of it.

    Raises:
        NotFound: there is no such venue or resource.
    """
    venue_id, timezone, ids = store.list_places(reading(), venue_slug)
    if resource_slug and resource_slug not in ids:
        raise NotFound(f"There is no resource {resource_slug} in {venue_slug}: there are {', '.join(ids) or 'none'}.")
    return Place(venue_id, ZoneInfo(timezone), ids.get(resource_slug), resource_slug)


@use_case
def import_blackouts(
    place: Place, closings: Sequence[Closing], *, by: Actor, now: datetime, dry_run: bool = False
) -> tuple[BlackoutChange, ...]:
    """Create or update one blackout for each event, found again by its uid; return what became of each.

    A dry run does all of it and keeps nothing.
    """
    wanted = [place.blackout(closing) for closing in closings]
    ids, _ = _touched(reading(), place, wanted)
    changes: list[BlackoutChange] = []
    with suppress(_DryRunOver), transaction() as session:
        known = _lock_and_list(session, place, wanted, ids)
        inside = {place.resource_id} if place.resource_id else store.list_venue_resource_ids(session, place.venue_id)
        changes = [_write(session, known.get(after.uid), after, inside, by=by, now=now) for after in wanted]
        if dry_run:
            raise _DryRunOver
    return tuple(changes)


def closing_of(starts: int, ends: int, reason: str, *, series: str | None = None) -> Closing:
    """Return a time to close that somebody has entered, from one UTC minute to another.

    Raises:
        Invalid: the end is not after the start, or the reason is no line of text.
    """
    if ends <= starts:
        raise Invalid.field("ends_at", "not_after_start", "The end must be after the start.")
    try:
        reason = clean_line(reason, MAX_REASON)
    except ValueError as error:
        raise Invalid.field("reason", "invalid", str(error)) from None
    return Closing(f"{secrets.token_hex(16)}@slotkeeper", starts, ends, reason, series)


@use_case
def delete_blackout(blackout_id: int, *, by: Actor, now: datetime) -> Blackout:
    """Open a time again.

    Raises:
        NotFound: there is no such blackout.
    """
    known = store.get_blackout(reading(), blackout_id)
    ids = _closed_by(known)
    with transaction() as session:
        lock_resources(session, ids)
        known = store.get_blackout(session, blackout_id)
        _delete(session, known, by=by, now=now)
    return known


@use_case
def delete_series(known: Blackout, *, by: Actor, now: datetime) -> int:
    """Open all times again that were closed at once with this one, and return how many they were."""
    ids = _closed_by(known)
    with transaction() as session:
        lock_resources(session, ids)
        found = store.list_series(session, known.venue_id, known.series or "")
        for one in found:
            _delete(session, one, by=by, now=now)
    return len(found)


def _closed_by(known: Blackout) -> set[int]:
    if known.resource_id is not None:
        return {known.resource_id}
    return store.list_venue_resource_ids(reading(), known.venue_id)


def _delete(session: Session, known: Blackout, *, by: Actor, now: datetime) -> None:
    store.delete_blackout(session, known.id)
    add_audit(session, "blackout.deleted", f"blackout:{known.id}", by=by, now=now, **_detail(known))


def _touched(session: Session, place: Place, wanted: Sequence[Blackout]) -> tuple[set[int], dict[str, Blackout]]:
    """Return the keys of the resources whose time changes, and the blackouts that are there already, by uid."""
    known = store.list_by_uids(session, place.venue_id, (after.uid for after in wanted))
    scopes = {place.resource_id, *(before.resource_id for before in known.values())}
    if None in scopes:
        return store.list_venue_resource_ids(session, place.venue_id), known
    return {key for key in scopes if key is not None}, known


def _lock_and_list(session: Session, place: Place, wanted: Sequence[Blackout], ids: set[int]) -> dict[str, Blackout]:
    """Lock the calendars that change, as seen before the transaction, and return what is stored now."""
    lock_resources(session, ids)
    now_touched, known = _touched(session, place, wanted)
    while now_touched - ids:  # the venue changed in between
        lock_resources(session, now_touched - ids)
        ids = ids | now_touched
        now_touched, known = _touched(session, place, wanted)
    return known


def _write(
    session: Session, before: Blackout | None, after: Blackout, ids: set[int], *, by: Actor, now: datetime
) -> BlackoutChange:
    """Insert or update one blackout where it differs."""
    if before is None:
        after, what = replace(after, id=store.add_blackout(session, after)), "created"
    else:
        after = replace(after, id=before.id)
        if after == before:
            return BlackoutChange(after, "unchanged")
        store.update_blackout(session, after)
        what = "updated"
    add_audit(session, f"blackout.{what}", f"blackout:{after.id}", by=by, now=now, **_detail(after))
    return BlackoutChange(after, what, store.count_bookings_inside(session, after, ids))


def _detail(blackout: Blackout) -> dict[str, object]:
    return {
        "venue_id": blackout.venue_id,
        "resource_id": blackout.resource_id,
        "starts": minute_text(blackout.starts),
        "ends": minute_text(blackout.ends),
        "reason": blackout.reason,
        "uid": blackout.uid,
    }
