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
    ``is_held``: the notice was kept when the hold was made, and is not asked for again. ``any_hours``: whoever runs the venue
    takes the time whatever hours, blackouts, notice and horizon say; only what is taken stays taken.
    """

    service_id: int
    starts_at: datetime
    duration_minutes: int | None = None
    party_size: int | None = None
    resource_id: int | None = None
    preferred_ids: tuple[int, ...] = ()
    is_held: bool = False
    any_hours: bool = False


@dataclass(frozen=True, slots=True)
class BookingWish:
    """A time with everything a booking needs besides; ``hold_token`` names the hold it makes good.

    ``language`` is the customer's, empty where nobody has said. ``on_behalf``: the venue books for somebody, and has no
    need to approve of it; ``override`` is why it does so outside the rules.
    """

    time: Wish
    customer: Customer
    hold_token: str | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    notes: str = ""
    language: str = ""
    on_behalf: bool = False
    override: str = ""
