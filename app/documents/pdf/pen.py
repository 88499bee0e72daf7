"""One page being drawn: text, lines, boxes and links become PDF operators. The origin is the lower left corner, units are points."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from app.documents.pdf.fitting import fit
from app.documents.pdf.lettering import Lettering, Piece
from app.documents.pdf.objects import number, text_string
from app.documents.pdf.styles import RULE, Colour, Style

Align = Literal["left", "right", "centre"]
_URL_SAFE = "%/:=&?~#+!$,;'@()*[]-._"


class Pen:
    """Draws a page. It is the ``number``-th of its document, from 1."""

    def __init__(self, lettering: Lettering, size: tuple[float, float], page: int) -> None:
        self.lettering = lettering
        self.width, self.height = size
        self.page = page
        self.links: list[str] = []
        self.total_style: Style | None = None
        self._operators: list[str] = []
        self._fill: Colour | None = None

    def text(self, x: float, y: float, text: str, style: Style, *, align: Align = "left", room: float = 0) -> float:
        """Draw a line of text on the base line *y* and return its width.

        With *room* it is cut, with an ellipsis, to that many points. *x* is its left end, right end or middle.
        """
        if room:
            text = fit(self.lettering, text, style, room)
        line = self.lettering.line(text, bold=style.bold)
        width = line.at(style.size)
        if line.pieces:
            x -= {"left": 0, "right": width, "centre": width / 2}[align]
            self._colour(style.colour)
            shown = "".join(_shown(piece, style.size) for piece in line.pieces)
            self._operators.append(f"BT {number(x)} {number(y)} Td {shown}ET")
        return width

    def total(self, x: float, y: float, style: Style) -> None:
        """Draw, from *x* on, the number of pages of the document, which is known when its last page is finished."""
        self.total_style = style
        self._operators.append(f"q 1 0 0 1 {number(x)} {number(y)} cm /Total Do Q")

    def line(self, x1: float, y1: float, x2: float, y2: float, *, width: float = 0.5, colour: Colour = RULE) -> None:
        """Draw a straight line."""
        rgb = " ".join(number(part) for part in colour)
        ends = f"{number(x1)} {number(y1)} m {number(x2)} {number(y2)} l"
        self._operators.append(f"{rgb} RG {number(width)} w {ends} S")

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle whose lower left corner is (*x*, *y*)."""
        self.boxes([(x, y, width, height)], colour)

    def boxes(self, boxes: list[tuple[float, float, float, float]], colour: Colour) -> None:
        """Fill rectangles (x, y, width, height) as one shape, without seams between them."""
        self._colour(colour)
        edges = " ".join(f"{number(x)} {number(y)} {number(w)} {number(h)} re" for x, y, w, h in boxes)
        self._operators.append(f"{edges} f")

    def link(self, x: float, y: float, width: float, height: float, url: str) -> None:
        """Make a rectangle lead to *url*; anything but a web or mail address is left out."""
        if not url.startswith(("https://", "http://", "mailto:")):
            return
        edges = " ".join(number(edge) for edge in (x, y, x + width, y + height))
        target = quote(url, safe=_URL_SAFE).encode("ascii").hex().upper()
        self.links.append(
            f"<</Type/Annot/Subtype/Link/Rect[{edges}]/Border[0 0 0]/A<</S/URI/URI<{target}>>>/Contents{text_string(url)}>>"
        )

    def content(self) -> bytes:
        """Return what was drawn."""
        return "\n".join(self._operators).encode("ascii")

    def _colour(self, colour: Colour) -> None:
        if colour != self._fill:
            self._fill = colour
            self._operators.append(" ".join(number(part) for part in colour) + " rg")


def _shown(piece: Piece, size: float) -> str:
    font = f"/{piece.font} {number(size)} Tf "
    glyphs = "".join(
        f"{number(up * size / 1000)} Ts [{codes}] TJ " if up else f"[{codes}] TJ " for up, codes in piece.shown
    )
    if any(up for up, _ in piece.shown):
        glyphs += "0 Ts "
    return f"/Span<</ActualText{piece.actual}>>BDC {font}{glyphs}EMC " if piece.actual else font + glyphs
