"""Does memory grow? Many mixed requests to gunicorn with two gevent workers on MariaDB, and what the server holds meanwhile.

    python -m scripts.bench.leak [--requests 100000] [--clients 4] [--database mariadb] [--png bench-results/leak.png]

Prints the figures, writes bench-results/leak.json and a picture of the memory over the requests. What is sent stands in
scripts/bench/mix.py. Between two parts of the run nobody asks anything, so that no sample catches a request on its way.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta, timezone
from math import inf
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from app.persistence import migrate, session
from app.persistence.engine import make_engine
from app.persistence.tables import users
from app.services.passwords import hash_password
from scripts.bench import mailbox, measuring, plot
from scripts.bench.measuring import Sample
from scripts.bench.mix import ACCOUNTS, PASSWORD, Visitor
from scripts.bench.seed import seed
from scripts.bench.visitors import FAULT, Place
from tests.system import servers
from tests.web.people import make_server

ROOT = Path(__file__).resolve().parents[2]
PARTS = 50
IDLE_SECONDS = 6  # above gunicorn's keepalive, after which a connection that nobody uses is closed
MOST_GROWTH = 0.5  # MiB from a tenth of the run to its end: QUALITY.md, from 10,000 to 100,000 requests
_UTC = timezone.utc


@dataclass(frozen=True)
class Run:
    """A run: what was held at each part of it and at rest before and after, and which answers came how often."""

    seconds: float
    samples: list[Sample]
    before: Sample
    after: Sample
    answers: dict[int, int]
    failures: list[str]

    @property
    def faults(self) -> int:
        """Return how many answers were a 5xx."""
        return sum(count for status, count in self.answers.items() if status >= FAULT)


def furnish(url: str, first: date) -> str:
    """Fill an empty database: the data set "20x60", people with a password; return the key of the desk."""
    engine = make_engine(url)
    session.configure(engine)
    migrate.upgrade(engine)
    seed(first)
    now, kept = datetime.now(_UTC), hash_password(PASSWORD, "strong")
    same = {"role": "customer", "name": "Member", "password_hash": kept, "created_at": now, "updated_at": now}
    with session.transaction() as opened:
        rows = [{**same, "email": f"member{number}@example.org"} for number in range(ACCOUNTS)]
        opened.execute(insert(users), rows)
    key = str(make_server("bookings:read").headers["Authorization"])
    session.remove()
    engine.dispose()
    return key


@contextmanager
def open_house(url: str, folder: Path, **server: Any) -> Iterator[tuple[servers.Gunicorn, Place]]:  # noqa: ANN401 - gunicorn()'s
    """Furnish an empty database, and yield a server over it and what its visitors need to know; no worker is replaced."""
    first = datetime.now(_UTC).date() + timedelta(days=2)
    with open_again(url, folder, first, furnish(url, first), **server) as opened:
        yield opened


@contextmanager
def open_again(  # noqa: PLR0913 - the place, and what may differ of its server
    url: str,
    folder: Path,
    first: date,
    key: str,
    *,
    options: Sequence[str] = (),
    workers: int = 2,
    extra_env: Mapping[str, str] | None = None,
) -> Iterator[tuple[servers.Gunicorn, Place]]:
    """Yield the same over a database that :func:`furnish` has filled from *first* on, and whose desk has that key."""
    mail = folder / "mail"
    environ = {"TRUSTED_PROXIES": "1", "MAIL_URL": f"file:{mail}", "MAIL_HOURLY_BUDGET": "0", "PYTHONPATH": str(ROOT)}
    asked, wanted = ["--max-requests", "0", *options], {**environ, **(extra_env or {})}
    with servers.gunicorn(url, folder / "house", workers=workers, extra_env=wanted, options=asked) as server:
        yield server, Place(server.port, first, key, mail)


class Load:
    """Some clients who go through the visits together, each its share, one part after the other."""

    def __init__(self, place: Place, clients: int) -> None:
        self.place, self.visitors = place, [Visitor(place) for _ in range(clients)]
        self.failures: list[str] = []
        self.done = 0

    @property
    def sent(self) -> int:
        """Return how many requests were sent so far."""
        return sum(visitor.sent for visitor in self.visitors)

    @property
    def answers(self) -> dict[int, int]:
        """Return how often each status came."""
        return dict(sorted(sum((visitor.seen for visitor in self.visitors), Counter[int]()).items()))

    def do(self, visits: int) -> None:
        """Do the next *visits*; returns when all are over."""
        numbers = range(self.done, self.done + visits)
        with ThreadPoolExecutor(len(self.visitors)) as pool:
            shares = [numbers[at :: len(self.visitors)] for at in range(len(self.visitors))]
            for outcome in [pool.submit(self._go, *share) for share in zip(self.visitors, shares, strict=True)]:
                outcome.result()
        self.done += visits
        mailbox.sweep(self.place.mail)

    def _go(self, visitor: Visitor, numbers: Sequence[int]) -> None:
        for number in numbers:
            try:
                visitor.visit(number)
            except Exception as error:  # noqa: BLE001 - told to whoever runs this, who fails with it
                self.failures.append(f"visit {number}: {error!r}")

    def leave(self) -> None:
        """Hang up, and wait until the server has seen it."""
        for visitor in self.visitors:
            visitor.leave()
        time.sleep(IDLE_SECONDS)


def run(
    server: servers.Gunicorn,
    load: Load,
    database: Engine,
    *,
    requests: int,
    minutes: float = inf,
    tell: Callable[[Sample], None] = lambda _: None,
) -> Run:
    """Send at least so many requests in parts, but for no longer than *minutes*, and sample and *tell* between them."""
    samples = list[Sample]()
    load.do(len(load.visitors[0].kinds))  # each kind of visit: it loads the code and opens the pools
    load.leave()
    before, began = measuring.sample(server, database, load.sent), time.monotonic()
    while load.sent < requests and time.monotonic() - began < minutes * 60:
        load.do(max(1, requests // PARTS))
        samples.append(measuring.sample(server, database, load.sent))
        tell(samples[-1])
    seconds = time.monotonic() - began
    load.leave()
    after = measuring.sample(server, database, load.sent)
    return Run(seconds, samples, before, after, load.answers, load.failures)


def show(done: Run) -> None:
    """Print the figures."""
    growth, last = measuring.growth(done.samples, 0.1), done.samples[-1]
    print(f"{last.requests:,} requests in {done.seconds:.0f} s; answers: {done.answers}")
    print(f"tree (PSS):       {done.before.pss:.2f} MiB at rest before, {last.pss:.2f} at the end")
    print(f"grown:            {growth:+.2f} MiB from a tenth of the run on; {MOST_GROWTH:g} is the budget for 90,000")
    print(f"slope:            {measuring.slope(done.samples) * 1024 * 1024:+.2f} bytes a request from a tenth on")
    print(f"workers:          RSS {last.rss}, private {last.private}")
    for name in ("descriptors", "threads", "connections"):
        print(f"{name + ':':<17} {getattr(done.before, name)} at rest before, {getattr(done.after, name)} after")
    for failure in done.failures[:20]:
        print(failure)


def picture(done: Run, path: Path) -> None:
    """Draw what the tree had in memory over the requests, and each worker for itself alone."""
    lines = [plot.Line("whole tree, PSS", [(one.requests, one.pss) for one in done.samples])]
    for number in range(len(done.samples[0].rss)):
        own = [(one.requests, one.private[number]) for one in done.samples]
        lines.append(plot.Line(f"worker {number + 1}, its own", own))
    plot.draw(path, lines, across="requests", upwards="MiB")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=inf, help="end then at the latest, with what there is")
    parser.add_argument("--database", choices=("mariadb",), default="mariadb", help="the one with gevent workers")
    parser.add_argument("--png", type=Path, default=ROOT / "bench-results/leak.png")
    chosen = parser.parse_args()
    results = ROOT / "bench-results"
    results.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        database = stack.enter_context(servers.mariadb(Path(name) / "db"))
        database.run("CREATE DATABASE bench CHARACTER SET utf8mb4")
        url = database.url("bench")
        server, place = stack.enter_context(open_house(url, Path(name)))
        told = stack.enter_context((results / "leak-samples.jsonl").open("w", buffering=1))
        done = run(
            server,
            Load(place, chosen.clients),
            make_engine(url),
            requests=chosen.requests,
            minutes=chosen.minutes,
            tell=lambda one: print(json.dumps(asdict(one)), file=told),
        )
        log = server.output()
    (results / "leak.json").write_text(json.dumps(asdict(done), indent=1) + "\n")
    picture(done, chosen.png)
    show(done)
    if done.failures or done.faults or "Traceback" in log:
        raise SystemExit(f"something went wrong: {log[-2000:]}" if "Traceback" in log else "something went wrong")


if __name__ == "__main__":
    main()
