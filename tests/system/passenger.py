"""A private Apache with Passenger for tests, below a temporary folder of its own, stopped by its own word.

As root the program runs as ``www-data``, who must be able to read it and the interpreter.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.system import servers

INSTALL = "apt-get install --no-install-recommends apache2 passenger libapache2-mod-passenger"
_MODULES = Path("/usr/lib/apache2/modules")
_LOCATIONS = Path("/usr/lib/ruby/vendor_ruby/phusion_passenger/locations.ini")
_NEWEST = (3, 11)  # the loader of Debian 12's Passenger imports what newer Pythons do not have
_PATHS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
_LOADED = ("mpm_event", "authn_core", "authz_core", "mime", "dir", "env", "passenger")
_CONFIG = """
ServerRoot {folder}
DefaultRuntimeDir {folder}/run
PidFile {folder}/run/pid
ErrorLog {folder}/run/error.log
Mutex file:{folder}/run
Listen 127.0.0.1:{port}
ServerName localhost
User {user}
Group {group}
{modules}
TypesConfig /etc/mime.types
PassengerRoot {locations}
PassengerDefaultRuby /usr/bin/ruby
PassengerInstanceRegistryDir {folder}/reg
PassengerDataBufferDir {folder}/buf
PassengerLogFile {folder}/run/passenger.log
PassengerDisableSecurityUpdateCheck on
PassengerDisableAnonymousTelemetry on
PassengerMinInstances 1
<VirtualHost 127.0.0.1:{port}>
DocumentRoot {folder}/docroot
PassengerAppRoot {folder}/app
PassengerAppType wsgi
PassengerStartupFile passenger_wsgi.py
PassengerPython {python}
{environment}
<Directory {folder}/docroot>
Require all granted
</Directory>
</VirtualHost>
"""


def missing() -> str:
    """Return why there can be no Passenger here, or nothing."""
    if not (_MODULES / "mod_passenger.so").exists() or not _LOCATIONS.exists() or not _apache():
        return f"there is no Apache with Passenger here: {INSTALL}"
    if sys.version_info[:2] > _NEWEST:
        return "this Passenger's loader needs Python 3.11 or older"
    return "" if _python() else f"no Python {sys.version_info.minor} here that an ordinary user may run"


def _apache() -> str | None:
    return shutil.which("apache2", path=_PATHS["PATH"])


def _python() -> str | None:
    """Return an interpreter that the program's user may run: this one, or the system's of the same version."""
    if os.geteuid() != 0:
        return sys.executable
    return shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin")


@dataclass
class Passenger:
    """An Apache with the program behind it."""

    folder: Path
    port: int

    @property
    def app(self) -> Path:
        """Return the program's folder."""
        return self.folder / "app"

    def processes(self) -> set[int]:
        """Return the process ids of the program: those whose working folder is its own."""
        return {int(path.name) for path in Path("/proc").glob("[0-9]*") if _works_in(path, self.app)}

    def output(self) -> str:
        """Return what the program has logged so far."""
        return (self.folder / "run/passenger.log").read_text(encoding="utf-8", errors="replace")

    def control(self, word: str) -> None:
        """Tell Apache to ``start`` or ``stop``; its environment would leak into the program."""
        command = [_apache() or "", "-f", str(self.folder / "conf"), "-k", word]
        subprocess.run(command, env=_PATHS, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").readlink() == folder and b"wsgi-loader" in (process / "cmdline").read_bytes()
    except OSError:  # it has ended, or is not ours to look at
        return False


@contextmanager
def passenger(startup: str, environ: Mapping[str, str]) -> Iterator[Passenger]:
    """Yield a Passenger that runs the program by the *startup* file; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="passenger"))
    server = Passenger(folder, servers.free_port())
    try:
        _lay(server, startup, environ)
        server.control("start")
        servers.until(lambda: servers.is_healthy(f"http://127.0.0.1:{server.port}"))
        yield server
    except BaseException:
        print(server.output())  # noqa: T201 - pytest shows it beside the failure
        raise
    finally:
        server.control("stop")
        servers.until(lambda: not (folder / "run/pid").exists() and not server.processes())
        shutil.rmtree(folder)


def _lay(server: Passenger, startup: str, environ: Mapping[str, str]) -> None:
    folder = server.folder
    for name in ("run", "reg", "buf", "docroot", "app/tmp", "app/instance", "app/tests"):
        (folder / name).mkdir(parents=True)
    for name in ("app", "tests/system"):
        shutil.copytree(servers.ROOT / name, server.app / name, ignore=shutil.ignore_patterns("__pycache__"))
    (server.app / "passenger_wsgi.py").write_text(startup, encoding="utf-8")
    user = pwd.getpwnam("www-data") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    values = {"INSTANCE_DIR": str(server.app / "instance"), "PYTHONPATH": _packages(), "ENVIRONMENT": "test", **environ}
    (folder / "conf").write_text(
        _CONFIG.format(
            folder=folder,
            port=server.port,
            user=user.pw_name,
            group="#" + str(user.pw_gid),
            modules="\n".join(f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in _LOADED),
            locations=_LOCATIONS,
            python=_python(),
            environment="\n".join(f'SetEnv {name} "{value}"' for name, value in values.items()),
        ),
        encoding="utf-8",
    )
    folder.chmod(0o755)
    if os.geteuid() == 0:
        for path in (server.app, *server.app.rglob("*"), folder / "buf", folder / "reg"):
            os.chown(path, user.pw_uid, user.pw_gid)


def _packages() -> str:
    return ":".join(path for path in sys.path if path.endswith("site-packages"))
