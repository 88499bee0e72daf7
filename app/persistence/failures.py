"""What a failure of the database means: a lost race, a lost connection, no room, or a fault of ours."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import Busy, StorageFull

_LOST_RACES = {1213, 1205, 1020}  # deadlock, lock wait timeout, record changed since it was read
_LOST_CONNECTIONS = {2006, 2013, 2055, 1927, 1047}
_UNKNOWN_IN_COMMIT = {2006, 2013, 2055, 1927, 1180}
_UNREACHABLE = {2003, 2002, 1040, 1203, 1226, 1129, 1053, 1152, 1158, 1159, 1160, 1161, 0}
_TOO_SLOW = {1969, 3024, 1317, 1028}
_READ_ONLY = {1290, 1836, 1792}
_DISK_FULL = {1021, 1114, 28}
_DUPLICATES = {1062}


class CommitError(Exception):
    """COMMIT itself failed; wraps the driver's error, which says whether anything may stand."""


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
    """Tell whether the server had ended a connection of ours, or it is of no use any more, so that another may do.

    Not where it refused one, or let us wait for its answer in vain: to ask again would double the wait. One to SQLite that
    was opened while the file could not be written never writes.
    """
    cause = error.__cause__ if isinstance(error, CommitError) else error
    if not isinstance(cause, DBAPIError):
        return False
    if _code(cause.orig) not in _LOST_CONNECTIONS:
        return _sqlite_says(cause.orig, "readonly")
    was_connected = cause.statement is not None or isinstance(error, CommitError)
    return was_connected and not isinstance(getattr(cause.orig, "__context__", None), TimeoutError)


def is_duplicate(error: IntegrityError) -> bool:
    """Tell whether a UNIQUE constraint refused the row."""
    return _code(error.orig) in _DUPLICATES or "UNIQUE constraint" in str(error.orig)


def is_lost_race(error: Exception) -> bool:
    """Tell whether another's transaction went first, so that the same may do when tried again."""
    failure = _driver_error(error)
    return _code(failure) in _LOST_RACES or _sqlite_says(failure, "locked")


def is_unknown(error: Exception) -> bool:
    """Tell whether what was to be stored may stand all the same: COMMIT was sent and its answer lost."""
    failure = _driver_error(error)
    is_lost = _code(failure) in _UNKNOWN_IN_COMMIT or _sqlite_says(failure, "disk I/O")
    return isinstance(error, CommitError) and is_lost


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
