"""Everything that is kept about somebody is in the archive, and nothing of anybody else; however much it is, in little memory."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from app.domain.actors import Actor
from app.domain.errors import NotFound
from app.persistence import session, tables
from app.runtime.settings import load
from app.services import booking_desk, privacy_archive
from app.services.bookings import Access
from app.services.privacy_archive import Whose
from tests.services.counter import Counter, png
from tests.services.desk import Desk
from tests.services.test_privacy import FRIEDA, book, key_of, owe_confirmation
from tests.web.people import make_user

OPERATOR = Actor("operator")


@pytest.fixture
def counter(database: Engine, tmp_path: Path) -> Counter:
    return Counter(Desk(database), load({"INSTANCE_DIR": str(tmp_path / "instance")}))


def unpacked(counter: Counter, whose: Whose) -> dict[str, Any]:
    data = b"".join(privacy_archive.iter_archive(counter.settings, whose, now=counter.now))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {
            name: json.loads(archive.read(name)) if name.endswith(".json") else archive.read(name)
            for name in archive.namelist()
        }


def test_everything_about_a_guest_is_in_it(counter: Counter) -> None:
    made = [book(counter, clock) for clock in ("11:00", "12:00")]
    owe_confirmation(counter, made[0])
    found = unpacked(counter, privacy_archive.of_customer(key_of(made[0])))
    assert [one["name"] for one in found["person.json"]["customers"]] == [FRIEDA.name]
    assert found["person.json"]["account"] is None
    assert [one["ref"] for one in found["bookings.json"]] == [booking.ref for booking in made]
    assert found["bookings.json"][0]["answers"] == {"pet": "a dog"}
    assert found["bookings.json"][0]["price_lines"][0]
    assert len(found["notes.json"]) == 2
    assert {(one["topic"], one["channel"]) for one in found["messages.json"]} >= {("booking.confirmed", "email")}
    assert {one["action"] for one in found["events.json"]} >= {"booking.made", "booking.noted", "attachment.added"}
    assert [found[name] for name in sorted(found) if name.startswith("files/")] == [png(11), png(12)]
    assert len(found["files.json"]) == 2


def test_nothing_of_others_and_nothing_that_opens_anything_is_in_it(counter: Counter) -> None:
    found = json.dumps(unpacked(counter, privacy_archive.of_customer(key_of(book(counter, "11:00")))), default=str)
    assert counter.booking.ref not in found
    assert "ada@example.org" not in found
    for secret in ("manage_token", "sealed", "password_hash", "totp_"):
        assert secret not in found.replace('"has_totp"', "")


def test_with_an_account_all_its_customers_are_in_it(counter: Counter) -> None:
    user = make_user(name="Frieda")
    by = Actor("customer", user_id=user)
    made = book(counter, "11:00", by=by)
    counter.desk.book(counter.desk.room_service(), counter.now + timedelta(days=3, hours=1), by=by)
    found = unpacked(counter, privacy_archive.of_customer(key_of(made)))
    assert found["person.json"]["account"]["name"] == "Frieda"
    assert len(found["person.json"]["customers"]) == 2
    assert len(found["bookings.json"]) == 2


def test_what_the_venue_says_and_does_is_not_in_ones_own(counter: Counter) -> None:
    user = make_user()
    book(counter, "11:00", by=Actor("customer", user_id=user))
    with session.engine().connect() as connection:
        account = connection.execute(select(tables.users).where(tables.users.c.id == user)).one()
    whose = privacy_archive.of_account(privacy_archive.users.user_of(account))
    found = unpacked(counter, whose)
    assert "notes.json" not in found
    assert "brings a dog" not in json.dumps(found, default=str)
    assert [one["object"] for one in found["events.json"] if one["object"].startswith("booking:")] == []


def test_of_somebody_without_bookings_there_is_little(counter: Counter) -> None:
    with session.engine().connect() as connection:
        row = {"name": "Bo", "email": "bo@example.org", "phone": "", "created_at": counter.now}
        connection.execute(insert(tables.customers), row)
        key = int(connection.scalar(select(tables.customers.c.id).where(tables.customers.c.name == "Bo")) or 0)
    found = unpacked(counter, privacy_archive.of_customer(key))
    assert (found["bookings.json"], found["events.json"], found["files.json"]) == ([], [], [])
    with pytest.raises(NotFound):
        privacy_archive.of_customer(key + 1)


def test_a_file_that_is_gone_from_the_store_spoils_nothing(counter: Counter) -> None:
    made = book(counter, "11:00")
    for path in counter.lying():
        path.unlink()
    found = unpacked(counter, privacy_archive.of_customer(key_of(made)))
    assert len(found["files.json"]) == 1
    assert [name for name in found if name.startswith("files/")] == []


def test_pages_follow_each_other(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy_archive.privacy, "PAGE", 2)
    made = [book(counter, f"{hour}:00") for hour in range(10, 15)]
    found = unpacked(counter, privacy_archive.of_customer(key_of(made[0])))
    assert [one["ref"] for one in found["bookings.json"]] == [booking.ref for booking in made]
    assert (len(found["notes.json"]), len(found["files.json"])) == (5, 5)
    assert len(found["events.json"]) == 15


def test_memory_does_not_grow_with_files(counter: Counter) -> None:
    made = book(counter, "11:00")

    def content(mib: int) -> Iterator[bytes]:
        yield png(mib)
        for number in range(mib * 16):
            yield number.to_bytes(8, "big") * 8192

    def peak() -> int:
        whose = privacy_archive.of_customer(key_of(made))
        tracemalloc.start()
        size = sum(len(c) for c in privacy_archive.iter_archive(counter.settings, whose, now=counter.now))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert size > 0
        return most

    peak()
    before = peak()
    counter.attach(content(8), booking=made, access=Access(OPERATOR))
    assert peak() <= before + 1024 * 1024


def test_no_connection_is_held_while_somebody_reads(counter: Counter) -> None:
    book(counter, "11:00")
    made = book(counter, "12:00")
    stream = privacy_archive.iter_archive(counter.settings, privacy_archive.of_customer(key_of(made)), now=counter.now)
    session.remove()
    pool = session.engine().pool
    idle = pool.checkedout()  # type: ignore[attr-defined]
    for _ in stream:
        assert pool.checkedout() == idle  # type: ignore[attr-defined]


def test_notes_are_in_it_by_booking(counter: Counter) -> None:
    made = book(counter, "11:00")
    booking_desk.add_note(made.ref, "paid in cash", by=OPERATOR, now=counter.now)
    found = unpacked(counter, privacy_archive.of_customer(key_of(made)))
    assert [one["text"] for one in found["notes.json"]] == ["Frieda Xylander brings a dog", "paid in cash"]
