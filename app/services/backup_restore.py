"""Bring an installation back from a backup: looked over from end to end first, then all of its rows or none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.actors import Actor
from app.domain.errors import Conflict, Invalid, TooLarge
from app.domain.files import Allowance
from app.persistence.audit import add_audit
from app.persistence.backup import ROWS_AT_ONCE, Cell
from app.persistence.backup_restore import (
    Filling,
    bring_up,
    current_revision,
    filling,
    is_empty,
    is_known,
    make_tables,
)
from app.persistence.session import engine, give_connection_back, refusal, transaction, use_case
from app.runtime import key_files
from app.runtime.settings import Settings
from app.services import files
from app.services.backup import fingerprint, sealing_key
from app.services.backup_archive import Part, iter_parts
from app.services.backup_manifest import INSIDE, Head, Manifest, Told
from app.services.backup_verify import verify

PASSES = 3  # over the file: to look it over, for the files, for the rows
_ANY_SIZE = Allowance(1 << 60, TooLarge("The file is too large."))


@dataclass(frozen=True, slots=True)
class Plan:
    """How a backup is brought back: ``replace`` deletes what is there, ``with_keys`` takes the keys that are in it."""

    source: Path
    replace: bool = False
    with_keys: bool = False


def restore(
    settings: Settings, plan: Plan, *, by: Actor, now: datetime, told: Told = lambda _more, _of: None
) -> tuple[Head, Manifest, list[str]]:
    """Fill the database and the store from a backup, of this schema or an older one; return what it says, and what to do yet.

    Files come first: what a kill leaves then are files that nobody refers to, which the daily sweep removes. The rows are one
    transaction.

    Raises:
        Invalid: the backup is damaged, or a newer program made it. Conflict: the database is not empty.
        Busy: the database does not answer. StorageFull: there is no room.
    """
    give_connection_back()
    size = plan.source.stat().st_size if plan.source.is_file() else 0
    head, manifest = verify(plan.source, told=lambda more, _of: told(more, size * PASSES))
    try:
        _make_room(plan, head)
        _keep_files(settings, plan.source, lambda more: told(more, size * PASSES))
        _fill(plan.source, head, manifest, lambda more: told(more, size * PASSES))
        bring_up(engine())
    except (DBAPIError, PoolTimeout) as error:
        raise refusal(error) from error
    notes = [*_keys(settings, plan, head), *_missing(settings, head, manifest)]
    _note_down(head, manifest, by=by, now=now)
    return head, manifest, notes


def holds_something() -> bool:
    """Tell whether there is anything that a restore would have to replace."""
    return not is_empty(engine())


def _make_room(plan: Plan, head: Head) -> None:
    """Have tables of the backup's schema: made anew where there is nothing in them."""
    if not is_known(head.schema):
        raise Conflict(
            f"The backup is of schema {head.schema}, which this program does not know: install the newer one."
        )
    if is_empty(engine()):
        make_tables(engine(), head.schema)
        return
    if not plan.replace:
        raise Conflict("The database is not empty: restore into an empty one, or say --replace.")
    found = current_revision(engine())
    if found != head.schema:
        raise Conflict(
            f"The backup is of schema {head.schema} and the database of {found}: that takes an empty database."
        )


def _keep_files(settings: Settings, source: Path, told: Callable[[int], None]) -> None:
    home = files.storage(settings)
    with closing(iter_parts(source, ["files/"], told=told)) as parts:
        for part in parts:
            sha256 = part.name.partition("/")[2]
            if home.exists(sha256):
                continue
            with home.start(_ANY_SIZE) as draft:
                for chunk in part.iter_chunks():
                    draft.write(chunk)
                if draft.finish().sha256 != sha256:
                    raise Invalid(f"The backup has changed while it was read: {part.name}.")


def _fill(source: Path, head: Head, manifest: Manifest, told: Callable[[int], None]) -> None:
    with filling(engine()) as filled:
        for name, columns in head.tables.items():
            lacking = [column for column in columns if column not in filled.columns(name)]
            if lacking:
                raise Invalid(f"The backup has {name}.{lacking[0]}, which its schema has not.")
        filled.empty()
        with closing(iter_parts(source, ["tables/"], told=told)) as parts:
            for part in parts:
                _add_part(filled, part, head, manifest)
        for name, count in manifest.rows.items():
            if filled.count_rows(name) != count:
                raise Invalid(f"Not every row of {name} could be stored; nothing was.")


def _add_part(filled: Filling, part: Part, head: Head, manifest: Manifest) -> None:
    content = part.read()
    if hashlib.sha256(content).hexdigest() != manifest.parts.get(part.name):
        raise Invalid(f"The backup has changed while it was read: {part.name}.")
    table = part.name.split("/")[1]
    for rows in _batches(content):
        filled.add_rows(table, head.tables[table], rows)


def _batches(content: bytes) -> Iterator[Sequence[Sequence[Cell]]]:
    lines = content.decode().split("\n")[:-1]
    for start in range(0, len(lines), ROWS_AT_ONCE):
        yield [json.loads(line) for line in lines[start : start + ROWS_AT_ONCE]]


def _keys(settings: Settings, plan: Plan, head: Head) -> Iterator[str]:
    """Put the keys back, where that is wished; yield what to do about those that differ."""
    if plan.with_keys and not head.keys:
        yield "the backup has no keys inside: it was made without --with-keys"
    if plan.with_keys and head.keys:
        yield from _put_keys_back(settings, plan.source)
    if head.sealing_key and fingerprint(sealing_key(settings)) != head.sealing_key:
        yield (
            f"the sealing key is another one: put that of the backup's installation into {settings.sealing_key_file},"
            " or nobody's authenticator app works and messages not sent yet are lost"
        )
    if fingerprint(settings.secret_key.encode()) != head.secret_key and not (plan.with_keys and head.keys):
        yield "the secret key is another one: links in messages that were sent before open nothing here"


def _put_keys_back(settings: Settings, source: Path) -> Iterator[str]:
    places = {
        "secret_key": settings.instance_dir / "secret_key",
        "sealing_key": settings.sealing_key_file,
        "slotkeeper.toml": settings.instance_dir / "slotkeeper.toml.from-backup",  # this installation has its own
    }
    with closing(iter_parts(source, ["keys/"])) as parts:
        for part in parts:
            name, content = part.name.partition("/")[2], part.read().decode()
            if name in places:
                yield from _put_back(places[name], content)


def _put_back(path: Path, content: str) -> Iterator[str]:
    with suppress(FileNotFoundError):
        if path.read_text(encoding="utf-8").strip() == content.strip():
            return
        path.rename(path.with_name(f"{path.name}.before"))
    key_files.make(path, content)
    yield f"wrote {path}; restart the program"


def _missing(settings: Settings, head: Head, manifest: Manifest) -> Iterator[str]:
    if manifest.missing:
        yield f"{manifest.missing} files were gone when the backup was made; `doctor` names them"
    here = INSIDE if not settings.s3_endpoint else f"bucket {settings.s3_bucket} at {settings.s3_endpoint}"
    if head.files not in {INSIDE, here}:
        yield f"the files are not in the backup; they are in the {head.files}"


@use_case
def _note_down(head: Head, manifest: Manifest, *, by: Actor, now: datetime) -> None:
    with transaction() as session:
        made_at, rows = head.made_at.isoformat(), sum(manifest.rows.values())
        add_audit(session, "backup.restored", "installation", by=by, now=now, made_at=made_at, rows=rows)
