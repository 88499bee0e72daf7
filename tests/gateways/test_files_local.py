"""Files in a folder: who may read them, what is planted there, and a disk that is full."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import random
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.domain.errors import Conflict, NotFound, StorageFull, TooLarge
from app.domain.files import Allowance
from app.gateways import files_local
from app.gateways.files import new_draft_name
from app.gateways.files_local import LocalStorage
from tests.gateways.stores import MIB, PLENTY, everything, keep

TOMORROW = datetime.now(timezone.utc) + timedelta(days=1)
CONTENT = b"a floor plan"
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "instance" / "uploads"


@pytest.fixture
def storage(folder: Path) -> LocalStorage:
    return LocalStorage(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]


def test_nobody_but_the_owner_may_read(storage: LocalStorage, folder: Path) -> None:
    before = os.umask(0)
    try:
        keep(storage, CONTENT)
        with storage.start(PLENTY) as draft:
            assert mode(folder / "drafts" / draft.name) == 0o600
    finally:
        os.umask(before)
    assert {mode(path) for path in (folder, *folder.rglob("*")) if path.is_dir()} == {0o700}
    assert {mode(path) for path in files_below(folder)} == {0o600}


def test_a_web_server_of_the_group_may_read_what_has_arrived(folder: Path) -> None:
    before = os.umask(0)
    try:
        keep(LocalStorage(folder, is_shared=True), CONTENT)
    finally:
        os.umask(before)
    assert {mode(path) for path in (folder, folder / "content", *(folder / "content").iterdir())} == {0o750}
    assert {mode(path) for path in files_below(folder)} == {0o640}
    assert mode(folder / "drafts") == 0o700


def test_names_come_from_the_content_alone(storage: LocalStorage, folder: Path) -> None:
    keep(storage, CONTENT)
    assert files_below(folder) == [folder / "content" / NAME[:2] / NAME] == [storage.local_path(NAME)]
    assert storage.signed_link(NAME, valid_seconds=60, media_type="text/plain", disposition="attachment") is None


def test_a_finished_upload_is_written_once(storage: LocalStorage, folder: Path) -> None:
    with storage.start(PLENTY) as draft:
        draft.write(CONTENT)
        written = (folder / "drafts" / draft.name).stat().st_ino
        draft.finish()
    assert (folder / "content" / NAME[:2] / NAME).stat().st_ino == written


def test_one_process_writes_a_draft(storage: LocalStorage) -> None:
    with storage.start(PLENTY) as draft:
        draft.write(CONTENT)
        with pytest.raises(Conflict):
            storage.resume(draft.name, PLENTY)
        draft.pause()
    with storage.resume(draft.name, PLENTY) as again:
        with pytest.raises(Conflict):
            storage.resume(draft.name, PLENTY)
        assert again.finish().sha256 == NAME


def test_a_draft_that_was_finished_before_it_could_be_locked_is_none(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with storage.start(PLENTY) as draft:
        draft.pause()
    lock = fcntl.flock

    def too_late(file: int, operation: int) -> None:
        monkeypatch.undo()
        storage.remove_draft(draft.name)
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", too_late)
    with pytest.raises(NotFound):
        storage.resume(draft.name, PLENTY)


def test_who_reads_is_not_disturbed_by_a_delete_or_a_second_upload(storage: LocalStorage) -> None:
    content = random.Random(1).randbytes(MIB)
    stored = keep(storage, content)
    with closing(storage.open(stored.sha256)) as reading:
        begun = next(reading)
        keep(storage, content)
        storage.delete(stored.sha256)
        assert begun + b"".join(reading) == content


def test_no_descriptor_stays_open(storage: LocalStorage) -> None:
    keep(storage, CONTENT)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        keep(storage, CONTENT)
        storage.start(PLENTY).abandon()
        with storage.start(PLENTY) as draft:
            draft.pause()
        storage.resume(draft.name, PLENTY).abandon()
        with storage.start(Allowance(0, TooLarge(""))) as draft, pytest.raises(TooLarge):
            draft.write(b"x")
        storage.open(NAME).close()
        with pytest.raises(NotFound):
            storage.open("0" * 64)
        with pytest.raises(NotFound):
            storage.resume(new_draft_name(), PLENTY)
        everything(storage)
        storage.sweep(TOMORROW)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    target = tmp_path / "outside"
    target.mkdir()
    (target / "secret").write_bytes(b"secret")
    return target


def test_a_link_in_place_of_content_is_no_content(storage: LocalStorage, folder: Path, outside: Path) -> None:
    keep(storage, CONTENT)
    planted = folder / "content" / NAME[:2] / NAME
    planted.unlink()
    planted.symlink_to(outside / "secret")
    with pytest.raises(NotFound):
        storage.open(NAME)
    assert not storage.exists(NAME)
    keep(storage, CONTENT)
    assert not planted.is_symlink()
    assert (outside / "secret").read_bytes() == b"secret"


def test_a_link_in_place_of_a_draft_is_no_draft(storage: LocalStorage, folder: Path, outside: Path) -> None:
    storage.start(PLENTY).abandon()
    name = new_draft_name()
    (folder / "drafts" / name).symlink_to(outside / "secret")
    with pytest.raises(NotFound):
        storage.resume(name, PLENTY)
    storage.sweep(TOMORROW)
    assert (outside / "secret").read_bytes() == b"secret"
    assert not (folder / "drafts" / name).is_symlink()


@pytest.mark.parametrize("planted", ["drafts", "content", f"content/{NAME[:2]}"])
def test_a_link_in_place_of_a_folder_is_never_followed(
    storage: LocalStorage, folder: Path, outside: Path, planted: str
) -> None:
    (outside / NAME).write_bytes(b"not ours")
    (folder / planted).parent.mkdir(parents=True)
    (folder / planted).symlink_to(outside, target_is_directory=True)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        keep(storage, CONTENT)
    if planted != "drafts":
        with pytest.raises(NotFound):
            storage.open(NAME)
        storage.delete(NAME)
        assert everything(storage) == []
    storage.sweep(TOMORROW)
    assert sorted(path.name for path in outside.iterdir()) == sorted([NAME, "secret"])


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk2").mkdir()
    (tmp_path / "uploads").symlink_to(tmp_path / "disk2", target_is_directory=True)
    assert everything(LocalStorage(tmp_path / "uploads")) == []
    keep(LocalStorage(tmp_path / "uploads"), CONTENT)
    assert everything(LocalStorage(tmp_path / "disk2")) == [NAME]


@pytest.mark.parametrize("name", [".htaccess", "shell.php", "passenger_wsgi.py", "A" * 64, NAME + "x"])
def test_what_others_put_there_is_not_ours(storage: LocalStorage, folder: Path, name: str) -> None:
    keep(storage, CONTENT)
    stray = folder / "content" / NAME[:2] / name
    stray.write_bytes(b"")
    (folder / "content" / name).write_bytes(b"")
    assert everything(storage) == [NAME]
    storage.sweep(TOMORROW)
    assert stray.exists()


def test_content_that_was_cut_short_is_noticed_by_who_reads(storage: LocalStorage, folder: Path) -> None:
    keep(storage, CONTENT)
    os.truncate(folder / "content" / NAME[:2] / NAME, 5)
    with closing(storage.open(NAME, 0, len(CONTENT))) as reading, pytest.raises(EOFError, match="7 bytes early"):
        list(reading)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("call", ["write", "fsync", "rename", "open"])
def test_a_full_disk_is_told_and_nothing_is_left(
    storage: LocalStorage, folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, call: str
) -> None:
    keep(storage, b"was there before")
    genuine = getattr(os, call)

    def full(*arguments: object, **options: object) -> object:
        if call == "open" and arguments[1] & os.O_CREAT == 0:  # type: ignore[operator]
            return genuine(*arguments, **options)
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(StorageFull):
            keep(storage, CONTENT)
    assert files_below(folder / "drafts") == []
    assert len(everything(storage)) == 1


def test_other_faults_are_not_called_a_full_disk(
    storage: LocalStorage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(OSError, match="Input/output"):
            keep(storage, CONTENT)
    assert files_below(folder) == []


def test_a_short_write_is_gone_on_with(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = os.write
    monkeypatch.setattr(os, "write", lambda file, data: genuine(file, data[:5]))
    with closing(storage.open(keep(storage, CONTENT).sha256)) as reading:
        assert b"".join(reading) == CONTENT


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    target = tmp_path / "tiny"
    target.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(target)]  # as root alone
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a file system is not allowed here")
    yield target
    subprocess.run(["umount", str(target)], check=True)  # noqa: S607


def test_a_disk_that_fills_up_is_as_empty_afterwards_as_before(tiny_disk: Path) -> None:
    storage = LocalStorage(tiny_disk / "uploads")
    keep(storage, CONTENT)
    free = os.statvfs(tiny_disk).f_bfree
    with pytest.raises(StorageFull):
        keep(storage, random.Random(2).randbytes(2 * MIB))
    assert os.statvfs(tiny_disk).f_bfree == free
    assert everything(storage) == [NAME]
    keep(storage, bytes(MIB // 2))


def test_a_large_upload_is_synced_as_it_goes(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    genuine = os.fsync

    def counted(file: int) -> None:
        synced.append(os.fstat(file).st_size)
        genuine(file)

    monkeypatch.setattr(files_local, "SYNC_BYTES", MIB)
    monkeypatch.setattr(os, "fsync", counted)
    with storage.start(PLENTY) as draft:
        for _ in range(3):
            draft.write(bytes(MIB))
        draft.finish()
    assert [size for size in synced if size >= MIB] == [MIB, 2 * MIB, 3 * MIB, 3 * MIB]
