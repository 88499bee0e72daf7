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
from pathlib import Path

import pytest

from app.domain.errors import TooLarge
from app.domain.files import Allowance
from app.gateways.files import S3Place, Storage
from app.gateways.tally import StoredFile
from tests.system import servers

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
PLENTY = Allowance(10**12, TooLarge("more than plenty"))
# Its own command serves in threads, and then two uploads of one key disturb each other inside it.
PROGRAM = """
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
"""
FINDS = (
    "import sys; from importlib.util import find_spec; sys.exit(not (find_spec('moto') and find_spec('flask_cors')))"
)
INSTALL = "python3 -m venv .venv-s3 && .venv-s3/bin/pip install -r tests/gateways/requirements-s3.txt"
IS_CI = os.environ.get("CI", "").lower() in {"1", "true"}


@contextmanager
def s3_server(folder: Path) -> Iterator[int]:
    """Run an S3 server, and give its port."""
    python = _python_with_moto()
    if python is None:
        (pytest.fail if IS_CI else pytest.skip)(f"there is no S3 server here: {INSTALL}")
    port, log = servers.free_port(), folder / "s3.log"
    with log.open("wb") as output:
        server = subprocess.Popen([python, "-c", PROGRAM, str(port)], stdout=output, stderr=output)
    try:
        servers.wait_until(lambda: _answers(port), server, log)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def _python_with_moto() -> str | None:
    """Return the Python that has the server; tests/gateways/requirements-s3.txt says why it is not this one."""
    for python in (os.environ.get("S3_SERVER_PYTHON"), str(ROOT / ".venv-s3/bin/python"), sys.executable):
        if python and Path(python).exists() and subprocess.run([python, "-c", FINDS], check=False).returncode == 0:
            return python
    return None


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
