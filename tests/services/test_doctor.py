"""The doctor: each fault that it is to find is made first, and a sound installation has none."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event, insert, text, update

from app.domain.duties import DUTIES
from app.domain.findings import Finding
from app.domain.times import to_minute
from app.persistence import schema, session, tables
from app.persistence.engine import make_engine
from app.runtime.settings import Settings, load
from app.services import doctor_database, doctor_host
from app.services.doctor import examine
from app.services.doctor_calendar import find_overlaps
from tests.services.desk import NOW, Desk, at

SECRET_KEY = "q4Zt8Lw1Xv6Nb3Ks9Rf2Yh7Jd5Mc0PgA"
Spans = Sequence[tuple[int, int, int]]


HOST = {"PASSENGER_VERSION": "6.0.23"}  # runs any Python; the one of this machine is no test's business


@pytest.fixture
def house(database: Engine, tmp_path: Path) -> Settings:
    """Settings as an installation of its own has them, whose cron runs; the database is bound already."""
    rows = [{"name": duty.name, "lease_ends": 0, "succeeded_at": NOW, "last_error": ""} for duty in DUTIES]
    with database.connect() as connection:
        connection.execute(insert(tables.duties), rows)
    return load({"INSTANCE_DIR": str(tmp_path / "instance")})


@pytest.fixture
def desk(database: Engine) -> Desk:
    return Desk(database)


def _faults(settings: Settings, **options: Any) -> list[Finding]:
    return [finding for finding in examine(settings, now=NOW, **{"environ": HOST, **options}) if finding.level != "OK"]


def _details(findings: Sequence[Finding], check: str) -> list[str]:
    return [f"{finding.level} {finding.detail}" for finding in findings if finding.check == check]


@contextmanager
def _unguarded(engine: Engine) -> Iterator[Any]:
    """Yield a connection on which rows may point to nothing."""
    off, on = ("PRAGMA foreign_keys=OFF", "PRAGMA foreign_keys=ON")
    if engine.dialect.name != "sqlite":
        off, on = ("SET FOREIGN_KEY_CHECKS=0", "SET FOREIGN_KEY_CHECKS=1")
    with engine.connect() as connection:
        connection.exec_driver_sql(off)
        yield connection
        connection.exec_driver_sql(on)


def test_a_sound_installation_with_bookings_has_no_fault(house: Settings, desk: Desk) -> None:
    service_id = desk.room_service(buffer_after_minutes=30)
    moved = desk.book(service_id, at("09:00"))
    desk.reschedule(moved, at("12:00"))
    desk.cancel(desk.book(service_id, at("09:00")))
    desk.hold(service_id, at("09:00"))
    desk.book(desk.room_service(requires_approval=True), at("09:00"))
    assert _faults(house) == []


def test_two_bookings_in_one_place_are_found_and_named(house: Settings, desk: Desk) -> None:
    room, other = desk.resource(name="Blue Room"), desk.resource()
    first, second = desk.book(desk.service([room]), at("10:00")), desk.book(desk.service([other]), at("10:30"))
    with desk.engine.connect() as connection:
        connection.execute(update(tables.occupancies).values(resource_id=room))
        connection.execute(update(tables.booking_resources).values(resource_id=room))
    (finding,) = _faults(house)
    assert (finding.check, finding.level) == ("overlaps", "FAIL")
    assert "Blue Room: 2 of 1 units taken 2027-06-07 10:30 to 2027-06-07 11:00 CEST" in finding.detail
    assert finding.detail.endswith(f"by {first.ref}, {second.ref}")


def test_bookings_that_touch_or_fill_the_capacity_are_no_overlap(house: Settings, desk: Desk) -> None:
    touching, shared = desk.room_service(), desk.room_service(capacity=2)
    for service_id, clock in ((touching, "10:00"), (touching, "11:00"), (shared, "10:00"), (shared, "10:30")):
        desk.book(service_id, at(clock))
    assert _faults(house) == []


def test_a_hold_takes_its_time_until_it_expires(house: Settings, desk: Desk) -> None:
    room = desk.resource()
    service_id = desk.service([room])
    desk.hold(service_id, at("10:00"))
    desk.pass_minutes(10)
    booking = desk.book(service_id, at("10:00"))
    assert _details(_faults(house), "overlaps")[0].endswith(f"by a hold, {booking.ref}")  # at NOW, both stand
    assert [f for f in examine(house, now=desk.now, environ=HOST) if f.level != "OK"] == []


def test_an_overlap_of_the_past_is_only_worth_a_look(house: Settings, desk: Desk) -> None:
    room = desk.resource(capacity=2)
    service_id = desk.service([room])
    desk.book(service_id, at("10:00"))
    desk.book(service_id, at("10:00"))
    with desk.engine.connect() as connection:
        connection.execute(update(tables.resources).values(capacity=1))
    of_time = {"cron", "outbox"}  # a week has passed in which nobody sent anything
    (finding,) = (
        f for f in examine(house, now=at("11:00"), environ=HOST) if f.level != "OK" and f.check not in of_time
    )
    assert (finding.check, finding.level) == ("overlaps", "WARN")


def test_every_page_of_a_calendar_is_read(house: Settings, desk: Desk) -> None:
    room, start = desk.resource(), to_minute(at("12:00"))
    spans = [(start + 10 * n, start + 10 * n + 10) for n in range(1200)]
    _take_many(desk, room, spans)
    assert _details(_faults(house), "overlaps") == []
    _take_many(desk, room, [(start + 4000, start + 11995)], first_id=5000)
    (overlap,) = _details(_faults(house), "overlaps")  # one long overlap, over the boundaries of pages
    assert "2 of 1 units" in overlap


def test_many_that_begin_at_once_are_all_counted(house: Settings, desk: Desk) -> None:
    room, start = desk.resource(capacity=1199), to_minute(at("12:00"))
    _take_many(desk, room, [(start, start + n) for n in range(1, 1201)])
    (overlap,) = _details(_faults(house), "overlaps")
    assert "1200 of 1199 units" in overlap


def _take_many(desk: Desk, room: int, spans: Sequence[tuple[int, int]], *, first_id: int = 1) -> None:
    """Fill a calendar with rows that belong to nothing, each of another booking."""
    with _unguarded(desk.engine) as connection:
        rows = [
            {"resource_id": room, "starts": starts, "ends": ends, "units": 1, "booking_id": booking_id}
            for booking_id, (starts, ends) in enumerate(spans, first_id)
        ]
        connection.execute(insert(tables.occupancies), rows)


@pytest.mark.long
def test_every_page_of_the_bookings_is_read(house: Settings, desk: Desk) -> None:
    first, second = desk.resource(capacity=2000), desk.resource(capacity=2000)
    booking = desk.book(desk.service([first], [second]), at("10:00"))
    _copy(desk, booking.id, copies=600)
    assert _faults(house) == []
    with desk.engine.connect() as connection:
        last = (tables.occupancies.c.booking_id == 600) & (tables.occupancies.c.resource_id == second)
        connection.execute(tables.occupancies.delete().where(last))
    assert [f.detail for f in _faults(house)] == [f"COPY600 has no time in the calendar of resource {second}"]


def _copy(desk: Desk, booking_id: int, *, copies: int) -> None:
    """Copy a booking with all that it has, under the keys from the next on."""
    ids = range(booking_id + 1, copies + 1)
    with desk.engine.connect() as connection:
        for table, column in ((tables.bookings, "id"), (tables.booking_resources, "booking_id")):
            rows = connection.execute(table.select()).mappings().all()
            connection.execute(insert(table), [_copied(row, column, key) for key in ids for row in rows])
        rows = connection.execute(tables.occupancies.select()).mappings().all()
        copied = [{**row, "booking_id": key} for key in ids for row in rows]
        connection.execute(insert(tables.occupancies), [{k: v for k, v in row.items() if k != "id"} for row in copied])


def _copied(row: Any, column: str, key: int) -> dict[str, Any]:
    return {**row, column: key, **({"ref": f"COPY{key}"} if "ref" in row else {})}


def test_a_scan_sends_a_statement_for_each_page_and_not_for_each_row(
    house: Settings, desk: Desk, queries: Callable[..., Any]
) -> None:
    service_id = desk.room_service(capacity=50)
    sent = []
    for _ in range(2):
        for _ in range(10):
            desk.book(service_id, at("10:00"))
        with queries(most=60) as statements:
            assert _faults(house) == []
        sent.append(len(statements))
    assert sent[0] == sent[1]


@given(
    taken=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8), st.integers(1, 3)), max_size=12),
    capacity=st.integers(1, 5),
)
def test_overlaps_are_those_that_counting_minute_by_minute_finds(taken: Spans, capacity: int) -> None:
    spans = sorted((starts, starts + minutes, units) for starts, minutes, units in taken)
    counts = [sum(units for starts, ends, units in spans if starts <= minute < ends) for minute in range(30)]
    overlaps = list(find_overlaps(iter(spans), capacity))
    found = {minute for overlap in overlaps for minute in range(overlap.starts, overlap.ends)}
    assert found == {minute for minute, count in enumerate(counts) if count > capacity}
    for overlap in overlaps:
        assert overlap.units == counts[overlap.worst] == max(counts[overlap.starts : overlap.ends])


def test_a_booking_that_lost_its_time_is_found(house: Settings, desk: Desk) -> None:
    booking = desk.book(desk.room_service(), at("10:00"))
    with desk.engine.connect() as connection:
        connection.execute(tables.occupancies.delete())
    (finding,) = _faults(house)
    assert (finding.check, finding.level) == ("bookings", "FAIL")
    assert finding.detail.startswith(f"{booking.ref} has no time in the calendar")


def test_a_booking_whose_calendar_says_another_time_is_found(house: Settings, desk: Desk) -> None:
    booking = desk.book(desk.room_service(), at("10:00"))
    with desk.engine.connect() as connection:
        connection.execute(update(tables.occupancies).values(starts=tables.occupancies.c.starts + 1))
    assert [finding.detail.split(" in ")[0] for finding in _faults(house)] == [f"{booking.ref} has another time"]


def test_a_booking_that_is_over_needs_no_time_any_more(house: Settings, desk: Desk) -> None:
    desk.book(desk.room_service(), at("10:00"))
    with desk.engine.connect() as connection:
        connection.execute(tables.occupancies.delete())
    later = at("11:00")
    assert {f.check for f in examine(house, now=later, environ=HOST) if f.level != "OK"} == {
        "cron",
        "outbox",
    }  # a week without


def test_a_booking_of_several_resources_is_looked_at_for_each(house: Settings, desk: Desk) -> None:
    room, teacher = desk.resource(), desk.resource()
    booking = desk.book(desk.service([room], [teacher]), at("10:00"))
    with desk.engine.connect() as connection:
        connection.execute(tables.occupancies.delete().where(tables.occupancies.c.resource_id == teacher))
    assert [f.detail for f in _faults(house)] == [f"{booking.ref} has no time in the calendar of resource {teacher}"]


@pytest.mark.parametrize("status", ["cancelled", "declined", "expired"])
def test_a_booking_that_gave_its_time_back_and_kept_it_is_found(house: Settings, desk: Desk, status: str) -> None:
    booking = desk.book(desk.room_service(), at("10:00"))
    with desk.engine.connect() as connection:
        connection.execute(update(tables.bookings).values(status=status))
    assert [f.detail for f in _faults(house)] == [f"{booking.ref} is {status} and still takes its time"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"expires": 1}, "is of a booking and would expire"),
        ({"units": 0}, "takes nothing, or no time"),
        ({"ends": 0}, "takes nothing, or no time"),
        ({"booking_id": None}, "belongs to no booking and no hold"),
        ({"booking_id": 999}, "belongs to no booking and no hold"),
        ({"resource_id": 999}, "belongs to no resource"),
        ({"hold_id": 1}, "belongs to a booking and a hold"),
    ],
)
def test_a_row_of_the_calendar_that_contradicts_the_rest_is_found(
    house: Settings, desk: Desk, change: dict[str, Any], why: str
) -> None:
    desk.book(desk.room_service(), at("10:00"))
    with _unguarded(desk.engine) as connection:
        connection.execute(update(tables.occupancies).values(**change))
    assert f"FAIL row 1 of occupancies {why}" in _details(_faults(house), "calendar")


@pytest.mark.parametrize("expires", [None, 5])
def test_a_hold_that_does_not_expire_with_its_time_is_found(house: Settings, desk: Desk, expires: int | None) -> None:
    desk.hold(desk.room_service(), at("10:00"))
    with desk.engine.connect() as connection:
        connection.execute(update(tables.occupancies).values(expires=expires))
    assert [f.detail for f in _faults(house)] == ["row 1 of occupancies is of a hold and does not expire with it"]


def test_an_examination_writes_nothing(house: Settings, desk: Desk) -> None:
    desk.book(desk.room_service(), at("10:00"))
    sent: list[str] = []
    listener = lambda *call: sent.append(str(call[2]).lstrip().split()[0].upper())  # noqa: E731
    event.listen(session.engine(), "before_cursor_execute", listener)
    _faults(house, fix=True)
    event.remove(session.engine(), "before_cursor_execute", listener)
    assert set(sent) <= {"SELECT", "PRAGMA", "SHOW", "SET"}


def test_a_schema_that_differs_is_told_and_its_tables_are_let_be(house: Settings, database: Engine) -> None:
    with database.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    findings = list(examine(house, now=NOW, environ=HOST))
    with database.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": schema.HEAD})
    (fault,) = (finding for finding in findings if finding.level != "OK")
    assert (fault.check, fault.remedy) == ("schema", "run 'flask --app app db upgrade'")
    assert not {finding.check for finding in findings} & {"overlaps", "bookings", "calendar", "zones"}


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.sqlite3", "mysql://nobody@127.0.0.1:9/nothing"])
def test_a_database_that_does_not_answer_is_one_finding_beside_the_others(tmp_path: Path, url: str) -> None:
    engine = make_engine(url)
    session.configure(engine)
    findings = list(examine(load({"INSTANCE_DIR": str(tmp_path)}), now=NOW, environ=HOST))
    session.remove()
    engine.dispose()
    assert [finding.check for finding in findings if finding.level == "FAIL"] == ["database"]
    assert "disk" in {finding.check for finding in findings}


@pytest.mark.parametrize(
    ("pragma", "said"), [("synchronous=NORMAL", "synchronous is 1"), ("foreign_keys=OFF", "foreign_keys is 0")]
)
def test_a_flag_of_sqlite_that_loses_bookings_is_found(sqlite_url: str, tmp_path: Path, pragma: str, said: str) -> None:
    engine = make_engine(sqlite_url)
    event.listen(engine, "connect", lambda connection, _record: connection.execute(f"PRAGMA {pragma}"))
    session.configure(engine)
    findings = _faults(load({"INSTANCE_DIR": str(tmp_path)}))
    session.remove()
    engine.dispose()
    assert _details(findings, "flags") == [f"FAIL {said}"]


def test_a_damaged_sqlite_file_is_found(sqlite_url: str, tmp_path: Path) -> None:
    engine = make_engine(sqlite_url)
    with engine.connect() as connection:
        page = connection.execute(text("SELECT rootpage FROM sqlite_master WHERE name = 'audit_log'")).scalar_one()
        size = connection.execute(text("PRAGMA page_size")).scalar_one()
    engine.dispose()
    with Path(sqlite_url.removeprefix("sqlite:///")).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    engine = make_engine(sqlite_url)
    session.configure(engine)
    findings = _faults(load({"INSTANCE_DIR": str(tmp_path)}))
    session.remove()
    engine.dispose()
    assert {(finding.check, finding.level) for finding in findings} == {("integrity", "FAIL")}


def test_rows_that_point_to_nothing_are_found_on_sqlite(sqlite_url: str, tmp_path: Path) -> None:
    engine = make_engine(sqlite_url)
    session.configure(engine)
    desk = Desk(engine)
    desk.resource()
    with _unguarded(engine) as connection:
        connection.execute(text("DELETE FROM venues"))
    findings = _faults(load({"INSTANCE_DIR": str(tmp_path)}))
    session.remove()
    engine.dispose()
    assert _details(findings, "integrity") == ["FAIL row 1 of resources points to no venues"]


def test_a_server_that_forgets_at_a_power_cut_is_found(mariadb_server: Any, mariadb_url: str, tmp_path: Path) -> None:
    engine = make_engine(mariadb_url)
    session.configure(engine)
    mariadb_server.run(
        "SET GLOBAL innodb_flush_log_at_trx_commit=2",
        "CREATE TABLE slotkeeper.another_programs (i INT) ENGINE=MyISAM",
        "ALTER TABLE slotkeeper.idempotency_keys ENGINE=MyISAM",
    )
    try:
        findings = _faults(load({"INSTANCE_DIR": str(tmp_path)}), environ={**HOST, "WEB_CONCURRENCY": "60"})
    finally:
        mariadb_server.run(
            "SET GLOBAL innodb_flush_log_at_trx_commit=1",
            "DROP TABLE slotkeeper.another_programs",
            "ALTER TABLE slotkeeper.idempotency_keys ENGINE=InnoDB",
        )
        session.remove()
        engine.dispose()
    assert {finding.check: finding.level for finding in findings} == {
        "durability": "FAIL",
        "engine": "FAIL",
        "connections": "WARN",
        "cron": "WARN",
    }
    assert _details(findings, "engine") == ["FAIL not InnoDB: idempotency_keys"]
    assert [f.remedy for f in findings if f.check == "connections"] == ["set WEB_CONCURRENCY to 50, or ask for more"]


@pytest.mark.parametrize(
    ("wrong", "check", "level"),
    [
        ({"tx_isolation": "REPEATABLE-READ"}, "isolation", "FAIL"),
        ({"sql_mode": ""}, "sql_mode", "FAIL"),
        ({"group_concat_max_len": "1024"}, "group_concat", "FAIL"),
        ({"max_user_connections": "12"}, "connections", "WARN"),
        ({"max_connections": "15"}, "connections", "WARN"),
        ({"wait_timeout": "30"}, "wait_timeout", "WARN"),
    ],
)
def test_a_variable_of_the_server_that_does_not_do_is_found(wrong: dict[str, str], check: str, level: str) -> None:
    sound = {
        "innodb_flush_log_at_trx_commit": "1",
        "tx_isolation": "READ-COMMITTED",
        "sql_mode": "STRICT_ALL_TABLES",
        "group_concat_max_len": "16777216",
        "max_connections": "16",
        "max_user_connections": "0",
        "wait_timeout": "60",
    }
    assert {finding.level for finding in doctor_database._mysql(sound, 4)} == {"OK"}
    faults = [finding for finding in doctor_database._mysql(sound | wrong, 4) if finding.level != "OK"]
    assert [(finding.check, finding.level) for finding in faults] == [(check, level)]


def test_a_zone_without_data_is_found(house: Settings, desk: Desk) -> None:
    with desk.engine.connect() as connection:
        connection.execute(update(tables.venues).values(timezone="Europe/Atlantis"))
    assert _details(_faults(house), "zones") == ["FAIL no time zone data for Europe/Atlantis"]


@pytest.mark.parametrize("name", ["secret_key", "slotkeeper.toml"])
def test_a_secret_that_others_may_read_is_found_and_mended(house: Settings, name: str) -> None:
    path = house.instance_dir / name
    path.touch()
    path.chmod(0o644)
    assert [(f.check, f.level) for f in _faults(house)] == [(name, "FAIL")]
    assert _faults(house, fix=True) == []
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_finding_tells_a_secret(house: Settings, database: Engine) -> None:
    told = " ".join(f"{finding.detail} {finding.remedy}" for finding in examine(house, now=NOW, environ=HOST))
    assert house.secret_key not in told
    assert str(database.url) not in told


def test_the_settings_say_where_they_come_from(tmp_path: Path) -> None:
    (tmp_path / "slotkeeper.toml").write_text("port = 8001\n", encoding="utf-8")
    environ = {"INSTANCE_DIR": str(tmp_path), "LOG_LEVEL": "DEBUG", "SECRET_KEY": SECRET_KEY}
    first = next(doctor_host.examine(load(environ), environ, fix=False))
    assert first.detail.startswith("development, http://127.0.0.1:8001, from ")
    assert str(tmp_path / "slotkeeper.toml") in first.detail
    assert "LOG_LEVEL, SECRET_KEY, INSTANCE_DIR" in first.detail


def test_the_file_for_passenger_is_the_one_in_the_tree() -> None:
    assert (doctor_host.ROOT / "passenger_wsgi.py").read_text(encoding="utf-8") == doctor_host.PASSENGER_WSGI


@pytest.mark.parametrize("stub", [None, "import os, sys\n"])
def test_the_file_for_passenger_is_restored_and_what_stood_there_kept(
    house: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stub: str | None
) -> None:
    shutil.copy(doctor_host.ROOT / "requirements.txt", tmp_path)
    monkeypatch.setattr(doctor_host, "ROOT", tmp_path)
    path = tmp_path / "passenger_wsgi.py"
    if stub is not None:
        path.write_text(stub, encoding="utf-8")
    assert [(f.check, f.level) for f in _faults(house)] == [("wsgi file", "FAIL")]
    assert _faults(house, fix=True) == []
    assert path.read_text(encoding="utf-8") == doctor_host.PASSENGER_WSGI
    kept = tmp_path / "passenger_wsgi.py.before"
    assert (kept.read_text(encoding="utf-8") if kept.exists() else None) == stub


@pytest.mark.parametrize(
    ("python", "passenger", "level"),
    [
        ((3, 11), (6, 0, 17), "OK"),
        ((3, 12), (6, 0, 18), "FAIL"),
        ((3, 12), (6, 0, 19), "OK"),
        ((3, 13), (6, 1, 0), "OK"),
        ((3, 11), None, "OK"),
        ((3, 12), None, "WARN"),
    ],
)
def test_python_and_passenger_must_go_together(
    python: tuple[int, int], passenger: tuple[int, ...] | None, level: str
) -> None:
    assert doctor_host._passenger(python, passenger).level == level


def test_the_version_of_passenger_is_asked_of_the_environment_and_of_the_program(tmp_path: Path) -> None:
    program = tmp_path / "passenger"
    program.write_text("#!/bin/sh\necho 'Phusion Passenger(R) 6.0.18'\n", encoding="utf-8")
    program.chmod(0o755)
    version = doctor_host.passenger_version
    assert version({"PATH": str(tmp_path)}) == (6, 0, 18)
    assert version({"PATH": str(tmp_path), "PASSENGER_VERSION": "6.1.2"}) == (6, 1, 2)
    assert version({"PATH": str(tmp_path / "empty")}) is None
    program.write_text("#!/no/such/interpreter\n", encoding="utf-8")
    assert version({"PATH": str(tmp_path)}) is None


def test_an_old_or_new_python_is_worth_a_look() -> None:
    assert [doctor_host._python(version).level for version in ((3, 10), (3, 13))] == ["OK", "OK"]
    assert [doctor_host._python(version).level for version in ((3, 9), (3, 14))] == ["WARN", "WARN"]


@pytest.mark.parametrize(("free", "level"), [(63, "FAIL"), (511, "WARN"), (512, "OK")])
def test_a_disk_that_fills_is_found(monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    usage = shutil._ntuple_diskusage(0, 0, free * doctor_host.MIB)  # type: ignore[attr-defined]
    monkeypatch.setattr(doctor_host.shutil, "disk_usage", lambda _path: usage)
    assert doctor_host._disk(Path("/")).level == level


def test_packages_that_are_not_the_pinned_ones_are_named(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text('# pins\nFlask==0.1  # old\nnot-there==1.0\nmsgspec==9; python_version < "3.2"\n', "utf-8")
    finding = doctor_host._packages(requirements)
    assert finding.level == "WARN"
    assert finding.detail.split(", ")[0].endswith(" for 0.1")
    assert finding.detail.split(", ")[1:] == ["not-there none for 1.0"]


@pytest.mark.parametrize(
    ("mail_url", "environment", "level"),
    [
        ("console:", "development", "OK"),
        ("console:", "production", "WARN"),
        ("smtp://localhost:25", "production", "OK"),
    ],
)
def test_codes_that_are_written_down_instead_of_sent_are_worth_a_look(
    tmp_path: Path, mail_url: str, environment: str, level: str
) -> None:
    settings = load({"INSTANCE_DIR": str(tmp_path / "instance")})
    settings = replace(settings, mail_url=mail_url, sms_url="none:", environment=environment)
    finding = doctor_host._messages(settings)
    assert (finding.level, "mail by" in finding.detail) == (level, True)


def test_a_folder_below_the_web_servers_is_worth_a_look(tmp_path: Path) -> None:
    settings = load({"INSTANCE_DIR": str(tmp_path / "public_html" / "instance")})
    assert [finding.level for finding in doctor_host._folders(settings)] == ["WARN", "OK"]


def test_what_takes_long_is_announced(house: Settings) -> None:
    said: list[str] = []
    list(examine(house, now=NOW, environ={}, progress=said.append))
    assert said[-2:] == ["looking through every calendar ...", "comparing the files with the database ..."]
