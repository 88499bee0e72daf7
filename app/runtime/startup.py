"""How a process begins: a quiet garbage collector, a thrifty allocator, and a server that suits the database."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app.runtime import memory
from app.runtime.settings import Settings, SettingsError


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Build the application without collecting, then collect once and keep the collector off what stays for good."""
    memory.limit_malloc()
    gc.disable()
    try:
        yield
    finally:
        memory.freeze()
        gc.enable()


def check_server(settings: Settings) -> None:
    """Refuse SQLite under gevent.

    Raises:
        SettingsError: both are in use. SQLite waits for its lock without yielding: one write froze all requests for 5 s.
    """
    if settings.is_sqlite and is_gevent():
        raise SettingsError(
            "DATABASE_URL is SQLite and the server is gevent: use threads (--worker-class gthread) or MySQL/MariaDB"
        )


def is_gevent() -> bool:
    """Tell whether the standard library's sockets have been replaced in this process."""
    monkey = sys.modules.get("gevent.monkey")
    return bool(monkey and monkey.is_module_patched("socket"))
