"""An iCalendar file taken apart into its events and time zones, each line with its number: RFC 5545, 3.1 and 3.6.

The reader of calendars says what is wrong with a file, but not where. So the lines are told apart here, and it reads one at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from icalendar.parser import Contentline

from app.services.input_files import InvalidFile, refuse_file

_NAME = re.compile(r"[A-Za-z0-9-]+")
_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\n|\r|\Z)")
_KEPT = frozenset({"VEVENT", "VTIMEZONE"})
_MOST_LETTERS = 60  # of a line that is shown
_MOST_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One property as it is written, unfolded; ``number`` is its line in the file, from 1."""

    number: int
    text: str

    @property
    def name(self) -> str:
        """Return the property's name; empty where the line has none."""
        found = _NAME.match(self.text)
        return found[0].upper() if found else ""


@dataclass(frozen=True, slots=True)
class Property:
    """One property, read: ``value`` is text still."""

    number: int
    name: str
    params: Any  # the reader's own mapping, which knows no case
    value: str


@dataclass(frozen=True, slots=True)
class Part:
    """An event or a time zone; of an event only what stands in it directly, of a zone all of it."""

    kind: str
    number: int
    lines: list[Line] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Tell whether there is a property of one of these names."""
        return any(line.name in names for line in self.lines)

    def read(self, name: str) -> list[Property]:
        """Return the properties of that name.

        Raises:
            BadLine: one of them cannot be read.
        """
        return [_property(line) for line in self.lines if line.name == name]


class BadLine(ValueError):
    """A line of a file that cannot be used, and why."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number, self.message = number, message

    def within(self, file: str) -> InvalidFile:
        """Return the refusal of the file."""
        return refuse_file(f"{file}:{self.number}", self.message)


def iter_parts(text: str) -> Iterator[Part]:
    """Yield the events and time zones of a file, in order.

    Raises:
        BadLine: it is no calendar, or something in it does not end where it should.
    """
    open_parts: list[tuple[str, int]] = []
    part: Part | None = None
    line = Line(1, "")
    for line in _unfolded(text):
        word, _, kind = line.text.upper().partition(":")
        if not open_parts and (word, kind.strip()) != ("BEGIN", "VCALENDAR"):
            raise BadLine(line.number, "this is no calendar: it does not begin with BEGIN:VCALENDAR")
        if word == "BEGIN":
            open_parts.append((kind.strip(), line.number))
            _check_depth(open_parts)
            if len(open_parts) == 2 and kind.strip() in _KEPT:  # noqa: PLR2004 - a calendar's own parts
                part = Part(kind.strip(), line.number)
        _keep(part, line, depth=len(open_parts))
        if word == "END":
            _close(open_parts, kind.strip(), line.number)
            if len(open_parts) == 1 and part is not None:
                yield part
                part = None
    _check_end(open_parts, line)


def _check_depth(open_parts: list[tuple[str, int]]) -> None:
    if len(open_parts) > _MOST_DEPTH:
        raise BadLine(open_parts[-1][1], "too many parts lie within each other")


def _check_end(open_parts: list[tuple[str, int]], last: Line) -> None:
    if open_parts:
        kind, begun = open_parts[-1]
        raise BadLine(last.number, f"the file is cut off: BEGIN:{kind} of line {begun} does not end")
    if not last.text:
        raise BadLine(1, "the file is empty")


def _keep(part: Part | None, line: Line, *, depth: int) -> None:
    if part is not None and (part.kind == "VTIMEZONE" or depth == 2):  # noqa: PLR2004 - alarms lie deeper
        part.lines.append(line)


def _close(open_parts: list[tuple[str, int]], kind: str, number: int) -> None:
    begun, first = open_parts.pop()
    if begun != kind:
        raise BadLine(number, f"END:{kind} does not match BEGIN:{begun} of line {first}")


def _unfolded(text: str) -> Iterator[Line]:
    """Yield whole lines: one that begins with a space goes on with the one before."""
    number, pieces = 0, [""]
    for at, raw in enumerate(map(itemgetter(1), _LINE.finditer(text)), start=1):
        if raw[:1] in {" ", "\t"} and number:
            pieces.append(raw[1:])
            continue
        if number and (whole := "".join(pieces)).strip():
            yield Line(number, whole)
        number, pieces = at, [raw]
    if number and (whole := "".join(pieces)).strip():
        yield Line(number, whole)


def _property(line: Line) -> Property:
    try:
        name, params, value = Contentline(line.text).parts()  # type: ignore[no-untyped-call] # the reader has no types here
    except ValueError:
        raise BadLine(line.number, f"this line cannot be read: {line.text[:_MOST_LETTERS]}") from None
    return Property(line.number, name.upper(), params, value)
