"""The audit log as a file, for whoever has to keep it or look through it elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from app.documents.csv_text import Cell, csv_chunks
from app.documents.json_lines import json_line_chunks
from app.domain.errors import Invalid
from app.domain.times import rfc3339
from app.persistence.audit import AuditEntry, AuditFilter, list_after
from app.persistence.long_reads import PAGE, iter_pages

HEADS = ("id", "at", "action", "object", "actor", "address", "request_id", "detail")


def iter_csv(which: AuditFilter, *, bom: bool = False) -> Iterator[bytes]:
    """Return the entries as chunks of CSV, in the order in which they were written.

    Raises:
        Invalid: the times end before they begin.
    """
    return csv_chunks(HEADS, ([_cells(entry) for entry in page] for page in _pages(which)), bom=bom)


def iter_json_lines(which: AuditFilter) -> Iterator[bytes]:
    """Return the same as JSON Lines.

    Raises:
        Invalid: as above.
    """
    return json_line_chunks([_object(entry) for entry in page] for page in _pages(which))


def checked(which: AuditFilter) -> AuditFilter:
    """Return the filter.

    Raises:
        Invalid: its times end before they begin.
    """
    if which.since and which.until and which.until <= which.since:
        raise Invalid.field("to", "invalid", "The range ends before it begins; to is the first instant after it.")
    return which


def detail_of(entry: AuditEntry) -> dict[str, object]:
    """Return what else was noted of it."""
    found: dict[str, object] = json.loads(entry.detail)
    return found


def _pages(which: AuditFilter) -> Iterator[list[AuditEntry]]:
    checked(which)
    return iter_pages(lambda connection, last: list_after(connection, which, last, limit=PAGE))


def _cells(entry: AuditEntry) -> list[Cell]:
    return [rfc3339(entry.at) if name == "at" else getattr(entry, name) for name in HEADS]


def _object(entry: AuditEntry) -> dict[str, object]:
    return {**asdict(entry), "at": rfc3339(entry.at), "detail": detail_of(entry)}
