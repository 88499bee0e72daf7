"""The server's settings: the worker that suits the database, numbers within bounds, and nothing of ours imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MYSQL = "mysql://user:password@localhost/name"
# A fresh interpreter each time: the settings may patch the standard library.
LOAD = """
import json, os, runpy, sys
os.sched_getaffinity = lambda _pid: set(range(int(sys.argv[2])))
values = runpy.run_path(sys.argv[1])
plain = {name: value for name, value in values.items() if isinstance(value, (str, int, bool, type(None)))}
monkey = sys.modules.get("gevent.monkey")
plain["patched"] = bool(monkey and monkey.is_module_patched("socket"))
plain["ours"] = [name for name in sys.modules if name.partition(".")[0] == "app"]
print(json.dumps(plain))
"""
LOG = """
import json, runpy, sys
from datetime import timedelta
from types import SimpleNamespace
from gunicorn.config import Config
values = runpy.run_path(sys.argv[1])
answer = SimpleNamespace(status="200 OK", sent=2, headers=[("X-Request-Id", "abc")])
environ = {"REQUEST_METHOD": "GET", "RAW_URI": "/", "SERVER_PROTOCOL": "HTTP/1.1", "QUERY_STRING": "token=sesame"}
environ["PATH_INFO"] = sys.argv[2]
logger = values["logger_class"](Config())
atoms = logger.atoms(answer, SimpleNamespace(headers=[]), environ, timedelta(milliseconds=12))
print(values["access_log_format"] % logger.atoms_wrapper_class(atoms))
"""

END = """
import atexit, os, runpy, sys
from types import SimpleNamespace
values = runpy.run_path(sys.argv[1])
atexit.register(print, "taken apart")
try:
    sys.exit(int(sys.argv[2]))
finally:
    values["worker_exit"](None, SimpleNamespace(pid=os.getpid() + int(sys.argv[3])))
"""


def _run(program: str, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    command = [sys.executable, "-c", program, str(ROOT / "gunicorn_config.py"), *args]
    return subprocess.run(command, cwd=ROOT, env={**kept, **environ}, capture_output=True, text=True, check=False)


def _config(folder: Path, processors: int = 2, **environ: str) -> dict[str, Any]:
    ended = _run(LOAD, str(processors), INSTANCE_DIR=str(folder), **environ)
    assert ended.returncode == 0, ended.stderr
    values: dict[str, Any] = json.loads(ended.stdout)
    return values


@pytest.mark.parametrize("url", ["", "sqlite:///some.sqlite3", "sqlite:////srv/some.sqlite3"])
def test_sqlite_is_served_by_threads_and_nothing_is_patched(tmp_path: Path, url: str) -> None:
    values = _config(tmp_path, DATABASE_URL=url)
    assert (values["worker_class"], values["threads"], values["patched"]) == ("gthread", 4, False)


@pytest.mark.parametrize("url", [MYSQL, "mariadb://user:password@db.example.org/name"])
def test_a_database_server_is_served_by_greenlets_and_patched_before_the_program_is_loaded(
    tmp_path: Path, url: str
) -> None:
    values = _config(tmp_path, DATABASE_URL=url)
    assert (values["worker_class"], values["patched"], values["preload_app"]) == ("gevent", True, True)


def test_the_settings_file_says_which_database_and_which_address(tmp_path: Path) -> None:
    (tmp_path / "slotkeeper.toml").write_text(f'database_url = "{MYSQL}"\nport = 8123\nlog_level = "WARNING"\n')
    values = _config(tmp_path)
    assert (values["worker_class"], values["bind"], values["loglevel"]) == ("gevent", "127.0.0.1:8123", "warning")


def test_the_environment_overrules_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "slotkeeper.toml").write_text(f'database_url = "{MYSQL}"\nport = 8123\n')
    values = _config(tmp_path, DATABASE_URL="sqlite:///some.sqlite3", HOST="::1", PORT="8200")
    assert (values["worker_class"], values["bind"]) == ("gthread", "[::1]:8200")


def test_a_settings_file_that_cannot_be_read_is_left_for_the_program_to_refuse(tmp_path: Path) -> None:
    (tmp_path / "slotkeeper.toml").write_text("port = = 8123")
    assert _config(tmp_path)["bind"] == "127.0.0.1:8000"


@pytest.mark.parametrize(("processors", "workers"), [(1, 1), (2, 2), (4, 4), (64, 4)])
def test_there_is_a_worker_for_each_processor_up_to_four(tmp_path: Path, processors: int, workers: int) -> None:
    assert _config(tmp_path, processors)["workers"] == workers


def test_an_operator_who_names_a_number_of_workers_gets_it(tmp_path: Path) -> None:
    assert _config(tmp_path, 2, WEB_CONCURRENCY="20")["workers"] == 20


@pytest.mark.parametrize("wish", ["0", "-1", "two", "100"])
def test_a_number_of_workers_that_is_none_is_refused_in_one_line(wish: str) -> None:
    ended = _run(LOAD, "2", WEB_CONCURRENCY=wish)
    assert ended.returncode == 1
    assert ended.stderr == f"WEB_CONCURRENCY must be a whole number from 1 to 99, not {wish!r}\n"


def test_a_lone_worker_is_never_replaced_and_several_at_different_times(tmp_path: Path) -> None:
    assert _config(tmp_path, 1)["max_requests"] == 0
    several = _config(tmp_path, 2)
    assert several["max_requests"] > several["max_requests_jitter"] > 0


@pytest.mark.parametrize("url", ["sqlite:///some.sqlite3", MYSQL])
def test_nothing_of_the_program_is_imported(tmp_path: Path, url: str) -> None:
    assert _config(tmp_path, DATABASE_URL=url)["ours"] == []


def test_only_this_machine_may_say_which_scheme_a_visitor_used_and_nobody_which_path(tmp_path: Path) -> None:
    values = _config(tmp_path, FORWARDED_ALLOW_IPS="*")
    assert values["forwarder_headers"] == ""
    assert (values["forwarded_allow_ips"], values["control_socket_disable"]) == ("127.0.0.1,::1", True)


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/api/v1/bookings/CFGH-2345", "/api/v1/bookings/CFGH-2345"),
        ("/api/v1/holds/Zm9vYmFyYmF6cXV4cXV1eA", "/api/v1/holds/(secret)"),
        ('/a"\r\nforged', '/a\\"\\r\\nforged'),
    ],
)
def test_a_line_of_the_access_log_has_time_and_id_but_no_secret_and_no_second_line(path: str, logged: str) -> None:
    ended = _run(LOG, path)
    assert f'"GET {logged}" 200 2 bytes 12 ms abc\n' in ended.stdout, ended.stderr
    assert ended.stdout.count("\n") == 1
    assert "sesame" not in ended.stdout


@pytest.mark.parametrize(("code", "others", "said"), [(0, 0, ""), (3, 0, "taken apart\n"), (0, 1, "taken apart\n")])
def test_a_worker_that_ends_well_is_not_taken_apart_and_one_that_fails_or_is_anothers_says_so(
    code: int, others: int, said: str
) -> None:
    ended = _run(END, str(code), str(others))
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, said, "")
