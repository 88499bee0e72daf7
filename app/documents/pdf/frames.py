"""What stands on every page of a document: the venue and the title above, the zone, the time and the page's number below."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.documents.messages import Messages
from app.documents.pdf.pen import Pen
from app.documents.pdf.styles import ACCENT, MUTED, SMALL, TITLE, Style

_FOOT = 26.0
BOTTOM = 46.0  # nothing of the content stands lower
_VENUE = Style(9, bold=True, colour=ACCENT)
_SUBTITLE = Style(10, colour=MUTED)


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of a document's pages; ``note`` is the line at the foot."""

    venue: str
    title: str
    subtitle: str
    note: str
    words: Messages
    margin: float = 40.0

    def open(self, pen: Pen) -> float:
        """Draw the head and return where the content begins: lower on the first page, which has the title in full."""
        room = pen.width - 2 * self.margin
        top = pen.height - self.margin
        if pen.page > 1:
            width = pen.text(self.margin, top, self.venue, _VENUE, room=room / 2)
            pen.text(self.margin + width + 8, top, f"{self.title} · {self.subtitle}", SMALL, room=room - width - 8)
            return top - 12
        pen.text(self.margin, top - 4, self.venue, _VENUE, room=room)
        pen.text(self.margin, top - 28, self.title, TITLE, room=room)
        pen.text(self.margin, top - 44, self.subtitle, _SUBTITLE, room=room)
        return top - 58

    def footed(self, pages: Iterator[Pen]) -> Iterator[Pen]:
        """Yield *pages* with their last line, which is drawn last because it is read last."""
        for pen in pages:
            self._foot(pen)
            yield pen

    def _foot(self, pen: Pen) -> None:
        """Draw the line at the foot: the page's number to the left, for only there its end need not be known beforehand."""
        right = pen.width - self.margin
        pen.line(self.margin, _FOOT + 12, right, _FOOT + 12)
        width = pen.text(self.margin, _FOOT, self.words.page.format(page=pen.page), SMALL)
        pen.total(self.margin + width, _FOOT, SMALL)
        pen.text(right, _FOOT, self.note, SMALL, align="right", room=(right - self.margin) * 0.75)
