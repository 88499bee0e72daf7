"""What visitors and customers ask for all day: the catalogue, free times, holds and bookings."""

from __future__ import annotations

from app.web.access import ANYONE, HOLDER
from app.web.routes.route import READ, WRITE, Route

PUBLIC = (
    Route(ANYONE, "GET", "/openapi.json", "openapi.read", cached=True),
    Route(ANYONE, "GET", "/venues", "catalogue.list_venues", problems=(422,)),
    Route(ANYONE, "GET", "/venues/<id:venue_id>", "catalogue.get_venue", problems=(404,)),
    Route(ANYONE, "GET", "/services", "catalogue.list_services", problems=(422,)),
    Route(ANYONE, "GET", "/services/<id:service_id>", "catalogue.get_service", problems=(404,)),
    Route(ANYONE, "GET", "/resources", "catalogue.list_resources", problems=(422,)),
    Route(ANYONE, "GET", "/services/<id:service_id>/slots", "slots.list_slots", problems=(404, 422), cached=True),
    Route(ANYONE, "GET", "/services/<id:service_id>/slots/explain", "slots.explain", problems=(404, 422)),
    Route(ANYONE, "POST", "/holds", "holds.make", 201, (404, 409, 422), idempotent=True, scope=WRITE),
    Route(ANYONE, "DELETE", "/holds/<word:token>", "holds.release", 204, (404,), scope=WRITE),
    Route(ANYONE, "POST", "/bookings", "bookings.book", 201, (401, 404, 409, 422), idempotent=True, scope=WRITE),
    Route(HOLDER, "GET", "/bookings/<word:ref>", "bookings.read", problems=(404,), scope=READ),
    Route(
        HOLDER,
        "POST",
        "/bookings/<word:ref>/cancel",
        "bookings.cancel",
        200,
        (404, 409, 412, 422),
        versioned=True,
        scope=WRITE,
    ),
    Route(
        HOLDER,
        "POST",
        "/bookings/<word:ref>/reschedule",
        "bookings.reschedule",
        200,
        (404, 409, 412, 422),
        versioned=True,
        scope=WRITE,
    ),
)
