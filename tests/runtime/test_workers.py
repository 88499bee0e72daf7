"""The worker: one job at a time, in order, a bounded queue, and no thread left; with threads and under gevent alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.runtime import workers
from tests.system.servers import until

ROOT = Path(__file__).resolve().parents[2]

# Each program under gevent begins with this. `spawn(job)` is a visitor; `busy()` holds the worker until `free.set()`.
PATCHED = """
from gevent.monkey import patch_all
patch_all()
import os, sys, threading
import gevent
from gevent.monkey import get_original
from gevent.threadpool import ThreadPool
from app.runtime import workers

native_event = get_original("threading", "Event")
native_lock = get_original("threading", "Lock")
native_sleep = get_original("time", "sleep")
free, began, done = native_event(), native_event(), []

def hold():
    began.set()
    free.wait(20)

def busy():
    visitor = gevent.spawn(workers.run, hold)
    turn_until(began.is_set)
    return visitor

def turn_until(condition):
    for _ in range(4000):
        if condition():
            return
        gevent.sleep(0.005)
    raise SystemExit("it did not come about")

def threads():
    return len(os.listdir("/proc/self/task"))
"""


def under_gevent(code: str) -> str:
    """Return what a patched process prints that runs *code*; it must end with 0 and complain of nothing."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", PATCHED + code]
    run = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout.strip()


@pytest.fixture(autouse=True)
def _own_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_pools", {})


class Visitor(threading.Thread):
    """Runs one job from a thread of its own, and keeps what comes out."""

    def __init__(self, job: Callable[..., object], *args: object) -> None:
        super().__init__(daemon=True)
        self.job, self.args = job, args
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            workers.run(self.job, *self.args)
        except workers.PoolFull as error:
            self.error = error


class Occupied:
    """A worker with a job that lasts until it is freed."""

    def __init__(self) -> None:
        self.free, self._began = threading.Event(), threading.Event()
        self.visitor = Visitor(self._hold)
        assert self._began.wait(20)

    def _hold(self) -> None:
        self._began.set()
        assert self.free.wait(20)


@pytest.fixture
def occupied() -> Iterator[Occupied]:
    """A worker that is busy; freed at the end at the latest."""
    worker = Occupied()
    yield worker
    worker.free.set()
    worker.visitor.join(20)


def waiting() -> int:
    return len(workers._pools[os.getpid()]._turns._waiting)


def queue_up(count: int, job: Callable[[int], object]) -> list[Visitor]:
    """Send visitors with the job, each when the one before stands in the queue."""
    visitors = []
    for number in range(count):
        visitors.append(Visitor(job, number))
        until(lambda number=number: waiting() == number + 1)  # type: ignore[misc]
    return visitors


def test_a_job_is_run_with_its_arguments_and_its_result_comes_back() -> None:
    assert workers.run(divmod, 17, 5) == (3, 2)


def test_what_a_job_raises_reaches_its_caller_and_frees_the_worker() -> None:
    with pytest.raises(KeyError, match="colour"):
        workers.run({}.__getitem__, "colour")
    assert workers.run(len, "next") == 4


def test_jobs_run_one_at_a_time_in_the_order_in_which_they_came(occupied: Occupied) -> None:
    running, most, order = 0, 0, []

    def job(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        threading.Event().wait(0.001)
        order.append(number)
        running -= 1

    visitors = queue_up(20, job)
    occupied.free.set()
    for visitor in visitors:
        visitor.join(20)
    assert order == list(range(20))
    assert most == 1


def test_the_first_caller_too_many_is_turned_away_and_the_others_are_served(occupied: Occupied) -> None:
    done: list[int] = []
    visitors = queue_up(workers.MAX_WAITING, done.append)
    with pytest.raises(workers.PoolFull, match="24 callers are waiting"):
        workers.run(done.append, -1)
    occupied.free.set()
    for visitor in visitors:
        visitor.join(20)
        assert visitor.error is None
    assert done == list(range(workers.MAX_WAITING))
    assert workers.run(len, "again") == 5


def test_a_child_of_a_busy_process_has_a_worker_of_its_own(occupied: Occupied) -> None:
    queue_up(1, abs)
    child = os.fork()
    if child == 0:  # here is no other thread, so that a turn inherited would never come
        signal.alarm(20)
        os._exit(workers.run(int, "7"))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert not occupied.free.is_set()


def test_without_gevent_a_job_runs_in_its_callers_thread_and_closing_ends_nothing() -> None:
    before = threading.active_count()
    assert workers.run(threading.get_ident) == threading.get_ident()
    assert threading.active_count() == before
    workers.close()
    workers.close()
    assert workers.run(len, "open again") == 10


@pytest.mark.system
def test_gevent_jobs_have_one_native_thread_that_closing_ends() -> None:
    code = """
workers.close()
before = threads()
idents = {workers.run(get_original("_thread", "get_ident")) for _ in range(5)}
assert len(idents) == 1 and get_original("_thread", "get_ident")() not in idents
during = threads()
workers.close()
workers.close()
turn_until(lambda: threads() == before)
print(during - before, workers.run(len, "open again"))
"""
    assert under_gevent(code) == "1 10"


def test_gevent_jobs_run_one_at_a_time_in_order_while_others_are_served() -> None:
    code = """
busy()
running, most = 0, 0
def job(number):
    global running, most
    running += 1
    most = max(most, running)
    native_sleep(0.001)
    done.append(number)
    running -= 1
visitors = [gevent.spawn(workers.run, job, number) for number in range(20)]
turns = 0
for _ in range(50):
    gevent.sleep(0.001)
    turns += 1
assert done == [] and turns == 50
free.set()
gevent.joinall(visitors, raise_error=True)
print(done == list(range(20)), most)
"""
    assert under_gevent(code) == "True 1"


@pytest.mark.system
def test_a_newcomer_does_not_overtake_who_waits_under_gevent() -> None:
    code = """
first = busy()
second = gevent.spawn(workers.run, done.append, "waited")
gevent.sleep(0)
first.link(lambda _: gevent.spawn(workers.run, done.append, "came later"))
free.set()
turn_until(lambda: len(done) == 2)
print(*done)
"""
    assert under_gevent(code) == "waited came later"


@pytest.mark.system
def test_the_first_gevent_caller_too_many_is_turned_away() -> None:
    code = """
first = busy()
visitors = [gevent.spawn(workers.run, done.append, number) for number in range(workers.MAX_WAITING)]
gevent.sleep(0)
try:
    workers.run(done.append, -1)
except workers.PoolFull:
    done.append("full")
free.set()
gevent.joinall(visitors, raise_error=True)
print(done == ["full", *range(workers.MAX_WAITING)], workers.run(len, "again"))
"""
    assert under_gevent(code) == "True 5"


def test_what_a_gevent_job_raises_reaches_its_caller_and_is_not_printed() -> None:
    code = """
class Own(Exception): pass
def fail(kind): raise kind("colour")
for kind in (KeyError, Own, SystemExit, KeyboardInterrupt):
    try:
        workers.run(fail, kind)
    except kind as error:
        done.append(error.args)
print(len(done), workers.run(len, "next"))
"""
    assert under_gevent(code) == "4 4"


@pytest.mark.system
def test_killed_gevent_callers_leave_their_places_in_the_queue_and_at_the_worker() -> None:
    code = """
first = busy()
for _ in range(3):
    visitors = [gevent.spawn(workers.run, done.append, "killed") for _ in range(workers.MAX_WAITING)]
    gevent.sleep(0)
    gevent.killall(visitors)
first.kill()  # but not its job, which goes on
busy_threads = threads()
after = [gevent.spawn(workers.run, done.append, number) for number in range(workers.MAX_WAITING)]
gevent.sleep(0)
assert (done, threads()) == ([], busy_threads)
free.set()
gevent.joinall(after, raise_error=True)
print(done == list(range(workers.MAX_WAITING)))
"""
    assert under_gevent(code) == "True"


def test_a_gevent_caller_that_is_killed_when_its_turn_has_come_passes_it_on() -> None:
    code = """
turns = workers._Turns()
turns.__enter__()
def visit(name):
    with turns:
        done.append(name)
killed, second = gevent.spawn(visit, "killed"), gevent.spawn(visit, "served")
gevent.sleep(0)
killed.kill(block=False)  # takes effect in the next turn of the loop, when the place at the worker is its own
turns.__exit__()
gevent.joinall([killed, second], timeout=10)
print(*done)
"""
    assert under_gevent(code) == "served"


@pytest.mark.system
def test_a_child_of_a_busy_gevent_process_has_a_worker_of_its_own() -> None:
    code = """
first = busy()
second = gevent.spawn(workers.run, done.append, "parent")
gevent.sleep(0)
child = os.fork()
if child == 0:
    alone = threads()
    result = workers.run(int, "7")
    os._exit(result if (alone, threads()) == (1, 2) else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
free.set()
gevent.joinall([first, second], raise_error=True)
print(*done)
"""
    assert under_gevent(code) == "parent"


def test_a_gevent_process_that_ends_lets_the_job_it_has_finish() -> None:
    code = """
import atexit
atexit.register(free.set)  # called before what the worker has registered
def slow():
    hold()
    native_sleep(0.2)
    os.write(1, b"the job ends")
gevent.spawn(workers.run, slow)
turn_until(began.is_set)
"""
    assert under_gevent(code) == "the job ends"
