"""The file of a backup: whole or not there, for its owner alone, and refused in one line when a bit of it has changed."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.domain.errors import Conflict, Invalid, StorageFull
from app.persistence import session
from app.persistence.backup_restore import is_empty
from app.persistence.engine import make_engine
from app.runtime.settings import Settings, load
from app.services import backup, backup_archive, files
from app.services.backup_verify import verify
from tests.services.desk import NOW
from tests.services.vault import CONTENT, bring_back, furnish

pytestmark = pytest.mark.long


@pytest.fixture
def house(import_database: Engine, tmp_path: Path) -> Settings:
    return furnish(import_database, tmp_path / "instance")


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Engine]:
    """A SQLite file without any tables."""
    engine = make_engine(f"sqlite:///{tmp_path / 'scratch.sqlite3'}")
    yield engine
    session.remove()
    engine.dispose()


@pytest.fixture
def content(house: Settings, tmp_path: Path) -> bytes:
    """Return the bytes of a backup of the house."""
    backup.make(house, tmp_path / "sound.tar", now=NOW)
    return (tmp_path / "sound.tar").read_bytes()


def test_a_backup_is_for_its_owner_alone_and_never_written_over(house: Settings, tmp_path: Path) -> None:
    target = tmp_path / "all.tar"
    backup.make(house, target, now=NOW)
    assert target.stat().st_mode & 0o777 == 0o600
    written = target.read_bytes()
    with pytest.raises(Conflict, match="is there already"):
        backup.make(house, target, now=NOW)
    assert target.read_bytes() == written
    assert house.secret_key.encode() not in written


def test_what_breaks_off_leaves_no_file(house: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_manifest", full)
    with pytest.raises(StorageFull, match="was not written"):
        backup.make(house, tmp_path / "all.tar", now=NOW)
    assert list(tmp_path.glob("all*")) == []


def test_a_folder_that_there_is_not_is_told(house: Settings, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be written: No such file or directory"):
        backup.make(house, tmp_path / "nowhere" / "all.tar", now=NOW)


def test_what_a_killed_one_has_left_is_written_over(house: Settings, tmp_path: Path) -> None:
    (tmp_path / "all.tar.part").write_bytes(b"x" * 10_000_000)
    backup.make(house, tmp_path / "all.tar", now=NOW)
    verify(tmp_path / "all.tar")
    assert not (tmp_path / "all.tar.part").exists()


def test_two_do_not_write_the_same_file(house: Settings, tmp_path: Path) -> None:
    target = tmp_path / "all.tar"
    with backup_archive.writing(target, made_at=0), pytest.raises(Conflict, match="Another process"):
        backup.make(house, target, now=NOW)


def test_a_file_that_was_removed_meanwhile_is_counted_as_missing(house: Settings, tmp_path: Path) -> None:
    home = files.storage(house)
    home.delete(next(iter(home.iter_stored())).sha256)
    _, manifest = backup.make(house, tmp_path / "all.tar", now=NOW)
    assert (manifest.files, manifest.missing) == (0, 1)
    verify(tmp_path / "all.tar")


def flipped(content: bytes, where: bytes) -> bytes:
    place = content.index(where) + len(where) - 1
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "nothing in it": lambda _content: b"",
    "something else": lambda _content: b"PK\3\4" * 1000,
    "a tar of others": lambda content: content.replace(b"backup.json", b"secret.json", 1),
    "cut after half": lambda content: content[: len(content) // 2],
    "without its end": lambda content: content[: content.index(b"manifest.json")] + bytes(1024),
    "cut within its end": lambda content: content[: content.index(b'"files_sha256"')],
    "another row": lambda content: flipped(content, b'"Ada"'[:-1]),
    "another file": lambda content: flipped(content, CONTENT[:90]),
    "another head": lambda content: content.replace(b'"made_at": "2027', b'"made_at": "2028', 1),
    "another count": lambda content: content.replace(b'"bookings": 4', b'"bookings": 5'),
    "another number of files": lambda content: content.replace(b'"files": 1', b'"files": 2'),
    "a newer format": lambda content: content.replace(b'"format": 1', b'"format": 9', 1),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_damaged_backup_is_refused_in_one_line_before_anything_is_written(
    content: bytes, scratch: Engine, tmp_path: Path, damage: Callable[[bytes], bytes], suffix: str
) -> None:
    damaged = damage(content)
    assert damaged != content
    source = tmp_path / f"damaged.tar{suffix}"
    source.write_bytes(gzip.compress(damaged) if suffix else damaged)
    _refused(source, scratch, tmp_path)


@pytest.mark.parametrize("damage", [lambda whole: whole[:-4], lambda whole: whole[: len(whole) // 2]])
def test_a_compressed_backup_that_was_cut_is_refused(
    content: bytes, scratch: Engine, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    source = tmp_path / "damaged.tar.gz"
    source.write_bytes(damage(gzip.compress(content)))
    _refused(source, scratch, tmp_path)


def _refused(source: Path, scratch: Engine, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        verify(source)
    assert "\n" not in refused.value.detail
    with pytest.raises(Invalid):
        bring_back(load({"INSTANCE_DIR": str(tmp_path / "elsewhere")}), source, scratch)
    assert is_empty(scratch)
    assert not (tmp_path / "elsewhere" / "uploads").exists()


def test_a_backup_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read: No such file or directory"):
        verify(tmp_path / "none.tar")


def test_keys_go_along_and_come_back_where_that_is_said(house: Settings, scratch: Engine, tmp_path: Path) -> None:
    house.sealing_key_file.write_text("c2VhbA==", encoding="ascii")
    backup.make(house, tmp_path / "all.tar", now=NOW, with_keys=True)
    elsewhere = load({"INSTANCE_DIR": str(tmp_path / "elsewhere")})
    own_key = elsewhere.secret_key
    notes = bring_back(elsewhere, tmp_path / "all.tar", scratch, with_keys=True)
    assert len(notes) == 2
    again = load({"INSTANCE_DIR": str(tmp_path / "elsewhere")})
    assert again.secret_key == house.secret_key
    assert again.sealing_key_file.read_text(encoding="ascii") == "c2VhbA=="
    assert again.sealing_key_file.stat().st_mode & 0o777 == 0o600
    assert (again.instance_dir / "secret_key.before").read_text(encoding="ascii") == own_key


def test_keys_that_are_others_are_told(house: Settings, scratch: Engine, tmp_path: Path) -> None:
    house.sealing_key_file.write_text("c2VhbA==", encoding="ascii")
    backup.make(house, tmp_path / "all.tar", now=NOW)
    elsewhere = load({"INSTANCE_DIR": str(tmp_path / "elsewhere")})
    sealing, secret = bring_back(elsewhere, tmp_path / "all.tar", scratch)
    assert sealing.startswith("the sealing key is another one")
    assert secret.startswith("the secret key is another one")


def test_files_in_a_bucket_stay_there_and_that_is_told(
    house: Settings, scratch: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "storage", lambda _settings: pytest.fail("nobody asks the bucket"))
    there = replace(house, s3_endpoint="https://s3.example.org", s3_bucket="hall")
    head, manifest = backup.make(there, tmp_path / "all.tar", now=NOW)
    assert (head.files, manifest.files) == ("bucket hall at https://s3.example.org", 0)
    elsewhere = load({"INSTANCE_DIR": str(tmp_path / "elsewhere")})
    monkeypatch.undo()
    notes = bring_back(elsewhere, tmp_path / "all.tar", scratch)
    assert "they are in the bucket hall at https://s3.example.org" in notes[-1]
