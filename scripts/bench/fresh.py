"""A process as Passenger spawns it: one interpreter that imports everything itself, and answers once."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FIRST_SLOTS = """
import sys
from io import BytesIO
from passenger_wsgi import application
environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/api/v1/services/2/slots", "QUERY_STRING": "from=%s&to=%s",
    "SERVER_NAME": "localhost", "SERVER_PORT": "80", "HTTP_HOST": "localhost", "wsgi.input": BytesIO(), "SCRIPT_NAME": "",
    "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr, "SERVER_PROTOCOL": "HTTP/1.1"}
seen = []
b"".join(application(environ, lambda status, *rest: seen.append(status)))
assert seen == ["200 OK"], seen
print(open("/proc/self/statm").read().split()[1])
"""


def first_slots(first: date) -> str:
    """Return the program of a process that answers for the slots of the data set's second service."""
    return _FIRST_SLOTS % (first, first + timedelta(days=1))


def run(url: str, folder: Path, code: str) -> tuple[float, float]:
    """Return the memory in MiB and the CPU seconds of a process that runs *code*, with byte code made beforehand."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environ = {**kept, "DATABASE_URL": url, "INSTANCE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    pages = int(done.stdout.split()[-1])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return pages * os.sysconf("SC_PAGE_SIZE") / (1024 * 1024), cpu
