"""The very first document of a worker: what is loaded to draw it counts as much as the drawing."""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.persistence import migrate
from app.persistence.engine import make_engine
from tests.conftest import SECRET_KEY
from tests.system import exporting, servers

ROWS = int(os.environ.get("REPORT_ROWS", "50000"))
REPORT = f"/api/v1/admin/bookings/export.pdf?{exporting.RANGE}"
SLOTS = "/api/v1/services/1/slots?from=2027-03-01&to=2027-03-02"
MEBIBYTES = 6


@pytest.fixture(scope="module")
def filled(mariadb_server: servers.MariaDB) -> Iterator[tuple[str, int, str]]:
    """The URL of a database with very many bookings, their venue, and a key that may read them."""
    mariadb_server.run("DROP DATABASE IF EXISTS papers", "CREATE DATABASE papers CHARACTER SET utf8mb4")
    engine = make_engine(mariadb_server.url("papers"))
    migrate.upgrade(engine)
    venue, key = exporting.fill(engine, ROWS)
    yield mariadb_server.url("papers"), venue, key
    engine.dispose()
    mariadb_server.run("DROP DATABASE papers")


@contextmanager
def cold(url: str, folder: Path) -> Iterator[servers.Gunicorn]:
    """Yield a server whose two workers have answered for slots, and nothing else."""
    with servers.gunicorn(url, folder / "instance", workers=2, extra_env={"SECRET_KEY": SECRET_KEY}) as server:
        for _ in range(20):
            assert servers.is_healthy(server.url, SLOTS)
        yield server


def download(server: servers.Gunicorn, path: str, key: str) -> tuple[int, bytes]:
    """Return the size of a download and its last bytes; nothing of it is kept."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)) as connection:
        connection.request("GET", path, headers={"Authorization": key})
        answer, size, tail = connection.getresponse(), 0, b""
        assert answer.status == 200, answer.read()
        while chunk := answer.read(65536):
            size, tail = size + len(chunk), (tail + chunk)[-64:]
    return size, tail


def test_the_first_report_of_a_cold_worker_takes_six_mebibytes(filled: tuple[str, int, str], tmp_path: Path) -> None:
    url, venue, key = filled
    with cold(url, tmp_path) as server:
        idle = {pid: exporting.memory_of(pid) for pid in server.worker_pids()}
        for pid in idle:
            exporting.forget_peak(pid)
        size, tail = download(server, f"{REPORT}&venue_id={venue}", key)
        grown = {pid: exporting.peak_of(pid) - idle[pid] for pid in idle}
    assert tail.rstrip().endswith(b"%%EOF")
    assert size > 50 * ROWS, "fewer bytes than the rows need: it is not the whole report"
    assert max(grown.values()) > 1, "nobody has drawn it: the wrong processes were measured"
    assert max(grown.values()) <= MEBIBYTES, grown
