"""``transaction()`` and ``@use_case``: what begins, what is tried again, and what is said when it cannot be done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, event, func, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from app.domain.errors import Busy, OutcomeUnknown, StorageFull
from app.persistence import schema
from app.persistence import session as sessions
from app.persistence.engine import make_engine
from app.persistence.session import NestedTransactionError, Session, reading, streaming, transaction, use_case
from app.persistence.tables import customers
from tests.persistence.faults import CHANGED, DEADLOCK, GONE, LOCK_WAIT, LOST, SQLITE_BUSY, Faults, Plan, driver_error
from tests.services.factories import MADE_AT

CUSTOMER = {"name": "Ada", "email": "ada@example.org", "phone": "", "created_at": MADE_AT}


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    sessions.configure(engine)
    yield engine
    sessions.remove()
    engine.dispose()


@pytest.fixture
def faults(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Faults:
    monkeypatch.setattr(sessions, "_JITTER_SECONDS", 0.0)
    return Faults(engine)


class Adding:
    """A use case that counts how often it was run."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self) -> int:
        return use_case(self._add)()

    def _add(self) -> int:
        self.runs += 1
        with transaction() as session:
            add(session)
        return self.runs


def add(session: Session) -> None:
    session.execute(insert(customers), CUSTOMER)


def stored() -> int:
    return int(reading().scalar(select(func.count()).select_from(customers)) or 0)


def test_what_is_written_stands_at_the_end_of_the_block(engine: Engine) -> None:
    with transaction() as session:
        add(session)
    with engine.connect() as another:
        assert another.scalar(select(func.count()).select_from(customers)) == 1


@pytest.mark.usefixtures("engine")
def test_nothing_is_kept_when_the_block_raises() -> None:
    with pytest.raises(ValueError, match="no"), transaction() as session:
        add(session)
        raise ValueError("no")
    assert stored() == 0


@pytest.mark.usefixtures("engine")
def test_a_transaction_in_a_transaction_is_refused_and_the_outer_one_undone() -> None:
    with pytest.raises(NestedTransactionError), transaction() as session:
        add(session)
        with transaction():
            pass
    assert stored() == 0
    with transaction() as session:  # and the next one is none the worse
        add(session)
    assert stored() == 1


def test_a_transaction_begins_after_every_read_has_ended(engine: Engine) -> None:
    statements: list[str] = []
    reading().execute(text("SELECT 1"))
    read_on = reading().connection()
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    with transaction() as session:
        assert read_on.closed
        add(session)
    begins = [n for n, statement in enumerate(statements) if statement in {"BEGIN IMMEDIATE", "START TRANSACTION"}]
    assert begins == [len(statements) - 2]  # right before the insert


def test_a_read_outside_a_transaction_holds_no_snapshot(engine: Engine) -> None:
    assert stored() == 0
    with engine.connect() as another:
        add(another)  # type: ignore[arg-type]
    assert stored() == 1


@pytest.mark.parametrize("number", [DEADLOCK, LOCK_WAIT, CHANGED, SQLITE_BUSY])
@pytest.mark.parametrize("statement", [0, None], ids=["in a statement", "in COMMIT"])
@pytest.mark.parametrize("losses", [1, 4])
def test_a_lost_race_is_run_again_up_to_four_times(
    faults: Faults, number: int, statement: int | None, losses: int
) -> None:
    faults.plan = Plan(number, times=losses, statement=statement)
    adding = Adding()
    assert adding() == losses + 1
    assert stored() == 1


@pytest.mark.parametrize("number", [DEADLOCK, LOCK_WAIT, CHANGED, SQLITE_BUSY])
@pytest.mark.parametrize("statement", [0, None], ids=["in a statement", "in COMMIT"])
def test_a_race_lost_five_times_is_busy_and_stores_nothing(faults: Faults, number: int, statement: int | None) -> None:
    faults.plan = Plan(number, times=5, statement=statement)
    adding = Adding()
    with pytest.raises(Busy) as refused:
        adding()
    assert not isinstance(refused.value, OutcomeUnknown)
    assert adding.runs == 5
    assert stored() == 0


@pytest.mark.parametrize("number", [GONE, LOST])
def test_a_connection_lost_before_commit_is_replaced_once(faults: Faults, number: int) -> None:
    faults.plan = Plan(number, times=1, statement=0)
    assert Adding()() == 2
    assert stored() == 1


@pytest.mark.parametrize("number", [GONE, LOST])
def test_a_connection_lost_twice_before_commit_is_busy(faults: Faults, number: int) -> None:
    faults.plan = Plan(number, times=2, statement=0)
    adding = Adding()
    with pytest.raises(Busy) as refused:
        adding()
    assert not isinstance(refused.value, OutcomeUnknown)
    assert (adding.runs, stored()) == (2, 0)


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_connection_lost_in_commit_leaves_the_outcome_unknown_and_is_not_run_again(
    faults: Faults, *, is_stored: bool
) -> None:
    faults.plan = Plan(LOST, is_stored=is_stored)
    adding = Adding()
    with pytest.raises(OutcomeUnknown, match="Idempotency-Key"):
        adding()
    assert (adding.runs, stored()) == (1, int(is_stored))


@pytest.mark.usefixtures("engine")
def test_a_refusal_of_the_domain_is_not_run_again() -> None:
    runs: list[int] = []

    @use_case
    def refuse() -> None:
        runs.append(1)
        raise Busy("no")

    with pytest.raises(Busy, match="no"):
        refuse()
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("number", "word"), [(1114, StorageFull), (1969, Busy), (1290, Busy), (2003, Busy), (1040, Busy)]
)
def test_other_failures_of_the_database_are_said_plainly(faults: Faults, number: int, word: type[Exception]) -> None:
    faults.plan = Plan(number, statement=0)
    adding = Adding()
    with pytest.raises(word):
        adding()
    assert adding.runs == 1


def test_a_fault_of_ours_comes_out_as_it_is(faults: Faults) -> None:
    faults.plan = Plan(1064, statement=0)  # a syntax error
    with pytest.raises(OperationalError):
        Adding()()


def test_a_broken_constraint_comes_out_as_it_is(engine: Engine) -> None:  # noqa: ARG001
    @use_case
    def add_twice() -> None:
        with transaction() as session:
            session.execute(insert(customers), {**CUSTOMER, "id": 1})
            session.execute(insert(customers), {**CUSTOMER, "id": 1})

    with pytest.raises(IntegrityError):
        add_twice()
    assert stored() == 0


def test_a_use_case_that_gets_no_connection_is_busy(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.pool, "_timeout", 0.01)
    held = [engine.connect() for _ in range(4)]
    adding = Adding()
    try:
        with pytest.raises(Busy, match="connections are in use"):
            adding()
    finally:
        for connection in held:
            connection.close()
    assert (adding.runs, stored()) == (1, 0)


def test_a_database_of_another_schema_is_read_but_not_written(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.persistence.schema._trusted_until", {})
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'other'"))
    try:
        with pytest.raises(Busy, match="flask db upgrade"), transaction():
            pytest.fail("the block ran")
        assert stored() == 0
    finally:
        with engine.connect() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": schema.HEAD})


@pytest.mark.usefixtures("engine")
def test_a_stream_reads_on_after_the_session_is_gone() -> None:
    with streaming() as connection:
        assert connection is not reading().connection()
        sessions.remove()
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_stream_gives_its_connection_back(engine: Engine) -> None:
    before = engine.pool.checkedout()  # type: ignore[attr-defined]
    with streaming() as connection:
        connection.scalar(text("SELECT 1"))
    assert engine.pool.checkedout() == before  # type: ignore[attr-defined]


def test_injected_failures_are_those_of_the_driver() -> None:
    assert [driver_error(number).args[0] for number in (DEADLOCK, LOST)] == [1213, 2013]


def test_a_use_case_whose_first_read_finds_the_connection_killed_reads_again_on_another(mariadb_url: str) -> None:
    engine = make_engine(mariadb_url)
    sessions.configure(engine)

    @use_case
    def read_and_add() -> int:
        count = stored()
        with transaction() as session:
            add(session)
        return count

    try:
        mine = reading().scalar(text("SELECT CONNECTION_ID()"))
        with engine.connect() as another:
            another.execute(text("KILL :id"), {"id": mine})
        assert read_and_add() == 0
        assert stored() == 1
    finally:
        sessions.remove()
        engine.dispose()
