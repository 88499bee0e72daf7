"""Files under Passenger, with one process: little memory, nobody kept waiting, and nothing lost with a process that is killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.system import servers
from tests.system.hosted import Hosted, hosted
from tests.system.test_passenger import pytestmark  # noqa: F401 - where there is no Passenger, none of these can be
from tests.system.uploading import MIB, TUS, Booked, Worker, content, kept, whole

# 1024 is the promise, and the most that Apache takes unless LimitRequestBody says more; the growth is the same.
LARGE_MIB = int(os.environ.get("LARGE_UPLOAD_MIB", "64"))
MOST_GROWTH = 6 * MIB
ROOM = {"MAX_FILE_MIB": "5120", "MAX_BOOKING_MIB": "20480"}
UNBUFFERED = "PassengerBufferUpload off\n"


@pytest.fixture(scope="module")
def place(mariadb_server: servers.MariaDB) -> Iterator[Hosted]:
    with hosted(mariadb_server, "hosted_files", **ROOM) as found:
        yield found


@pytest.fixture
def booked(place: Hosted) -> Booked:
    return Booked(place)


@pytest.fixture
def folder(place: Hosted) -> Path:
    return place.server.app / "instance/uploads"


@pytest.fixture
def unbuffered(place: Hosted) -> Iterator[None]:
    """A line of the owner's own in ``.htaccess``: what is sent reaches the program while it is sent."""
    path = place.server.site.htaccess
    ours = path.read_text()
    path.write_text(UNBUFFERED + ours)
    yield
    path.write_text(ours)


@pytest.mark.parametrize("way", ["raw", "form", "tus"])
def test_a_large_file_costs_the_process_little_memory_and_is_written_once(
    place: Hosted, booked: Booked, folder: Path, way: str
) -> None:
    length = LARGE_MIB * MIB - {"raw": 1000, "form": 2000, "tus": 3000}[way]  # no two ways have the same content
    _send(booked, MIB + length % 10, way)  # loads what it needs
    worker = Worker(place.process)
    worker.forget_peak()
    before, written = worker.resident(), worker.written()
    _send(booked, length, way)
    growth = worker.resident("VmHWM") - before
    print(f"{way}: {LARGE_MIB} MiB, peak {growth / MIB:+.2f} MiB over {before / MIB:.1f}")  # noqa: T201 - the figure
    assert growth <= MOST_GROWTH
    assert length <= worker.written() - written <= length + MIB
    assert [path.stat().st_size for path in kept(folder)].count(length) == 1


def _send(booked: Booked, length: int, way: str) -> None:
    if way == "tus":
        path = booked.begin(length)
        assert booked.go_on(path, 0, content(length), **{"Content-Length": str(length)}).status == 204
    else:
        assert (booked.send if way == "raw" else booked.send_form)(length).status == 201


def test_whoever_sends_slowly_keeps_nobody_waiting(place: Hosted, booked: Booked) -> None:
    with booked.open_line("POST", booked.path, MIB, {"Content-Type": "application/pdf"}) as line:
        line.sendall(whole(MIB)[: MIB // 2])
        for _ in range(3):
            assert place.get("/who").document["pid"] == place.process  # the only one
        line.sendall(whole(MIB)[MIB // 2 :])
        assert line.recv(64).startswith(b"HTTP/1.1 201 ")


@pytest.mark.usefixtures("unbuffered")
def test_an_upload_goes_on_after_its_process_was_killed(place: Hosted, booked: Booked, folder: Path) -> None:
    data = whole(4 * MIB)
    path = booked.begin(len(data))
    head = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    draft = folder / "drafts" / path.rpartition("/")[2]
    victim = place.process
    with booked.open_line("PATCH", path, len(data), head) as line:
        line.sendall(data[: 3 * MIB])
        servers.until(lambda: draft.stat().st_size >= 2 * MIB)
        os.kill(victim, signal.SIGKILL)
        with suppress(ConnectionError):
            line.sendall(data[3 * MIB :])  # the web server answers whoever has sent all
        assert line.recv(64).startswith((b"HTTP/1.1 502 ", b"HTTP/1.1 500 "))
    servers.until(lambda: booked.offset(path).status == 200)  # the next process is there
    offset = int(booked.offset(path).headers["Upload-Offset"])
    assert 2 * MIB <= offset <= 3 * MIB
    assert booked.go_on(path, offset, data[offset:]).status == 204
    finished = json.dumps({"upload_id": path.rpartition("/")[2]}).encode()
    made = booked.ask("POST", booked.path, headers={"Content-Type": "application/json"}, body=finished)
    assert made.document["sha256"] == hashlib.sha256(data).hexdigest()
    assert place.process != victim
