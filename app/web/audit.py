"""What was done, by whom and when, for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response
from msgspec import Meta, Struct, field

from app.domain.times import rfc3339
from app.persistence.audit import NEWEST, AuditEntry, AuditFilter, list_newest
from app.persistence.session import reading
from app.services import audit
from app.web.pages import Page, page_of
from app.web.routes.route import CSV, JSON_LINES
from app.web.streams import stream

Instant = Annotated[datetime, Meta(tz=True)]
Actor = Annotated[str, Meta(max_length=200, description="As the log has it: `admin:7`, `guest`, `operator:ada`.")]
Action = Annotated[
    str,
    Meta(pattern=r"^[a-z_.]{1,64}\*?$", description="`booking.cancelled`, or `sign_in.*` for all that begin so."),
]
Object = Annotated[str, Meta(max_length=64, description="`booking:7H2KQ4WX`, `user:7`.")]


class AuditQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which entries: those of somebody, of a kind, about something, from a time up to another, exclusive."""

    actor: Actor | None = None
    action: Action | None = None
    object: Object | None = None
    since: Instant | None = field(default=None, name="from")
    until: Instant | None = field(default=None, name="to")


class AuditPageQuery(Page, kw_only=True, forbid_unknown_fields=True):
    """Which entries, and which page of them."""

    actor: Actor | None = None
    action: Action | None = None
    object: Object | None = None
    since: Instant | None = field(default=None, name="from")
    until: Instant | None = field(default=None, name="to")


class AuditCsvQuery(AuditQuery, kw_only=True, forbid_unknown_fields=True):
    """Which entries; with `bom=1` a byte order mark stands in front, which old spreadsheets take for UTF-8."""

    bom: Literal["0", "1"] = "0"


class AuditView(Struct):
    """One entry: who did what to which object; `detail` says what else is known of it."""

    id: int
    at: str
    action: str
    object: str
    actor: str
    address: str
    request_id: str
    detail: dict[str, Any]


class AuditsView(Struct):
    """A page of entries, the newest first."""

    items: list[AuditView]
    next_cursor: str | None


def list_all(query: AuditPageQuery) -> AuditsView:
    """List changes and sign-ins, the newest first."""
    which = audit.checked(_filter(query))
    rows = list_newest(reading(), which, before=query.after or NEWEST, limit=query.limit + 1)
    return AuditsView(*page_of(rows, query, _view, lambda entry: entry.id))


def export_csv(query: AuditCsvQuery) -> Response:
    """Export changes and sign-ins as CSV, the oldest first.

    The last line is `#rows=N`: without it the file was cut. Text that a spreadsheet would compute has an apostrophe in front.
    """
    return stream(audit.iter_csv(_filter(query), bom=query.bom == "1"), CSV, "audit.csv")


def export_json_lines(query: AuditQuery) -> Response:
    """Export changes and sign-ins as JSON Lines, the oldest first.

    The last line is `{"rows":N}`: without it the file was cut.
    """
    return stream(audit.iter_json_lines(_filter(query)), JSON_LINES, "audit.jsonl")


def _filter(query: AuditQuery | AuditPageQuery) -> AuditFilter:
    return AuditFilter(query.actor or "", query.action or "", query.object or "", query.since, query.until)


def _view(entry: AuditEntry) -> AuditView:
    return AuditView(
        id=entry.id,
        at=rfc3339(entry.at),
        action=entry.action,
        object=entry.object,
        actor=entry.actor,
        address=entry.address,
        request_id=entry.request_id,
        detail=audit.detail_of(entry),
    )
