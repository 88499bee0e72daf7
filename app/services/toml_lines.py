"""On which line of a TOML text each key stands: the reader in Python's library does not tell.

Walks text that has been read without error already, so it need not judge it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

from app.services.input_files import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")


def lines_of(text: str) -> Mapping[Path, int]:
    """Return the line, from 1, of every key and array item, by its path: ``("venues", 0, "slug")``."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of a path, or of the nearest thing around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._line, self._counted = 1, 0
        self._tables: dict[Path, int] = {}  # arrays of tables: how many there are so far

    def document(self) -> None:
        """Walk the whole text."""
        base: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._peek() == "[":
                base = self._header()
            else:
                self._pair(base)
            self._skip(_BLANK)

    def _header(self) -> Path:
        line, is_array = self._here(), self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        *above, last = self._key()
        path: Path = ()
        for part in above:
            path = self._inside((*path, part))
        path = (*path, last)
        if is_array:
            self._tables[path] = self._tables.get(path, 0) + 1
            self.lines.setdefault(path, line)
        path = self._inside(path)
        self.lines.setdefault(path, line)
        self._at = self._text.find("]", self._at) + (2 if is_array else 1)
        return path

    def _inside(self, path: Path) -> Path:
        """Return the path of the latest item where *path* is an array of tables."""
        return (*path, self._tables[path] - 1) if path in self._tables else path

    def _pair(self, base: Path) -> None:
        line, path = self._here(), base
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self._at = self._text.index("=", self._at) + 1
        self._skip(_SPACE)
        self._value(path)

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._skip(_SPACE)
            quoted = self._peek() in "\"'"
            part = self._skip(_STRING if quoted else _BARE)
            parts.append(_unquoted(part) if quoted else part)
            self._skip(_SPACE)
            if self._peek() != ".":
                return parts
            self._at += 1

    def _value(self, path: Path) -> None:
        first = self._peek()
        if first in "\"'":
            self._skip(_STRING)
        elif first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._skip(_SCALAR)

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while self._next_item("]"):
            self.lines.setdefault((*path, index), self._here())
            self._value((*path, index))
            index += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._next_item("}"):
            self._pair(path)

    def _next_item(self, closing: str) -> bool:
        """Go to the next item, past a comma; False, and past the closing bracket, where there is none."""
        self._skip(_BLANK)
        if self._peek() == ",":
            self._at += 1
            self._skip(_BLANK)
        if self._peek() != closing:
            return True
        self._at += 1
        return False

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match: Any = pattern.match(self._text, self._at)
        self._at = match.end()
        return str(match[0])

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line


def _unquoted(text: str) -> str:
    return str(tomllib.loads(f"key = {text}")["key"])
