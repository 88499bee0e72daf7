"""A blackout: a time in which nobody may book, of a whole venue or of one resource."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Blackout:
    """Nobody may book from ``starts`` to ``ends`` (UTC minutes); ``resource_id`` of None is the whole venue.

    ``uid`` names the calendar event it came from, once a venue.
    """

    id: int
    venue_id: int
    resource_id: int | None
    starts: int
    ends: int
    reason: str
    uid: str


@dataclass(frozen=True, slots=True)
class BlackoutChange:
    """What became of one blackout: created, updated or unchanged; ``bookings_inside`` stand in it and stay."""

    blackout: Blackout
    what: str
    bookings_inside: int = 0
