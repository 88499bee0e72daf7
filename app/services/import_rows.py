"""Rows of a file of bookings as values: what each says, checked, before any calendar is looked at."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.domain.bookings import REF_ALPHABET, REF_LENGTH, STATES, TAKING_TIME, Customer
from app.domain.customers import check_customer
from app.domain.errors import Invalid
from app.domain.spans import MAX_OCCUPANCY_MINUTES
from app.domain.text import clean_text
from app.domain.times import UTC, is_skipped, is_whole_minute, to_minute
from app.persistence.catalogue import StoredVenue
from app.services.booking_exports import HEADS
from app.services.csv_rows import BadCell, Row

T = TypeVar("T")

COLUMNS = (*HEADS, "duration_minutes")
CUSTOMER_COLUMNS = ("name", "email", "phone")
REQUIRED = ("service", "starts_at", "customer")
MAX_NOTES = 2000
MOST_MINOR = 10**12
MOST_PEOPLE = 10_000
_REF = re.compile(f"[{REF_ALPHABET}]{{{REF_LENGTH}}}")
_NUMBER = re.compile("[0-9]{1,15}")
_MOST_COMMAS = 10  # of a name, and one
_YEARS = range(1971, 2200)
_LOCAL = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_COLUMN_OF = {"customer.name": "customer", "customer.email": "email", "customer.phone": "phone"}


@dataclass(frozen=True, slots=True)
class ImportedBooking:
    """A booking as a row has it; ``ref`` is a reference of ours, or empty, and ``fingerprint`` names the row for good.

    ``takes_time``: it is to come, or under way, and in a state that takes time; all others are records of what was.
    """

    line: int
    ref: str
    fingerprint: str
    status: str
    service_id: int
    starts_at: datetime
    duration_minutes: int | None
    takes_time: bool
    party_size: int
    resource_ids: tuple[int, ...]
    customer: Customer
    notes: str
    currency: str
    total_minor: int | None
    deposit_minor: int | None
    created_at: datetime | None


class Places:
    """What the rows name: venues, services and resources, by slug or name."""

    def __init__(self, venues: Mapping[str, StoredVenue], venue_slug: str = "") -> None:
        self._venues, self._only = venues, venue_slug

    def venue(self, row: Row) -> StoredVenue:
        """Return the venue of a row: the one that was chosen for all of them, or the one that it names."""
        if self._only or (len(self._venues) == 1 and not row.get("venue")):
            return self._venues[self._only] if self._only else next(iter(self._venues.values()))
        named = row.get("venue")
        found = [one for one in self._venues.values() if named.casefold() in _names(one.entry.slug, one.entry.name)]
        return _one("venue", named, found)

    def service_id(self, row: Row, venue: StoredVenue) -> int:
        """Return the key of the service that a row names."""
        named = row.get("service").casefold()
        found = [one.slug for one in venue.entry.services if named in _names(one.slug, one.name)]
        return venue.service_ids[_one("service", row.get("service"), found)]

    def resource_ids(self, row: Row, venue: StoredVenue) -> tuple[int, ...]:
        """Return the keys of the resources that a row names, commas between them; a name may have commas itself."""
        pieces = [piece.strip() for piece in re.split("[,;]", row.get("resources")) if piece.strip()]
        found: list[int] = []
        while pieces:
            taken, slug = self._first_named(pieces, venue)
            found.append(venue.resource_ids[slug])
            pieces = pieces[taken:]
        return tuple(dict.fromkeys(found))

    def _first_named(self, pieces: Sequence[str], venue: StoredVenue) -> tuple[int, str]:
        """Return how many of the pieces make up the first name, the most that do, and whose it is."""
        for length in range(min(len(pieces), _MOST_COMMAS), 0, -1):
            slugs = self._slugs(", ".join(pieces[:length]), venue)
            if slugs or length == 1:
                return length, _one("resources", ", ".join(pieces[:length]), slugs)
        raise AssertionError("unreachable")

    def _slugs(self, named: str, venue: StoredVenue) -> list[str]:
        return [one.slug for one in venue.entry.resources if named.casefold() in _names(one.slug, one.name)]


def read_booking(row: Row, places: Places, *, now: datetime) -> ImportedBooking:
    """Return what a row says.

    Raises:
        BadCell: some cell cannot be used.
    """
    venue = places.venue(row)
    starts_at = _instant(row, "starts_at", ZoneInfo(venue.entry.timezone))
    minutes = _minutes(row, starts_at, ZoneInfo(venue.entry.timezone))
    status = row.get("status").lower().replace(" ", "_") or "confirmed"
    if status not in STATES and status != "pending":
        raise BadCell("status", f"{status[:40]!r} is no state of a booking: {', '.join(sorted(STATES | {'pending'}))}")
    takes_time = status in TAKING_TIME and starts_at + timedelta(minutes=minutes or 1) > now
    return ImportedBooking(
        line=row.line,
        ref=row.get("ref") if _REF.fullmatch(row.get("ref")) else "",
        fingerprint=_fingerprint(row, venue),
        status=status,
        service_id=places.service_id(row, venue),
        starts_at=starts_at,
        duration_minutes=minutes,
        takes_time=takes_time,
        party_size=_number(row, "party_size", MOST_PEOPLE, least=1) or 1,
        resource_ids=places.resource_ids(row, venue),
        customer=read_customer(row, may_be_erased=not takes_time),
        notes=_cleaned("notes", lambda: clean_text(row.get("notes"), MAX_NOTES)),
        currency=_currency(row, venue.entry.currency),
        total_minor=_number(row, "total_minor", MOST_MINOR),
        deposit_minor=_number(row, "deposit_minor", MOST_MINOR),
        created_at=_made(row, ZoneInfo(venue.entry.timezone), now=now),
    )


def read_customer(row: Row, *, may_be_erased: bool = False) -> Customer:
    """Return who a row is about; of what was, somebody who was erased meanwhile is nobody.

    Raises:
        BadCell: a name or an address cannot be used.
    """
    name, email, phone = row.get("customer") or row.get("name"), row.get("email"), row.get("phone")
    if may_be_erased and not (name or email or phone):
        return Customer("")
    try:
        return check_customer(name, email, phone)
    except Invalid as error:
        field = error.errors[0].field
        column = "name" if field == "customer.name" and "name" in row.cells else _COLUMN_OF.get(field, field)
        raise BadCell(column, error.errors[0].message) from None


def candidate_ref(fingerprint: str, attempt: int) -> str:
    """Return a reference for a row that has none of ours: always the same one, so that it is known when it comes again."""
    number = int.from_bytes(hashlib.sha256(f"{fingerprint} {attempt}".encode()).digest(), "big")
    letters = []
    for _ in range(REF_LENGTH):
        number, at = divmod(number, len(REF_ALPHABET))
        letters.append(REF_ALPHABET[at])
    return "".join(letters)


def _fingerprint(row: Row, venue: StoredVenue) -> str:
    """Return a name for a row: by its foreign reference, or by all that it says."""
    said = ["ref", row.get("ref")] if row.get("ref") else sorted((k, v) for k, v in row.cells.items() if v)
    return hashlib.sha256(json.dumps([venue.id, said]).encode()).hexdigest()[:40]


def _minutes(row: Row, starts_at: datetime, zone: ZoneInfo) -> int | None:
    minutes = _number(row, "duration_minutes", MAX_OCCUPANCY_MINUTES, least=1)
    if not row.get("ends_at"):
        return minutes
    found = to_minute(_instant(row, "ends_at", zone)) - to_minute(starts_at)
    if not 0 < found <= MAX_OCCUPANCY_MINUTES:
        raise BadCell("ends_at", f"must be after starts_at, by {MAX_OCCUPANCY_MINUTES} minutes at most")
    if minutes is not None and minutes != found:
        raise BadCell("duration_minutes", f"says {minutes}, and ends_at says {found}: leave one of the two empty")
    return found


def _instant(row: Row, column: str, zone: ZoneInfo, *, to_the_minute: bool = True) -> datetime:
    text = row.get(column)
    found = _with_offset(text) or _local(text, column, zone)
    if found is None or found.year not in _YEARS or (to_the_minute and not is_whole_minute(found)):
        said = "is no time: write 2026-12-24T12:00:00+01:00, or 2026-12-24 12:00 by the venue's clock; whole minutes"
        raise BadCell(column, f"{text[:40]!r} {said}")
    return found.astimezone(UTC)


def _with_offset(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(f"{text[:-1]}+00:00" if text[-1:] in {"Z", "z"} else text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _local(text: str, column: str, zone: ZoneInfo) -> datetime | None:
    for pattern in _LOCAL:
        try:
            found = datetime.strptime(text, pattern).replace(tzinfo=zone)
        except ValueError:
            continue
        if is_skipped(found, zone):
            raise BadCell(column, f"{text} does not exist in {zone}: the clock skips it that day")
        return found
    return None


def _number(row: Row, column: str, most: int, *, least: int = 0) -> int | None:
    text = row.get(column)
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise BadCell(column, f"{text[:40]!r} is no whole number from {least} to {most}")
    return int(text)


def _currency(row: Row, venues_own: str) -> str:
    named = row.get("currency").upper()
    if named and named != venues_own:
        raise BadCell("currency", f"{named[:10]} is not the venue's {venues_own}: amounts are not converted")
    return venues_own


def _made(row: Row, zone: ZoneInfo, *, now: datetime) -> datetime | None:
    if not row.get("created_at"):
        return None
    return min(_instant(row, "created_at", zone, to_the_minute=False), now).replace(microsecond=0)


def _cleaned(column: str, clean: Callable[[], str]) -> str:
    try:
        return clean()
    except ValueError as error:
        raise BadCell(column, str(error)) from None


def _names(*names: str) -> set[str]:
    return {name.casefold() for name in names}


def _one(column: str, named: str, found: Sequence[T]) -> T:
    """Return the only thing that is called so."""
    if len(found) == 1:
        return found[0]
    if found:
        raise BadCell(column, f"several are called {named[:60]!r}: write the slug, see 'catalogue show'")
    raise BadCell(column, f"there is no {named[:60]!r} here: see 'catalogue show'" if named else "say which")
