"""Rows of a CSV file with their lines, one at a time: a file of any length takes the memory of its longest row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.documents.csv_text import as_written
from app.services.input_files import InvalidFile, refuse_file

MOST_COLUMNS = 100
_LONGEST_LINE = 256 * 1024
_FOOTER = "#rows="  # the last line of our own files: how many rows there are before it


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file, from 1, and its cells by column, trimmed."""

    line: int
    cells: Mapping[str, str]

    def get(self, column: str) -> str:
        """Return a cell; empty where the file has no such column."""
        return self.cells.get(column, "")


class BadCell(ValueError):
    """What is wrong with a row: the column, empty for the whole row, and what is wrong and what to do."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that was refused."""

    line: int
    column: str
    message: str

    def text(self, file: str) -> str:
        """Return the line for people: ``file:12: starts_at: is taken``."""
        return f"{file}:{self.line}: {self.column + ': ' if self.column else ''}{self.message}"


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file as it comes, and what to call it."""

    chunks: Iterable[bytes]
    name: str

    def iter_rows(self, columns: Sequence[str], required: Sequence[str]) -> Iterator[Row | Problem]:
        """Yield the rows of the file: see :func:`iter_rows`."""
        return iter_rows(self.chunks, self.name, columns, required)


def iter_rows(
    chunks: Iterable[bytes], name: str, columns: Sequence[str], required: Sequence[str]
) -> Iterator[Row | Problem]:
    """Yield the rows of a file with these columns, commas or semicolons between the cells; a row that is none is a problem.

    Raises:
        InvalidFile: the file cannot be read from some line on, or its heads are not of these columns.
    """
    lines = _lines(chunks, name)
    first = next(lines, "")
    reader = csv.reader(_chained(first, lines), delimiter=_delimiter(first), strict=True)
    heads = _heads(_next_row(reader, name), name, columns, required)
    count = 0
    while True:
        line = reader.line_num + 1
        cells = _next_row(reader, name)
        if cells is None:
            return
        if cells[0].startswith(_FOOTER) and not any(cells[1:]):
            yield from _footer(cells[0], line, count)
            continue
        count += any(cells)
        if any(cells):
            yield _row(line, cells, heads)


def _row(line: int, cells: Sequence[str], heads: Sequence[str]) -> Row | Problem:
    if len(cells) != len(heads):
        said = f"has {len(cells)} cells where there are {len(heads)} columns: put text with a comma into quotes"
        return Problem(line, "", said)
    return Row(line, {head: as_written(cell).strip() for head, cell in zip(heads, cells, strict=True)})


def _footer(text: str, line: int, count: int) -> Iterator[Problem]:
    if text.removeprefix(_FOOTER).strip() != str(count):
        yield Problem(line, "", f"says that there are {text.removeprefix(_FOOTER)[:20]} rows, and there are {count}")


def _heads(cells: Sequence[str] | None, name: str, columns: Sequence[str], required: Sequence[str]) -> tuple[str, ...]:
    heads = tuple(cell.strip().lower() for cell in cells or ())
    unknown = [head for head in heads if head not in columns]
    missing = [column for column in required if column not in heads]
    if len(heads) > MOST_COLUMNS or unknown:
        raise refuse_file(f"{name}:1", f"there is no column {unknown[0][:40]!r}: known are {', '.join(columns)}")
    if missing:
        raise refuse_file(f"{name}:1", f"the column {missing[0]} is missing: the first line names the columns")
    if len(set(heads)) < len(heads):
        raise refuse_file(f"{name}:1", "a column is there twice")
    return heads


def _delimiter(first: str) -> str:
    return max(",;\t", key=first.count)


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _next_row(reader: Iterator[list[str]], name: str) -> list[str] | None:
    try:
        for cells in reader:
            if cells:
                return cells
    except csv.Error as error:
        raise refuse_file(f"{name}:{getattr(reader, 'line_num', 0)}", f"cannot be read: {error}") from None
    return None


def _lines(chunks: Iterable[bytes], name: str) -> Iterator[str]:
    """Yield the lines of a file as text, each with its end."""
    number = 1
    for raw in _raw_lines(chunks, name):
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise refuse_file(f"{name}:{number}", "the file is not UTF-8: save it as UTF-8") from None
        if "\0" in text:
            raise refuse_file(f"{name}:{number}", "the file holds bytes that are no text")
        yield text
        number += 1


def _raw_lines(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    rest = b""
    number = 0
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            number += 1
            yield line + b"\n"
        if len(rest) > _LONGEST_LINE:
            raise _too_long(name, number + 1)
    if rest:
        yield rest


def _too_long(name: str, number: int) -> InvalidFile:
    return refuse_file(f"{name}:{number}", "the line is too long: no row is, so this is no such file")
