"""How a process ends: what it holds open is closed in order, once, and a server is told when it should start afresh.

An exit by itself closes sockets without a word: MariaDB counts that as a client that was lost (``Aborted_clients``).
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.runtime import logs

RESTART_PAUSE_SECONDS = 600  # between two wishes for a restart, by whichever process: it restarts all of them

_closers: dict[str, Callable[[], object]] = {}  # by what they close, in the order in which it was opened
_servers: dict[int, str] = {}  # by process, as a fork makes a worker of its own


def register(name: str, close: Callable[[], object]) -> None:
    """Have *close* called when the process ends; of one *name* only the last that was registered."""
    _closers[name] = close


def leave() -> None:
    """Close all that was registered, the last one first; again does no harm, as each closes what is open.

    One that fails does not keep the others from it.
    """
    for name, close in reversed(_closers.items()):
        try:
            close()
        except Exception as error:  # noqa: BLE001 - the process ends either way, and the log says what it left behind
            logs.error("not_closed", trace=error, name=name)


def serve_under(server: str) -> None:
    """Say which server runs this process: ``gunicorn`` is told by its hook, Passenger is recognised."""
    _servers[os.getpid()] = server


def server() -> str:
    """Return ``gunicorn`` in one of its workers, ``passenger``, or nothing."""
    return _servers.get(os.getpid(), "passenger" if _is_passenger() else "")


def replace(root: Path) -> str:
    """Ask the server for a fresh process in place of this one; return what was done, or why nothing was.

    A worker of gunicorn finishes its requests and is replaced. Passenger restarts all processes of the program below *root*
    when it next sees ``tmp/restart.txt``; without a request lost, but each time they wait for the start. So whoever finds
    that file fresh leaves it alone: restarting has not helped.

    Returns:
        ``leaving``, ``restart_wished``, ``restarted_lately``, or ``no_server``.

    Raises:
        OSError: the file cannot be written.
    """
    if server() == "gunicorn":
        os.kill(os.getpid(), signal.SIGTERM)
        return "leaving"
    return _wish_restart(root / "tmp" / "restart.txt") if server() == "passenger" else "no_server"


def _wish_restart(path: Path) -> str:
    if path.exists() and abs(time.time() - path.stat().st_mtime) < RESTART_PAUSE_SECONDS:
        return "restarted_lately"
    path.parent.mkdir(exist_ok=True)
    path.touch()
    return "restart_wished"


def _is_passenger() -> bool:
    """Tell whether Passenger's loader is the program that runs."""
    main = getattr(sys.modules.get("__main__"), "__file__", None) or ""
    return Path(main).name == "wsgi-loader.py"


def heed_sigterm() -> None:
    """Let a process of Passenger end as it does when Passenger closes its standard input, if it is sent SIGTERM instead.

    Its loader looks at that between two requests, so that the one in flight is finished; SIGTERM would cut it off, and
    nothing would be closed. Other servers have a way of their own.
    """
    if server() == "passenger" and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda _number, _frame: _close_standard_input())


def _close_standard_input() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)  # reads as an end, as a closed pipe does
    os.dup2(nothing, 0)
    os.close(nothing)


atexit.register(leave)
