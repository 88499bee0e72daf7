"""The end of a process: closers in order, all of them, and each server asked in its own way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.runtime import logs, shutdown

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "_closers", {})
    monkeypatch.setattr(shutdown, "_servers", {})


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The failures that were logged."""
    failures: list[object] = []
    monkeypatch.setattr(logs, "error", lambda event, **fields: failures.append((event, fields["name"])))
    return failures


def test_what_was_opened_last_is_closed_first() -> None:
    closed: list[str] = []
    for name in ("database", "worker", "files"):
        shutdown.register(name, lambda name=name: closed.append(name))  # type: ignore[misc]
    shutdown.leave()
    assert closed == ["files", "worker", "database"]


def test_of_one_name_the_last_is_closed() -> None:
    closed: list[int] = []
    for number in range(3):
        shutdown.register("database", lambda number=number: closed.append(number))  # type: ignore[misc]
    shutdown.leave()
    assert closed == [2]


def test_a_closer_that_fails_is_told_and_keeps_no_other_from_closing(told: list[object]) -> None:
    closed: list[str] = []
    shutdown.register("database", lambda: closed.append("database"))
    shutdown.register("worker", lambda: 1 / 0)
    shutdown.leave()
    assert closed == ["database"]
    assert told == [("not_closed", "worker")]


def test_a_process_that_ends_by_itself_closes_what_it_has() -> None:
    code = "from app.runtime import shutdown; shutdown.register('x', lambda: print('closed')); raise SystemExit(3)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (3, "closed\n")


def test_a_process_that_no_server_has_claimed_stays(tmp_path: Path) -> None:
    assert shutdown.server() == ""
    assert shutdown.replace(tmp_path) == "no_server"
    assert list(tmp_path.iterdir()) == []


def test_a_worker_of_gunicorn_ends_itself_as_its_parent_would_end_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sent: list[object] = []
    monkeypatch.setattr(os, "kill", lambda *signal_sent: sent.append(signal_sent))
    shutdown.serve_under("gunicorn")
    assert shutdown.replace(tmp_path) == "leaving"
    assert sent == [(os.getpid(), signal.SIGTERM)]


def test_a_child_of_a_worker_is_none() -> None:
    shutdown.serve_under("gunicorn")
    child = os.fork()
    if child == 0:
        os._exit(0 if shutdown.server() == "" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_passenger_is_asked_for_a_restart_once_in_ten_minutes_whoever_asks(tmp_path: Path) -> None:
    shutdown.serve_under("passenger")
    assert shutdown.replace(tmp_path) == "restart_wished"
    restart = tmp_path / "tmp/restart.txt"
    wished_at = restart.stat().st_mtime_ns
    assert shutdown.replace(tmp_path) == "restarted_lately"
    assert restart.stat().st_mtime_ns == wished_at
    long_ago = restart.stat().st_mtime - shutdown.RESTART_PAUSE_SECONDS - 1
    os.utime(restart, (long_ago, long_ago))
    assert shutdown.replace(tmp_path) == "restart_wished"
    assert restart.stat().st_mtime > long_ago + shutdown.RESTART_PAUSE_SECONDS


def test_passenger_is_known_by_its_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys.modules["__main__"], "__file__", "/usr/share/passenger/helper-scripts/wsgi-loader.py", raising=False
    )
    assert shutdown.server() == "passenger"


# What Passenger's loader does between two requests: it waits for one, or for the end of its standard input.
LOADER = """
import os, select, sys
from app.runtime import shutdown
if "heeding" in sys.argv:
    shutdown.heed_sigterm()
shutdown.register("x", lambda: print("closed"))
print("ready", flush=True)
select.select([sys.stdin], [], [])
print("left", flush=True)
"""


@pytest.mark.parametrize(
    ("argument", "code", "printed"), [("heeding", 0, "left\nclosed\n"), ("deaf", -signal.SIGTERM, "")]
)
def test_under_passenger_sigterm_is_the_end_of_standard_input(
    tmp_path: Path, argument: str, code: int, printed: str
) -> None:
    loader = tmp_path / "wsgi-loader.py"
    loader.write_text(LOADER)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(loader), argument]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environ, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == printed
        assert process.wait(20) == code
