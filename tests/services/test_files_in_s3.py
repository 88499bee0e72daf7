"""The same use cases with files in an S3 store: attach, upload in pieces with one writer, remove, sweep, compare."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.domain.errors import UploadLocked
from app.domain.files import ByteRange
from app.persistence import uploads as stored
from app.persistence.session import transaction
from app.runtime.settings import load
from app.services import attachments, doctor_files, downloads, files, uploads
from app.services.uploads_sweep import Swept, sweep
from tests.gateways.stores import MIB, everything, new_bucket, s3_server
from tests.services.counter import Counter, png
from tests.services.desk import Desk, holder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an S3 server."""
    with s3_server(tmp_path_factory.mktemp("s3")) as port:
        yield port


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url  # what is asked of the database is asked of both elsewhere


@pytest.fixture
def counter(server: int, database: Engine, tmp_path: Path) -> Counter:
    place = new_bucket(server)
    named = {"ENDPOINT": place.endpoint, "REGION": place.region, "BUCKET": place.bucket}
    environ = {f"S3_{name}": value for name, value in named.items()}
    keys = {"S3_KEY_ID": place.key_id, "S3_SECRET": place.secret}
    return Counter(Desk(database), load({"INSTANCE_DIR": str(tmp_path / "instance"), **environ, **keys}))


def content(counter: Counter) -> list[str]:
    return everything(files.storage(counter.settings))


def test_a_file_goes_to_the_store_and_comes_back_in_parts(counter: Counter) -> None:
    data = png(length=MIB)
    made = counter.attach(data)
    assert content(counter) == [made.sha256]
    assert counter.lying("") == []
    found = attachments.get_file(counter.booking.ref, made.id, holder(counter.booking))
    reading = downloads.open_content(counter.settings, found, ByteRange(1, 3))
    assert b"".join(reading) == b"PNG"
    reading.close()
    counter.detach(made)
    assert content(counter) == []


def test_a_redirect_leads_to_the_store(counter: Counter) -> None:
    settings = load({"INSTANCE_DIR": str(counter.settings.instance_dir), "FILE_SENDING": "redirect", **_s3(counter)})
    made = counter.attach(png())
    name, link = downloads.handed_on(settings, made, disposition="attachment") or ("", "")
    assert name == "Location"
    assert link.startswith(f"{settings.s3_endpoint}/{settings.s3_bucket}/content/")
    assert settings.s3_secret not in link


def _s3(counter: Counter) -> dict[str, str]:
    names = ("s3_endpoint", "s3_region", "s3_bucket", "s3_key_id", "s3_secret")
    return {name.upper(): getattr(counter.settings, name) for name in names}


def test_an_upload_in_pieces_has_one_writer(counter: Counter) -> None:
    data = png(length=12 * MIB)
    upload = counter.begin(len(data))
    assert counter.offset(upload) == 0
    counter.go_on(upload, 0, data[:100])

    def body() -> Iterator[bytes]:
        yield data[100:MIB]
        for touch in (lambda: counter.go_on(upload, MIB, b"x"), lambda: counter.offset(upload)):
            with pytest.raises(UploadLocked):
                touch()
        with pytest.raises(UploadLocked):
            uploads.end(uploads.get_own(upload.name, who=counter.who, desk=counter.place), desk=counter.place)
        yield data[MIB : 10 * MIB]

    assert counter.go_on(upload, 100, body()).received == 10 * MIB
    assert counter.offset(upload) == 10 * MIB
    assert counter.go_on(upload, 10 * MIB, data[10 * MIB :]).is_finished
    made = counter.attach_upload(upload)
    assert content(counter) == [made.sha256] == [hashlib.sha256(data).hexdigest()]


def test_the_lease_of_a_writer_that_was_killed_ends_after_a_minute(counter: Counter) -> None:
    upload = counter.begin(1000)
    with transaction() as session:
        assert stored.lease(session, upload.id, now=counter.now, until=counter.now + timedelta(seconds=60))
    with pytest.raises(UploadLocked):
        counter.go_on(upload, 0, png())
    counter.now += timedelta(seconds=61)
    assert counter.go_on(upload, 0, png()).received == len(png())


def test_a_long_piece_keeps_its_lease(counter: Counter) -> None:
    upload = counter.begin(1000)

    def body() -> Iterator[bytes]:
        for _ in range(4):
            counter.now += timedelta(seconds=25)
            yield png()[:10]
        with pytest.raises(UploadLocked):
            counter.offset(upload)

    assert counter.go_on(upload, 0, body()).received == 40


def test_what_nobody_refers_to_is_found_and_swept(counter: Counter) -> None:
    kept, lost = counter.attach(png(1)), counter.attach(png(2))
    home = files.storage(counter.settings)
    with home.start(files.allowance(counter.settings, _nothing(), user_id=None)) as draft:
        draft.write(png(3))
        stray = draft.finish().sha256
    home.delete(lost.sha256)
    counter.now = datetime.now(timezone.utc) + timedelta(hours=25)
    told = [(finding.level, finding.check) for finding in doctor_files.examine(counter.settings, now=counter.now)]
    assert told == [("FAIL", "files"), ("WARN", "stray files")]
    assert set(content(counter)) == {kept.sha256, stray}
    assert sweep(counter.settings, clock=lambda: counter.now) == Swept(0, 0, 0, 1)
    assert content(counter) == [kept.sha256]


def _nothing() -> files.Used:
    return files.Used(0, 0, 0)
