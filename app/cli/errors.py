"""What a shell is told when something is refused: one line on stderr for each thing, and exit code 1; no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import DomainError, Invalid
from app.persistence.session import refusal
from app.runtime.settings import SettingsError
from app.services.input_files import InvalidFile

_NO_TABLES = ("no such table", "1146")
# A wrong name or password, no such database, no right to it: a slip in the settings, not a fault of ours.
_MISTAKEN = ("(1044,", "(1045,", "(1049,", "(1142,")
MAX_LINE = 400


class Refused(click.ClickException):
    """A refusal with its lines ready to print."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self._lines = lines

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature; it never names a file here
        """Print the lines on stderr."""
        for line in self._lines:
            click.echo(line, err=True)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn refusals into :class:`Refused`; a fault of ours keeps its traceback."""
    try:
        yield
    except (DomainError, SettingsError, DBAPIError, PoolTimeout) as error:
        lines = _lines(error)
        if not lines:
            raise
        raise Refused(lines) from error


@contextmanager
def plain_start() -> Iterator[None]:
    """Do the same while the application is made, where a shell is there to be told."""
    if click.get_current_context(silent=True) is None:
        yield
        return
    with plain_errors():
        yield


def _lines(error: Exception) -> list[str]:
    if isinstance(error, InvalidFile):  # its places begin with the file's name, as editors and pagers expect
        return [f"{problem.field}: {problem.message}" for problem in error.errors]
    if isinstance(error, Invalid) and error.errors:
        return [f"error: {problem.field}: {problem.message}" for problem in error.errors]
    if isinstance(error, SettingsError):
        return [f"error: {error}"]
    return _database_lines(error)


def _database_lines(error: Exception) -> list[str]:
    """Return what to say of a failure that may have come from the database; nothing if it is a fault of ours."""
    failure = error if isinstance(error, DBAPIError) else error.__cause__
    said = str(failure.orig) if isinstance(failure, DBAPIError) else ""
    if any(word in said for word in _NO_TABLES):
        return ["error: The database has no tables yet: run 'flask --app app db upgrade'."]
    reason = f" ({' '.join(said.split())})" if said else ""
    if said.startswith(_MISTAKEN):
        return [f"error: The database does not let us in: correct DATABASE_URL{reason}"[:MAX_LINE]]
    known = error if isinstance(error, DomainError) else refusal(error)
    if not isinstance(known, DomainError):
        return []
    return [f"error: {known.detail}{reason}"[:MAX_LINE]]
