"""What a measurement says: one line of a table each, beside its budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``budget`` is an upper bound (a lower one for a ``floor``), none where there is none.

    ``wall`` is the time that went by, as a ratio to the bare route, for those who wonder how much of it was waiting.
    """

    what: str
    value: float
    unit: str
    budget: float | None = None
    wall: float | None = None
    floor: bool = False

    @property
    def verdict(self) -> str:
        """Return how the value stands to its budget."""
        if self.budget is None:
            return ""
        shown = float(f"{self.value:.1f}")  # what is printed as 4.0 is no more than 4
        return "ok" if (shown >= self.budget if self.floor else shown <= self.budget) else "OVER"


def show(heading: str, figures: Sequence[Figure]) -> None:
    """Print the table."""
    print(f"\n{heading}")
    print(f"{'':<58}{'measured':>13}{'budget':>9}{'':>6}{'wall':>10}")
    for figure in figures:
        budget = "" if figure.budget is None else f"{'>= ' if figure.floor else ''}{figure.budget:g}"
        wall = "" if figure.wall is None else f"{figure.wall:.1f} x"
        number = f"{figure.value:.0f}" if figure.unit == "SQL" else f"{figure.value:.1f}"
        print(f"{figure.what:<58}{f'{number} {figure.unit}':>13}{budget:>9}{figure.verdict:>6}{wall:>10}")
