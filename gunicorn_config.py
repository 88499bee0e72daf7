"""How gunicorn runs Slotkeeper: ``gunicorn -c gunicorn_config.py`` and nothing else. Imports nothing of ours.

Reads HOST, PORT, LOG_LEVEL and DATABASE_URL as the program does: from the environment, else from the settings file in the
instance folder, else the default. WEB_CONCURRENCY is the number of workers. docs/deploy-gunicorn.md has it in prose.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.http import parser
from gunicorn.http.body import ChunkedReader
from gunicorn.http.unreader import SocketUnreader

_ROOT = Path(__file__).resolve().parent


def _settings_file() -> Mapping[str, Any]:
    """Return what the settings file says; nothing where it cannot be read: the program will refuse it with a better line."""
    folder = Path(os.environ.get("INSTANCE_DIR") or _ROOT / "instance")
    try:
        content = (folder / "slotkeeper.toml").read_text(encoding="utf-8")
        values: dict[str, Any] = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli").loads(content)
    except (OSError, ValueError):
        return {}
    return values


_FILE = _settings_file()


def _setting(name: str, default: str) -> str:
    return os.environ.get(name) or str(_FILE.get(name.lower()) or default)


# SQLite waits for its lock without yielding, and under gevent one write froze every request of a worker for 5 s.
# So threads with SQLite, and greenlets with a database server, where a worker mostly waits for answers.
worker_class = "gthread" if _setting("DATABASE_URL", "sqlite:").strip().startswith("sqlite") else "gevent"
if worker_class == "gevent":
    # Here, before the program is loaded, because it is loaded before the fork: patched only in the worker, its sessions
    # were thread-local to a thread that all greenlets shared, and parallel users saw each other's. Measured, not feared.
    import_module("gevent.monkey").patch_all()

wsgi_app = "app:create_app(warm=True)"
pythonpath = str(_ROOT)  # so that it starts from anywhere
preload_app = True  # the program is loaded once and shared: a second worker costs 7-13 MiB instead of 40


def _processors() -> int:
    """Return how many processors this process may use, which on a shared machine is fewer than it has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _workers() -> int:
    """Return WEB_CONCURRENCY, else one worker a processor up to four: 4 connections each, of the 12-30 a host grants."""
    wish = os.environ.get("WEB_CONCURRENCY") or str(min(4, _processors()))
    if not re.fullmatch(r"[1-9][0-9]?", wish):
        raise SystemExit(f"WEB_CONCURRENCY must be a whole number from 1 to 99, not {wish!r}")
    return int(wish)


workers = _workers()
threads = 4  # gthread only: as many as a worker has database connections; more would queue for one
worker_connections = 400  # open sockets a gevent worker serves at once; more wait in the kernel's backlog
_host = _setting("HOST", "127.0.0.1").strip("[]")  # loopback: a web server with TLS stands in front
# A socket that systemd hands over comes before this.
bind = f"{f'[{_host}]' if ':' in _host else _host}:{_setting('PORT', '8000')}"

timeout = 30  # seconds in which a worker must turn its loop once, or is replaced; says nothing about a request's length
graceful_timeout = 30  # seconds for requests in flight to finish after SIGTERM; only a long export takes more
# Seconds an idle connection stays open: about what lies between two clicks. nginx keeps none, as docs/gunicorn/nginx.conf says why.
keepalive = 5

# A precaution, as memory does not grow: after so many requests a worker is replaced, each at another time. Its successor is
# forked when it is gone, so a lone worker that still sends a long export would stall the site: it is not replaced.
max_requests = 50_000 if workers > 1 else 0
max_requests_jitter = 5_000 if workers > 1 else 0

worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - heartbeats: a slow disk would stop them
control_socket_disable = True  # nobody asks it, and it would lie in the home folder
forwarded_allow_ips = "127.0.0.1,::1"  # only the web server on this machine may say what scheme a visitor used
# Nobody says in a header what the path is: a visitor's SCRIPT_NAME, passed on, would make /x/admin of nginx our /admin.
forwarder_headers = ""

limit_request_line = 4094  # bytes; the longest address of ours, a list with all its filters, has about 600
limit_request_fields = 64  # headers; a browser behind a proxy sends about 25
limit_request_field_size = 8190  # bytes a header; cookies of the whole domain come along

# How long a visitor may keep a worker waiting: without it, four that send a byte a minute would stop all threads of one.
HEAD_SECONDS = 10  # for the head of a request: one packet or two, and a lost packet is sent again within 3 s
BODY_SECONDS = 30  # for its body, and for a large one longer, as long as it keeps to the rate below
# Half of what a poor mobile line sends; a mebibyte of JSON has 64 s, and 200 MB of files 3.4 h.
BODY_BYTES_A_SECOND = 16 * 1024
# What a worker passes over of a body that it has refused, at most: until nginx, which has read the answer, closes.
LINGER_SECONDS = 2
LINGER_BYTES = 4 * 1024 * 1024  # twice of what nginx holds for a request that it has read whole

loglevel = _setting("LOG_LEVEL", "info").lower()
errorlog = "-"  # standard error, where the program's own log goes
accesslog = "-"  # standard output
# %(U)s is the path without its query, where links carry their secret (?token=); no referrer, for the same reason.
access_log_format = '%(t)s %(h)s "%(m)s %(U)s" %(s)s %(B)s bytes %(M)s ms %({x-request-id}o)s'
_SECRET = re.compile(r"[A-Za-z0-9_-]{20,}")  # 128 bits in base64 are 22 characters; a booking's public name has fewer


class DiscreetLogger(Logger):  # type: ignore[misc]
    """Gunicorn's logger, but that its access log has no tokens, which open a hold or a calendar feed, and no forged lines."""

    def atoms(self, *request: Any) -> dict[str, Any]:  # noqa: ANN401 - gunicorn's own, untyped
        """Return the values for the line of one request."""
        values: dict[str, Any] = super().atoms(*request)
        path = str(values["U"] or "").encode("unicode_escape").decode("ascii")  # %0A arrives here as a line break
        values["U"] = _SECRET.sub("(secret)", path)
        return values


logger_class = DiscreetLogger


class PatientUnreader(SocketUnreader):  # type: ignore[misc]
    """Gunicorn's reader of one connection, but that it waits only so long for a visitor, however little comes at a time.

    What counts is the time spent waiting here, by a clock that nobody sets: our own work between two reads uses nobody's time
    up. How long a connection may be idle before the first byte of a head is gunicorn's business: ``keepalive``.
    """

    # Bytes read ahead of a body: with gunicorn's mebibyte, twenty uploads at once took 34 MiB instead of 13.
    max_body_chunk = 64 * 1024

    def __init__(self, sock: Any, max_chunk: int = 8192) -> None:  # noqa: ANN401 - a socket of whichever worker
        """Read from *sock*; the first thing to come is a head."""
        super().__init__(sock, max_chunk)
        self.await_head()

    def await_head(self) -> None:
        """Give the next head its time, which what is left of a body uses as well."""
        self._begin(HEAD_SECONDS, 0)

    def await_body(self) -> None:
        """Give a body its time."""
        self._begin(BODY_SECONDS, BODY_BYTES_A_SECOND)

    def _begin(self, seconds: float, bytes_a_second: int) -> None:
        self._seconds, self._rate = seconds, bytes_a_second
        self._waited, self._received = 0.0, 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return what has come, at most *size_hint* bytes; nothing when the visitor has closed.

        Raises:
            ConnectionResetError: the time is up. That is what gunicorn calls a visitor who left: it closes without an error in
                the log, and never takes the rest for another request. To the program it is a body that broke off: 400.
        """
        left = self._left()
        outer: float | None = self.sock.gettimeout()  # a gthread worker gives the rest of a refused body 5 s
        before = time.monotonic()
        self.sock.settimeout(min((limit for limit in (left, outer) if limit is not None), default=None))
        try:
            data: bytes = super().chunk(size_hint)
        except TimeoutError:
            if left is not None and (outer is None or left <= outer):
                raise _too_slow() from None
            raise
        finally:
            self.sock.settimeout(outer)
            if left is not None:
                self._waited += time.monotonic() - before
        self._received += len(data)
        return data

    def _left(self) -> float | None:
        """Return for how many seconds to wait on; None while an idle connection sends nothing."""
        if not self._rate and not self._received:
            return None
        earned = self._received / self._rate if self._rate else 0.0
        left = max(self._seconds, earned) - self._waited
        if left <= 0:
            raise _too_slow()
        return left


def _too_slow() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "the visitor was too slow")


def pre_request(_worker: Any, req: Any) -> None:  # noqa: ANN401 - gunicorn's types are not typed
    """Give the body its time: the head is here. A connection that brings a change, or chunks, brings nothing after them.

    A change may owe messages, which are sent once its answer is out: the next request on the connection would wait for a mail
    server, and by its wait tell whether an address has an account. And where nobody had read chunks, as no browser sends,
    gunicorn looked for their end after the answer, and answered again when they made no sense: a web server in front could
    have given that second answer to the next visitor.
    """
    if req.method not in {"GET", "HEAD", "OPTIONS"}:
        req.force_close()
    if isinstance(req.unreader, PatientUnreader):
        req.unreader.await_body()
        if isinstance(req.body.reader, ChunkedReader):
            req.force_close()


def post_request(_worker: Any, req: Any, _environ: Any, resp: Any) -> None:  # noqa: ANN401 - as above
    """Give the next head its time: this request has been answered. Where there will be none, let the answer arrive."""
    if isinstance(req.unreader, PatientUnreader):
        if resp is not None and resp.headers_sent and req.should_close() and _has_not_come(req.body.reader):
            _hear_out(req.unreader.sock)
        req.unreader.await_head()


def _has_not_come(reader: Any) -> bool:  # noqa: ANN401 - as above
    """Tell whether some of a body has not been read, such as that of a file which is too large."""
    return getattr(reader, "parser", None) is not None or getattr(reader, "length", 0) > 0


def _hear_out(sock: Any) -> None:  # noqa: ANN401 - a socket of whichever worker
    """Say that this was all, and pass over what is still being sent until the other end has read it and closes.

    To close while something lies there unread is to reset the connection, and what the other end has not read of the answer
    is gone: every third visitor of nginx who sent too much was told 502, and not what was wrong.
    """
    deadline, passed_over = time.monotonic() + LINGER_SECONDS, 0
    with suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        while passed_over < LINGER_BYTES and (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            data = sock.recv(PatientUnreader.max_body_chunk)
            if not data:
                return
            passed_over += len(data)


def when_ready(_server: Any) -> None:  # noqa: ANN401 - gunicorn's types are not typed
    """Let go of the database, and prepare what the workers are about to share."""
    _drop_connections(close=True)
    if "app" in sys.modules:
        import_module("app.runtime.sharing").prepare_to_fork()


def post_fork(server: Any, _worker: Any) -> None:  # noqa: ANN401 - as above
    """Forget connections inherited from the parent without a word to the database: they are not this process's to close.

    And tell the program what it is: a worker that may end itself with SIGTERM, and has so much of the memory there is.
    """
    _drop_connections(close=False)
    if shutdown := sys.modules.get("app.runtime.shutdown"):
        shutdown.serve_under("gunicorn")
        sys.modules["app.runtime.memory"].share_among(server.num_workers)


def worker_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401 - as above
    """Close what a worker holds open, once its requests are finished and while its event loop still turns; then be gone."""
    if shutdown := sys.modules.get("app.runtime.shutdown"):
        shutdown.leave()
    if worker.pid == os.getpid():  # the parent comes here as well, for a worker that is gone
        _end_without_taking_apart(sys.exc_info()[1])


def _end_without_taking_apart(ending: BaseException | None) -> None:
    """End this process at once, if it ends well.

    Python would take every object apart first, and so write to every page that workers share: each that ended copied some
    25 MiB. Two that ended together, as at each restart, were killed in 128 MiB, and their parent with them.
    """
    if isinstance(ending, SystemExit) and not ending.code:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def post_worker_init(_worker: Any) -> None:  # noqa: ANN401 - as above
    """Read from visitors with patience that ends, and close connections without waiting for them to do so first.

    A gthread worker closes them in its one main thread and lingers up to 2 s for each whose visitor keeps its end open: one
    page that opens fifty of them stopped the worker until it was killed as hung. 2 ms still drain what is left of a refused body.
    """
    util.close_graceful = partial(util.close_graceful, timeout=0.002)
    parser.SocketUnreader = PatientUnreader


def _drop_connections(*, close: bool) -> None:
    """Empty the pool of the program, if it is loaded: looked up and not imported, as only the server may load it.

    One that is empty is left alone: it took each worker a mebibyte of copied pages to make another of it.
    """
    session = sys.modules.get("app.persistence.session")
    if session is not None and session.engine().pool.checkedin():
        session.engine().dispose(close=close)
