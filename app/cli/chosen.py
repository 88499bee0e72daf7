"""What a command line names: a service, a resource of its venue, as an operator types them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from app.domain.errors import Conflict, NotFound
from app.persistence.catalogue import StoredVenue, list_catalogue
from app.persistence.session import reading

MOST_NAMED = 5  # of several services that a slug may mean


@dataclass(frozen=True, slots=True)
class ChosenService:
    """A service with the venue it belongs to."""

    id: int
    slug: str
    venue: StoredVenue

    @property
    def path(self) -> str:
        """Return the slugs of venue and service, which name it among all."""
        return f"{self.venue.entry.slug}/{self.slug}"

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which its times are local."""
        return ZoneInfo(self.venue.entry.timezone)

    def resource_id(self, slug: str) -> int | None:
        """Return the key of a resource of the venue; None for no slug.

        Raises:
            NotFound: the venue has no such resource.
        """
        if slug and slug not in self.venue.resource_ids:
            raise NotFound(f"{self.venue.entry.slug} has no resource {slug}: see 'catalogue show'.")
        return self.venue.resource_ids[slug] if slug else None

    def resource_names(self) -> dict[int, str]:
        """Return the slugs of the venue's resources by key."""
        return {key: slug for slug, key in self.venue.resource_ids.items()}


def find_service(name: str) -> ChosenService:
    """Return the service of an id, of ``venue-slug/service-slug``, or of a slug that one venue alone uses.

    Raises:
        NotFound: there is none, or it is not offered. Conflict: several venues have one of that slug.
    """
    found = [service for service in _services() if name in {str(service.id), service.path, service.slug}]
    exact = [service for service in found if name != service.slug] or found
    if not exact:
        raise NotFound(f"There is no service {name}: see 'catalogue show'.")
    if len(exact) > 1:
        paths = ", ".join(service.path for service in exact[:MOST_NAMED])
        raise Conflict(f"Several venues have a service {name}: say which, one of {paths}.")
    _require_offered(exact[0])
    return exact[0]


def clean_ref(text: str) -> str:
    """Return a reference as it is stored: people read it out in small letters, in groups."""
    return "".join(text.upper().replace("-", " ").split())


def service_paths() -> dict[int, str]:
    """Return ``venue-slug/service-slug`` of every service by key."""
    return {service.id: service.path for service in _services()}


def _services() -> Iterator[ChosenService]:
    for venue in list_catalogue(reading()).values():
        for slug, service_id in venue.service_ids.items():
            yield ChosenService(service_id, slug, venue)


def _require_offered(service: ChosenService) -> None:
    if not all(entry.active for entry in service.venue.entry.services if entry.slug == service.slug):
        raise NotFound(f"{service.path} is not offered at present: see 'catalogue show'.")
