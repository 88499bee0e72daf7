"""How a caller reaches one booking."""

from __future__ import annotations

from app.services.bookings import Access
from app.web.actors import actor
from app.web.context import manage_token


def access() -> Access:
    """Return how the caller reaches a booking."""
    return Access(actor("holder"), manage_token())
