"""The scoped session, and the one way to change anything: ``with transaction() as session`` inside a ``@use_case``.

Reads run in autocommit on the session of the request. A transaction first ends whatever read is open, then begins:
a snapshot taken before the lock is how calendars get double-booked.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from app.domain.errors import Busy, OutcomeUnknown, StorageFull
from app.persistence import schema

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 5  # the first and four more
_JITTER_SECONDS = 0.05
_LOST_RACES = {1213, 1205, 1020}  # deadlock, lock wait timeout, record changed since it was read
_LOST_CONNECTIONS = {2006, 2013, 2055, 1927, 1047}
_UNKNOWN_IN_COMMIT = {2006, 2013, 2055, 1927, 1180}
_UNREACHABLE = {2003, 2002, 1040, 1203, 1226, 1129, 1053, 1152, 1158, 1159, 1160, 1161, 0}
_TOO_SLOW = {1969, 3024, 1317, 1028}
_READ_ONLY = {1290, 1836, 1792}
_DISK_FULL = {1021, 1114, 28}

_sessions: scoped_session[Session] = scoped_session(sessionmaker(autoflush=False, expire_on_commit=False))


class NestedTransactionError(RuntimeError):
    """A use case has called a use case: the inner COMMIT would have ended the outer one's work."""


class CommitError(Exception):
    """COMMIT itself failed; wraps the driver's error, which says whether anything may stand."""


def configure(engine: Engine) -> None:
    """Bind the session of this process to *engine*."""
    _sessions.remove()
    _sessions.configure(bind=engine)


def engine() -> Engine:
    """Return the engine of this process."""
    bind = _sessions.get_bind()
    return bind.engine if isinstance(bind, Connection) else bind


def reading() -> Session:
    """Return this request's session for reads; each statement sees what is committed when it runs."""
    return _sessions()


def is_in_use() -> bool:
    """Tell whether this request has a session."""
    return bool(_sessions.registry.has())


def give_connection_back() -> None:
    """Let go of the connection that this request has read through, before it waits for something else.

    A process has four: four that wait and hold theirs would let everybody else wait for a fifth, until they got 503.

    Raises:
        NestedTransactionError: a transaction is open. Its locks would be held as long as the wait is.
    """
    if is_in_use():
        session = _sessions()
        if session.info.get("writing"):
            raise NestedTransactionError
        session.rollback()


def remove() -> None:
    """Close this request's session and give its connection back."""
    _sessions.remove()


@contextmanager
def transaction() -> Iterator[Session]:
    """Yield the session inside a new transaction; commit at the end, roll back on any exception.

    Raises:
        NestedTransactionError: one is open already.
        Busy: the schema is not the one this program knows.
    """
    session = _sessions()
    if session.info.get("writing"):
        raise NestedTransactionError
    session.rollback()
    schema.require_known(session)
    session.rollback()
    session.info["writing"] = True
    try:
        session.connection(execution_options={"writes": True})
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


def _commit(session: Session) -> None:
    try:
        session.commit()
    except DBAPIError as error:
        raise CommitError from error


def _abandon(session: Session) -> None:
    """Roll back; a connection that cannot even do that is thrown away."""
    try:
        session.rollback()
    except DBAPIError:
        session.invalidate()


def _forget_read() -> None:
    """End a read that failed, or a session whose connection died in it would refuse to read again."""
    session = _sessions()
    if not session.info.get("writing"):
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
                failure = _driver_error(error)
                if isinstance(error, CommitError) and _is_unknown(failure):
                    raise OutcomeUnknown(
                        "The database was lost while it stored your request; ask again with the same Idempotency-Key."
                    ) from error
                dropped = is_dropped(error) and not reconnected
                reconnected = reconnected or dropped
                if attempt == TRIES or not (_is_lost_race(failure) or dropped):
                    raise refusal(error) from error
            time.sleep(random.uniform(0, _JITTER_SECONDS * attempt))  # noqa: S311 - a jitter, not a secret
        raise AssertionError("unreachable")

    return run


def refusal(error: Exception) -> Exception:
    """Return the domain's word for a database failure, or the error itself where it is a fault of ours."""
    if isinstance(error, PoolTimeout):
        return Busy("All database connections are in use; ask again in a moment.")
    failure = _driver_error(error)
    code = _code(failure)
    if code in _DISK_FULL or _sqlite_says(failure, "disk is full"):
        return StorageFull("The database has no room left; nothing was stored.")
    is_away = code in _LOST_RACES | _LOST_CONNECTIONS | _UNREACHABLE | _TOO_SLOW | _READ_ONLY
    if is_away or _sqlite_says(failure, "locked", "readonly", "read-only", "unable to open", "disk I/O"):
        return Busy("The database cannot take this now; ask again in a moment.")
    return error.__cause__ if isinstance(error, CommitError) and isinstance(error.__cause__, Exception) else error


def is_dropped(error: Exception) -> bool:
    """Tell whether the server had ended a connection of ours, so that another may do.

    Not where it refused one, or let us wait for its answer in vain: to ask again would double the wait.
    """
    cause = error.__cause__ if isinstance(error, CommitError) else error
    if not isinstance(cause, DBAPIError) or _code(cause.orig) not in _LOST_CONNECTIONS:
        return False
    was_connected = cause.statement is not None or isinstance(error, CommitError)
    return was_connected and not isinstance(getattr(cause.orig, "__context__", None), TimeoutError)


def is_duplicate(error: IntegrityError) -> bool:
    """Tell whether a UNIQUE constraint refused the row."""
    failure = error.orig
    return _code(failure) == 1062 or "UNIQUE constraint" in str(failure)  # noqa: PLR2004 - ER_DUP_ENTRY


def _driver_error(error: Exception) -> BaseException | None:
    cause = error.__cause__ if isinstance(error, CommitError) else error
    return cause.orig if isinstance(cause, DBAPIError) else cause


def _code(failure: BaseException | None) -> int | None:
    """Return the server's error number; SQLite has none."""
    first = failure.args[0] if failure is not None and failure.args else None
    return first if isinstance(first, int) else None


def _sqlite_says(failure: BaseException | None, *words: str) -> bool:
    # By name, as the module costs 1 MiB where the database is another.
    is_sqlite = type(failure).__module__ == "sqlite3"
    return is_sqlite and any(word in str(failure) for word in words)


def _is_lost_race(failure: BaseException | None) -> bool:
    return _code(failure) in _LOST_RACES or _sqlite_says(failure, "locked")


def _is_unknown(failure: BaseException | None) -> bool:
    return _code(failure) in _UNKNOWN_IN_COMMIT or _sqlite_says(failure, "disk I/O")


__all__ = [
    "NestedTransactionError",
    "OperationalError",
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
