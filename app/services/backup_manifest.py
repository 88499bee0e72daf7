"""What a backup says of itself: first what it is, last what it has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from app.domain.errors import Invalid
from app.services.backup_archive import parse

FORMAT = 1
PROGRAM = "slotkeeper"
INSIDE = "inside"  # where the files are, if not in a bucket
Told = Callable[[int, int], None]  # how much more has been done, and of how much in all
T = TypeVar("T")


class Head(msgspec.Struct, frozen=True):
    """What a backup says of itself first; the keys are told by a fingerprint, so that a restore can say that they are others."""

    format: int
    program: str
    schema: str
    made_at: datetime
    database: str
    tables: dict[str, list[str]]
    files: str
    keys: list[str]
    sealing_key: str
    secret_key: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says of itself last: the hash of each part, the rows of each table, and the files."""

    parts: dict[str, str]
    rows: dict[str, int]
    files: int
    file_bytes: int
    files_sha256: str  # of their names, in order
    missing: int  # files that were removed while the backup was made, or were gone before


@dataclass(slots=True)
class Tally:
    """The files that have been seen of an archive."""

    files: int = 0
    file_bytes: int = 0
    missing: int = 0
    names: Any = field(default_factory=hashlib.sha256)

    def note(self, sha256: str, size_bytes: int) -> None:
        """Count a file."""
        self.files += 1
        self.file_bytes += size_bytes
        self.names.update(sha256.encode())

    def totals(self) -> dict[str, Any]:
        """Return what the manifest says of them."""
        return {"files": self.files, "file_bytes": self.file_bytes, "files_sha256": self.names.hexdigest()}


def decode(name: str, content: bytes, kind: type[T]) -> T:
    """Return a document of the archive. Raises Invalid: it is damaged."""
    try:
        return msgspec.convert(parse(name, content), kind)
    except msgspec.ValidationError as error:
        raise Invalid(f"The backup is damaged: {name}: {error}.") from None


def of_all(told: Told, total: int) -> Callable[[int], None]:
    """Return a function that tells how much more of that total has been done."""
    return lambda more: told(more, total)
