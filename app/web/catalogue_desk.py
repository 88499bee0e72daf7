"""Venues, resources and services, for admins to change and for staff to read: what is out of use as well."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from app.services import catalogue_desk
from app.services.catalogue_desk import Item, Terms
from app.web.actors import actor
from app.web.catalogue_bodies import (
    ForceQuery,
    NewResource,
    NewService,
    OfVenuePage,
    ResourceBody,
    ResourceItem,
    ResourceItems,
    ServiceBody,
    ServiceItem,
    ServiceItems,
    VenueBody,
    VenueItem,
    VenueItems,
    VenuesPage,
)
from app.web.context import now
from app.web.inputs import expected_version
from app.web.pages import page_of


def list_venues(query: VenuesPage) -> VenueItems:
    """List the venues that the caller runs or works in."""
    rows = catalogue_desk.list_all("venue", by=actor(), cursor=query.after, limit=query.limit + 1)
    return VenueItems(*page_of(rows, query, _venue, _key))


def list_resources(query: OfVenuePage) -> ResourceItems:
    """List the resources that the caller runs."""
    rows = catalogue_desk.list_all(
        "resource", by=actor(), venue_id=query.venue_id or 0, cursor=query.after, limit=query.limit + 1
    )
    return ResourceItems(*page_of(rows, query, _resource, _key))


def list_services(query: OfVenuePage) -> ServiceItems:
    """List the services over what the caller runs."""
    rows = catalogue_desk.list_all(
        "service", by=actor(), venue_id=query.venue_id or 0, cursor=query.after, limit=query.limit + 1
    )
    return ServiceItems(*page_of(rows, query, _service, _key))


def read_venue(venue_id: int) -> tuple[VenueItem, dict[str, str]]:
    """Read a venue."""
    return _tagged(_venue, catalogue_desk.read("venue", venue_id, by=actor()))


def read_resource(resource_id: int) -> tuple[ResourceItem, dict[str, str]]:
    """Read a resource."""
    return _tagged(_resource, catalogue_desk.read("resource", resource_id, by=actor()))


def read_service(service_id: int) -> tuple[ServiceItem, dict[str, str]]:
    """Read a service."""
    return _tagged(_service, catalogue_desk.read("service", service_id, by=actor()))


def create_venue(body: VenueBody) -> tuple[VenueItem, dict[str, str]]:
    """Make a venue."""
    return _tagged(_venue, catalogue_desk.create("venue", _given(body), venue_id=None, terms=_terms()))


def create_resource(body: NewResource) -> tuple[ResourceItem, dict[str, str]]:
    """Make a resource of a venue."""
    return _tagged(_resource, catalogue_desk.create("resource", _given(body), venue_id=body.venue_id, terms=_terms()))


def create_service(body: NewService) -> tuple[ServiceItem, dict[str, str]]:
    """Make a service of a venue."""
    return _tagged(_service, catalogue_desk.create("service", _given(body), venue_id=body.venue_id, terms=_terms()))


def change_venue(venue_id: int, body: VenueBody, query: ForceQuery) -> tuple[VenueItem, dict[str, str]]:
    """Change a venue."""
    return _tagged(_venue, catalogue_desk.change("venue", venue_id, _given(body), terms=_terms(query)))


def change_resource(resource_id: int, body: ResourceBody, query: ForceQuery) -> tuple[ResourceItem, dict[str, str]]:
    """Change a resource, its opening hours included."""
    return _tagged(_resource, catalogue_desk.change("resource", resource_id, _given(body), terms=_terms(query)))


def change_service(service_id: int, body: ServiceBody, query: ForceQuery) -> tuple[ServiceItem, dict[str, str]]:
    """Change a service; what was booked keeps its price."""
    return _tagged(_service, catalogue_desk.change("service", service_id, _given(body), terms=_terms(query)))


def archive_venue(venue_id: int, query: ForceQuery) -> None:
    """Put a venue out of use; `active` of true brings it back."""
    catalogue_desk.archive("venue", venue_id, terms=_terms(query))


def archive_resource(resource_id: int, query: ForceQuery) -> None:
    """Put a resource out of use; `active` of true brings it back."""
    catalogue_desk.archive("resource", resource_id, terms=_terms(query))


def archive_service(service_id: int, query: ForceQuery) -> None:
    """Put a service out of use; `active` of true brings it back."""
    catalogue_desk.archive("service", service_id, terms=_terms(query))


def _terms(query: ForceQuery | None = None) -> Terms:
    return Terms(actor(), now(), expected_version(), force=query is not None and query.force == "1")


def _given(body: Struct) -> dict[str, Any]:
    given: dict[str, Any] = msgspec.to_builtins(body)
    return {name: value for name, value in given.items() if name != "venue_id"}


def _tagged(view: Any, item: Item) -> tuple[Any, dict[str, str]]:  # noqa: ANN401 - one of the three below
    return view(item), {"ETag": f'W/"{item.version}"'}


def _key(item: Item) -> int:
    return item.id


def _venue(item: Item) -> VenueItem:
    return msgspec.convert({"id": item.id, "version": item.version, **item.document}, VenueItem)


def _resource(item: Item) -> ResourceItem:
    return msgspec.convert(_with_keys(item), ResourceItem)


def _service(item: Item) -> ServiceItem:
    return msgspec.convert(_with_keys(item), ServiceItem)


def _with_keys(item: Item) -> dict[str, Any]:
    return {"id": item.id, "venue_id": item.venue_id, "version": item.version, **item.document}
