"""Calendars to subscribe to: links that open one calendar and nothing else, to be made, renewed and revoked."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone

from app.documents.calendars import CalendarEvent, calendar_chunks
from app.documents.messages import messages
from app.domain.actors import Actor
from app.domain.errors import NotFound
from app.domain.tokens import hash_token
from app.persistence import calendar_feeds as stored
from app.persistence.audit import add_audit
from app.persistence.booking_rows import BookingRow, Wanted, list_by_start, list_of_account, list_of_resource
from app.persistence.calendar_feeds import Feed, Owner
from app.persistence.letterheads import get_of_resource, list_venue_ids
from app.persistence.long_reads import iter_pages
from app.persistence.session import give_connection_back, reading, transaction, use_case
from app.persistence.users import list_scopes
from app.services.calendars import uid_of

_TOKEN_BYTES = 24
_PAST, _AHEAD = timedelta(days=30), timedelta(days=400)
_LONGEST = timedelta(days=2)
_SHOWN = frozenset({"pending", "confirmed", "checked_in", "completed"})


@dataclass(frozen=True, slots=True)
class FeedWish:
    """How a feed is asked for: without names, in a language."""

    is_busy_only: bool
    language: str
    now: datetime


@use_case
def make_own(by: Actor, *, now: datetime) -> str:
    """Make the link to the caller's calendar and return its token; one that there was opens nothing any more."""
    return _make(Owner("user", by.user_id or 0), by=by, now=now)


@use_case
def drop_own(by: Actor, *, now: datetime) -> None:
    """Make the link to the caller's calendar open nothing any more.

    Raises:
        NotFound: there is none.
    """
    _drop(Owner("user", by.user_id or 0), by=by, now=now)


@use_case
def make_of_resource(resource_id: int, *, by: Actor, now: datetime) -> str:
    """Make the link to a resource's calendar and return its token; one that there was opens nothing any more.

    Raises:
        NotFound: there is no such resource for this caller.
    """
    _require_resource(resource_id, by)
    return _make(Owner("resource", resource_id), by=by, now=now)


@use_case
def drop_of_resource(resource_id: int, *, by: Actor, now: datetime) -> None:
    """Make the link to a resource's calendar open nothing any more.

    Raises:
        NotFound: there is no such resource for this caller, or no link to it.
    """
    _require_resource(resource_id, by)
    _drop(Owner("resource", resource_id), by=by, now=now)


def own_made_at(by: Actor) -> datetime | None:
    """Return when the link to the caller's calendar was made; None where there is none."""
    return stored.find_made_at(reading(), Owner("user", by.user_id or 0))


def get_feed(token: str) -> Feed:
    """Return the feed of a link: one query, which also tells whether it has changed.

    Raises:
        NotFound: the link opens nothing, or nothing any more.
    """
    feed = stored.find_feed(reading(), hash_token(token))
    if feed is None:
        raise NotFound("There is no such calendar.")
    return feed


def tag_of(feed: Feed, *, now: datetime) -> str:
    """Return what changes with what the feed shows: its bookings, and the days that it reaches over."""
    return f"{feed.id}-{feed.clock}-{feed.places}-{now.date().toordinal()}"


def iter_feed(feed: Feed, wish: FeedWish) -> Iterator[bytes]:
    """Return the bookings of a feed from thirty days ago until in four hundred days as chunks of iCalendar."""
    midnight = datetime.combine(wish.now.date(), time(), timezone.utc)
    wanted = Wanted(midnight - _PAST - _LONGEST, midnight + _AHEAD)
    pages = _pages(feed, wanted)
    give_connection_back()
    rows = (row for page in pages for row in page if row.status in _SHOWN and row.ends_at > midnight - _PAST)
    busy = messages(wish.language).busy
    name = busy if wish.is_busy_only else feed.name
    return calendar_chunks(name, (_busy(row, busy) if wish.is_busy_only else _event(row, feed) for row in rows))


def _pages(feed: Feed, wanted: Wanted) -> Iterator[list[BookingRow]]:
    if feed.resource_id is not None and feed.venue_id is not None:
        venue_id, resource_id = feed.venue_id, feed.resource_id
        return iter_pages(
            lambda connection, last: list_of_resource(
                connection, wanted, venue_id=venue_id, resource_id=resource_id, last=last
            )
        )
    user_id = feed.user_id or 0
    if feed.role == "customer":
        return iter_pages(lambda connection, last: list_of_account(connection, wanted, user_id, last))
    scopes = None if feed.role == "admin" else list_scopes(reading(), user_id)
    by = Actor("staff", user_id=user_id, scopes=scopes)
    venue_ids = sorted({scope.venue_id for scope in scopes}) if scopes is not None else list_venue_ids(reading())
    return _pages_of_venues(venue_ids, wanted, by)


def _pages_of_venues(venue_ids: list[int], wanted: Wanted, by: Actor) -> Iterator[list[BookingRow]]:
    for venue_id in venue_ids:
        for page in _pages_of_venue(venue_id, wanted):
            yield [row for row in page if by.reaches(row.venue_id, [resource_id for resource_id, _ in row.resources])]


def _pages_of_venue(venue_id: int, wanted: Wanted) -> Iterator[list[BookingRow]]:
    return iter_pages(lambda connection, last: list_by_start(connection, wanted, venue_id, last))


def _event(row: BookingRow, feed: Feed) -> CalendarEvent:
    is_own = feed.resource_id is None and feed.role == "customer"
    people = f"{row.customer} ({row.party_size})" if row.party_size > 1 else row.customer
    return CalendarEvent(
        uid=uid_of(row.ref),
        sequence=row.version,
        status=row.status,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        timezone=row.timezone,
        updated_at=row.updated_at,
        title=f"{row.service}, {row.venue}" if is_own else f"{people}: {row.service}",
        place=", ".join(name for _, name in row.resources),
        description=row.ref if is_own else "\n".join(filter(None, (row.ref, row.phone, row.email, row.notes))),
    )


def _busy(row: BookingRow, title: str) -> CalendarEvent:
    """Return a booking that says when, and nothing else: not even its reference, which is in its UID elsewhere."""
    return CalendarEvent(
        uid=f"busy-{hash_token(row.ref)[:32]}@slotkeeper",
        sequence=row.version,
        status=row.status,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        timezone=row.timezone,
        updated_at=row.updated_at,
        title=title,
    )


def _make(owner: Owner, *, by: Actor, now: datetime) -> str:
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with transaction() as session:
        stored.replace_feed(session, owner, hash_token(token), now=now)
        add_audit(session, "calendar_feed.made", f"{owner.kind}:{owner.id}", by=by, now=now)
    return token


def _drop(owner: Owner, *, by: Actor, now: datetime) -> None:
    with transaction() as session:
        if not stored.delete_feed(session, owner):
            raise NotFound("There is no calendar feed.")
        add_audit(session, "calendar_feed.dropped", f"{owner.kind}:{owner.id}", by=by, now=now)


def _require_resource(resource_id: int, by: Actor) -> None:
    if not by.reaches(get_of_resource(reading(), resource_id).venue_id, [resource_id]):
        raise NotFound("There is no such resource.")
