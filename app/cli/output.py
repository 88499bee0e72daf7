"""How the commands print: plain tables that a person reads and a program can cut, or JSON."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

import click
import msgspec

from app.domain.times import rfc3339


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print aligned columns, two spaces between them."""
    lines = [list(headers), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def print_json(value: object) -> None:
    """Print a value as indented JSON; instants as UTC with a Z."""
    encoded = msgspec.json.encode(_plain(value))
    click.echo(msgspec.json.format(encoded, indent=2).decode())


def say_progress(message: str) -> None:
    """Tell somebody who waits at a terminal what is going on; say nothing to a file or a pipe."""
    if sys.stderr.isatty():
        click.echo(message, err=True)


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON takes, and dataclasses of it
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return rfc3339(value) if isinstance(value, datetime) else value


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _width(text: str) -> int:
    """Return the columns that a terminal gives the text: wide letters take two, marks on letters none."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)
