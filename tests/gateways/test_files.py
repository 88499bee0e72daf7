"""What every home of files promises, asked of a folder and of a bucket alike."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.domain.errors import NotFound, TooLarge
from app.domain.files import Allowance
from app.gateways.files import S3Place, Storage, new_draft_name, open_storage, reader
from app.gateways.tally import HEAD_BYTES
from tests.gateways import stores
from tests.gateways.stores import MIB, PLENTY, everything, keep

ROOT = Path(__file__).resolve().parents[2]
SMALL = b"a floor plan" * 1000
LARGE = random.Random(4).randbytes(9 * MIB + 12_345)  # in S3: one part, and a rest that is no part by itself
TOMORROW = datetime.now(timezone.utc) + timedelta(days=1)
NAMES = [
    "../../etc/passwd", "/etc/passwd", ".htaccess", "shell.php", "passenger_wsgi.py", "..", ".", "", "a" * 63, "A" * 64,
    "g" * 64, "a" * 64 + "\n", "a" * 65, "../" + "a" * 64, "a" * 31 + "/", "\0" * 32, "0" * 64, "0" * 32,
]  # fmt: skip


@pytest.fixture(scope="module")
def s3_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with stores.s3_server(tmp_path_factory.mktemp("s3")) as port:
        yield port


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.system)])
def place(request: pytest.FixtureRequest) -> S3Place | None:
    if request.param == "folder":
        return None
    return stores.new_bucket(request.getfixturevalue("s3_port"), prefix="a site/")


@pytest.fixture
def storage(place: S3Place | None, tmp_path: Path) -> Storage:
    return open_storage(tmp_path / "uploads", place)


def content_of(storage: Storage, sha256: str, start: int = 0, length: int | None = None) -> bytes:
    with closing(storage.open(sha256, start, length)) as reading:
        return b"".join(reading)


def is_bare(storage: Storage) -> bool:
    """Tell whether there is neither content nor draft."""
    return everything(storage) == [] and storage.sweep(TOMORROW) == 0


@pytest.mark.parametrize("content", [b"", b"x", SMALL, LARGE], ids=["nothing", "a byte", "small", "large"])
def test_what_was_finished_is_read_as_it_was_written(storage: Storage, content: bytes) -> None:
    stored = keep(storage, content)
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert stored.size_bytes == len(content)
    assert stored.head == content[:HEAD_BYTES]
    assert content_of(storage, stored.sha256) == content
    assert storage.exists(stored.sha256)
    assert storage.sweep(TOMORROW) == 0


@pytest.mark.parametrize(("start", "length"), [(0, 1), (5, 10), (0, None), (len(SMALL) - 1, 1), (7, None), (3, 0)])
def test_a_part_is_read_by_itself(storage: Storage, start: int, length: int | None) -> None:
    stored = keep(storage, SMALL)
    end = None if length is None else start + length
    assert content_of(storage, stored.sha256, start, length) == SMALL[start:end]


def test_a_file_is_read_at_places_whether_they_lie_in_its_head_or_behind(storage: Storage) -> None:
    stored = keep(storage, LARGE)
    read = reader(storage, stored)
    for offset, length in (
        (0, 10),
        (HEAD_BYTES - 5, 10),
        (5 * MIB, 100),
        (len(LARGE) - 3, 10),
        (len(LARGE), 1),
        (10**9, 1),
    ):
        assert read(offset, length) == LARGE[offset : offset + length]


def test_a_file_can_be_refused_by_its_head_before_it_is_whole(storage: Storage) -> None:
    with storage.start(PLENTY) as draft:
        assert draft.head == b""
        draft.write(SMALL)
        assert draft.head == SMALL
    assert is_bare(storage)


def test_a_reading_may_be_left_before_its_end_or_before_its_start(storage: Storage) -> None:
    stored = keep(storage, LARGE)
    unread = storage.open(stored.sha256)
    unread.close()
    unread.close()
    begun = storage.open(stored.sha256)
    assert LARGE.startswith(next(begun))
    begun.close()
    assert list(begun) == []


def test_equal_content_is_kept_once_and_dated_anew(storage: Storage) -> None:
    keep(storage, b"another")
    first = keep(storage, SMALL)
    before = {item.sha256: item for item in storage.iter_stored()}[first.sha256]
    assert keep(storage, SMALL) == first
    assert len(everything(storage)) == 2
    after = {item.sha256: item for item in storage.iter_stored()}[first.sha256]
    assert after.stored_at >= before.stored_at
    assert after.size_bytes == len(SMALL)
    assert after.stored_at.tzinfo is timezone.utc


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_equal_uploads_at_once_leave_one_content_and_no_draft(storage: Storage, content: bytes) -> None:
    together = threading.Barrier(4)
    found: list[object] = []

    def upload() -> None:
        with storage.start(PLENTY) as draft:
            draft.write(content)
            together.wait(60)
            found.append(draft.finish())

    writers = [threading.Thread(target=upload) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert everything(storage) == [hashlib.sha256(content).hexdigest()]
    assert storage.sweep(TOMORROW) == 0


@pytest.mark.parametrize("most", [0, 1, len(SMALL) - 1])
def test_the_limit_holds_while_writing_and_leaves_nothing(storage: Storage, most: int) -> None:
    refusal = TooLarge("too large")
    with storage.start(Allowance(most, refusal)) as draft:
        draft.write(SMALL[:most])
        with pytest.raises(TooLarge) as raised:
            draft.write(SMALL[most:])
    assert raised.value is refusal
    assert is_bare(storage)


def test_the_limit_itself_is_allowed(storage: Storage) -> None:
    assert keep(storage, SMALL, Allowance(len(SMALL), TooLarge(""))).size_bytes == len(SMALL)


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_an_upload_that_breaks_off_leaves_nothing(storage: Storage, content: bytes) -> None:
    with pytest.raises(ConnectionResetError), storage.start(PLENTY) as draft:
        draft.write(content)
        raise ConnectionResetError
    assert is_bare(storage)
    with pytest.raises(NotFound):
        storage.resume(draft.name, PLENTY)


@pytest.mark.parametrize("cuts", [[0], [5], [len(SMALL)], [5, 5, 6, MIB, 8 * MIB, 8 * MIB + 1, 9 * MIB]])
def test_a_paused_upload_goes_on_where_it_was(storage: Storage, cuts: list[int]) -> None:
    content = LARGE if cuts[-1] > len(SMALL) else SMALL
    with storage.start(PLENTY) as draft:
        draft.write(content[: cuts[0]])
        draft.pause()
    for cut, end in zip(cuts, [*cuts[1:], len(content)], strict=True):
        with storage.resume(draft.name, PLENTY) as again:
            assert (again.name, again.offset) == (draft.name, cut)
            again.write(content[cut:end])
            if end < len(content):
                again.pause()
            else:
                stored = again.finish()
    assert (stored.sha256, stored.head) == (hashlib.sha256(content).hexdigest(), content[:HEAD_BYTES])
    assert content_of(storage, stored.sha256) == content
    assert storage.sweep(TOMORROW) == 0
    with pytest.raises(NotFound):
        storage.resume(draft.name, PLENTY)


def test_the_limit_counts_from_the_first_byte_of_a_resumed_upload(storage: Storage) -> None:
    with storage.start(PLENTY) as draft:
        draft.write(LARGE)
        draft.pause()
    with storage.resume(draft.name, Allowance(len(LARGE), TooLarge(""))) as again, pytest.raises(TooLarge):
        again.write(b"x")
    assert is_bare(storage)


def test_a_paused_upload_can_be_given_up(storage: Storage) -> None:
    with storage.start(PLENTY) as draft:
        draft.write(LARGE)
        draft.pause()
    storage.resume(draft.name, PLENTY).abandon()
    assert is_bare(storage)


def test_drafts_are_swept_by_age(storage: Storage) -> None:
    kept = keep(storage, b"content is not swept")
    for content in (b"", SMALL, LARGE):
        with storage.start(PLENTY) as draft:
            draft.write(content)
            draft.pause()
    assert storage.sweep(datetime.now(timezone.utc) - timedelta(hours=1)) == 0
    storage.resume(draft.name, PLENTY).pause()
    assert storage.sweep(TOMORROW) == 3
    assert storage.sweep(TOMORROW) == 0
    assert everything(storage) == [kept.sha256]
    with pytest.raises(NotFound):
        storage.resume(draft.name, PLENTY)


KILLED = """
import sys, time
from pathlib import Path
from app.gateways.files import S3Place, open_storage
from tests.gateways.stores import PLENTY
storage = open_storage(Path(sys.argv[1]), S3Place(*sys.argv[2:]) if sys.argv[2:] else None)
draft = storage.start(PLENTY)
for _ in range(90):
    draft.write(bytes(100_000))
print(draft.name, flush=True)
time.sleep(60)
"""


def test_a_kill_leaves_nothing_but_a_draft_that_is_swept(
    storage: Storage, place: S3Place | None, tmp_path: Path
) -> None:
    arguments = [tmp_path / "uploads"] + (
        [place.endpoint, place.region, place.bucket, place.key_id, place.secret, place.prefix] if place else []
    )
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *map(str, arguments)], stdout=subprocess.PIPE, cwd=ROOT, env=dict(os.environ)
    )
    assert process.stdout is not None
    name = process.stdout.readline().decode().strip()
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    assert everything(storage) == []
    with storage.resume(name, PLENTY) as draft:
        assert draft.offset == (8 * MIB if place else 9_000_000)
        draft.pause()
    assert storage.sweep(TOMORROW) == 1
    assert is_bare(storage)


def test_deleted_content_is_gone_and_a_second_delete_does_no_harm(storage: Storage) -> None:
    stored, other = keep(storage, SMALL), keep(storage, b"other")
    storage.delete(stored.sha256)
    storage.delete(stored.sha256)
    assert not storage.exists(stored.sha256)
    assert everything(storage) == [other.sha256]
    with pytest.raises(NotFound):
        storage.open(stored.sha256)


def test_an_unused_storage_is_empty(storage: Storage) -> None:
    assert everything(storage) == []
    assert storage.sweep(TOMORROW) == 0
    assert not storage.exists("0" * 64)
    storage.delete("0" * 64)
    with pytest.raises(NotFound):
        storage.open("0" * 64)
    with pytest.raises(NotFound):
        storage.resume(new_draft_name(), PLENTY)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_none_leads_nowhere(storage: Storage, name: str) -> None:
    for ask in (
        lambda: storage.open(name),
        lambda: storage.resume(name, PLENTY),
        lambda: storage.resume(name[:32], PLENTY),
    ):
        with pytest.raises(NotFound):
            ask()
    assert not storage.exists(name)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "0" * 64])
def test_nothing_is_deleted_or_handed_out_under_a_name_that_is_none(storage: Storage, name: str) -> None:
    with pytest.raises(NotFound):
        storage.delete(name)
    with pytest.raises(NotFound):
        handed_out(storage, name)


def test_content_is_handed_out_as_a_path_or_as_a_link(storage: Storage) -> None:
    path, link = handed_out(storage, "a" * 64)
    assert (path is None) is not (link is None)


def handed_out(storage: Storage, sha256: str) -> tuple[Path | None, str | None]:
    link = storage.signed_link(sha256, valid_seconds=60, media_type="text/plain", disposition="attachment")
    return storage.local_path(sha256), link


MEASURED = """
import sys
from pathlib import Path
from app.gateways.files import S3Place, open_storage
from tests.gateways.stores import PLENTY, keep

def peak_kib():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))

storage = open_storage(Path(sys.argv[1]), S3Place(*sys.argv[2:]) if sys.argv[2:] else None)
keep(storage, bytes(9_000_000))
idle = peak_kib()
drafts = [storage.start(PLENTY) for _ in range(5)]
chunk = bytes(256 * 1024)
for _ in range(200):
    for draft in drafts:
        draft.write(chunk)
print(peak_kib() - idle, drafts[0].finish().size_bytes)
for draft in drafts[1:]:
    draft.abandon()
"""


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_memory_does_not_grow_with_uploads(place: S3Place | None, tmp_path: Path) -> None:
    """Five uploads of 50 MiB at once take 3 MiB at most beside what one small one took: their heads."""
    arguments = [tmp_path / "uploads"] + (
        [place.endpoint, place.region, place.bucket, place.key_id, place.secret, place.prefix] if place else []
    )
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, arguments)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    grown_kib, size = map(int, done.stdout.split())
    assert size == 50 * MIB
    assert grown_kib <= 3 * 1024
