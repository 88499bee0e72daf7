"""The session: when it takes a connection, when it gives it back, and what becomes of one that is broken."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, QueuePool, event, func, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, PendingRollbackError

from app.persistence import session as sessions
from app.persistence.engine import make_engine
from app.persistence.session import Session, reading
from app.persistence.tables import customers
from tests.services.factories import MADE_AT

CUSTOMER = {"name": "Ada", "email": "ada@example.org", "phone": "", "created_at": MADE_AT}
MANY = [{**CUSTOMER, "id": number, "name": f"Ada {number}"} for number in range(1, 1501)]
COUNT = select(func.count()).select_from(customers)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def ours(engine: Engine) -> Iterator[Engine]:
    sessions.configure(engine)
    yield engine
    sessions.remove()


def taken(engine: Engine) -> int:
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedout()


def test_a_connection_is_taken_at_the_first_statement_and_kept_for_the_next(engine: Engine) -> None:
    session = Session(engine)
    assert taken(engine) == 0
    session.execute(text("SELECT 1"))
    first = session.connection()
    session.execute(text("SELECT 1"))
    assert session.connection() is first
    assert taken(engine) == 1
    session.close()


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_every_end_gives_the_connection_back_and_the_next_statement_takes_another(engine: Engine, end: str) -> None:
    session = Session(engine)
    session.execute(text("SELECT 1"))
    first = session.connection()
    for _ in range(2):  # the second finds nothing to end
        getattr(session, end)()
        assert taken(engine) == 0
    assert first.closed
    assert session.scalar(text("SELECT 1")) == 1
    session.close()


def test_a_block_gives_the_connection_back_when_it_is_left_by_an_error(engine: Engine) -> None:
    with pytest.raises(ValueError, match="no"), Session(engine) as session:
        session.execute(text("SELECT 1"))
        raise ValueError("no")
    assert taken(engine) == 0


@pytest.mark.parametrize(("end", "stored"), [("commit", 1), ("rollback", 0), ("close", 0)])
def test_only_a_commit_keeps_what_was_written(engine: Engine, end: str, stored: int) -> None:
    session = Session(engine)
    session.connection(writes=True)
    session.execute(insert(customers), CUSTOMER)
    getattr(session, end)()
    assert session.scalar(COUNT) == stored
    session.close()


def test_what_is_written_without_saying_so_stands_at_once(engine: Engine) -> None:
    with Session(engine) as session:
        session.execute(insert(customers), CUSTOMER)
        with engine.connect() as another:
            assert another.scalar(COUNT) == 1


def test_writing_ends_with_the_work_that_asked_for_it(engine: Engine) -> None:
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    with Session(engine) as session:
        session.connection(writes=True)
        session.rollback()
        session.execute(text("SELECT 1"))
    assert len(statements) == 2
    assert statements[0] in {"BEGIN IMMEDIATE", "START TRANSACTION"}
    assert statements[1] == "SELECT 1"


def test_a_connection_that_cannot_begin_is_given_back(engine: Engine) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("BEGIN", {}, Exception("locked"))

    event.listen(engine, "before_cursor_execute", refuse)
    session = Session(engine)
    with pytest.raises(OperationalError):
        session.connection(writes=True)
    event.remove(engine, "before_cursor_execute", refuse)
    assert taken(engine) == 0
    assert session.scalar(text("SELECT 1")) == 1
    session.close()


def test_what_a_commit_could_not_store_is_undone_before_another_uses_the_connection(engine: Engine) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("COMMIT", {}, Exception("locked"))

    session = Session(engine)
    session.connection(writes=True)
    session.execute(insert(customers), CUSTOMER)
    event.listen(engine, "commit", refuse)
    with pytest.raises(OperationalError):
        session.commit()
    event.remove(engine, "commit", refuse)
    session.rollback()
    session.connection(writes=True)  # the pool gives the same connection again: it is in no transaction
    assert session.scalar(COUNT) == 0
    session.close()
    assert taken(engine) == 0


def test_a_connection_that_cannot_roll_back_is_thrown_away(engine: Engine) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("ROLLBACK", {}, Exception("disk I/O error"))

    session = Session(engine)
    broken = session.connection(writes=True).connection.driver_connection
    event.listen(engine, "rollback", refuse)
    with pytest.raises(OperationalError):
        session.rollback()
    event.remove(engine, "rollback", refuse)
    assert taken(engine) == 0
    assert session.connection().connection.driver_connection is not broken
    session.close()


def test_a_session_whose_connection_was_killed_reads_again_after_a_rollback(mariadb_url: str) -> None:
    engine = make_engine(mariadb_url)
    session = Session(engine)
    mine = session.scalar(text("SELECT CONNECTION_ID()"))
    with engine.connect() as another:
        another.execute(text("KILL :id"), {"id": mine})
    with pytest.raises(DBAPIError):
        session.scalar(text("SELECT 1"))
    with pytest.raises(PendingRollbackError):  # what was read before belongs to another state of the database
        session.scalar(text("SELECT 1"))
    session.rollback()
    assert session.scalar(text("SELECT 1")) == 1
    session.close()
    engine.dispose()


def test_a_result_is_read_to_its_end_however_long_it_is(engine: Engine) -> None:
    with Session(engine) as session:
        session.connection(writes=True)
        assert session.execute(insert(customers), MANY).rowcount == len(MANY)
        names = session.execute(select(customers.c.id, customers.c.name).order_by(customers.c.id))
        assert names.fetchmany(2)[1].name == "Ada 2"
        assert session.scalar(text("SELECT 1")) == 1  # and another statement goes in between
        assert [row["id"] for row in names.mappings()] == list(range(3, 1501))
        session.commit()


def test_an_insert_says_which_number_it_was_given(engine: Engine) -> None:
    with Session(engine) as session:
        first = session.execute(insert(customers), CUSTOMER).inserted_primary_key
        second = session.execute(insert(customers).values(**CUSTOMER)).inserted_primary_key
    assert first is not None
    assert second is not None
    assert second.id == first.id + 1


def test_every_thread_has_a_session_of_its_own(ours: Engine) -> None:
    seen: list[Session] = []
    mine = reading()

    def look() -> None:
        assert not sessions.is_in_use()
        seen.extend((reading(), reading()))
        sessions.remove()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen[0] is seen[1] is not mine
    assert reading() is mine
    assert taken(ours) == 0


def test_a_session_that_is_removed_takes_its_notes_with_it(ours: Engine) -> None:
    reading().execute(text("SELECT 1"))
    reading().info["owes"] = True
    sessions.remove()
    assert taken(ours) == 0
    assert not sessions.is_in_use()
    assert reading().info == {}


def test_another_engine_is_that_of_the_next_read(ours: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    reading().execute(text("SELECT 1"))
    another = make_engine(f"sqlite:///{tmp_path_factory.mktemp('another')}/another.sqlite3")
    sessions.configure(another)
    assert taken(ours) == 0
    assert sessions.engine() is another
    reading().execute(text("SELECT 1"))
    assert taken(another) == 1
    sessions.remove()
    another.dispose()


def test_a_read_before_there_is_a_database_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions.remove()
    monkeypatch.setattr(sessions._process, "engine", None)
    with pytest.raises(RuntimeError, match="create_app"):
        reading()
