"""The session: one piece of work over one connection, which is taken at its first statement and given back at its end.

SQLAlchemy's own would bring the whole mapper with it, 6 MiB for classes that we do not map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from sqlalchemy import Connection, CursorResult, Engine, Executable

from app.persistence.engine import tell_that_it_begins

if TYPE_CHECKING:
    from sqlalchemy.sql.selectable import TypedReturnsRows
    from sqlalchemy.util.typing import Self, TypeVarTuple, Unpack

    Columns = TypeVarTuple("Columns")

T = TypeVar("T")

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Session:
    """Statements over one connection; after a commit, a rollback or a close the next statement takes another.

    Attributes:
        engine: whose connections it takes.
        info: what a request notes down for its end; kept until the session is let go of.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.info: dict[str, Any] = {}
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connection(self, *, writes: bool = False) -> Connection:
        """Return the connection of this work, taken now if there is none; only then may it be told that it *writes*."""
        if self._connection is None:
            connection = self.engine.connect()
            self._connection = _begun(connection) if writes else connection
        return self._connection

    @overload
    def execute(
        self, statement: TypedReturnsRows[Unpack[Columns]], parameters: Parameters | None = None
    ) -> CursorResult[Unpack[Columns]]: ...

    @overload
    def execute(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> CursorResult[Unpack[tuple[Any, ...]]]: ...

    def execute(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> CursorResult[Unpack[tuple[Any, ...]]]:
        """Return what a statement gives; a list of parameters runs it once for each."""
        return self.connection().execute(statement, parameters)

    @overload
    def scalar(self, statement: TypedReturnsRows[T], parameters: Mapping[str, Any] | None = None) -> T | None: ...

    @overload
    def scalar(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any: ...  # noqa: ANN401

    def scalar(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the first column of the first row; None where there is no row."""
        return self.execute(statement, parameters).scalar()

    def commit(self) -> None:
        """Make the work stand and give the connection back; when that fails, it waits for the rollback."""
        if self._connection is not None:
            self._connection.commit()
            self.close()

    def rollback(self) -> None:
        """Undo the work and give the connection back; one that cannot even do that is thrown away."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.rollback()
        except BaseException:
            connection.invalidate()
            raise
        finally:
            connection.close()

    def close(self) -> None:
        """Give the connection back; work that was not committed is undone."""
        self.rollback()


def _begun(connection: Connection) -> Connection:
    """Return the connection in a transaction that the server has been told of."""
    try:
        connection.begin()
        tell_that_it_begins(connection)
    except BaseException:
        connection.close()
        raise
    return connection
