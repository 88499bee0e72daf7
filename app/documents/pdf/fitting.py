"""Text in a given width: cut with an ellipsis, or wrapped into lines."""

from __future__ import annotations

from unicodedata import category

from app.documents.pdf.lettering import Lettering
from app.documents.pdf.styles import Style

ELLIPSIS = "…"
_NARROWEST = 0.15  # of the font size: longer text than this allows for is cut before it is measured
_STICKS = {"Mn", "Mc", "Me", "Cf"}


def fit(lettering: Lettering, text: str, style: Style, room: float) -> str:
    """Return *text*, or as much of its beginning as fits into *room* points with an ellipsis behind it."""
    if _fits(lettering, text, style, room):
        return text
    return text[: _fitting(lettering, text, style, room, ELLIPSIS)].rstrip() + ELLIPSIS


def wrap(lettering: Lettering, text: str, style: Style, room: float, *, most_lines: int = 1) -> list[str]:
    """Return *text* in lines that fit into *room* points, the last one with an ellipsis when there is more."""
    if "\n" not in text and _fits(lettering, text, style, room):
        return [text] if text else []
    lines: list[str] = []
    rest = _squeezed(text, _most(style, room) * most_lines)
    while rest and len(lines) < most_lines - 1:
        line, rest = _first_line(lettering, rest, style, room)
        lines.append(line)
    if rest:
        lines.append(fit(lettering, rest, style, room))
    return lines


def _fits(lettering: Lettering, text: str, style: Style, room: float) -> bool:
    return len(text) <= _most(style, room) and lettering.line(text, bold=style.bold).at(style.size) <= room


def _squeezed(text: str, most: int) -> str:
    """Return *text* with single blanks and breaks, and of very long text the beginning, with an ellipsis to say so."""
    begun = text[: 4 * most]
    lines = (" ".join(line.split()) for line in begun.split("\n"))
    squeezed = "\n".join(line for line in lines if line)
    if len(begun) < len(text):
        squeezed += ELLIPSIS
    return squeezed if len(squeezed) <= most else squeezed[:most] + ELLIPSIS


def _first_line(lettering: Lettering, text: str, style: Style, room: float) -> tuple[str, str]:
    """Return the first line of *text* and what remains; a word that is longer than the line is broken."""
    paragraph, _, others = text.partition("\n")
    if _fits(lettering, paragraph, style, room):
        return paragraph, others.strip()
    end = max(_fitting(lettering, paragraph, style, room, ""), 1)
    blank = paragraph.rfind(" ", 0, end + 1)
    if blank > 0:
        end = blank
    return paragraph[:end].rstrip(), text[end:].strip()


def _fitting(lettering: Lettering, text: str, style: Style, room: float, tail: str) -> int:
    """Return how many characters of *text* fit with *tail* behind them; no mark is parted from its letter."""
    low, high = 0, min(len(text), _most(style, room))
    while low < high:
        middle = (low + high + 1) // 2
        if lettering.measure(text[:middle] + tail, bold=style.bold).at(style.size) <= room:
            low = middle
        else:
            high = middle - 1
    while 0 < low < len(text) and category(text[low]) in _STICKS:
        low -= 1
    return low


def _most(style: Style, room: float) -> int:
    return int(room / (style.size * _NARROWEST)) + 1
