"""What somebody asks of a calendar, before it is checked against any rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.bookings import Customer
from app.domain.custom_fields import Answer


@dataclass(frozen=True, slots=True)
class Wish:
    """A time of a service; None leaves the choice to the service. ``starts_at`` is aware.

    ``preferred_ids`` are resources that a hold or a booking has already: where they are free, they are chosen again.
    ``is_held``: the notice was kept when the hold was made, and is not asked for again.
    """

    service_id: int
    starts_at: datetime
    duration_minutes: int | None = None
    party_size: int | None = None
    resource_id: int | None = None
    preferred_ids: tuple[int, ...] = ()
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class BookingWish:
    """A time with everything a booking needs besides; ``hold_token`` names the hold it makes good."""

    time: Wish
    customer: Customer
    hold_token: str | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    notes: str = ""
