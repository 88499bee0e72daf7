"""The few looks that text and lines have, so that all documents are of one family."""

from __future__ import annotations

from dataclasses import dataclass, replace

Colour = tuple[float, float, float]

INK: Colour = (0.11, 0.13, 0.17)
MUTED: Colour = (0.40, 0.43, 0.48)  # 5.6:1 on white: small print is read too (WCAG 2.2, 1.4.3 asks for 4.5:1)
ACCENT: Colour = (0.05, 0.37, 0.42)
RULE: Colour = (0.80, 0.82, 0.85)
SHADE: Colour = (0.945, 0.953, 0.961)

A4 = (595.28, 841.89)
A4_LANDSCAPE = (841.89, 595.28)


@dataclass(frozen=True, slots=True)
class Style:
    """How text looks: its size in points, its weight, its colour."""

    size: float
    bold: bool = False
    colour: Colour = INK

    def strong(self) -> Style:
        """Return the same in bold."""
        return replace(self, bold=True)


TITLE = Style(20, bold=True)
HEADING = Style(11, bold=True)
BODY = Style(10)
CELL = Style(8.5)
HEAD = Style(8, bold=True, colour=MUTED)
SMALL = Style(8, colour=MUTED)
