"""A piece of an upload that is kept only if its checksum is right: it waits in a file that has no name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from hmac import compare_digest
from pathlib import Path
from tempfile import TemporaryFile

from app.domain.errors import ChecksumMismatch
from app.gateways.tally import CHUNK_BYTES, Pace, full_disk_told


def verified(chunks: Iterable[bytes], algorithm: str, digest: bytes, folder: Path) -> Iterator[bytes]:
    """Yield the chunks again once all of them have come and are what the checksum says.

    Raises:
        ChecksumMismatch: they are not. StorageFull: there is no room for them.
    """
    counted, pace = hashlib.new(algorithm, usedforsecurity=False), Pace()
    with full_disk_told():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        waiting = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed below, also when nobody reads on
    with waiting:
        for chunk in chunks:
            with full_disk_told():
                write_all(waiting.fileno(), chunk)
            counted.update(chunk)
            pace.step()
        if not compare_digest(counted.digest(), digest):
            raise ChecksumMismatch("The piece is not what its checksum says. It was not kept: send it again.")
        waiting.seek(0)
        while chunk := waiting.read(CHUNK_BYTES):
            yield chunk


def write_all(file: int, chunk: bytes) -> None:
    """Write the whole chunk: the system may take less at a time."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(file, rest) :]
