"""No request is lost while workers, or the whole program, are replaced under load: behind nginx, and at gunicorn itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import IS_CI
from tests.system import activation, nginx, servers
from tests.system.crowds import LINGERS, Crowd, missing
from tests.system.fronting import Place, fronted

RELOADS, REPLACED, RESTARTS, KILLED = (int(number) for number in os.environ.get("TURNOVERS", "2,3,1,20").split(","))
FEW = ["--max-requests", "60", "--max-requests-jitter", "40"]  # the documented number is 50,000
DOORS = ("visitor", "insider")  # through nginx, and straight into gunicorn's socket
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(nginx.missing()) and not IS_CI, reason=nginx.missing() or "it is there"),
]


@pytest.fixture(scope="module")
def place(mariadb_server: servers.MariaDB) -> Iterator[Place]:
    with fronted(mariadb_server, "turnover", options=FEW) as found:
        yield found


def reload(server: servers.Gunicorn) -> None:
    """Do what ``systemctl reload`` does, and wait until nobody of before is left."""
    program, _, words = activation.unit("service")["Service"]["ExecReload"].partition(" ")
    assert (Path(program).name, words) == ("kill", "-HUP $MAINPID")
    before = set(server.worker_pids())
    os.kill(server.pid, signal.SIGHUP)
    servers.until(lambda: len(now := set(server.worker_pids())) == len(before) and not now & before)


def nothing_is_lost(place: Place, crowd: Crowd) -> None:
    print(f"{crowd.answered} answers, {len(crowd.refs)} bookings, lost {crowd.unanswered}")  # noqa: T201 - the figures
    assert crowd.unanswered == []
    assert crowd.refs
    assert missing(place.engine, crowd.refs) == set()
    assert "graceful timeout" not in place.server.output()


@pytest.mark.parametrize("door", DOORS)
def test_reloads_under_load_lose_no_request(place: Place, door: str) -> None:
    crowd = Crowd(place, getattr(place, door))
    with crowd.about():
        for _ in range(RELOADS):
            crowd.goes_on()
            reload(place.server)
    nothing_is_lost(place, crowd)


@pytest.mark.parametrize("door", DOORS)
def test_workers_that_are_replaced_after_so_many_requests_lose_none(place: Place, door: str) -> None:
    crowd = Crowd(place, getattr(place, door))
    told = place.server.output().count("Autorestarting worker")
    with crowd.about():
        servers.until(lambda: place.server.output().count("Autorestarting worker") >= told + REPLACED)
        crowd.goes_on()
    nothing_is_lost(place, crowd)


def test_a_new_program_takes_over_the_socket_and_whoever_came_between_is_answered(place: Place) -> None:
    crowd = Crowd(place, place.visitor)
    with crowd.about():
        for _ in range(RESTARTS):
            crowd.goes_on()
            before = place.server.pid
            place.restart()
            assert place.server.pid != before
        crowd.goes_on()
    nothing_is_lost(place, crowd)


def test_a_worker_that_is_killed_is_seen_to_lose_requests(place: Place) -> None:
    crowd = Crowd(place, place.visitor)
    with crowd.about():
        for _ in range(KILLED):
            crowd.goes_on()
            os.kill(place.server.worker_pids()[0], signal.SIGKILL)
            if crowd.unanswered:
                break
    assert any("502" in failure for failure in crowd.unanswered)
    assert any(LINGERS in failure or "booking" in failure for failure in crowd.unanswered)
    assert missing(place.engine, crowd.refs) == set()  # what was acknowledged is there all the same


def test_without_a_socket_that_waits_a_visitor_would_be_turned_away(place: Place) -> None:
    aside = place.front.backend.with_suffix(".aside")
    with place.visitor() as visitor:
        place.front.backend.rename(aside)  # as gunicorn's own socket is gone while it restarts
        try:
            assert visitor.get(LINGERS).status == 502
        finally:
            aside.rename(place.front.backend)
        assert visitor.get(LINGERS).status == 200
