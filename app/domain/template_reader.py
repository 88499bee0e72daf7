"""Templates as they are read: pieces of words, fields and blocks, and what is wrong with them, from beginning to end, once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

MAX_TAGS = 200
MAX_VALUE = 2_000  # times the tags: the longest text that can come of it
MAX_FAULTS = 20  # more are the same mistake again

_TAG = re.compile(r"\{\{(?P<inside>[^{}\n]{0,80})\}\}|\{\{")
_FIELD = re.compile(r"[ \t]*(?P<block>#if[ \t]+)?(?P<name>[a-z][a-z0-9_]{0,39})[ \t]*")
_END = re.compile(r"[ \t]*/if[ \t]*")
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of words, or the field that stands in its place; shown only if the field ``when`` is filled.

    One with neither is where a block begins.
    """

    words: str = ""
    field: str = ""
    when: str = ""
    line: int = 1


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a template, in the line that people count from 1."""

    line: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read, with the faults that were found: one with faults is not to be rendered."""

    pieces: tuple[Piece, ...]
    faults: tuple[Fault, ...] = ()

    def render(self, values: Mapping[str, str]) -> str:
        """Return the words with *values* filled in; a field without a value is empty."""
        return "".join(
            piece.words or plain(values.get(piece.field, ""))
            for piece in self.pieces
            if not piece.when or plain(values.get(piece.when, "")).strip()
        )

    def uses(self) -> Iterator[tuple[int, str]]:
        """Yield the line and the name of each field that is shown, or asked for by a block."""
        for piece in self.pieces:
            if not piece.words:
                yield piece.line, piece.field or piece.when

    def always_says(self, field: str) -> bool:
        """Tell whether *field* is shown whatever the others are."""
        return any(piece.field == field and not piece.when for piece in self.pieces)


@lru_cache(maxsize=32)  # the subject, body and short of what is sent every day; of 16 KB at most
def parse(source: str) -> Template:
    """Return what a template says, and what is wrong with it."""
    reader = _Reader(source)
    reader.read()
    return Template(tuple(reader.pieces), tuple(reader.faults[:MAX_FAULTS]))


def plain(value: str) -> str:
    """Return what may be filled in of a value: bounded, without control characters."""
    return _UNSEEN.sub(" ", cut(value, MAX_VALUE).replace("\r\n", "\n").replace("\r", "\n"))


def cut(text: str, most: int) -> str:
    """Return a text of at most *most* characters, with an ellipsis where some are left out."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


class _Reader:
    """Reads a template once, from its beginning to its end."""

    def __init__(self, source: str) -> None:
        self.pieces: list[Piece] = []
        self.faults: list[Fault] = []
        self._source = source
        self._when = ""
        self._opened = 1  # the line of the block that is open

    def read(self) -> None:
        at = 0
        for number, match in enumerate(_TAG.finditer(self._source)):
            if number == MAX_TAGS:
                self._fault(match.start(), "too_many", f"there are more than {MAX_TAGS} fields and blocks.")
                return
            start, end = self._span(match)
            self._words(at, start)
            self._tag(match)
            at = end
        self._words(at, len(self._source))
        if self._when:
            message = f"the block {{{{#if {self._when}}}}} is not closed with {{{{/if}}}}."
            self.faults.append(Fault(self._opened, "unclosed", message))

    def _span(self, match: re.Match[str]) -> tuple[int, int]:
        """Return what goes with a tag: of a block's, all of its line if there is nothing else on it."""
        start, end = match.span()
        if not re.match(r"[ \t]*[#/]", match["inside"] or ""):
            return start, end
        begins = self._source.rfind("\n", 0, start) + 1
        line, break_, _ = self._source[end:].partition("\n")
        if self._source[begins:start].strip() or line.strip():
            return start, end
        return begins, end + len(line) + len(break_)

    def _words(self, start: int, end: int) -> None:
        if end > start:
            self.pieces.append(Piece(words=self._source[start:end], when=self._when, line=self._line_of(start)))

    def _tag(self, match: re.Match[str]) -> None:
        inside = match["inside"]
        field = _FIELD.fullmatch(inside or "")
        if inside is None:
            self._fault(match.start(), "unclosed", "{{ is not closed with }} in its line.")
        elif _END.fullmatch(inside):
            self._close(match.start())
        elif field is None:
            self._fault(
                match.start(), "unknown_tag", "between {{ and }} stands a field's name, #if and a name, or /if."
            )
        elif field["block"]:
            self._open(match.start(), field["name"])
        else:
            self.pieces.append(Piece(field=field["name"], when=self._when, line=self._line_of(match.start())))

    def _open(self, at: int, name: str) -> None:
        if self._when:
            self._fault(at, "nested", "a block cannot stand within another; close that first with {{/if}}.")
        self._when, self._opened = name, self._line_of(at)
        self.pieces.append(Piece(when=name, line=self._opened))

    def _close(self, at: int) -> None:
        if not self._when:
            self._fault(at, "unopened", "{{/if}} closes nothing.")
        self._when = ""

    def _fault(self, at: int, code: str, message: str) -> None:
        self.faults.append(Fault(self._line_of(at), code, message))

    def _line_of(self, at: int) -> int:
        return self._source.count("\n", 0, at) + 1
