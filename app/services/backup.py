"""Back an installation up into one file.

The rows are JSON Lines, the same from either database, so that what SQLite has given MariaDB can take.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import Conflict, NotFound
from app.persistence.backup import Cell, Snapshot, snapshot
from app.persistence.session import engine, refusal
from app.runtime.settings import Settings
from app.services import files
from app.services.backup_archive import HEAD, MANIFEST, Writer, writing
from app.services.backup_manifest import FORMAT, INSIDE, PROGRAM, Head, Manifest, Tally, Told, of_all

PART_CHARACTERS = 256 * 1024
_SECRETS = ("secret_key", "sealing_key", "slotkeeper.toml")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def make(
    settings: Settings, target: Path, *, now: datetime, with_keys: bool = False, told: Told = lambda _more, _of: None
) -> tuple[Head, Manifest]:
    """Write the database as it is at one instant, and the uploaded files, into a file that is not there yet.

    Readers and writers go on meanwhile. With *with_keys* the keys and the settings file go in, too: whoever has the backup then
    has everything.

    Raises:
        Conflict: the file is there already, or the database has no tables.
        StorageFull: the disk is full. Invalid: the file cannot be written. Busy: the database does not answer.
    """
    try:
        with writing(target, made_at=int(now.timestamp())) as writer, tempfile.TemporaryFile() as names:
            with snapshot(engine()) as seen:
                head = _head(settings, seen, now, with_keys=with_keys)
                writer.add_json(HEAD, msgspec.to_builtins(head))
                counts = [seen.count_rows(table) for table in seen.tables]
                told_of = of_all(told, sum(counts))
                rows = {str(table.name): _add_table(writer, seen, table, names, told_of) for table in seen.tables}
            tally = _add_files(settings, writer, names) if head.files == INSIDE else Tally()
            for name in head.keys:
                writer.add(f"keys/{name}", _secrets(settings)[name])
            manifest = _manifest(writer, rows, tally)
            writer.add_json(MANIFEST, msgspec.to_builtins(manifest))
    except (DBAPIError, PoolTimeout) as error:
        raise refusal(error) from error
    return head, manifest


def fingerprint(key: bytes) -> str:
    """Return a word by which a random key is known again, and which does not tell it; none for no key."""
    return hashlib.sha256(b"slotkeeper key " + key.strip()).hexdigest()[:16] if key else ""


def sealing_key(settings: Settings) -> bytes:
    """Return the content of the sealing key's file; nothing where there is none yet."""
    path = settings.sealing_key_file
    return path.read_bytes() if path.exists() else b""


def _head(settings: Settings, seen: Snapshot, now: datetime, *, with_keys: bool) -> Head:
    if seen.revision is None:
        raise Conflict("The database has no tables yet: there is nothing to back up.")
    return Head(
        format=FORMAT,
        program=PROGRAM,
        schema=seen.revision,
        made_at=now,
        database=seen.connection.dialect.name,
        tables={str(table.name): [str(column.name) for column in table.columns] for table in seen.tables},
        files=f"bucket {settings.s3_bucket} at {settings.s3_endpoint}" if settings.s3_endpoint else INSIDE,
        keys=[name for name, content in _secrets(settings).items() if content] if with_keys else [],
        sealing_key=fingerprint(sealing_key(settings)),
        secret_key=fingerprint(settings.secret_key.encode()),
    )


def _secrets(settings: Settings) -> dict[str, bytes]:
    own = settings.instance_dir / "slotkeeper.toml"
    contents = (settings.secret_key.encode(), sealing_key(settings), own.read_bytes() if own.exists() else b"")
    return dict(zip(_SECRETS, contents, strict=True))


def _add_table(writer: Writer, seen: Snapshot, table: Any, names: IO[bytes], told: Callable[[int], None]) -> int:  # noqa: ANN401 - a table
    """Add the rows of a table, in parts; note down which files there are, where they are listed."""
    count = 0
    for number, lines in enumerate(_parts(_noted(seen, table, names)), 1):
        writer.add(f"tables/{table.name}/{number:06}.jsonl", "".join(lines).encode())
        count += len(lines)
        told(len(lines))
    return count


def _noted(seen: Snapshot, table: Any, names: IO[bytes]) -> Iterator[list[Cell]]:  # noqa: ANN401 - a table
    if table.name != "contents":
        yield from seen.iter_rows(table)
        return
    at = [list(table.columns.keys()).index(name) for name in ("sha256", "size_bytes", "state")]
    for row in seen.iter_rows(table):
        sha256, size_bytes, state = (row[index] for index in at)
        if state == "kept":
            names.write(f"{sha256} {size_bytes}\n".encode())
        yield row


def _parts(rows: Iterator[list[Cell]]) -> Iterator[list[str]]:
    lines, size = [], 0
    for row in rows:
        lines.append(f"{_encode(row)}\n")
        size += len(lines[-1])
        if size >= PART_CHARACTERS:
            yield lines
            lines, size = [], 0
    if lines:
        yield lines


def _add_files(settings: Settings, writer: Writer, names: IO[bytes]) -> Tally:
    """Add each file that the database lists; one that was removed since is counted as missing."""
    home, tally = files.storage(settings), Tally()
    names.seek(0)
    for line in names:
        sha256, size_bytes = line.decode().split()
        try:
            reading = home.open(sha256)
        except NotFound:
            tally.missing += 1
            continue
        with closing(reading):
            writer.add_stream(f"files/{sha256}", int(size_bytes), reading)
        tally.note(sha256, int(size_bytes))
    return tally


def _manifest(writer: Writer, rows: dict[str, int], tally: Tally) -> Manifest:
    return Manifest(dict(writer.hashes), rows, **tally.totals(), missing=tally.missing)
