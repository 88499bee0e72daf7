"""A private nginx that runs the configuration of the docs: only places, ports and the certificate are others.

As root it works as ``www-data``, and so finds out what it may read and where it may connect.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.system import activation, servers

INSTALL = "apt-get install --no-install-recommends nginx"
HOST = "book.example.org"
_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/bin"
# What Debian's own nginx.conf says around a site, as far as it changes anything; and what keeps it below one folder.
_AROUND = """
{user}
worker_processes 2;
pid {folder}/run/pid;
error_log {folder}/run/error.log;
events {{ worker_connections 768; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    gzip on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def missing() -> str:
    """Return why there can be no nginx here, or nothing."""
    if not _nginx() or not Path("/etc/nginx/mime.types").exists():
        return f"there is no nginx here: {INSTALL}"
    return "" if shutil.which("openssl") else "there is no openssl here to make a certificate with"


def _nginx() -> str | None:
    return shutil.which("nginx", path=_PATH)


def site() -> str:
    """Return the documented configuration."""
    return (activation.DOCUMENTED / "nginx.conf").read_text(encoding="utf-8")


@dataclass
class Front:
    """A folder with an nginx, where it listens, and what it stands before."""

    folder: Path
    port: int = field(default_factory=servers.free_port)
    plain_port: int = field(default_factory=servers.free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def www(self) -> Path:
        """Return the folder of the website."""
        return self.folder / "www"

    @property
    def uploads(self) -> Path:
        """Return where the program keeps its files."""
        return self.folder / "uploads"

    @property
    def backend(self) -> Path:
        """Return the socket of the program."""
        return self.folder / "app.sock"

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """Return what a visitor trusts: this nginx and nobody else."""
        return ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))

    def output(self) -> str:
        """Return what nginx has logged."""
        logs = (self.folder / "run" / name for name in ("error.log", "access.log"))
        return "".join(log.read_text(encoding="utf-8", errors="replace") for log in logs if log.exists())

    def configured(self) -> str:
        """Return the documented configuration with the places of this folder, each of which must stand in it."""
        text = site()
        for documented, here in self._places().items():
            assert documented in text, documented
            text = text.replace(documented, here)
        return text

    def _places(self) -> dict[str, str]:
        return {
            "    listen [::]:80;\n": "",
            "    listen [::]:443 ssl http2;\n": "",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
            "/etc/letsencrypt/live/book.example.org/fullchain.pem": f"{self.folder}/certificate.pem",
            "/etc/letsencrypt/live/book.example.org/privkey.pem": f"{self.folder}/key.pem",
            "/var/log/nginx/slotkeeper.log": f"{self.folder}/run/access.log",
            "/srv/slotkeeper/www": str(self.www),
            "/srv/slotkeeper/uploads/": f"{self.uploads}/",
            activation.unit("socket")["Socket"]["ListenStream"]: str(self.backend),
        }


@contextmanager
def front() -> Iterator[Front]:
    """Yield an nginx as documented, on free loopback ports, before a socket on which nobody listens yet."""
    assert not missing(), missing()
    place = Front(Path(tempfile.mkdtemp(prefix="nginx")))
    try:
        _lay(place)
        place.process = subprocess.Popen(
            [_nginx() or "", "-e", "stderr", "-c", str(place.folder / "nginx.conf"), "-g", "daemon off;"]
        )
        servers.until(lambda: _listens(place))
        yield place
    except BaseException:
        print(place.output()[-6000:])  # noqa: T201 - pytest shows it beside the failure
        raise
    finally:
        if place.process:
            place.process.terminate()
            place.process.wait(servers.STOP_SECONDS)
        shutil.rmtree(place.folder)


def _listens(place: Front) -> bool:
    assert place.process
    assert place.process.poll() is None, place.output()
    with suppress(OSError), socket.create_connection(("127.0.0.1", place.port), 5):
        return True
    return False


def _lay(place: Front) -> None:
    """Make the folders as the docs say: uploads belong to the program, and their group to nginx."""
    place.folder.chmod(0o755)
    (place.folder / "run").mkdir()
    place.www.mkdir()
    place.uploads.mkdir()
    who = activation.nginx_user()
    if os.geteuid() == 0:
        os.chown(place.uploads, 0, who.pw_gid)
    place.uploads.chmod(0o2750)
    options = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1", "-days", "2"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(place.folder / "key.pem"), "-out", str(place.folder / "certificate.pem")]
    command = ["openssl", "req", "-x509", *kind, *files, *options]
    subprocess.run(command, check=True, capture_output=True)
    (place.folder / "site.conf").write_text(place.configured(), encoding="utf-8")
    user = f"user {who.pw_name};" if os.geteuid() == 0 else ""
    (place.folder / "nginx.conf").write_text(_AROUND.format(user=user, folder=place.folder), encoding="utf-8")
