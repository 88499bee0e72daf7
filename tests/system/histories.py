"""What visitors were told beside what is stored: every attempt was acknowledged, refused or unknown, and was that true?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Literal

from sqlalchemy import Engine, func, select

from app.domain.errors import OutcomeUnknown
from app.persistence.tables import bookings, customers, occupancies
from app.web.errors import status_of
from tests.system.halls import Hall, booking, overbooked
from tests.system.racing import Answer, Shot

Outcome = Literal["acknowledged", "refused", "unknown"]
Stored = Mapping[int, Sequence[str]]  # the references of what is stored for each wish
PATIENCE_SECONDS = 15


@dataclass(frozen=True)
class Attempt:
    """What came of asking once: a reference where it was acknowledged, else the code of the problem."""

    outcome: Outcome
    word: str = ""

    @property
    def is_final(self) -> bool:
        """Tell whether whoever was told this need not ask again."""
        return self.outcome == "acknowledged" or (self.outcome == "refused" and self.word != "busy")


def attempt_of(answer: Answer | None) -> Attempt:
    """Return what an answer says; None is that there was none."""
    if answer is None:
        return Attempt("unknown", "no answer")
    if answer.status == 201:
        return Attempt("acknowledged", str(answer.document["ref"]))
    code = str(answer.document["code"])
    if (answer.status, answer.document["title"]) == status_of(OutcomeUnknown):  # by its code it is as busy as any other
        return Attempt("unknown", code)
    assert (answer.status, code) in {(409, "slot_taken"), (503, "busy")}, answer
    return Attempt("refused", code)


class History:
    """All attempts of all wishes of one test; a wish is known by the address of its customer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.attempts: dict[int, list[Attempt]] = defaultdict(list)

    def shot(self, wish: int, service: int, starts_at: datetime) -> Shot:
        """Return the request of a wish; it is the same however often it is asked."""
        customer = {"name": "Ada", "email": f"{self.name}-{wish}@example.org"}
        return booking(service, starts_at, ("Idempotency-Key", f"{self.name}-{wish}"), customer=customer)

    def ask(self, found: Hall, wish: int, shot: Shot) -> Answer | None:
        """Return the answer, which is noted down; None if nothing came."""
        try:
            answer = found.post(shot, PATIENCE_SECONDS)
        except (OSError, HTTPException):
            answer = None
        self.attempts[wish].append(attempt_of(answer))
        return answer

    def stored(self, engine: Engine) -> Stored:
        """Return what the database has of these wishes."""
        theirs = customers.c.email.like(f"{self.name}-%")
        statement = select(customers.c.email, bookings.c.ref).join_from(bookings, customers).where(theirs)
        found: dict[int, list[str]] = defaultdict(list)
        with engine.connect() as connection:
            for email, ref in connection.execute(statement):
                found[int(email.removeprefix(f"{self.name}-").partition("@")[0])].append(ref)
        return found

    def outcomes(self) -> Counter[str]:
        """Count what visitors were told."""
        return Counter(attempt.outcome for attempts in self.attempts.values() for attempt in attempts)

    def faults(self, stored: Stored) -> list[str]:
        """Return what was told and is not so, a line each."""
        faults = [f"wish {wish} is stored, and nobody asked for it" for wish in stored if wish not in self.attempts]
        for wish, attempts in self.attempts.items():
            faults += [f"wish {wish} {fault}: {attempts}" for fault in _faults(attempts, list(stored.get(wish, ())))]
        return faults


def _faults(attempts: Sequence[Attempt], stored: Sequence[str]) -> list[str]:
    acknowledged = [attempt.word for attempt in attempts if attempt.outcome == "acknowledged"]
    if not attempts[-1].is_final and any(attempt.outcome == "unknown" for attempt in attempts):
        return ["is not settled"]
    if not acknowledged:
        return ["was refused, and is stored"] if stored else []
    first = next(index for index, attempt in enumerate(attempts) if attempt.outcome == "acknowledged")
    if any(attempt.outcome == "refused" and attempt.is_final for attempt in attempts[first:]):
        return ["was acknowledged, and then refused"]
    if len(set(acknowledged)) > 1:
        return ["was acknowledged as two"]
    if list(stored) != acknowledged[:1]:
        return [f"was acknowledged, and is stored as {stored}" if stored else "was acknowledged, and is lost"]
    return []


def check(history: History, engine: Engine) -> None:
    """Fail unless all that was told is so, and each booking has taken its time, which nobody else has."""
    faults = history.faults(history.stored(engine))
    assert not faults, faults
    assert overbooked(engine) == []
    taken = select(occupancies.c.booking_id).where(occupancies.c.booking_id.is_not(None))
    with engine.connect() as connection:
        rows = connection.execute(taken).scalars().all()
        assert len(rows) == len(set(rows)) == connection.execute(select(func.count()).select_from(bookings)).scalar()
