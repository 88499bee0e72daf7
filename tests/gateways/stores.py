"""The two homes of files for tests: a folder, and a bucket of a real S3 server that lives as long as the module's tests."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path

import pytest

from app.domain.files import Allowance, TooLarge
from app.gateways.files import S3Place, Storage
from app.gateways.tally import StoredFile
from tests.system import servers

MIB = 1024 * 1024
PLENTY = Allowance(10**12, TooLarge("more than plenty"))
# Its own command serves in threads, and then two uploads of one key disturb each other inside it.
PROGRAM = """
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
"""
IS_CI = os.environ.get("CI", "").lower() in {"1", "true"}


@contextmanager
def s3_server(folder: Path) -> Iterator[int]:
    """Run an S3 server, and give its port."""
    if find_spec("moto") is None or find_spec("flask_cors") is None:
        (pytest.fail if IS_CI else pytest.skip)("there is no S3 server here: pip install -r requirements-dev.txt")
    port, log = servers.free_port(), folder / "s3.log"
    with log.open("wb") as output:
        server = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)], stdout=output, stderr=output)
    try:
        servers.wait_until(lambda: _answers(port), server, log)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def new_bucket(port: int, prefix: str = "") -> S3Place:
    """Make a bucket of its own."""
    name = f"b{secrets.token_hex(8)}"
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("PUT", f"/{name}")
    assert connection.getresponse().status == 200
    connection.close()
    return S3Place(f"http://127.0.0.1:{port}", "us-east-1", name, "AKIATEST", "secret", prefix)


def everything(storage: Storage) -> list[str]:
    """Return the names of all content."""
    return sorted(stored.sha256 for stored in storage.iter_stored())


def keep(storage: Storage, content: bytes, allowance: Allowance = PLENTY) -> StoredFile:
    """Upload content whole."""
    with storage.start(allowance) as draft:
        for at in range(0, len(content), 100_000):
            draft.write(content[at : at + 100_000])
        return draft.finish()
