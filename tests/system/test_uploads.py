"""Files at a real server: memory that does not grow with them, and nothing left of what breaks off."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.system import servers
from tests.system.halls import Hall, hall
from tests.system.places import KINDS, database_of
from tests.system.uploading import HEAD, MIB, TUS, Booked, Worker, content, kept, rows, whole

LARGE_MIB = int(os.environ.get("LARGE_UPLOAD_MIB", "256"))
MOST_GROWTH = 6 * MIB
ROOM = {"MAX_FILE_MIB": "5120", "MAX_BOOKING_MIB": "20480"}


@pytest.fixture(scope="module", params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of each kind."""
    return database_of(request, tmp_path_factory)


@pytest.fixture(scope="module")
def place(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A server with one worker that takes large files."""
    with hall(url, tmp_path_factory.mktemp("place"), 1, extra_env=ROOM) as found:
        yield found


@pytest.fixture
def folder(place: Hall) -> Path:
    """Where the server keeps its files."""
    return place.server.log.parent / "uploads"


@pytest.fixture
def booked(place: Hall) -> Booked:
    return Booked(place)


@pytest.fixture
def worker(place: Hall, booked: Booked) -> Worker:
    """The server's worker, which has loaded what uploads need."""
    assert booked.send(MIB).status == booked.send_form(MIB).status == 201
    path = booked.begin(MIB)
    assert booked.go_on(path, 0, whole(MIB)).status == 204
    assert booked.ask("DELETE", path, headers=TUS).status == 204
    return Worker(place.server.worker_pids()[0])


@pytest.mark.parametrize("way", ["raw", "form", "tus"])
def test_a_large_file_costs_little_memory_and_is_written_once(
    booked: Booked, folder: Path, worker: Worker, way: str
) -> None:
    length = LARGE_MIB * MIB + {"raw": 1, "form": 2, "tus": 3}[way]  # no two ways have the same content
    worker.forget_peak()
    before, written = worker.resident(), worker.written()
    if way == "tus":
        assert booked.go_on(booked.begin(length), 0, content(length), **{"Content-Length": str(length)}).status == 204
    else:
        assert (booked.send if way == "raw" else booked.send_form)(length).status == 201
    growth = worker.resident("VmHWM") - before
    print(f"{way}: {LARGE_MIB} MiB, peak {growth / MIB:+.2f} MiB over {before / MIB:.1f}")  # noqa: T201 - the figure
    assert growth <= MOST_GROWTH
    assert length <= worker.written() - written <= length + MIB
    assert [path.stat().st_size for path in kept(folder)].count(length) == 1


def test_slots_are_answered_while_twenty_send(place: Hall, folder: Path) -> None:
    length, asked = 8 * MIB, 0
    senders = [Booked(place) for _ in range(20)]
    service, day = place.service([place.room()]), place.day().date()
    with ThreadPoolExecutor(len(senders)) as pool:
        sent = [pool.submit(one.send, length + number) for number, one in enumerate(senders)]
        while not all(one.done() for one in sent):
            answer = place.get(f"/api/v1/services/{service}/slots?from={day}&to={day}")
            assert answer.status in {200, 422}, answer
            asked += 1
    assert [one.result().status for one in sent] == [201] * len(senders)
    assert asked > 0
    assert {length + number for number in range(20)} <= {path.stat().st_size for path in kept(folder)}


@pytest.mark.parametrize("share", [0, 1, 300 * 1024])
def test_nothing_is_left_of_a_client_that_goes(booked: Booked, folder: Path, share: int) -> None:
    before, was = set(kept(folder)), rows(booked.hall.engine, "contents")
    with booked.open_line("POST", booked.path, MIB, {"Content-Type": "application/pdf"}) as line:
        line.sendall(whole(MIB)[:share])
        if share > 256 * 1024:
            servers.until(lambda: set(kept(folder)) != before)  # it has begun to write
    servers.until(lambda: set(kept(folder)) == before)
    assert rows(booked.hall.engine, "contents") == was
    assert booked.ask("GET", booked.path).document == {"items": []}


@pytest.mark.parametrize("kind", ["application/pdf", "multipart/form-data; boundary=x"])
def test_a_body_that_is_cut_short_is_told_so(booked: Booked, folder: Path, kind: str) -> None:
    before = set(kept(folder))
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' if "form" in kind else b""
    with booked.open_line("POST", booked.path, MIB, {"Content-Type": kind}) as line:
        line.sendall(form + whole(MIB)[: 300 * 1024])
        line.shutdown(1)  # the client waits for an answer, and sends no more
        assert line.recv(64).startswith(b"HTTP/1.1 400 ")
    assert set(kept(folder)) == before


def test_a_piece_with_a_wrong_checksum_is_not_kept_and_comes_again(booked: Booked) -> None:
    data = whole(2 * MIB)
    right = b64encode(hashlib.sha256(data[MIB:]).digest()).decode()
    path = booked.begin(len(data))
    assert booked.go_on(path, 0, data[:MIB]).status == 204
    wrong = booked.go_on(path, MIB, data[:MIB], **{"Upload-Checksum": f"sha256 {right}"})
    assert (wrong.status, wrong.document["code"]) == (460, "checksum_mismatch")
    assert booked.offset(path).headers["Upload-Offset"] == str(MIB)
    assert booked.go_on(path, MIB, data[MIB:], **{"Upload-Checksum": f"sha256 {right}"}).status == 204


def test_an_upload_goes_on_after_its_worker_was_killed(booked: Booked, folder: Path) -> None:
    data = whole(4 * MIB)
    path = booked.begin(len(data))
    head = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    draft = folder / "drafts" / path.rpartition("/")[2]
    with booked.open_line("PATCH", path, len(data), head) as line:
        line.sendall(data[: 3 * MIB])
        servers.until(lambda: draft.stat().st_size >= 2 * MIB)
        (victim,) = booked.hall.server.worker_pids()
        os.kill(victim, signal.SIGKILL)
        servers.until(lambda: victim not in booked.hall.server.worker_pids())
    servers.until(lambda: servers.is_healthy(booked.hall.server.url))
    offset = int(booked.offset(path).headers["Upload-Offset"])
    assert 2 * MIB <= offset <= 3 * MIB
    assert booked.go_on(path, offset, data[offset:]).status == 204
    made = booked.ask("POST", booked.path, headers={"Content-Type": "application/json"}, body=_upload(path))
    assert made.document["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_full_disk_is_told_and_nothing_is_left(url: str, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(small)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root may make a small disk")
    try:
        with hall(url, tmp_path, 1, extra_env={"UPLOAD_DIR": str(small)}) as found:
            booked = Booked(found)
            for send in (booked.send, booked.send_form):
                full = send(6 * MIB)
                assert (full.status, full.document["code"]) == (507, "storage_full")
                assert kept(small) == []
            before = rows(found.engine, "uploads")
            path = booked.begin(6 * MIB)
            assert booked.go_on(path, 0, whole(6 * MIB)).status == 507
            assert booked.offset(path).status == 404
            assert rows(found.engine, "uploads") == before
            assert kept(small) == []
            assert booked.send(MIB).status == 201  # and the next good request works
    finally:
        subprocess.run(["umount", str(small)], check=True)  # noqa: S607 - wherever the system has it


def test_one_upload_has_one_writer(booked: Booked) -> None:
    data = whole(2 * MIB)
    path = booked.begin(len(data))
    head = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    with booked.open_line("PATCH", path, len(data), head) as line:
        line.sendall(data[:MIB])
        servers.until(lambda: booked.offset(path).status == 423)
        second = booked.go_on(path, 0, data)
        assert (second.status, second.document["code"]) == (423, "upload_locked")
        line.sendall(data[MIB:])
        assert line.recv(64).startswith(b"HTTP/1.1 204 ")
    assert booked.offset(path).headers["Upload-Offset"] == str(len(data))


def _upload(path: str) -> bytes:
    return b'{"upload_id":"%s"}' % path.rpartition("/")[2].encode()


def test_what_is_sent_here_is_a_pdf() -> None:
    assert whole(MIB).startswith(HEAD)
    assert len(whole(MIB + 7)) == MIB + 7
    assert whole(3 * MIB)[MIB + 5 :] == b"".join(content(3 * MIB, MIB + 5))
