"""A row of the table of routes."""

from __future__ import annotations

from dataclasses import dataclass

from app.web.access import Policy


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
    scope: str = ""  # that lets an API key in
    takes: tuple[str, ...] = ()  # media types of a body that the handler reads itself, as it comes
    gives: str = "application/json"  # the media type of its answer

    @property
    def endpoint(self) -> str:
        """Return the name Flask knows the route by."""
        return self.view.replace(".", "_")


READ, WRITE = "bookings:read", "bookings:write"  # scopes that let API keys in
BOOKING = "/bookings/<word:ref>"
PDF, CSV, JSON_LINES, ICS = "application/pdf", "text/csv", "application/jsonl", "text/calendar"
STAFFS = (401, 403, 404, 422)  # what anybody meets at a route of the venue's people
