"""Files in a bucket: links that expire, and a store that fails in the ways that stores fail."""

from __future__ import annotations

import errno
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.domain.errors import Busy, NotFound, StorageFull
from app.gateways import s3_client, s3_drafts
from app.gateways.files import S3Place
from app.gateways.files_s3 import MAX_FILE_BYTES, S3Storage
from app.gateways.s3_client import S3Client, S3Refused
from tests.gateways import stores
from tests.gateways.stores import MIB, PLENTY, everything, keep
from tests.system.servers import free_port

pytestmark = pytest.mark.system
CONTENT = b"a floor plan"
LARGE = random.Random(4).randbytes(9 * MIB)
TOMORROW = datetime.now(timezone.utc) + timedelta(days=1)
LINK = {"media_type": "application/pdf", "disposition": "attachment; filename=\"a_.pdf\"; filename*=UTF-8''a%C3%A9.pdf"}


@pytest.fixture(scope="module")
def s3_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with stores.s3_server(tmp_path_factory.mktemp("s3")) as port:
        yield port


@pytest.fixture
def place(s3_port: int) -> S3Place:
    return stores.new_bucket(s3_port)


@pytest.fixture
def storage(place: S3Place, tmp_path: Path) -> S3Storage:
    return S3Storage(place, tmp_path / "spool")


def test_a_link_gives_the_content_under_the_name_we_say(storage: S3Storage) -> None:
    stored = keep(storage, CONTENT)
    link = urlsplit(storage.signed_link(stored.sha256, valid_seconds=60, **LINK) or "")
    with closing(HTTPConnection("127.0.0.1", link.port, timeout=10)) as connection:
        connection.request("GET", f"{link.path}?{link.query}")
        answer = connection.getresponse()
        assert answer.read() == CONTENT
        assert answer.headers["Content-Type"] == LINK["media_type"]
        assert answer.headers["Content-Disposition"] == LINK["disposition"]
    assert "X-Amz-Expires=60" in link.query
    assert storage.local_path(stored.sha256) is None


def test_a_store_may_live_below_a_path(tmp_path: Path) -> None:
    storage = S3Storage(S3Place("https://files.example.org/s3/", "r", "b", "k", "s", "a b/"), tmp_path)
    link = storage.signed_link("a" * 64, valid_seconds=60, **LINK) or ""
    assert link.startswith(f"https://files.example.org/s3/b/a%20b/content/aa/{'a' * 64}?X-Amz-Algorithm=")


def test_two_sites_share_a_bucket_without_meeting(place: S3Place, tmp_path: Path) -> None:
    ours, theirs = (S3Storage(replace(place, prefix=prefix), tmp_path) for prefix in ("ours/", "theirs/"))
    stored = keep(ours, CONTENT)
    with ours.start(PLENTY) as draft:
        draft.write(LARGE)
        draft.pause()
    assert everything(theirs) == []
    assert not theirs.exists(stored.sha256)
    assert theirs.sweep(TOMORROW) == 0
    with pytest.raises(NotFound):
        theirs.resume(draft.name, PLENTY)
    assert ours.sweep(TOMORROW) == 1


def test_pages_of_a_listing_are_followed(storage: S3Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = S3Client.call

    def two_at_a_time(client: S3Client, method: str, key: str = "", **options: object) -> object:
        query = options.get("query")
        if isinstance(query, dict) and "list-type" in query:
            options["query"] = {**query, "max-keys": "2"}
        return genuine(client, method, key, **options)  # type: ignore[arg-type]

    names = sorted(keep(storage, bytes([n])).sha256 for n in range(5))
    monkeypatch.setattr(S3Client, "call", two_at_a_time)
    assert everything(storage) == names


def test_a_draft_that_is_still_being_sent_is_not_swept(storage: S3Storage) -> None:
    with storage.start(PLENTY) as draft:
        draft.write(LARGE)
        assert storage.sweep(datetime.now(timezone.utc) - timedelta(hours=1)) == 0
        assert draft.finish().size_bytes == len(LARGE)


def test_a_rest_that_has_become_a_part_is_not_read_twice(storage: S3Storage) -> None:
    """The writer is killed between a part and the next pause: what was laid by earlier lies within the part."""
    with storage.start(PLENTY) as draft:
        draft.write(LARGE[: 2 * MIB])
        draft.pause()
    killed = storage.resume(draft.name, PLENTY)
    killed.write(LARGE[2 * MIB :])
    killed._is_open = False
    killed._spool.close()  # type: ignore[attr-defined]
    with storage.resume(draft.name, PLENTY) as again:
        assert again.offset == s3_drafts.PART_BYTES
        again.write(LARGE[again.offset :])
        stored = again.finish()
    with closing(storage.open(stored.sha256)) as reading:
        assert b"".join(reading) == LARGE
    assert storage.sweep(TOMORROW) == 0


def test_nothing_lies_on_this_machine_while_a_part_is_gathered(storage: S3Storage, tmp_path: Path) -> None:
    with storage.start(PLENTY) as draft:
        draft.write(CONTENT)
        assert list((tmp_path / "spool").iterdir()) == []


def test_a_full_disk_on_this_machine_is_told(storage: S3Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, **_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(s3_drafts.tempfile, "TemporaryFile", Full)
    with pytest.raises(StorageFull):
        storage.start(PLENTY)


def test_no_file_is_larger_than_the_store_can_copy(storage: S3Storage) -> None:
    with storage.start(PLENTY) as draft:
        assert draft._tally._allowance.most_bytes == MAX_FILE_BYTES


def test_the_secret_is_not_printed(place: S3Place) -> None:
    secretive = replace(place, secret="tell nobody", key_id="nor this")
    assert "nobody" not in repr(secretive)
    assert "nor this" not in repr(secretive)


Script = list[tuple[int, bytes]]
ERROR = b"<Error><Code>%s</Code><Message>so it is</Message></Error>"


class Store(ThreadingHTTPServer):
    """A store that answers as a script says, then 200, and remembers what it was asked."""

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.script = script
        self.asked: list[tuple[str, bytes]] = []


class _Answers(BaseHTTPRequestHandler):
    server: Store

    def do_GET(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((f"{self.command} {self.path}", sent))
        status, body = self.server.script.pop(0) if self.server.script else (200, b"")
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        promised = len(body) + (10 if status == 206 else 0)
        self.send_header("Content-Length", str(promised))
        self.send_header("ETag", '"e"')
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def failing(script: Script, tmp_path: Path) -> Iterator[tuple[S3Storage, Store]]:
    server = Store(script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        place = S3Place(f"http://127.0.0.1:{server.server_port}", "r", "b", "k", "s")
        yield S3Storage(place, tmp_path), server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_client, "PAUSE_SECONDS", 0)


@pytest.mark.parametrize("fault", [(500, b""), (503, ERROR % b"SlowDown"), (0, b""), (200, ERROR % b"InternalError")])
def test_a_passing_fault_is_tried_again_with_the_whole_body(fault: tuple[int, bytes], tmp_path: Path) -> None:
    with failing([fault, fault], tmp_path) as (storage, server):
        stored = keep(storage, CONTENT)
    assert server.asked == [(f"PUT /b/content/{stored.sha256[:2]}/{stored.sha256}", CONTENT)] * 3


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ((503, b""), Busy),
        ((0, b""), Busy),
        ((200, ERROR % b"InternalError"), Busy),
        ((507, b""), StorageFull),
        ((403, ERROR % b"QuotaExceeded"), StorageFull),
        ((403, ERROR % b"AccessDenied"), S3Refused),
        ((404, ERROR % b"NoSuchBucket"), S3Refused),
        ((301, ERROR % b"PermanentRedirect"), S3Refused),
        ((404, b"<html>a proxy's page</html>"), S3Refused),
        ((400, b""), S3Refused),
    ],
)
def test_a_fault_that_stays_is_told_for_what_it_is(fault: tuple[int, bytes], error: type, tmp_path: Path) -> None:
    with failing([fault] * 3, tmp_path) as (storage, _), pytest.raises(error):
        keep(storage, CONTENT)


@pytest.mark.parametrize("body", [b"<html>a proxy's page</html>", b"", ERROR % b"NoSuchBucket"])
def test_a_list_that_cannot_be_had_is_not_taken_for_an_empty_one(body: bytes, tmp_path: Path) -> None:
    with failing([(404, body)], tmp_path) as (storage, _), pytest.raises(S3Refused):
        everything(storage)


def test_a_list_whose_next_page_is_nowhere_ends(tmp_path: Path) -> None:
    with (
        failing([(200, b"<L><IsTruncated>true</IsTruncated></L>")], tmp_path) as (storage, _),
        pytest.raises(S3Refused, match="next page"),
    ):
        everything(storage)


def test_an_answer_that_was_lost_after_the_parts_were_joined_does_no_harm(
    storage: S3Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = S3Client._send
    lost: list[str] = []

    def lose_the_first(client: S3Client, method: str, key: str, query: dict[str, str], *rest: object) -> object:
        connection, response = genuine(client, method, key, query, *rest)  # type: ignore[arg-type]
        if method == "POST" and "uploadId" in query and not lost:
            lost.append(key)
            connection.close()
            raise ConnectionResetError
        return connection, response

    monkeypatch.setattr(S3Client, "_send", lose_the_first)
    stored = keep(storage, LARGE)
    assert lost
    with closing(storage.open(stored.sha256)) as reading:
        assert b"".join(reading) == LARGE


def test_a_draft_that_was_swept_while_it_was_written_is_none(tmp_path: Path) -> None:
    opened = (200, b"<R><UploadId>u</UploadId></R>")
    script = [opened, (200, b""), (404, ERROR % b"NoSuchUpload")]
    with failing(script, tmp_path) as (storage, _), storage.start(PLENTY) as draft, pytest.raises(NotFound):
        draft.write(LARGE + LARGE)


def test_a_refusal_says_what_was_asked_and_why(tmp_path: Path) -> None:
    with (
        failing([(403, ERROR % b"AccessDenied")], tmp_path) as (storage, _),
        pytest.raises(S3Refused, match=r"^PUT content/\S+: the file store answers 403 AccessDenied: so it is$"),
    ):
        keep(storage, CONTENT)


def test_a_store_that_is_away_is_busy(tmp_path: Path) -> None:
    storage = S3Storage(S3Place(f"http://127.0.0.1:{free_port()}", "r", "b", "k", "s"), tmp_path)
    for ask in (lambda: keep(storage, CONTENT), lambda: storage.open("0" * 64), lambda: storage.exists("0" * 64)):
        with pytest.raises(Busy):
            ask()


def test_a_store_that_says_nothing_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_client, "TIMEOUT_SECONDS", 0.05)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        storage = S3Storage(S3Place(f"http://127.0.0.1:{silent.getsockname()[1]}", "r", "b", "k", "s"), tmp_path)
        with pytest.raises(Busy):
            keep(storage, CONTENT)


def test_content_that_breaks_off_is_noticed_by_who_reads(tmp_path: Path) -> None:
    with failing([(206, CONTENT)], tmp_path) as (storage, _), closing(storage.open("0" * 64)) as reading:
        assert next(reading) == CONTENT
        with pytest.raises(EOFError, match="10 bytes early"):
            next(reading)


def test_a_part_that_cannot_be_sent_takes_the_whole_draft_along(tmp_path: Path) -> None:
    opened = (200, b"<R><UploadId>u&amp;1</UploadId></R>")
    upload = b"<Key>drafts/KEY</Key><UploadId>u&amp;1</UploadId><Initiated>2026-01-01T00:00:00.000Z</Initiated>"
    listed = (200, b"<L><Upload>%s</Upload><IsTruncated>false</IsTruncated></L>" % upload)
    with failing([opened, *[(503, b"")] * 3, listed], tmp_path) as (storage, server):
        with pytest.raises(Busy), storage.start(PLENTY) as draft:
            draft.write(LARGE)
        assert server.asked[-2][0] == "DELETE /b/drafts/KEY?uploadId=u%261"


def test_a_resume_that_cannot_read_the_rest_leaves_the_draft_alone(tmp_path: Path) -> None:
    nothing = (200, b"<L><IsTruncated>false</IsTruncated></L>")
    for fault in ((503, b""), (206, CONTENT)):
        with failing([nothing, fault], tmp_path) as (storage, server):
            with pytest.raises((Busy, EOFError)):
                storage.resume("0" * 32, PLENTY)
            assert [what for what, _ in server.asked if what.startswith("DELETE")] == []
