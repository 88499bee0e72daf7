"""A database that is there and does not take everything: too few connections, read-only, or a rival that goes first."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from itertools import zip_longest
from secrets import token_hex
from typing import Any

import pymysql
import pytest
from sqlalchemy import Connection

from tests.system import servers
from tests.system.halls import Hall, booking, hall, overbooked
from tests.system.histories import History, attempt_of, check
from tests.system.racing import race
from tests.system.test_faults import LIST, PATIENCE_SECONDS, drop_connections, is_busy, times, waiting_for_locks

pytestmark = pytest.mark.long

CLIENTS, WORKERS, GRANTED = 50, 3, 5
RIVALS = 2  # wishes for each time
FEWEST = 10  # that MariaDB takes for max_connections
CLERK = "clerk"  # who may not write to a server that is read-only, and has no connection kept for them
GIVEN = f"GRANT ALL ON slotkeeper.* TO {CLERK}@localhost"


@pytest.fixture(scope="module")
def shared(mortal: servers.MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A server that calls on its database as hosts let it: as an ordinary user."""
    mortal.run(f"CREATE USER {CLERK}@localhost", GIVEN)
    url = mortal.url("slotkeeper").replace("root@", f"{CLERK}@")
    with hall(url, tmp_path_factory.mktemp("shared"), WORKERS) as found:
        yield found
        found.nobody_died()


@contextmanager
def five_connections_of_the_server(server: servers.MariaDB) -> Iterator[None]:
    """Let the server have ten, of which neighbours keep five."""
    with ExitStack() as neighbours:
        for _ in range(FEWEST - GRANTED):
            neighbours.enter_context(closing(connect(server)))
        server.run(f"SET GLOBAL max_connections={FEWEST}")
        try:
            yield
        finally:
            server.run("SET GLOBAL max_connections=200")  # root has one connection more than there are


@contextmanager
def five_connections_of_the_user(server: servers.MariaDB) -> Iterator[None]:
    server.run(f"ALTER USER {CLERK}@localhost WITH MAX_USER_CONNECTIONS {GRANTED}")
    try:
        yield
    finally:
        server.run(f"ALTER USER {CLERK}@localhost WITH MAX_USER_CONNECTIONS 0")


def connect(server: servers.MariaDB) -> Any:
    return pymysql.connect(unix_socket=str(server.socket_path), user=CLERK, ssl_disabled=True)


@pytest.mark.parametrize("limited", [five_connections_of_the_server, five_connections_of_the_user])
def test_fifty_visitors_who_share_five_connections_are_served_or_put_off(
    shared: Hall, mortal: servers.MariaDB, limited: Any
) -> None:
    service, day, history = shared.service([shared.room()], minutes=30), shared.day(), History(limited.__name__)
    shots = [history.shot(wish, service, day + timedelta(minutes=30) * (wish // RIVALS)) for wish in range(CLIENTS)]
    assert shared.get(LIST).status == 200
    shared.engine.dispose()
    drop_connections(mortal, 0)  # those that the workers have would do
    with limited(mortal):
        answers = race(shared.server.url, shots)
    for wish, answer in enumerate(answers):
        history.attempts[wish].append(attempt_of(answer))
    assert all(is_busy(answer) for answer in answers if answer.status == 503)
    assert {503, 201} <= {answer.status for answer in answers}  # or there were connections enough, or none
    check(history, shared.engine)
    for wish, shot in enumerate(shots):
        history.ask(shared, wish, shot)
        assert history.attempts[wish][-1].is_final
    check(history, shared.engine)
    assert shared.get(LIST).status == 200
    assert sum(attempts[-1].outcome == "acknowledged" for attempts in history.attempts.values()) == CLIENTS // RIVALS


def test_a_mariadb_that_takes_no_writes_is_read_and_makes_writers_busy(shared: Hall, mortal: servers.MariaDB) -> None:
    first, second = times(shared, 2)
    assert shared.post(first).status == 201
    mortal.run("SET GLOBAL read_only=1")
    try:
        for _ in range(5):
            assert shared.get(LIST, PATIENCE_SECONDS).status == 200
            assert is_busy(shared.post(second, PATIENCE_SECONDS))
    finally:
        mortal.run("SET GLOBAL read_only=0")
    assert shared.post(second).status == 201
    assert overbooked(shared.engine) == []


@pytest.mark.parametrize("number", [1, 3])
def test_deadlocks_are_not_noticed_by_the_visitor(shared: Hall, number: int) -> None:
    one, other = shared.room(), shared.room()
    shot, before = booking(shared.service([one], [other]), shared.day()), deadlocks(shared)
    with ThreadPoolExecutor(2) as people, ExitStack() as rivals:
        queue = [rivals.enter_context(rival_of(shared)) for _ in range(number)]
        take(queue[0], other)
        visitor = people.submit(shared.post, shot)
        servers.until(lambda: waiting_for_locks(shared) == 1)  # for the other room, with the one in hand
        for rival, following in zip_longest(queue, queue[1:]):
            take(rival, one)
            servers.until(lambda: waiting_for_locks(shared) == 1)  # again, from the beginning
            if following is None:
                break
            turn = people.submit(take, following, other)
            servers.until(lambda: waiting_for_locks(shared) == 2)
            rival.exec_driver_sql("ROLLBACK")
            turn.result()
        assert deadlocks(shared) - before == number
        queue[-1].exec_driver_sql("ROLLBACK")
        assert visitor.result().status == 201
    assert overbooked(shared.engine) == []


@contextmanager
def rival_of(found: Hall) -> Iterator[Connection]:
    """Yield a transaction that has done more than any booking: of the two the server ends the one with less to undo."""
    with found.engine.connect() as rival:
        rival.exec_driver_sql("START TRANSACTION")
        rows = ", ".join(f"('{token_hex(32)}', 1, 1)" for _ in range(100))
        rival.exec_driver_sql(f"INSERT INTO throttles (key_hash, count, ends) VALUES {rows}")  # noqa: S608
        yield rival
        rival.exec_driver_sql("ROLLBACK")


def take(rival: Connection, room: int) -> None:
    """Lock the calendar of a room, as a booking does."""
    rival.exec_driver_sql(f"UPDATE resources SET calendar_version = calendar_version + 1 WHERE id = {room}")  # noqa: S608


def deadlocks(found: Hall) -> int:
    """Return how many the server has found so far."""
    with found.engine.connect() as connection:
        return int(connection.exec_driver_sql("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").one()[1])
