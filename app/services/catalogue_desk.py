"""Venues, resources and services one by one: made, changed and put out of use, by the rules of the catalogue file.

A change that leaves bookings to come without a place is refused with the first of them, unless it is forced.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.actors import Actor
from app.domain.catalogue import Entry, ResourceEntry, VenueEntry
from app.domain.errors import Forbidden, Invalid, NotFound
from app.persistence import catalogue_desk as desk
from app.persistence.catalogue import StoredVenue, list_catalogue
from app.persistence.catalogue_desk import Found, Reach
from app.persistence.session import reading, transaction, use_case
from app.services.catalogue import check_capacities, lock_and_list, telling_of_doubles, touched
from app.services.catalogue_checks import Here
from app.services.catalogue_documents import Document, resource_document, service_document, venue_document
from app.services.catalogue_file import path_text, read_resource, read_service, read_venue
from app.services.catalogue_writer import CatalogueWriter
from app.services.input_files import Problems
from app.services.stranding import check_stranding

_UNFIT = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Item:
    """An object of the catalogue: its keys, and the document that says the rest."""

    id: int
    venue_id: int
    version: int
    document: Document


@dataclass(frozen=True, slots=True)
class Terms:
    """How a change is made: on the version that was seen (None is any), by whom, and whatever it strands if it is forced."""

    by: Actor
    now: datetime
    version: int | None = None
    force: bool = False


def read(kind: str, object_id: int, *, by: Actor) -> Item:
    """Return a venue, resource or service.

    Raises:
        NotFound: there is none of that key for this caller.
    """
    found = desk.find_object(reading(), kind, object_id)
    _require_reach(kind, found, by)
    return _item(found)


def list_all(kind: str, *, by: Actor, venue_id: int = 0, cursor: int, limit: int) -> list[Item]:
    """Return at most *limit* objects that the caller reaches, from after the key *cursor*."""
    return [
        _item(found)
        for found in desk.list_objects(reading(), kind, reach_of(by), venue_id=venue_id, cursor=cursor, limit=limit)
    ]


def reach_of(by: Actor) -> Reach:
    """Return the part of the house that somebody runs."""
    scopes = by.scopes or ()
    venue_ids = {scope.venue_id for scope in scopes if scope.resource_id is None}
    resource_ids = {scope.resource_id for scope in scopes if scope.resource_id is not None}
    return Reach(venue_ids, resource_ids, is_all=by.scopes is None)


def create(kind: str, document: Document, *, venue_id: int | None, terms: Terms) -> Item:
    """Make a venue, or a resource or service of one; without a slug it gets one from its name.

    Raises:
        Invalid: something in the document is wrong; names every place. NotFound: there is no such venue.
        Forbidden: only admins make them. Conflict: the slug is taken.
    """
    _require_admin(terms.by)
    document = {**document, "slug": document.get("slug") or _slug_of(str(document.get("name", "")))}
    stored = None if venue_id is None else _venue(venue_id)
    entry = _entry(kind, document, stored)
    slug = _write(kind, entry, stored, None, terms)
    made = list_catalogue(reading(), slug)[slug]
    return _item(desk.find_object(reading(), kind, _keys_of(kind, made)[entry.slug]))


def change(kind: str, object_id: int, patch: Document, *, terms: Terms) -> Item:
    """Change what the patch names of a venue, resource or service; a null gives a key its default.

    Raises:
        NotFound, Invalid, Forbidden: as for making one. VersionMismatch: it has changed since it was read.
        WouldStrand: bookings to come would have no place. Conflict: a capacity would fall below what is taken.
    """
    _require_admin(terms.by)
    found = desk.find_object(reading(), kind, object_id)
    stored = list_catalogue(reading(), found.venue_slug)[found.venue_slug]
    if patch.get("slug", found.entry.slug) != found.entry.slug:
        raise Invalid.field("slug", "unchangeable", "Files and links name it by its slug: it stays.")
    entry = _entry(kind, _merged(document_of(found), patch), stored)
    _write(kind, entry, stored, found, terms)
    return read(kind, object_id, by=terms.by)


def archive(kind: str, object_id: int, *, terms: Terms) -> None:
    """Put a venue, resource or service out of use; what was booked of it stays on record.

    Raises:
        NotFound, Forbidden, VersionMismatch, WouldStrand: as for a change.
    """
    change(kind, object_id, {"active": False}, terms=terms)


def _merged(before: Document, patch: Document) -> Document:
    merged = {**before, **patch}
    if patch.get("duration") is not None and "duration_minutes" not in patch:
        merged["duration_minutes"] = None
    if patch.get("duration_minutes") is not None and "duration" not in patch:
        merged["duration"] = None
    return merged


def _entry(kind: str, document: Document, stored: StoredVenue | None) -> Entry:
    """Return what a document says.

    Raises:
        Invalid: it cannot be used; names every place.
    """
    problems = Problems(f"The {kind}", place=path_text, order=lambda _: 0)
    here = Here(problems)
    given = {key: value for key, value in document.items() if value is not None}
    entry: Entry | None
    if kind == "venue":
        entry = read_venue(given, here)
    elif kind == "resource":
        entry = read_resource(given, here)
    else:
        known = stored.entry.resources if stored else ()
        given |= _groups_by_slug(given, stored)
        entry = read_service(given, {one.slug: one.capacity for one in known}, here)
    problems.raise_any()
    if entry is None:  # pragma: no cover - nothing is read only where a problem was noted
        raise Invalid.field("", "invalid", "The document cannot be used.")
    return entry


def _groups_by_slug(given: Document, stored: StoredVenue | None) -> Document:
    """Return the groups of a service with slugs in the place of keys; a key that is none stays, and is told of."""
    slugs = {key: slug for slug, key in stored.resource_ids.items()} if stored else {}
    groups = given.get("resource_groups", [])
    if not isinstance(groups, list) or not all(isinstance(group, list) for group in groups):
        return {}
    return {"resource_groups": [[slugs.get(key, f"of id {key}") for key in group] for group in groups]}


def _write(kind: str, entry: Entry, stored: StoredVenue | None, found: Found | None, terms: Terms) -> str:
    """Write one object, and return the slug of its venue."""
    venue = _around(entry, stored)
    with telling_of_doubles():
        _write_venue(kind, entry, venue, found, terms)
    return venue.slug


@use_case
def _write_venue(kind: str, entry: Entry, venue: VenueEntry, found: Found | None, terms: Terms) -> None:
    ids = touched((venue,), list_catalogue(reading(), venue.slug))
    with transaction() as session:
        stored = lock_and_list(session, (venue,), ids)
        known = stored.get(venue.slug)
        if found is not None:
            desk.claim_version(session, kind, found.id, terms.version or found.version)
        elif known is not None and entry.slug in _keys_of(kind, known):
            raise Invalid.field("slug", "taken", f"Another {kind} has it.")
        venue = _around(entry, known)  # as it is now: what is not asked for stays
        check_capacities(session, (venue,), stored, now=terms.now)
        if known is not None and found is not None and not terms.force:
            check_stranding(session, entry, known, found, now=terms.now)
        CatalogueWriter(session, terms.by, terms.now).write((venue,), stored)


def _around(entry: Entry, stored: StoredVenue | None) -> VenueEntry:
    """Return the venue with nothing in it but the one object: what it does not name stays."""
    if isinstance(entry, VenueEntry):
        return entry
    if stored is None:
        raise NotFound("There is no such venue.")
    empty = replace(stored.entry, resources=(), services=())
    return replace(empty, resources=(entry,)) if isinstance(entry, ResourceEntry) else replace(empty, services=(entry,))


def _keys_of(kind: str, venue: StoredVenue) -> Mapping[str, int]:
    """Return the keys of a kind in a venue, by slug."""
    keys = {"venue": {venue.entry.slug: venue.id}, "resource": venue.resource_ids, "service": venue.service_ids}
    return keys[kind]


def _item(found: Found) -> Item:
    return Item(found.id, found.venue_id, found.version, document_of(found))


def document_of(found: Found) -> Document:
    """Return what an object says, in the words of the catalogue file."""
    entry = found.entry
    if isinstance(entry, VenueEntry):
        return venue_document(entry)
    return resource_document(entry) if isinstance(entry, ResourceEntry) else service_document(entry, found.resource_ids)


def _require_reach(kind: str, found: Found, by: Actor) -> None:
    """Let somebody through who runs the object's venue, or a resource that it is, has or is in.

    Raises:
        NotFound: the caller does not; to them there is no such thing.
    """
    reach = reach_of(by)
    named = {found.id} if kind == "resource" else {*found.resource_ids.values()}
    is_part = bool(named & {*reach.resource_ids}) or (
        kind == "venue" and any(scope.venue_id == found.id for scope in by.scopes or ())
    )
    if not (by.is_operator and (reach.is_all or found.venue_id in reach.venue_ids or is_part)):
        raise NotFound(f"There is no such {kind}.")


def _venue(venue_id: int) -> StoredVenue:
    slug = desk.find_object(reading(), "venue", venue_id).venue_slug
    return list_catalogue(reading(), slug)[slug]


def _slug_of(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _UNFIT.sub("-", plain).strip("-")[:64].strip("-") or f"x-{secrets.token_hex(4)}"


def _require_admin(by: Actor) -> None:
    if by.scopes is not None or not by.is_operator:
        raise Forbidden("Only admins change the catalogue.")
