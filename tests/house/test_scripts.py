"""The scripts that a person or CI runs: they say in one line what is wrong, and what they print works as printed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.system import servers

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
PROGRAMS = ("start.sh", "start_production.sh", "test.sh", "slotkeeper", "../.ci/run")
PATIENCE_SECONDS = 60
# Stands for a virtual environment: this interpreter, but that what it is told to install is noted down instead.
PYTHON = """#!/bin/sh
case "$*" in "-m pip "*) echo "$*" >>"{log}"; exit 0;; esac
exec "{python}" "$@"
"""
PRODUCTION = {
    "SECRET_KEY": "q4Zt8Lw1Xv6Nb3Ks9Rf2Yh7Jd5Mc0PgA",
    "BASE_URL": "https://book.example.org",
    "DATABASE_URL": "sqlite:////tmp/never-made.sqlite3",
}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a script: an instance folder of its own, and a virtual environment that installs nothing."""
    _write(tmp_path / "venv/bin/python", PYTHON.format(log=tmp_path / "pip.log", python=sys.executable))
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"VENV": str(tmp_path / "venv"), "INSTANCE_DIR": str(tmp_path / "instance")}


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)


def _run(command: list[str], environ: Mapping[str, str], folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_script_can_be_run_and_stops_at_the_first_error(name: str) -> None:
    path = SCRIPTS / name
    assert path.stat().st_mode & stat.S_IXUSR
    assert "\nset -eu\n" in path.read_text()
    assert _run(["bash", "-n", str(path)], os.environ).stderr == ""


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"WEB_CONCURRENCY": "two"}, "WEB_CONCURRENCY must be a whole number from 1 to 99, not 'two'"),
        ({"PORT": "http"}, "PORT must be a whole number from 1 to 65535, not 'http'"),
        ({"BASE_URL": ""}, "BASE_URL must be set in production: the address your customers see"),
        ({"DATABASE_URL": "postgres://x/y"}, "DATABASE_URL must start with sqlite:/// or mysql://"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of"),
    ],
)
def test_production_refuses_a_wrong_setting_in_one_line(
    environ: dict[str, str], wrong: dict[str, str], line: str
) -> None:
    ended = _run([str(SCRIPTS / "start_production.sh")], environ | PRODUCTION | wrong)
    assert ended.returncode == 1
    assert ended.stderr.startswith(line)
    assert ended.stderr.count("\n") == 1


def test_only_wheels_are_installed_and_only_when_the_pins_have_changed(environ: dict[str, str], tmp_path: Path) -> None:
    broken = environ | PRODUCTION | {"PORT": "http"}
    for _ in range(2):
        _run([str(SCRIPTS / "start_production.sh")], broken)
    (installed,) = (tmp_path / "pip.log").read_text().splitlines()
    assert "--only-binary=:all: -r requirements.txt" in installed
    (tmp_path / "venv/.installed-requirements.txt").write_text("older pins")
    _run([str(SCRIPTS / "start_production.sh")], broken)
    assert len((tmp_path / "pip.log").read_text().splitlines()) == 2


def _find_python(folder: Path, pythons: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Let the script look for a Python where only the given ones are; each is a shell script of that one line."""
    for name in ("bash", "dirname"):
        (folder / name).symlink_to(shutil.which(name) or name)
    for name, line in pythons.items():
        _write(folder / name, f"#!/bin/sh\n{line}\n")
    return _run(["bash", "-euc", f". {SCRIPTS / 'venv.sh'}; find_python"], {"PATH": str(folder)})


def test_the_reference_python_is_preferred_and_one_that_does_not_start_is_passed_over(tmp_path: Path) -> None:
    fits = {"python3.13": "exit 0", "python3.12": "exit 0", "python3": "exit 0"}
    broken = {"python3.11": "echo not set up >&2; exit 127"}
    for found, pythons in (("python3.11", fits | {"python3.11": "exit 0"}), ("python3.12", fits | broken)):
        folder = tmp_path / found
        folder.mkdir()
        assert _find_python(folder, pythons).stdout == f"{folder / found}\n"


def test_a_machine_without_a_fitting_python_is_told_in_one_line(tmp_path: Path) -> None:
    ended = _find_python(tmp_path, {"python3": "exit 1"})
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert ended.stderr.startswith("No Python 3.10 or newer was found: install python3.11")


def test_a_port_in_use_is_refused_in_one_line_before_anything_is_made(environ: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = _run([str(SCRIPTS / "start.sh")], environ | {"PORT": str(port)})
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert ended.stderr.startswith(f"Port {port} cannot be used")
    assert not (tmp_path / "instance/slotkeeper.sqlite3").exists()


def test_the_command_line_works_in_any_folder_and_takes_nothing_there_for_the_program(
    environ: dict[str, str], tmp_path: Path
) -> None:
    _write(tmp_path / "app/__init__.py", "raise SystemExit('the wrong app')")
    _write(tmp_path / "click.py", "raise SystemExit('the wrong click')")
    _write(tmp_path / "mine.toml", "venues = 1")
    help_text = _run([str(SCRIPTS / "slotkeeper"), "--help"], environ, tmp_path)
    assert "catalogue" in help_text.stdout, help_text.stderr
    refused = _run([str(SCRIPTS / "slotkeeper"), "catalogue", "import", "mine.toml"], environ, tmp_path)
    assert refused.returncode != 0
    assert "mine.toml" in refused.stderr
    assert "cannot be read" not in refused.stderr


def test_the_command_line_says_what_makes_its_environment(environ: dict[str, str], tmp_path: Path) -> None:
    ended = _run([str(SCRIPTS / "slotkeeper"), "--help"], environ | {"VENV": str(tmp_path / "none")})
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "scripts/start.sh" in ended.stderr


@pytest.fixture
def started(environ: dict[str, str], tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A server that ``start.sh`` has started from another folder, and its output."""
    output = tmp_path / "output"
    with output.open("wb") as file:
        command = [str(SCRIPTS / "start.sh")]
        env = environ | {"PORT": str(servers.free_port()), "WEB_CONCURRENCY": "1"}
        process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=file, stderr=file)
    try:
        servers.wait_until(lambda: output.read_text().count("\ncurl ") == 3, process, output)
        yield process, output
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.system
@pytest.mark.skipif(not shutil.which("curl"), reason="the commands are for curl: install curl")
def test_the_three_printed_commands_work_as_printed(started: tuple[subprocess.Popen[bytes], Path]) -> None:
    _, output = started
    lines = [line for line in output.read_text().splitlines() if line.startswith("curl ")]
    before, booking, after = (json.loads(_run(["bash", "-c", line], os.environ).stdout) for line in lines)
    starts_at = booking["starts_at"]
    assert booking["status"] in {"confirmed", "pending"}
    assert before["days"][0]["slots"][0]["starts_at"] == starts_at
    assert starts_at not in {slot["starts_at"] for slot in after["days"][0]["slots"]}


@pytest.mark.system
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_started_server_ends_cleanly_when_asked(
    started: tuple[subprocess.Popen[bytes], Path], number: signal.Signals
) -> None:
    process, output = started
    process.send_signal(number)
    assert process.wait(servers.STOP_SECONDS) == 0
    assert "Traceback" not in output.read_text()
