"""Writes what differs between a catalogue and what is stored, and tells what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.actors import Actor
from app.domain.catalogue import Catalogue, Change, Entry, ResourceEntry, ServiceEntry, VenueEntry, differences
from app.persistence import catalogue as store
from app.persistence.audit import add_audit
from app.persistence.catalogue import StoredVenue
from app.persistence.session import Session


@dataclass(slots=True)
class CatalogueWriter:
    """Writes what differs, inside the transaction, and remembers what it did."""

    session: Session
    by: Actor
    now: datetime
    changes: list[Change] = field(default_factory=list)

    def write(self, catalogue: Catalogue, stored: dict[str, StoredVenue]) -> tuple[Change, ...]:
        """Write every venue with what is in it; return what became of each object, and which the file does not name."""
        for venue in catalogue:
            self._write_venue(venue, stored.get(venue.slug))
        self._note_absent("venue", "", stored, (venue.slug for venue in catalogue))
        return tuple(self.changes)

    def _note_absent(self, kind: str, above: str, stored: Iterable[str], named: Iterable[str]) -> None:
        names = {*named}
        self.changes += [Change(kind, above + slug, "not in file") for slug in stored if slug not in names]

    def _write_venue(self, venue: VenueEntry, known: StoredVenue | None) -> None:
        venue_id = self._write(
            "venue",
            venue.slug,
            (known.entry, known.id) if known else None,
            venue,
            add=lambda: store.add_venue(self.session, venue, now=self.now),
            change=lambda key: store.update_venue(self.session, key, venue, now=self.now),
        )
        resource_ids = dict(known.resource_ids) if known else {}
        resources = {entry.slug: (entry, resource_ids[entry.slug]) for entry in known.entry.resources} if known else {}
        for resource in venue.resources:
            resource_ids[resource.slug] = self._write_resource(venue, venue_id, resource, resources.get(resource.slug))
        service_ids = known.service_ids if known else {}
        services = {entry.slug: (entry, service_ids[entry.slug]) for entry in known.entry.services} if known else {}
        for service in venue.services:
            self._write_service(venue, venue_id, service, services.get(service.slug), resource_ids)
        if known:
            above = f"{venue.slug}/"
            self._note_absent("resource", above, known.resource_ids, (item.slug for item in venue.resources))
            self._note_absent("service", above, known.service_ids, (item.slug for item in venue.services))

    def _write_resource(
        self, venue: VenueEntry, venue_id: int, resource: ResourceEntry, before: tuple[ResourceEntry, int] | None
    ) -> int:
        return self._write(
            "resource",
            f"{venue.slug}/{resource.slug}",
            before,
            resource,
            add=lambda: store.add_resource(self.session, venue_id, resource, now=self.now),
            change=lambda key: store.update_resource(self.session, key, resource, now=self.now),
        )

    def _write_service(
        self,
        venue: VenueEntry,
        venue_id: int,
        service: ServiceEntry,
        before: tuple[ServiceEntry, int] | None,
        resource_ids: dict[str, int],
    ) -> None:
        self._write(
            "service",
            f"{venue.slug}/{service.slug}",
            before,
            service,
            add=lambda: store.add_service(self.session, venue_id, service, resource_ids, now=self.now),
            change=lambda key: store.update_service(self.session, key, service, resource_ids, now=self.now),
        )

    def _write(
        self,
        kind: str,
        slug: str,
        before: tuple[Entry, int] | None,
        after: Entry,
        *,
        add: Callable[[], int],
        change: Callable[[int], None],
    ) -> int:
        """Insert or update one object where it differs; return its key."""
        names: tuple[str, ...] = ()
        if before is None:
            key, what = add(), "created"
        else:
            key, names = before[1], differences(before[0], after)
            what = "updated" if names else "unchanged"
            if names:
                change(key)
        self.changes.append(Change(kind, slug, what, names))
        if what != "unchanged":
            action, subject = f"{kind}.{what}", f"{kind}:{key}"
            add_audit(self.session, action, subject, by=self.by, now=self.now, slug=slug, fields=names)
        return key
