"""The session of a request, and the one way to change anything: ``with transaction() as session`` inside a ``@use_case``.

Reads run in autocommit on the session of the request. A transaction first ends whatever read is open, then begins:
a snapshot taken before the lock is how calendars get double-booked.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import OutcomeUnknown
from app.persistence import schema
from app.persistence.failures import CommitError, is_dropped, is_duplicate, is_lost_race, is_unknown, refusal
from app.persistence.unit_of_work import Session

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 5  # the first and four more
_JITTER_SECONDS = 0.05


class NestedTransactionError(RuntimeError):
    """A use case has called a use case: the inner COMMIT would have ended the outer one's work."""


class _OfThisProcess:
    engine: Engine | None = None


class _OfThisRequest(threading.local):  # of a thread; a gevent server has made that a greenlet before this is loaded
    session: Session | None = None


_process = _OfThisProcess()
_request = _OfThisRequest()


def configure(engine: Engine) -> None:
    """Bind the sessions of this process to *engine*."""
    remove()
    _process.engine = engine


def engine() -> Engine:
    """Return the engine of this process."""
    if _process.engine is None:
        raise RuntimeError("No database yet: create_app() binds one.")
    return _process.engine


def reading() -> Session:
    """Return this request's session for reads; each statement sees what is committed when it runs."""
    if _request.session is None:
        _request.session = Session(engine())
    return _request.session


def is_in_use() -> bool:
    """Tell whether this request has a session."""
    return _request.session is not None


def give_connection_back() -> None:
    """Let go of the connection that this request has read through, before it waits for something else.

    A process has four: four that wait and hold theirs would let everybody else wait for a fifth, until they got 503.

    Raises:
        NestedTransactionError: a transaction is open. Its locks would be held as long as the wait is.
    """
    if _request.session is not None:
        if _is_writing(_request.session):
            raise NestedTransactionError
        _request.session.rollback()


def remove() -> None:
    """Close this request's session and give its connection back."""
    session, _request.session = _request.session, None
    if session is not None:
        session.close()


@contextmanager
def transaction() -> Iterator[Session]:
    """Yield the session inside a new transaction; commit at the end, roll back on any exception.

    Raises:
        NestedTransactionError: one is open already.
        Busy: the schema is not the one this program knows.
    """
    session = reading()
    if _is_writing(session):
        raise NestedTransactionError
    session.rollback()
    schema.require_known(session)
    session.rollback()
    session.info["writing"] = True
    try:
        session.connection(writes=True)
        yield session
        _commit(session)
    except BaseException:
        _abandon(session)
        raise
    finally:
        session.info.pop("writing", None)


@contextmanager
def streaming() -> Iterator[Connection]:
    """Yield a connection of its own for a long read: the session is gone before a generator's first chunk."""
    with engine().connect() as connection:
        yield connection


def _is_writing(session: Session) -> bool:
    return "writing" in session.info


def _commit(session: Session) -> None:
    try:
        session.commit()
    except DBAPIError as error:
        raise CommitError from error


def _abandon(session: Session) -> None:
    """Roll back; what was the matter is known already, and a connection that cannot even do that is thrown away."""
    with suppress(DBAPIError):
        session.rollback()


def _forget_read() -> None:
    """End a read that failed, or a session whose connection died in it would refuse to read again."""
    session = reading()
    if not _is_writing(session):
        _abandon(session)


def use_case(function: Callable[P, R]) -> Callable[P, R]:
    """Run a use case again, whole, when its transaction lost a race; say plainly when it cannot be done now.

    At most four more times, after a short random pause. A connection lost before COMMIT is replaced once.

    Raises:
        Busy: the database is not there, too slow, or every try lost.
        OutcomeUnknown: the connection was lost in COMMIT.
        StorageFull: the database has no room.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        reconnected = False
        for attempt in range(1, TRIES + 1):
            try:
                return function(*args, **kwargs)
            except (DBAPIError, CommitError, PoolTimeout) as error:
                _forget_read()
                if is_unknown(error):
                    raise OutcomeUnknown(
                        "The database was lost while it stored your request; ask again with the same Idempotency-Key."
                    ) from error
                dropped = is_dropped(error) and not reconnected
                reconnected = reconnected or dropped
                if attempt == TRIES or not (is_lost_race(error) or dropped):
                    raise refusal(error) from error
            time.sleep(random.uniform(0, _JITTER_SECONDS * attempt))  # noqa: S311 - a jitter, not a secret
        raise AssertionError("unreachable")

    return run


__all__ = [
    "NestedTransactionError",
    "Session",
    "configure",
    "engine",
    "give_connection_back",
    "is_dropped",
    "is_duplicate",
    "is_in_use",
    "reading",
    "refusal",
    "remove",
    "streaming",
    "transaction",
    "use_case",
]
