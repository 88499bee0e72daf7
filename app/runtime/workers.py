"""The one worker of this process for long calculations: one job at a time, a short queue, and requests that go on meanwhile."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from app.runtime import shutdown
from app.runtime.startup import is_gevent

MAX_WAITING = 24  # callers; 20 who sign in at once wait half a second for the last of them
R = TypeVar("R")


class PoolFull(Exception):
    """Too many callers are waiting already: this one is to come back later."""


class _Turns:
    """Lets one caller in at a time, in the order in which they came.

    No semaphore, as it lets a newcomer overtake, and does not tell how many wait. A caller that is killed while it waits (a
    greenlet whose client has left) gives its place up.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        mine = self._queue_up()
        if mine is None:
            return
        try:
            mine.acquire()
        except BaseException:
            self._leave(mine)
            raise

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._pass_on()

    def _queue_up(self) -> threading.Lock | None:
        """Return a lock that is released when it is the caller's turn, or None if that is now."""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return None
            if len(self._waiting) >= MAX_WAITING:
                raise PoolFull(f"{MAX_WAITING} callers are waiting for the worker: try again in a second")
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
            return mine

    def _leave(self, mine: threading.Lock) -> None:
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
            else:  # the turn came at the very moment: somebody else is to have it
                self._pass_on()

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().release()
        else:
            self._is_taken = False


class _Pool:
    """The queue of one process, and under gevent its thread, made for the first job."""

    def __init__(self) -> None:
        self._turns = _Turns()
        self._thread: Any = None  # a gevent.threadpool.ThreadPool

    def run(self, function: Callable[..., R], *args: object) -> R:
        with self._turns:
            return self._run_in_thread(function, args) if is_gevent() else function(*args)

    def _run_in_thread(self, function: Callable[..., R], args: tuple[object, ...]) -> R:
        if self._thread is None:
            from gevent.threadpool import ThreadPool  # noqa: PLC0415 - only a gevent server has it

            self._thread = ThreadPool(1)
        value, error = self._thread.spawn(_outcome, function, args).get()
        if error is not None:
            raise error
        result: R = value
        return result

    def close(self) -> None:
        if self._thread is not None:
            self._thread.kill()
            self._thread = None


_pools: dict[int, _Pool] = {}  # by process: after a fork, the parent's thread and queue are not in the child


def run(function: Callable[..., R], *args: object) -> R:
    """Return ``function(*args)``, calculated after the jobs that came before; what it raises comes out here.

    Under gevent other requests are served meanwhile if the function lets go of the interpreter's lock, as argon2 does;
    elsewhere it runs in the caller's thread.

    Raises:
        PoolFull: MAX_WAITING callers are waiting.
    """
    return _pools.setdefault(os.getpid(), _Pool()).run(function, *args)


def close() -> None:
    """End this process's thread, after the job it has; nothing happens where there is none."""
    pool = _pools.pop(os.getpid(), None)
    if pool is not None:
        pool.close()


def _outcome(function: Callable[..., R], args: tuple[object, ...]) -> tuple[R | None, BaseException | None]:
    """Return what a job returned or raised: as a value, because gevent prints what is raised in its threads."""
    try:
        return function(*args), None
    except BaseException as error:  # noqa: BLE001 - it is raised again where the caller waits
        return None, error


shutdown.register("worker", close)
