"""Real servers for tests: a private MariaDB and a real gunicorn, below a temporary folder, stopped by their own pid."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import pymysql

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30  # twenty workers on two busy processors take several
STOP_SECONDS = 40  # above gunicorn's graceful_timeout
PAUSE_SECONDS = 0.05
INSTALL = "apt-get install --no-install-recommends mariadb-server"


class NotStarted(Exception):
    """A server did not come up; the message ends with what it logged."""


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _program(*names: str) -> str | None:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def mariadb_is_installed() -> bool:
    """Tell whether this machine has what a private MariaDB needs."""
    return bool(_program("mariadbd", "mysqld") and _program("mariadb-install-db", "mysql_install_db"))


@dataclass
class MariaDB:
    """A MariaDB server of one's own: no password, one socket, one loopback port, durable as in production."""

    folder: Path
    port: int = field(default_factory=free_port)
    options: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket_path(self) -> Path:
        """Return where the server listens on this machine."""
        return self.folder / "s"  # short: a socket's path has 107 bytes at most

    def url(self, database: str) -> str:
        """Return the DATABASE_URL of one of its databases."""
        return f"mysql://root@localhost/{database}?unix_socket={self.socket_path}"

    def install(self) -> None:
        """Lay the system tables."""
        (self.folder / "tmp").mkdir(parents=True)
        program = _program("mariadb-install-db", "mysql_install_db")
        assert program, INSTALL
        command = [program, "--no-defaults", f"--datadir={self.folder / 'data'}", *self._owner()]
        command += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        with (self.folder / "install.log").open("wb") as log:
            # A temporary folder of its own: it has crashed on one that many shared.
            environ = {**os.environ, "TMPDIR": str(self.folder / "tmp")}
            subprocess.run(command, stdout=log, stderr=log, check=True, env=environ)

    def start(self) -> None:
        """Start the server; returns when it answers."""
        program = _program("mariadbd", "mysqld")
        assert program, INSTALL
        places = {"datadir": "data", "socket": "s", "pid-file": "pid", "tmpdir": "tmp"}
        command = [program, "--no-defaults", *(f"--{name}={self.folder / place}" for name, place in places.items())]
        command += [f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-log-bin", "--performance-schema=OFF"]
        command += ["--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=32M", "--max-connections=200"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*command, *self._owner(), *self.options], stdout=log, stderr=log)
        wait_until(self._answers, self.process, self.folder / "log")

    def stop(self) -> None:
        """End the server as an operator would; kill it if it does not."""
        _end(self.process)

    def kill(self) -> None:
        """End the server as a power cut would."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def run(self, *statements: str) -> None:
        """Execute statements as the server's owner."""
        connection = pymysql.connect(unix_socket=str(self.socket_path), user="root", autocommit=True, ssl_disabled=True)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()

    def _answers(self) -> bool:
        """Tell whether the server greets; not asked through PyMySQL, which leaves a refused socket open."""
        with suppress(OSError), socket.socket(socket.AF_UNIX) as visitor:
            visitor.settimeout(1)
            visitor.connect(str(self.socket_path))
            return bool(visitor.recv(1))
        return False

    @staticmethod
    def _owner() -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []  # the server refuses root unless told


@contextmanager
def mariadb(folder: Path, options: Sequence[str] = ()) -> Iterator[MariaDB]:
    """Yield a new, empty MariaDB below *folder*; it is stopped at the end. Ready in 1-2 s."""
    server = MariaDB(folder, options=options)
    server.install()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@dataclass
class Gunicorn:
    """A real gunicorn with our settings file."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]
    exit_code: int | None = None

    @property
    def url(self) -> str:
        """Return its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Return the process id of the master."""
        return self.process.pid

    def worker_pids(self) -> list[int]:
        """Return the process ids of its workers, in the order in which they were forked."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in children.read_text(encoding="ascii").split()] if children.exists() else []

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, wait until it has, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.exit_code = self.process.wait(STOP_SECONDS)
        return self.exit_code

    def output(self) -> str:
        """Return what it has logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def gunicorn(
    database_url: str,
    instance_dir: Path,
    *,
    workers: int = 2,
    extra_env: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    under: Sequence[str] = (),
) -> Iterator[Gunicorn]:
    """Yield a gunicorn with all its workers, on a free loopback port, with an instance folder of its own.

    *options* are gunicorn's and overrule the settings file; *under* is a program that becomes it, with arguments. The
    server is ended afterwards; if the block failed, what it logged is printed, where pytest shows it.
    """
    instance_dir.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), instance_dir / "gunicorn.log"
    environ = _environment(database_url, instance_dir, port, workers) | dict(extra_env or {})
    command = [*under, sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn_config.py"), *options]
    with log.open("ab") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
    server = Gunicorn(port, log, process)
    try:
        wait_until(lambda: len(server.worker_pids()) == workers and is_healthy(server.url), process, log)
        yield server
    except BaseException:
        print(f"--- {log}\n{server.output()}")  # noqa: T201 - pytest shows it beside the failure
        raise
    finally:
        _end(process)


def _environment(database_url: str, instance_dir: Path, port: int, workers: int) -> dict[str, str]:
    """Return the environment of the server: nothing of the developer's own settings leaks in."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "DATABASE_URL": database_url,
        "INSTANCE_DIR": str(instance_dir),
        "PORT": str(port),
        "WEB_CONCURRENCY": str(workers),
        "ENVIRONMENT": "test",
    }


def is_healthy(url: str, path: str = "/healthz") -> bool:
    """Tell whether the server answers 200."""
    with suppress(OSError, HTTPException), urllib.request.urlopen(url + path, timeout=5) as answer:  # noqa: S310
        return bool(answer.status == 200)
    return False


def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; fail after half a minute."""
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(PAUSE_SECONDS)


def wait_until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers.

    Raises:
        NotStarted: it ended, or said nothing for half a minute.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if is_ready():
            return
        time.sleep(PAUSE_SECONDS)
    _end(process)
    raise NotStarted(log.read_text(encoding="utf-8", errors="replace")[-4000:])


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
