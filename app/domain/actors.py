"""Who does something, as the audit log and the use cases see them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

_RUNS_THE_VENUE = frozenset({"operator", "admin", "staff", "key"})


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the house: a venue, or one resource of it."""

    venue_id: int
    resource_id: int | None = None

    def covers(self, venue_id: int, resource_ids: Collection[int]) -> bool:
        """Tell whether what lies in the venue on these resources is part of it; one of them is enough."""
        return self.venue_id == venue_id and (self.resource_id is None or self.resource_id in resource_ids)


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone at the edge.

    ``kind`` is guest, holder (of a manage token), customer, staff, admin, key (a server's) or operator (a shell on the host).
    ``scopes`` bounds what staff and keys reach; None is everything.
    """

    kind: str
    name: str = ""
    address: str = ""
    request_id: str = ""
    user_id: int | None = None
    scopes: tuple[Scope, ...] | None = None

    @property
    def is_operator(self) -> bool:
        """Tell whether this is somebody who runs the venue."""
        return self.kind in _RUNS_THE_VENUE

    def reaches(self, venue_id: int, resource_ids: Collection[int]) -> bool:
        """Tell whether this somebody runs that part of the house."""
        if not self.is_operator:
            return False
        return self.scopes is None or any(scope.covers(venue_id, resource_ids) for scope in self.scopes)

    def resource_ids_in(self, venue_id: int) -> tuple[int, ...] | None:
        """Return the only resources of a venue that this somebody runs, by key; None where that is all of them."""
        mine = [scope.resource_id for scope in self.scopes or () if scope.venue_id == venue_id]
        if self.scopes is None or None in mine:
            return None
        return tuple(sorted(key for key in mine if key is not None))

    def __str__(self) -> str:
        name = str(self.user_id) if self.user_id is not None else self.name
        return f"{self.kind}:{name}" if name else self.kind
