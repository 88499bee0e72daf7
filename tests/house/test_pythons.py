"""The other Pythons of this machine: each installs what production installs, loads every module, and serves a booking.

The environments stay for the next run, as .venv-smoke-3.N beside .venv, until the pins change. The oldest Python gets the older
version where constraints.txt names two, so that what an old host runs has run once.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from scripts.first_booking import GUEST
from tests.house.interpreters import MINORS, interpreter
from tests.system import servers

ROOT = Path(__file__).resolve().parents[2]
OTHERS = [minor for minor in MINORS if minor != sys.version_info[1]]
PATIENCE_SECONDS = 300
# Modules of migrations run inside alembic alone; the upgrade below runs them.
EVERYTHING = """
import importlib, pkgutil, app
for found in pkgutil.walk_packages(app.__path__, "app."):
    if ".migrations." not in found.name:
        importlib.import_module(found.name)
"""
# Another Python starts the server in the place of the one that is named next.
INSTEAD = ("sh", "-c", 'shift && exec "$0" "$@"')


def _run(command: list[str], environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _installed(minor: int, folder: Path) -> str:
    """Return the Python of an environment with what production installs, made as the scripts make it."""
    venv = ROOT / f".venv-smoke-3.{minor}"
    python, lower = str(venv / "bin/python"), _lower_versions() if minor == MINORS[0] else []
    (folder / "lower.txt").write_text("\n".join(lower))
    environ = {"VENV": str(venv), "PYTHON": interpreter(minor), "PIP_CONSTRAINT": str(folder / "lower.txt")}
    _run(["bash", "-euc", ". scripts/venv.sh && make_venv requirements.txt"], os.environ | environ)
    assert set(lower) <= set(_run([python, "-m", "pip", "freeze"], os.environ).splitlines())
    return python


def _lower_versions() -> list[str]:
    """Return the lower of two versions, wherever two are named."""
    text = "".join((ROOT / name).read_text("utf-8") for name in ("requirements.txt", "constraints.txt"))
    found = re.findall(r"^([\w.-]+)>=([\w.]+),<=", text, re.MULTILINE)
    assert found
    return sorted({f"{name}=={version}" for name, version in found})


def _book(api: str) -> dict[str, Any]:
    """Book the first hour that is free tomorrow, as a guest."""
    first = date.today() + timedelta(days=1)  # noqa: DTZ011 - any day soon
    slots = _ask(f"{api}/services/1/slots?from={first}&to={first + timedelta(days=1)}")
    wish = {"service_id": 1, "starts_at": slots["days"][0]["slots"][0]["starts_at"], "customer": GUEST}
    return _ask(f"{api}/bookings", wish)


def _ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - this machine
    with urllib.request.urlopen(request, timeout=servers.START_SECONDS) as answer:  # noqa: S310
        return json.load(answer)


@pytest.mark.long
@pytest.mark.parametrize("minor", OTHERS)
def test_another_python_serves_a_booking_from_a_clean_installation(minor: int, tmp_path: Path) -> None:
    python, url = _installed(minor, tmp_path), f"sqlite:///{tmp_path / 'slotkeeper.sqlite3'}"
    environ = os.environ | {"INSTANCE_DIR": str(tmp_path / "instance"), "DATABASE_URL": url, "ENVIRONMENT": "test"}
    for command in (["-c", EVERYTHING], ["-m", "flask", "db", "upgrade"], ["-m", "flask", "demo", "load"]):
        _run([python, *command], environ)
    with servers.gunicorn(url, tmp_path / "instance", workers=1, under=[*INSTEAD, python]) as server:
        assert Path(f"/proc/{server.pid}/exe").samefile(python)
        booking = _book(f"{server.url}/api/v1")
        assert booking["status"] == "confirmed"
        token = booking["manage_url"].partition("?")[2]
        paper = f"{server.url}/api/v1/bookings/{booking['ref']}/confirmation.pdf?{token}"
        with urllib.request.urlopen(paper, timeout=servers.START_SECONDS) as answer:  # noqa: S310 - this machine
            assert answer.read(5) == b"%PDF-"
        assert server.stop() == 0
        assert "Traceback" not in server.output()
