"""The program with addresses that waste its memory and count what it holds: for tests of how it ends and begins anew.

YOUNG_SECONDS is how old a process must be to give way; FORGETFUL leaves the database without a word at the end, as the
program did before it had closers: the negative control.
"""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

from app import create_app
from app.persistence import session
from app.runtime import memory, shutdown, workers

eaten: list[bytearray] = []
counting: list[int] = []  # one for each census on its way


def eat(mebibytes: int) -> dict[str, int]:
    """Keep so many MiB for good."""
    eaten.append(bytearray(b"x") * (mebibytes * 1024 * 1024))
    return {"pid": os.getpid()}


def linger(milliseconds: int) -> dict[str, int]:
    """Answer late."""
    time.sleep(milliseconds / 1000)
    return {"pid": os.getpid()}


def census() -> dict[str, int]:
    """Count what this process holds once it has calculated, but for whoever is counting: several do so at once."""
    counting.append(1)
    try:
        workers.run(len, "calculated")
        session.engine().dispose()
        time.sleep(0.1)
        gc.collect()
        greenlets = [thing for thing in gc.get_objects() if type(thing).__name__ in {"greenlet", "Greenlet"}]
        return {
            "pid": os.getpid(),
            "threads": len(list(Path("/proc/self/task").iterdir())),
            "greenlets": len(greenlets) - (len(counting) if greenlets else 0),
        }
    finally:
        counting.pop()


application = create_app()  # a warm one has answered a request, and takes no more addresses
application.add_url_rule("/eat/<int:mebibytes>", view_func=eat)
application.add_url_rule("/linger/<int:milliseconds>", view_func=linger)
application.add_url_rule("/census", view_func=census)
memory.YOUNG_SECONDS = int(os.environ.get("YOUNG_SECONDS", "0"))
if "FORGETFUL" in os.environ:
    shutdown.register("database", lambda: None)
