"""A booking to take along: as a page, as a calendar's event."""

from __future__ import annotations

from flask import Response, g

from app.services import documents
from app.services.documents import Asked
from app.web.access_to_bookings import access
from app.web.context import now, settings
from app.web.languages import DocumentQuery, language_of, told
from app.web.streams import stream

_PDF = "application/pdf"


def read_confirmation(ref: str, query: DocumentQuery) -> Response:
    """Read the confirmation of a booking, as a PDF."""
    g.carries_token = True  # the manage link is on it
    chunks = documents.iter_confirmation(settings(), ref, access(), asked(query.lang))
    return told(stream(chunks, _PDF, f"confirmation-{ref}.pdf", is_shown=True, places=None))


def read_quote(ref: str, query: DocumentQuery) -> Response:
    """Read what a booking costs, line by line, as a PDF."""
    chunks = documents.iter_quote(settings(), ref, access(), asked(query.lang))
    return told(stream(chunks, _PDF, f"quote-{ref}.pdf", is_shown=True, places=None))


def asked(lang: str | None) -> Asked:
    """Return how a document is asked for."""
    return Asked(language_of(lang), now())
