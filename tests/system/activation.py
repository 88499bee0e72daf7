"""A gunicorn on a socket that waits, begun as systemd begins it by the documented units."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from configparser import ConfigParser
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.system import servers

DOCUMENTED = servers.ROOT / "docs/gunicorn"
# Begins as systemd begins a service that has a socket: it is descriptor 3. Source: sd_listen_fds(3).
_ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "-c", *sys.argv[2:]])
"""


def unit(kind: str) -> ConfigParser:
    """Return a documented unit of systemd: ``service`` or ``socket``."""
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd tells large letters from small ones
    parser.read_string((DOCUMENTED / f"slotkeeper.{kind}").read_text(encoding="utf-8"))
    return parser


def nginx_user() -> pwd.struct_passwd:
    """Return who nginx works as, in whose group the socket and the uploads are."""
    return pwd.getpwnam("www-data") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


@contextmanager
def waiting_socket(path: Path) -> Iterator[socket.socket]:
    """Yield a socket as the documented unit describes it: it stays while programs come and go."""
    asked = unit("socket")["Socket"]
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        path.chmod(int(asked["SocketMode"], 8))
        if os.geteuid() == 0:
            os.chown(path, 0, nginx_user().pw_gid)
        door.listen(int(asked["Backlog"]))
        yield door


@contextmanager
def activated(
    door: socket.socket,
    url: str,
    instance_dir: Path,
    environ: Mapping[str, str],
    *,
    workers: int = 2,
    options: Sequence[str] = (),
) -> Iterator[servers.Gunicorn]:
    """Yield a gunicorn on the socket, once it has told that it is ready, as the documented unit waits for."""
    instance_dir.mkdir(parents=True, exist_ok=True)
    log = instance_dir / "gunicorn.log"
    with _notified(instance_dir) as (told, address):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        own = {"DATABASE_URL": url, "INSTANCE_DIR": str(instance_dir), "WEB_CONCURRENCY": str(workers)}
        config = str(servers.ROOT / "gunicorn_config.py")
        command = [sys.executable, "-c", _ACTIVATE, str(door.fileno()), config, *options]
        with log.open("ab") as file:
            process = subprocess.Popen(
                command,
                cwd=instance_dir,
                env={**kept, **own, "NOTIFY_SOCKET": address, **environ},
                stdout=file,
                stderr=file,
                stdin=subprocess.DEVNULL,
                pass_fds=[door.fileno()],
                umask=int(unit("service")["Service"]["UMask"], 8),
            )
        server = servers.Gunicorn(0, log, process)
        try:
            servers.wait_until(lambda: _is_ready(told), process, log)
            servers.until(lambda: len(server.worker_pids()) == workers)
            yield server
        except BaseException:
            print(f"--- {log}\n{server.output()[-6000:]}")  # noqa: T201 - pytest shows it beside the failure
            raise
        finally:
            if process.poll() is None:
                server.stop()


@contextmanager
def _notified(folder: Path) -> Iterator[tuple[socket.socket, str]]:
    """Yield where a service tells systemd that it is ready, and the address to tell it to."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        address = f"\0{folder}"  # without a file
        told.bind(address)
        told.settimeout(0)
        yield told, f"@{folder}"


def _is_ready(told: socket.socket) -> bool:
    with suppress(BlockingIOError):
        return "READY=1" in told.recv(4096).decode().splitlines()
    return False
