"""Every route in one table: who may call it, its method, its rule, its view, and what its answers promise."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Flask
from werkzeug.routing import BaseConverter

from app.web.access import ANYONE, HOLDER, Policy
from app.web.lazy import LazyRule, LazyView


@dataclass(frozen=True, slots=True)
class Route:
    """One row: ``view`` is module and function below ``app.web``; ``problems`` are the refusals a caller should expect."""

    policy: Policy
    method: str
    rule: str
    view: str
    status: int = 200
    problems: tuple[int, ...] = ()
    idempotent: bool = False  # takes Idempotency-Key
    versioned: bool = False  # takes If-Match
    cached: bool = False  # takes If-None-Match

    @property
    def endpoint(self) -> str:
        """Return the name Flask knows the route by."""
        return self.view.replace(".", "_")


API = "/api/v1"
PUBLIC = (
    Route(ANYONE, "GET", "/openapi.json", "openapi.read", cached=True),
    Route(ANYONE, "GET", "/venues", "catalogue.list_venues", problems=(422,)),
    Route(ANYONE, "GET", "/venues/<id:venue_id>", "catalogue.get_venue", problems=(404,)),
    Route(ANYONE, "GET", "/services", "catalogue.list_services", problems=(422,)),
    Route(ANYONE, "GET", "/services/<id:service_id>", "catalogue.get_service", problems=(404,)),
    Route(ANYONE, "GET", "/resources", "catalogue.list_resources", problems=(422,)),
    Route(ANYONE, "GET", "/services/<id:service_id>/slots", "slots.list_slots", problems=(404, 422), cached=True),
    Route(ANYONE, "GET", "/services/<id:service_id>/slots/explain", "slots.explain", problems=(404, 422)),
    Route(ANYONE, "POST", "/holds", "holds.make", 201, (404, 409, 422), idempotent=True),
    Route(ANYONE, "DELETE", "/holds/<word:token>", "holds.release", 204, (404,)),
    Route(ANYONE, "POST", "/bookings", "bookings.book", 201, (401, 404, 409, 422), idempotent=True),
    Route(HOLDER, "GET", "/bookings/<word:ref>", "bookings.read", problems=(404,)),
    Route(HOLDER, "POST", "/bookings/<word:ref>/cancel", "bookings.cancel", 200, (404, 409, 412, 422), versioned=True),
    Route(
        HOLDER,
        "POST",
        "/bookings/<word:ref>/reschedule",
        "bookings.reschedule",
        200,
        (404, 409, 412, 422),
        versioned=True,
    ),
)
OPERATIONS = (
    Route(ANYONE, "GET", "/healthz", "operations.health"),
    Route(ANYONE, "GET", "/readyz", "operations.readiness", problems=(503,)),
)
TABLE = (("api", API, PUBLIC), ("operations", "", OPERATIONS))
DAILY = ("slots", "bookings", "holds", "catalogue", "operations")  # imported before a server forks


class IdConverter(BaseConverter):
    """A key: up to 18 digits, so that no path makes a number too large for a column."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """Return the key."""
        return int(value)


class WordConverter(BaseConverter):
    """A reference or token: ASCII letters, digits, - and _, as many as either has."""

    regex = "[A-Za-z0-9_-]{1,64}"


def init_app(app: Flask, *, warm: bool) -> None:
    """Register each row of the table on the blueprint of its prefix."""
    app.url_rule_class = LazyRule
    app.url_map.converters.update(id=IdConverter, word=WordConverter)
    app.url_map.merge_slashes = False  # a redirect for // would be an answer nobody asked for
    for name, prefix, rows in TABLE:
        blueprint = Blueprint(name, __name__, url_prefix=prefix or None)
        for row in rows:
            view = LazyView(row)
            blueprint.add_url_rule(row.rule, row.endpoint, view, methods=[row.method])
            if warm and row.view.partition(".")[0] in DAILY:
                view.load()
        app.register_blueprint(blueprint)
