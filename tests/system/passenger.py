"""A private Apache with Passenger for tests, below a temporary folder of its own, stopped by its own word.

As root the program runs as ``www-data``, who must be able to read it and the interpreter. The address has the ``.htaccess``
that ``flask cpanel init`` writes.
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

from app.services import cpanel
from app.services.cpanel_files import Site
from tests.system import servers

INSTALL = "apt-get install --no-install-recommends libapache2-mod-passenger"  # brings apache2-bin, which is no service
_MODULES = Path("/usr/lib/apache2/modules")
_LOCATIONS = Path("/usr/lib/ruby/vendor_ruby/phusion_passenger/locations.ini")
NEWEST = (3, 11)  # the loader of Debian 12's Passenger imports what newer Pythons do not have
_PATHS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
_LOADED = ("mpm_event", "authn_core", "authz_core", "mime", "dir", "env", "rewrite", "passenger")
WATCHFUL = "PassengerStatThrottleRate 0"  # looks for restart.txt at each request, where it does so every ten seconds by default
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
TypesConfig {folder}/types
PassengerRoot {locations}
PassengerDefaultRuby /usr/bin/ruby
PassengerInstanceRegistryDir {folder}/reg
PassengerDataBufferDir {folder}/buf
PassengerLogFile {folder}/run/passenger.log
PassengerDisableSecurityUpdateCheck on
PassengerDisableAnonymousTelemetry on
PassengerMinInstances 1
{limits}
<VirtualHost 127.0.0.1:{port}>
DocumentRoot {folder}/docroot
PassengerAppRoot {folder}/app
PassengerAppType wsgi
PassengerStartupFile passenger_wsgi.py
PassengerPython {python}
{environment}
<Directory {folder}/docroot>
AllowOverride All
Require all granted
</Directory>
</VirtualHost>
"""


def missing() -> str:
    """Return why there can be no Passenger here, or nothing."""
    if not (_MODULES / "mod_passenger.so").exists() or not _LOCATIONS.exists() or not _apache():
        return f"there is no Apache with Passenger here: {INSTALL}"
    if sys.version_info[:2] > NEWEST:
        return "this Passenger's loader needs Python 3.11 or older"
    return "" if _python() else f"no Python {sys.version_info.minor} here that an ordinary user may run"


def _apache() -> str | None:
    return shutil.which("apache2", path=_PATHS["PATH"])


def _python() -> str | None:
    """Return an interpreter that the program's user may run: this one, or the system's of the same version."""
    here = Path(sys.executable)
    if _is_open(here) and _is_open(here.resolve()):
        return sys.executable
    return shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin")


def _is_open(path: Path) -> bool:
    """Tell whether the program's user reaches a path."""
    return os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in path.parents)


@dataclass
class Passenger:
    """An Apache with the program behind it."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Return its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def app(self) -> Path:
        """Return the program's folder."""
        return self.folder / "app"

    @property
    def site(self) -> Site:
        """Return where all lies, as ``flask cpanel`` is told."""
        return Site(self.app, self.folder / "docroot", _python() or "")

    def own(self, *paths: Path) -> None:
        """Give what was written to the program's user."""
        user = _user()
        for path in paths if os.geteuid() == 0 else ():
            os.chown(path, user.pw_uid, user.pw_gid)

    def processes(self) -> set[int]:
        """Return the process ids of the program: those whose working folder is its own."""
        return {int(path.name) for path in Path("/proc").glob("[0-9]*") if _works_in(path, self.app)}

    def output(self) -> str:
        """Return what the program has logged so far."""
        return (self.folder / "run/passenger.log").read_text(encoding="utf-8", errors="replace")

    def control(self, word: str) -> None:
        """Tell Apache to ``start`` or ``stop``; its environment would leak into the program."""
        command = [_apache() or "", "-f", str(self.folder / "conf"), "-k", word]
        environ = {**_PATHS, "TMPDIR": str(self.folder / "tmp")}  # where it reports on starts that fail
        subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").readlink() == folder and b"wsgi-loader" in (process / "cmdline").read_bytes()
    except OSError:  # it has ended, or is not ours to look at
        return False


def _user() -> pwd.struct_passwd:
    return pwd.getpwnam("www-data") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


@contextmanager
def passenger(startup: str, environ: Mapping[str, str], *, limits: str = "") -> Iterator[Passenger]:
    """Yield a Passenger that runs the program by the *startup* file; nothing of it is left afterwards.

    *limits* are lines as the host has them in its own configuration.
    """
    assert not missing(), missing()
    folder = Path(tempfile.mkdtemp(prefix="passenger"))
    server = Passenger(folder, servers.free_port())
    try:
        _lay(server, startup)
        _configure(server, environ, limits)
        server.control("start")
        servers.until(lambda: servers.is_healthy(server.url))
        yield server
    except BaseException:
        print(server.output(), (folder / "run/error.log").read_text(errors="replace"))  # noqa: T201 - pytest shows it beside the failure
        raise
    finally:
        server.control("stop")
        servers.until(lambda: not (folder / "run/pid").exists() and not server.processes())
        shutil.rmtree(folder)


def _lay(server: Passenger, startup: str) -> None:
    for name in ("run", "reg", "buf", "tmp", "docroot", "app/tmp", "app/instance", "app/tests"):
        (server.folder / name).mkdir(parents=True)
    for name in ("app", "tests/system"):
        shutil.copytree(servers.ROOT / name, server.app / name)  # with what is compiled, as an installation has it
    cpanel.apply(server.site, cpanel.plan(server.site))
    (server.app / "tmp/restart.txt").unlink()  # nothing runs yet
    server.site.wsgi.write_text(startup, encoding="utf-8")
    server.folder.chmod(0o755)
    server.own(server.app, *server.app.rglob("*"), server.folder / "buf", server.folder / "tmp")


def _configure(server: Passenger, environ: Mapping[str, str], limits: str) -> None:
    user, instance = _user(), str(server.app / "instance")
    (server.folder / "types").write_text("text/html html\n", encoding="utf-8")
    values = {"INSTANCE_DIR": instance, "PYTHONPATH": _packages(server), "ENVIRONMENT": "test", **environ}
    (server.folder / "conf").write_text(
        _CONFIG.format(
            folder=server.folder,
            port=server.port,
            user=user.pw_name,
            group="#" + str(user.pw_gid),
            modules="\n".join(f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in _LOADED),
            locations=_LOCATIONS,
            python=_python(),
            limits=limits,
            environment="\n".join(f'SetEnv {name} "{value}"' for name, value in values.items()),
        ),
        encoding="utf-8",
    )


def _packages(server: Passenger) -> str:
    """Return where the libraries are; those that the program's user does not reach are copied."""
    found = [Path(path) for path in sys.path if path.endswith("site-packages")]
    for number, path in enumerate(found):
        if not _is_open(path):
            found[number] = Path(shutil.copytree(path, server.folder / f"packages{number}", dirs_exist_ok=True))
    return ":".join(map(str, found))
