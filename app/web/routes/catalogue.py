"""Venues, resources, services, hours and blackouts, as admins change them."""

from __future__ import annotations

from app.web.access import ADMIN, STAFF
from app.web.routes.route import READ, STAFFS, Route

_VENUES, _VENUE = "/admin/venues", "/admin/venues/<id:venue_id>"
_RESOURCES, _RESOURCE = "/admin/resources", "/admin/resources/<id:resource_id>"
_SERVICES, _SERVICE = "/admin/services", "/admin/services/<id:service_id>"
_MADE, _CHANGED = (401, 403, 404, 409, 422), (401, 403, 404, 409, 412, 422)
CATALOGUE = (
    Route(STAFF, "GET", _VENUES, "catalogue_desk.list_venues", 200, STAFFS, scope=READ),
    Route(ADMIN, "POST", _VENUES, "catalogue_desk.create_venue", 201, _MADE),
    Route(STAFF, "GET", _VENUE, "catalogue_desk.read_venue", 200, STAFFS, scope=READ),
    Route(ADMIN, "PATCH", _VENUE, "catalogue_desk.change_venue", 200, _CHANGED, versioned=True),
    Route(ADMIN, "DELETE", _VENUE, "catalogue_desk.archive_venue", 204, _CHANGED, versioned=True),
    Route(STAFF, "GET", _RESOURCES, "catalogue_desk.list_resources", 200, STAFFS, scope=READ),
    Route(ADMIN, "POST", _RESOURCES, "catalogue_desk.create_resource", 201, _MADE),
    Route(STAFF, "GET", _RESOURCE, "catalogue_desk.read_resource", 200, STAFFS, scope=READ),
    Route(ADMIN, "PATCH", _RESOURCE, "catalogue_desk.change_resource", 200, _CHANGED, versioned=True),
    Route(ADMIN, "DELETE", _RESOURCE, "catalogue_desk.archive_resource", 204, _CHANGED, versioned=True),
    Route(STAFF, "GET", _SERVICES, "catalogue_desk.list_services", 200, STAFFS, scope=READ),
    Route(ADMIN, "POST", _SERVICES, "catalogue_desk.create_service", 201, _MADE),
    Route(STAFF, "GET", _SERVICE, "catalogue_desk.read_service", 200, STAFFS, scope=READ),
    Route(ADMIN, "PATCH", _SERVICE, "catalogue_desk.change_service", 200, _CHANGED, versioned=True),
    Route(ADMIN, "DELETE", _SERVICE, "catalogue_desk.archive_service", 204, _CHANGED, versioned=True),
    Route(STAFF, "GET", "/admin/blackouts", "blackouts.list_all", 200, STAFFS, scope=READ),
    Route(STAFF, "POST", "/admin/blackouts", "blackouts.close", 201, STAFFS),
    Route(STAFF, "DELETE", "/admin/blackouts/<id:blackout_id>", "blackouts.open_again", 204, STAFFS),
)
