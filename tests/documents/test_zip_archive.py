"""A zip file that is written in one go: whole, and in little memory."""

from __future__ import annotations

import io
import random
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import datetime, timezone

from app.documents.zip_archive import zip_chunks

AT = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)
MIB = 1024 * 1024


def still() -> None:
    """Wait for nobody."""


def test_what_went_in_comes_out() -> None:
    members = [("a.json", [b"[", b"1]"]), ("files/ü.png", [b"\x89PNG", bytes(300_000)]), ("empty", [])]
    data = b"".join(zip_chunks(members, made_at=AT, pause=still))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: b"".join(parts) for name, parts in members
        }
        assert archive.getinfo("a.json").date_time == (2027, 3, 1, 12, 0, 0)


def test_a_chunk_leaves_before_the_next_is_read() -> None:
    read: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(5):
            read.append(number)
            yield random.Random(number).randbytes(MIB)

    stream = zip_chunks([("big", chunks())], made_at=AT, pause=still)
    next(stream)
    assert read == [0]


def test_chunks_are_neither_empty_nor_tiny() -> None:
    members = [("rows.json", [b"[1]"] * 10_000), ("big", [random.Random(1).randbytes(MIB)] * 3), ("none", [])]
    sizes = [len(chunk) for chunk in zip_chunks(members, made_at=AT, pause=still)]
    assert min(sizes[:-1]) >= 32 * 1024
    assert sizes[-1] > 0


def test_memory_does_not_grow_with_the_length() -> None:
    def peak(chunks: int) -> int:
        block = bytes(range(256)) * 1024
        tracemalloc.start()
        for _ in zip_chunks([("big", (block for _ in range(chunks)))], made_at=AT, pause=still):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(4)
    assert peak(400) <= peak(20) + 64 * 1024
