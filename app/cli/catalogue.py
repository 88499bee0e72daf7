"""``flask catalogue``: venues, resources and services from a file, into a file, on the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import click
from flask.cli import AppGroup

from app.cli.files import read_file
from app.cli.operator import clock, operator
from app.cli.output import print_json, print_table, say_progress
from app.domain.catalogue import Change, ResourceEntry, ServiceEntry, VenueEntry
from app.domain.errors import NotFound
from app.domain.hours import WEEKDAYS, WeeklyHours, window_text
from app.persistence.catalogue import StoredVenue, list_catalogue
from app.persistence.session import reading
from app.services import catalogue_desk
from app.services.catalogue import import_catalogue
from app.services.catalogue_desk import Terms
from app.services.catalogue_file import parse
from app.services.catalogue_text import render
from app.services.input_files import decode

_ORDER = ("created", "updated", "unchanged", "not in file")

group = AppGroup("catalogue", help="Venues, resources and services: import, export, show, archive, restore.")
_venue = click.option("--venue", "slug", default="", metavar="SLUG", help="One venue instead of all.")


@group.command("import")
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
def import_(file: str, *, dry_run: bool) -> None:
    """Create and update what FILE (TOML) names; what it does not name stays as it is."""
    catalogue = parse(decode(read_file(file), file), file)
    say_progress(f"importing {len(catalogue)} venues ...")
    changes = import_catalogue(catalogue, by=operator(), now=clock(), dry_run=dry_run)
    print_table(("kind", "slug", "what"), ((change.kind, change.slug, _what(change)) for change in changes))
    click.echo(_summary(changes) + (" (dry run: nothing was written)" if dry_run else ""))


@group.command("export")
@_venue
def export(slug: str) -> None:
    """Print the catalogue as TOML that an import reads back."""
    for line in render(tuple(venue.entry for venue in _stored(slug))):
        click.echo(line, nl=False)


@group.command("show")
@_venue
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(slug: str, *, as_json: bool) -> None:
    """Show venues, resources and services with their ids."""
    venues = _stored(slug)
    if as_json:
        print_json([_document(venue) for venue in venues])
    else:
        print_table(("kind", "id", "slug", "name", "what"), (row for venue in venues for row in _rows(venue)))


@group.command("archive")
@click.argument("place", metavar="VENUE[/SLUG]")
@click.option("--force", is_flag=True, help="Even where bookings to come lose their place.")
def archive(place: str, *, force: bool) -> None:
    """Put a venue, or a resource or service of it, out of use; what was booked stays on record."""
    _set_active(place, active=False, force=force)
    click.echo(f"{place} is out of use; 'catalogue restore {place}' brings it back")


@group.command("restore")
@click.argument("place", metavar="VENUE[/SLUG]")
def restore(place: str) -> None:
    """Bring something back that was put out of use."""
    _set_active(place, active=True, force=False)
    click.echo(f"{place} is in use again")


def _set_active(place: str, *, active: bool, force: bool) -> None:
    kind, key = _find(place)
    terms = Terms(operator(), clock(), force=force)
    catalogue_desk.change(kind, key, {"active": active}, terms=terms)


def _find(place: str) -> tuple[str, int]:
    """Return kind and key of what a shell calls ``venue`` or ``venue/slug``."""
    venue_slug, _, slug = place.partition("/")
    (venue,) = _stored(venue_slug) if venue_slug else [None]
    if venue is None:
        raise NotFound("Say which venue: see 'catalogue show'.")
    if not slug:
        return "venue", venue.id
    for kind, keys in (("resource", venue.resource_ids), ("service", venue.service_ids)):
        if slug in keys:
            return kind, keys[slug]
    raise NotFound(f"There is no {slug} in {venue_slug}: see 'catalogue show'.")


def _stored(slug: str) -> Sequence[StoredVenue]:
    venues = tuple(list_catalogue(reading(), slug).values())
    if slug and not venues:
        raise NotFound(f"There is no venue {slug}: see 'catalogue show'.")
    return venues


def _what(change: Change) -> str:
    return f"{change.what}: {', '.join(change.fields)}" if change.fields else change.what


def _summary(changes: Sequence[Change]) -> str:
    counts = Counter(change.what for change in changes)
    return ", ".join(f"{counts[what]} {what}" for what in _ORDER if counts[what]) or "the file names nothing"


def _document(venue: StoredVenue) -> dict[str, object]:
    return {"id": venue.id, "venue": venue.entry, "resource_ids": venue.resource_ids, "service_ids": venue.service_ids}


def _rows(venue: StoredVenue) -> Iterator[tuple[object, ...]]:
    entry = venue.entry
    yield "venue", venue.id, entry.slug, entry.name, _venue_text(entry)
    for resource in entry.resources:
        slug = f"{entry.slug}/{resource.slug}"
        yield "resource", venue.resource_ids[resource.slug], slug, resource.name, _resource_text(resource)
    for service in entry.services:
        slug = f"{entry.slug}/{service.slug}"
        yield "service", venue.service_ids[service.slug], slug, service.name, _service_text(service)


def _venue_text(venue: VenueEntry) -> str:
    return f"{venue.timezone}, {venue.currency}"


def _resource_text(resource: ResourceEntry) -> str:
    parts = [resource.kind, f"capacity {resource.capacity}", _hours_text(resource.weekly_hours)]
    return ", ".join(parts if resource.active else [*parts, "not in use"])


def _hours_text(weekly: WeeklyHours) -> str:
    days = zip(WEEKDAYS, weekly, strict=True)
    return " ".join(f"{name} {'+'.join(map(window_text, day))}" for name, day in days if day) or "closed"


def _service_text(service: ServiceEntry) -> str:
    length = f"{service.min_minutes} min"
    if service.max_minutes > service.min_minutes:
        length = f"{service.min_minutes} to {service.max_minutes} min by {service.step_minutes}"
    parts = [length, "; ".join(" or ".join(group) for group in service.groups)]
    notes = {
        "approval": service.requires_approval,
        "guests": service.guest_bookings,
        "not offered": not service.active,
    }
    return ", ".join([*parts, *(note for note, holds in notes.items() if holds)])
