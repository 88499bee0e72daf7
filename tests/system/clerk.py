"""A clerk who books by the use cases in a process of his own, which a test kills at a system call of its choosing.

    python tests/system/clerk.py SQLITE_FILE SERVICE_ID FIRST_START PAGES

reads lines as ``book 3 5`` (the wishes 3 to 7, each half an hour after the other), forks a child for each, which loaded
everything before it was born, and says ``pid 4711``. When it reads ``go`` it books, and says what came of every wish.
PAGES is after how many the log is written back into the file, which happens too seldom by itself.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # as the tests have it

from sqlalchemy import event

from app.domain.actors import Actor
from app.domain.bookings import Customer
from app.domain.errors import DomainError, OutcomeUnknown
from app.domain.wishes import BookingWish, Wish
from app.persistence import session
from app.persistence.engine import make_engine
from app.services import bookings
from app.services.idempotency import make_key

SECRET_KEY = "q4Zt8Lw1Xv6Nb3Ks9Rf2Yh7Jd5Mc0PgA"


class Clerk:
    """Books wishes of one service; ``name`` is whose history it is."""

    def __init__(self, file: str, service_id: str, first: str, pages: str) -> None:
        self.file, self.service_id, self.pages = file, int(service_id), int(pages)
        self.first = datetime.fromisoformat(first)

    def serve(self) -> None:
        """Fork a child for each line, until there is none."""
        while words := hear().split():
            child = os.fork()
            if child == 0:
                say(f"pid {os.getpid()}")
                assert hear() == "go"
                self.work(range(int(words[1]), int(words[1]) + int(words[2])))
                os._exit(0)
            say(f"ended {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")

    def work(self, wishes: range) -> None:
        engine = make_engine(f"sqlite:///{self.file}")
        event.listen(engine, "connect", lambda opened, _: opened.execute(f"PRAGMA wal_autocheckpoint={self.pages}"))
        session.configure(engine)
        for wish in wishes:
            say(f"asked {wish}")
            say(self.book(wish))
        session.remove()
        engine.dispose()

    def book(self, number: int) -> str:
        starts_at = self.first + timedelta(minutes=30) * number
        guest = Customer("Ada", f"clerk-{number}@example.org", "")
        wish = BookingWish(Wish(self.service_id, starts_at), guest)
        key = make_key("guest:book", f"clerk-{number}", f"{number}".encode())
        try:
            made, is_replayed = bookings.book(
                wish, secret_key=SECRET_KEY, by=Actor("guest"), now=datetime.now(timezone.utc), key=key
            )
        except DomainError as error:
            return f"{'unknown' if isinstance(error, OutcomeUnknown) else 'refused'} {number} {error.code}"
        return f"{'replayed' if is_replayed else 'booked'} {number} {made.ref}"


def hear() -> str:
    """Return the next line; read by hand, so that nothing of the next one is kept where a child cannot see it."""
    line = b""
    while (letter := os.read(0, 1)) not in {b"", b"\n"}:
        line += letter
    return line.decode()


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    Clerk(*sys.argv[1:]).serve()
