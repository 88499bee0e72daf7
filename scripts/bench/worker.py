"""A server with one worker, whose CPU time is read from the kernel's own books: all of it, whatever it was spent on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

from tests.system import servers

REST_SECONDS = 0.2  # until a worker is done with what it does when its last answer has left
Answer = tuple[int, str | None]


class Worker:
    """One server with one worker, and a connection to it that stays open."""

    def __init__(self, server: servers.Gunicorn) -> None:
        self.server = server
        self.pid = server.worker_pids()[0]
        self.connection = HTTPConnection("127.0.0.1", server.port, timeout=30)

    def ask(self, path: str, method: str = "GET", body: object = None, **headers: str) -> Answer:
        """Send one request; return its status and tag."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named["Content-Type"] = "application/json"
        self.connection.request(method, path, None if body is None else json.dumps(body), named)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("ETag")

    def measure(self, request: Callable[[], Answer], wanted: int, count: int) -> tuple[float, float]:
        """Return CPU and wall milliseconds a request, with what the worker does after each answer."""
        self.connection.close()  # the server has, if nobody asked for a while
        self.ask("/healthz")
        cpu, wall = cpu_ms(self.pid), time.perf_counter()
        for _ in range(count):
            status, _ = request()
            if status != wanted:
                raise SystemExit(f"a request was answered with {status} instead of {wanted}")
        spent = (time.perf_counter() - wall) * 1000
        time.sleep(REST_SECONDS)
        return (cpu_ms(self.pid) - cpu) / count, spent / count


def cpu_ms(pid: int) -> float:
    """Return the CPU time that all threads of a process have had, in user and kernel mode together."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6
