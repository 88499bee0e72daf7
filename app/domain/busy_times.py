"""Busy times of a calendar elsewhere: what has changed since it was last read, and which bookings stand in them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.times import to_minute


@dataclass(frozen=True, slots=True)
class BusyTime:
    """A time in which somebody is busy, in UTC minutes; ``uid`` names the event and which of its series it is."""

    uid: str
    starts: int
    ends: int


@dataclass(frozen=True, slots=True)
class KeptTime(BusyTime):
    """A busy time as it is stored, with the key of its blackout."""

    id: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What is to be written so that what is stored is what is wanted; ``remove`` are keys, ``kept`` are as they were."""

    add: tuple[BusyTime, ...]
    move: tuple[KeptTime, ...]
    remove: tuple[int, ...]
    kept: int

    @property
    def is_none(self) -> bool:
        """Tell whether nothing has changed."""
        return not (self.add or self.move or self.remove)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Return the times that are newly closed."""
        return [(time.starts, time.ends) for time in (*self.add, *self.move)]


def difference(known: Iterable[KeptTime], wanted: Mapping[str, BusyTime]) -> Difference:
    """Return what has changed; *wanted* is by the name under which each is stored."""
    before = {row.uid: row for row in known}
    move = tuple(
        replace(row, starts=wanted[uid].starts, ends=wanted[uid].ends)
        for uid, row in before.items()
        if uid in wanted and (row.starts, row.ends) != (wanted[uid].starts, wanted[uid].ends)
    )
    remove = tuple(row.id for uid, row in before.items() if uid not in wanted)
    add = tuple(replace(time, uid=uid) for uid, time in wanted.items() if uid not in before)
    return Difference(add, move, remove, len(before) - len(move) - len(remove))


class Closed:
    """Times that are closed, asked many times whether something touches them; UTC minutes."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self.spans: list[tuple[int, int]] = []
        for starts, ends in sorted(spans):
            if self.spans and starts <= self.spans[-1][1]:
                self.spans[-1] = (self.spans[-1][0], max(self.spans[-1][1], ends))
            else:
                self.spans.append((starts, ends))
        self._ends = [ends for _, ends in self.spans]

    def touches(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Tell whether a booking lies in any of them, at least in part."""
        at = bisect_left(self._ends, to_minute(starts_at) + 1)
        return at < len(self.spans) and self.spans[at][0] < to_minute(ends_at)
