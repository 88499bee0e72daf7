"""Real clients of tus, on a line that breaks off at several places: the file arrives whole."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import IS_CI
from tests.system.halls import Hall, hall
from tests.system.places import KINDS, database_of
from tests.system.uploading import MIB, Booked, Line, whole

HERE = Path(__file__).parent
CLIENT = "tus-js-client@4.3.1"
LENGTH = 4 * MIB + 77
# Bytes after which the line breaks off, counted from the last time on: in the head of the first request, in its body, at the
# end of a piece, and in pieces later on.
CUTS = ((100,), (300 * 1024,), (700 * 1024, 100, 600 * 1024), (512 * 1024, 512 * 1024, 1300 * 1024))


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A server with two workers."""
    with hall(database_of(request, tmp_path_factory), tmp_path_factory.mktemp("place"), 2) as found:
        yield found
        found.nobody_died()


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the client for browsers and Node is installed."""
    folder = tmp_path_factory.mktemp("node")
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", CLIENT]
    if shutil.which("npm") is None or shutil.which("node") is None:
        (pytest.fail if IS_CI else pytest.skip)("there is no npm here")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        (pytest.fail if IS_CI else pytest.skip)(f"{CLIENT} cannot be installed: {done.stderr[-500:]}")
    return folder


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_tus_js_client_finishes_over_a_line_that_breaks(
    place: Hall, node_modules: Path, tmp_path: Path, cuts: tuple[int, ...]
) -> None:
    script = HERE / "tus_client.js"
    assert_arrives(place, tmp_path, cuts, ["node", str(script), str(node_modules)])


@pytest.mark.parametrize("cuts", CUTS[1:], ids=str)  # it tries a piece again, and not the request that begins
def test_tuspy_finishes_over_a_line_that_breaks(place: Hall, tmp_path: Path, cuts: tuple[int, ...]) -> None:
    if importlib.util.find_spec("tusclient") is None:
        (pytest.fail if IS_CI else pytest.skip)("tuspy is not installed: it is in requirements-dev.txt")
    assert_arrives(place, tmp_path, cuts, [sys.executable, str(HERE / "tus_client.py")])


def assert_arrives(place: Hall, folder: Path, cuts: tuple[int, ...], program: list[str]) -> None:
    booked, data = Booked(place), whole(LENGTH)
    (folder / "plan.pdf").write_bytes(data)
    told = json.dumps({"filename": "plan of the hall.pdf", "booking_ref": booked.ref})
    with Line(place.server.port, cuts) as line:
        address = f"http://127.0.0.1:{line.port}/api/v1/uploads"
        command = [*program, address, str(folder / "plan.pdf"), booked.token, told]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert line.after == [], "the line never broke off where it should have"
    body = json.dumps({"upload_id": done.stdout.strip().rpartition("/")[2]}).encode()
    made = booked.ask("POST", booked.path, headers={"Content-Type": "application/json"}, body=body)
    assert (made.status, made.document["name"]) == (201, "plan of the hall.pdf")
    assert made.document["sha256"] == hashlib.sha256(data).hexdigest()
