"""Look whether the file of a backup is whole: every part of it is read, and compared with what the manifest says."""

from __future__ import annotations

import hashlib
from contextlib import closing
from itertools import chain
from pathlib import Path

from app.domain.errors import Invalid
from app.services.backup_archive import HEAD, MANIFEST, Part, iter_parts
from app.services.backup_manifest import FORMAT, PROGRAM, Head, Manifest, Tally, Told, decode, of_all


def verify(source: Path, *, told: Told = lambda _more, _of: None) -> tuple[Head, Manifest]:
    """Read a backup from end to end, and return what it says of itself once all of it is true.

    Raises:
        Invalid: it is no backup, or damaged; or a newer program has made it.
    """
    parts = iter_parts(source, told=of_all(told, source.stat().st_size) if source.is_file() else lambda _size: None)
    with closing(parts):
        first = next(parts, None)
        if first is None or first.name != HEAD:
            raise Invalid("This is no backup: it does not begin with backup.json.")
        content = first.read()
        head = _read_head(content)
        hashes, rows, tally = {HEAD: hashlib.sha256(content).hexdigest()}, dict.fromkeys(head.tables, 0), Tally()
        for part in parts:
            if part.name == MANIFEST:
                manifest = decode(MANIFEST, part.read(), Manifest)
                _compare(manifest, Manifest(hashes, rows, **tally.totals(), missing=manifest.missing))
                if next(parts, None) is not None:
                    raise Invalid("The backup is damaged: something stands behind its end.")
                return head, manifest
            _take(part, hashes, rows, tally)
    raise Invalid("The backup was cut: it has no manifest.")


def _read_head(content: bytes) -> Head:
    head = decode(HEAD, content, Head)
    if head.program != PROGRAM or head.format > FORMAT:
        raise Invalid(f"The backup has format {head.format}, and this program knows {FORMAT}: install the newer one.")
    return head


def _take(part: Part, hashes: dict[str, str], rows: dict[str, int], tally: Tally) -> None:
    """Count a part, and look whether it is what its name says."""
    room, _, name = part.name.partition("/")
    if room == "files":
        found = hashlib.sha256()
        for chunk in part.iter_chunks():
            found.update(chunk)
        if found.hexdigest() != name:
            raise Invalid(f"The backup is damaged: the file {name[:12]} is not what it was.")
        tally.note(name, part.size_bytes)
        return
    content = part.read()
    hashes[part.name] = hashlib.sha256(content).hexdigest()
    if room == "tables":
        table = name.partition("/")[0]
        rows[table] = rows.get(table, 0) + content.count(b"\n")


def _compare(told: Manifest, found: Manifest) -> None:
    wrong = [name for name in chain(told.parts, found.parts) if told.parts.get(name) != found.parts.get(name)]
    if wrong:
        raise Invalid(f"The backup is damaged: {wrong[0]} is not what it was.")
    if told != found:
        raise Invalid("The backup is damaged: its rows or files are not as many as they were.")
