"""What the daily requests cost a worker: its CPU time, as a ratio to that of a bare Flask route in the same run.

Rounds alternate with the bare route. Of either the cheapest round counts: whatever else the machine does only ever adds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import delete

from app.persistence import tables
from app.persistence.engine import make_engine
from scripts.bench import hall
from scripts.bench.figures import Figure
from scripts.bench.sink import Sink, sink
from scripts.bench.worker import Answer, Worker
from tests.system import servers

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 20
Request = Callable[[], Answer]


@dataclass(frozen=True)
class Effort:
    """How much is asked: so many rounds of so many requests."""

    rounds: int
    count: int


@dataclass(frozen=True)
class Place:
    """Where the workers that are compared live."""

    url: str
    folder: Path
    key: str


def measure(place: Place, effort: Effort) -> Iterator[Figure]:
    """Yield what each daily request costs."""
    with _worker(place, "bare", app="bare") as bare:
        bases: list[float] = []
        with _worker(place, "reading") as ours:
            yield from _readings(ours, bare, place, effort, bases)
        yield from _bookings(place, bare, effort, bases)
        yield Figure("the bare route itself", min(bases), "ms CPU")


@contextmanager
def _worker(place: Place, name: str, *, app: str = "", **environ: str) -> Iterator[Worker]:
    options = [f"scripts.bench.{app}:application"] if app else []
    extra = {"PYTHONPATH": str(ROOT), "MAIL_HOURLY_BUDGET": "0", **environ}
    with servers.gunicorn(place.url, place.folder / name, workers=1, options=options, extra_env=extra) as server:
        yield Worker(server)


def _readings(ours: Worker, bare: Worker, place: Place, effort: Effort, bases: list[float]) -> Iterator[Figure]:
    month = hall.slots(hall.ONE, 30)
    _, etag = ours.ask(month)
    few = max(effort.count // 4, 5)
    cases: list[tuple[str, float | None, int, int, Request]] = [
        ("slots, a day, one resource", 4, 200, effort.count, lambda: ours.ask(hall.slots(hall.ONE, 1))),
        ("slots, a month, one resource", 8, 200, effort.count, lambda: ours.ask(month)),
        ("slots, a month, 20 resources", 25, 200, few, lambda: ours.ask(hall.slots(hall.ANY, 30))),
        ("the month again, unchanged (304)", 2, 304, effort.count, lambda: ours.ask(month, If_None_Match=str(etag))),
        ("list of services", None, 200, effort.count, lambda: ours.ask(hall.SERVICES)),
        ("list of 50 bookings (staff)", None, 200, few, lambda: ours.ask(hall.LIST, Authorization=place.key)),
    ]
    for what, budget, wanted, count, request in cases:
        ours.measure(request, wanted, 3)
        rounds = []
        for _ in range(effort.rounds):
            base = _base(bare, effort)
            rounds.append((*base, *ours.measure(request, wanted, count)))
        base_cpu, base_wall, cpu, wall = map(min, zip(*rounds, strict=True))
        bases.append(base_cpu)
        yield Figure(what, cpu / base_cpu, "x CPU", budget, wall / base_wall)


def _base(bare: Worker, effort: Effort) -> tuple[float, float]:
    return bare.measure(lambda: bare.ask("/healthz"), 200, effort.count)


def _bookings(place: Place, bare: Worker, effort: Effort, bases: list[float]) -> Iterator[Figure]:
    """Yield what a booking costs: the answer in a worker that leaves the rest, and all of it in one that does not."""
    free, count = hall.free_starts(), max(effort.count // 3, 5)
    with ExitStack() as stack:
        mail = stack.enter_context(sink())
        answers = stack.enter_context(_worker(place, "answering", app="answering"))
        whole = stack.enter_context(_worker(place, "whole", MAIL_URL=mail.url))
        rounds = []
        for number in range(effort.rounds + 1):
            base_cpu, base_wall = _base(bare, effort)
            answer, wall = answers.measure(partial(_book, answers, free), 201, count)
            _forget_what_is_owed(place.url)
            everything = _with_mail(whole, mail, partial(_book, whole, free), count)
            if number:  # the first loads what the mail needs
                rounds.append((base_cpu, base_wall, answer, wall, everything))
    base_cpu, base_wall, answer, wall, everything = map(min, zip(*rounds, strict=True))
    bases.append(base_cpu)
    yield Figure("booking, guest: the answer", answer / base_cpu, "x CPU", 15, wall / base_wall)
    yield Figure("  what follows it: one mail composed and sent", (everything - answer) / base_cpu, "x CPU")
    yield Figure("  both: all that the process does for a booking", everything / base_cpu, "x CPU")


def _with_mail(whole: Worker, mail: Sink, request: Request, count: int) -> float:
    """Return the CPU milliseconds of a booking whose mail has left before the next is asked for."""

    def book_and_wait() -> Answer:
        wanted, until = mail.taken + 1, time.monotonic() + PATIENCE_SECONDS
        answer = request()
        while mail.taken < wanted:
            if time.monotonic() > until:
                raise SystemExit("a booking's mail did not come: not all that follows was measured")
            time.sleep(0.001)
        return answer

    cpu, _ = whole.measure(book_and_wait, 201, count)
    return cpu


def _book(worker: Worker, free: Iterator[tuple[int, str]]) -> Answer:
    body, key = hall.booking(next(free))
    return worker.ask(hall.BOOKINGS, "POST", body, Idempotency_Key=key)


def _forget_what_is_owed(url: str) -> None:
    """Delete what waits in the outbox: what one worker has left there, the next would send."""
    engine: Any = make_engine(url)
    with engine.connect() as connection:
        connection.execute(delete(tables.outbox).where(tables.outbox.c.status == "queued"))
    engine.dispose()
