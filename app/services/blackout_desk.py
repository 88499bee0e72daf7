"""Blackouts as the venue's people enter them: once or again and again, with the bookings that they hit told beforehand."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.domain.actors import Actor
from app.domain.blackouts import Blackout, Repeat, repeated, touches
from app.domain.errors import Invalid, NotFound
from app.domain.times import is_whole_minute, rfc3339, to_minute
from app.persistence import blackouts as store
from app.persistence import catalogue_desk
from app.persistence.letterheads import get_of_resource, get_of_venue
from app.persistence.session import reading
from app.services.blackouts import Place, closing_of, delete_blackout, delete_series, import_blackouts
from app.services.booking_exports import require_reach

MOST_SHOWN = 100  # bookings that an answer names
MOST_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A time to close, of a venue or of one resource."""

    venue_id: int | None
    resource_id: int | None
    starts_at: datetime
    ends_at: datetime
    reason: str = ""
    repeat: Repeat | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The blackouts that were made, or would be; ``bookings`` are the first of ``count`` that stand inside, and stay."""

    blackouts: tuple[Blackout, ...]
    bookings: tuple[dict[str, str], ...]
    count: int


def close(wanted: Wanted, *, by: Actor, now: datetime, dry_run: bool = False) -> Closed:
    """Close a time, each time it comes; a dry run only tells what that would be.

    Raises:
        NotFound: there is no such venue or resource for this caller. Invalid: the times make no sense.
    """
    place = _place(wanted.venue_id, wanted.resource_id, by)
    spans = repeated(*_span(wanted), wanted.repeat, place.zone)
    series = secrets.token_hex(16) if len(spans) > 1 else None
    closings = [closing_of(*span, wanted.reason, series=series) for span in spans]
    changes = import_blackouts(place, closings, by=by, now=now, dry_run=dry_run)
    inside = _inside(place, spans)
    shown = tuple({"ref": ref, "starts_at": rfc3339(starts_at)} for ref, starts_at in inside[:MOST_SHOWN])
    return Closed(tuple(change.blackout for change in changes), shown, len(inside))


def open_again(blackout_id: int, *, by: Actor, now: datetime, whole_series: bool = False) -> int:
    """Remove a blackout, or all that were entered with it; return how many.

    Raises:
        NotFound: there is none of that key for this caller.
    """
    known = _reached(blackout_id, by)
    if whole_series and known.series:
        return delete_series(known, by=by, now=now)
    delete_blackout(known.id, by=by, now=now)
    return 1


def list_page(
    venue_id: int, *, by: Actor, after: datetime, before: datetime, cursor: int, limit: int
) -> list[Blackout]:
    """Return at most *limit* blackouts of a venue that the caller reaches, from after the key *cursor*.

    Raises:
        NotFound: there is no such venue for this caller.
    """
    require_reach(by, venue_id)
    get_of_venue(reading(), venue_id)
    ids = by.resource_ids_in(venue_id)
    span = {"after": to_minute(after), "before": to_minute(before)}
    return store.list_page(reading(), venue_id, **span, resource_ids=ids, cursor=cursor, limit=limit)


def _span(wanted: Wanted) -> tuple[int, int]:
    if wanted.ends_at <= wanted.starts_at:
        raise Invalid.field("ends_at", "not_after_start", "The end must be after the start.")
    for field in ("starts_at", "ends_at"):
        if not is_whole_minute(getattr(wanted, field)):
            raise Invalid.field(field, "invalid", "Write whole minutes.")
    return to_minute(wanted.starts_at), to_minute(wanted.ends_at)


def _place(venue_id: int | None, resource_id: int | None, by: Actor) -> Place:
    """Return where to close; a whole venue only by somebody who runs all of it.

    Raises:
        NotFound: there is no such place for this caller. Invalid: not one of the two is named.
    """
    if (venue_id is None) == (resource_id is None):
        raise Invalid.field("venue_id", "required", "Say either of which venue, or of which resource.")
    if resource_id is not None:
        head = get_of_resource(reading(), resource_id)
        slug = catalogue_desk.find_object(reading(), "resource", resource_id).entry.slug
    else:
        head, slug = get_of_venue(reading(), venue_id or 0), ""
    if not by.reaches(head.venue_id, [] if resource_id is None else [resource_id]):
        raise NotFound("There is no such resource." if resource_id else "There is no such venue.")
    return Place(head.venue_id, ZoneInfo(head.timezone), resource_id, slug)


def _reached(blackout_id: int, by: Actor) -> Blackout:
    known = store.get_blackout(reading(), blackout_id)
    if not by.reaches(known.venue_id, [] if known.resource_id is None else [known.resource_id]):
        raise NotFound("There is no such blackout.")
    return known


def _inside(place: Place, spans: Sequence[tuple[int, int]]) -> list[tuple[str, datetime]]:
    """Return the bookings that touch any of the spans, by start; one query however many there are."""
    ids = {place.resource_id} if place.resource_id else store.list_venue_resource_ids(reading(), place.venue_id)
    found = store.list_bookings_inside(
        reading(),
        place.venue_id,
        {key for key in ids if key is not None},
        starts=spans[0][0],
        ends=spans[-1][1],
        limit=MOST_LOOKED_AT,
    )
    hit = {ref: starts for ref, starts, ends in found if any(touches(starts, ends, span) for span in spans)}
    return [*hit.items()]
