"""Files of bookings: who may add and remove which, how much, and that content lives as long as somebody refers to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.domain.actors import Actor, Scope
from app.domain.attachments import Attachment
from app.domain.bookings import Booking
from app.domain.errors import Busy, Conflict, Forbidden, Invalid, NotFound, StorageFull, TooLarge
from app.persistence import attachments as rows
from app.persistence import contents, session
from app.persistence.session import Session
from app.runtime.settings import load
from app.services import attachments, bookings, files
from app.services.bookings import Access
from app.services.files import Incoming
from app.services.idempotency import make_key
from tests.services.counter import MIB, Counter, customer, png, staff
from tests.services.desk import Desk, at, holder
from tests.web.people import make_user


@pytest.fixture
def counter(database: Engine, tmp_path: Path) -> Counter:
    limits = {"MAX_FILE_MIB": "2", "MAX_BOOKING_MIB": "3", "MAX_USER_MIB": "4"}
    return Counter(Desk(database), load({"INSTANCE_DIR": str(tmp_path / "instance"), **limits}))


def test_a_file_is_kept_with_its_name_and_its_true_type(counter: Counter) -> None:
    made = counter.attach(png(), "../../plans/flöor plan.exe")
    assert (made.name, made.media_type, made.size_bytes) == ("flöor plan.exe.png", "image/png", len(png()))
    assert [path.name for path in counter.lying()] == [made.sha256]
    assert counter.lying()[0].stat().st_mode & 0o777 == 0o600
    assert counter.names() == ["flöor plan.exe.png"]
    assert counter.desk.audit()[-1] == ("attachment.added", f"booking:{counter.booking.ref}", "holder")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<?php system($_GET[1]);", "a.php"),
        (b"<svg onload=alert(1)>", "a.svg"),
        (b"from app import create_app\n", "passenger_wsgi.py"),
        (b"MZ\x90\0", "a.png"),
        (b"", "empty.png"),
    ],
)
def test_what_is_of_no_type_that_is_taken_leaves_nothing(counter: Counter, content: bytes, name: str) -> None:
    with pytest.raises(Invalid, match="not taken"):
        counter.attach([content], name)
    assert counter.lying() == counter.lying("drafts") == []
    assert counter.desk.count("contents") == 0


@pytest.mark.parametrize("length", [100, 300 * 1024])
def test_an_image_with_too_many_pixels_is_refused_before_it_is_stored(counter: Counter, length: int) -> None:
    with pytest.raises(Invalid, match=r"30,?000"):
        counter.attach(png(length=length, width=30_000, height=30_000))
    assert counter.lying() == counter.lying("drafts") == []


def test_a_file_may_have_just_so_much(counter: Counter) -> None:
    counter.attach(png(length=2 * MIB - 8)[: 2 * MIB])
    with pytest.raises(TooLarge):
        counter.attach([png(1), bytes(2 * MIB)], booking=counter.book("12:00"))
    assert len(counter.lying()) == 1
    assert counter.lying("drafts") == []


def test_a_length_that_is_too_much_is_refused_before_the_first_byte(counter: Counter) -> None:
    def nothing() -> Iterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    with pytest.raises(TooLarge):
        attachments.attach(
            counter.booking.ref,
            Incoming("a.png", nothing(), 3 * MIB),
            access=holder(counter.booking),
            desk=counter.place,
            key_of=lambda _: None,
        )


def test_the_files_of_a_booking_have_a_limit_together(counter: Counter) -> None:
    counter.attach(png(1, 2 * MIB - 100))
    with pytest.raises(StorageFull, match="of a booking"):
        counter.attach(png(2, 2 * MIB - 100))
    counter.attach(png(3, MIB - 100))


def test_a_customer_has_a_limit_over_all_bookings(counter: Counter) -> None:
    user = make_user()
    service, by = counter.booking.service_id, Actor("customer", user_id=user)
    mine = [counter.desk.book(service, at(f"{hour}:00"), by=by) for hour in (11, 12, 13)]
    for number, booking in enumerate(mine[:2]):
        counter.attach(png(number, 2 * MIB - 100), booking=booking, access=customer(user))
    with pytest.raises(StorageFull, match="Your files"):
        counter.attach(png(9, MIB), booking=mine[2], access=customer(user))
    counter.attach(png(9, MIB), booking=mine[2], access=staff())  # the venue's own files are nobody's quota


def test_two_uploads_at_once_do_not_pass_a_limit_together(counter: Counter) -> None:
    """Each fits alone, and both have looked before either was counted."""
    looked = threading.Barrier(2)

    def body(number: int) -> Iterator[bytes]:
        looked.wait(30)
        yield png(number, 2 * MIB - 100)

    def send(number: int) -> str:
        try:
            counter.attach(body(number))
        except StorageFull:
            return "full"
        finally:
            session.remove()
        return "kept"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, range(2))) == ["full", "kept"]
    assert len(counter.lying()) == 1


def test_without_the_lock_two_uploads_at_once_pass_the_limit(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: both look at what is used before either counts."""
    if counter.desk.engine.dialect.name == "sqlite":
        pytest.skip("its transactions come one after the other, lock or no lock")
    both_have_looked = threading.Barrier(2)
    used = rows.used

    def look_together(opened: Session, **whose: Any) -> rows.Used:
        found = used(opened, **whose)
        if opened.info.get("writing"):
            both_have_looked.wait(30)
        return found

    monkeypatch.setattr(rows, "lock_owners", lambda *_, **__: "confirmed")
    monkeypatch.setattr(rows, "used", look_together)

    def send(number: int) -> None:
        counter.attach(png(number, 2 * MIB - 100))
        session.remove()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(send, range(2)))
    assert sum(path.stat().st_size for path in counter.lying()) > 3 * MIB


def test_two_uploads_of_the_same_new_file_at_once_are_both_counted(counter: Counter) -> None:
    together, other = threading.Barrier(2), counter.book("12:00")

    def body() -> Iterator[bytes]:
        yield png(7)
        together.wait(30)

    def send(booking: Booking) -> Attachment:
        try:
            return counter.attach(body(), booking=booking)
        finally:
            session.remove()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(send, (counter.booking, other))
    counter.detach(first)
    assert files.storage(counter.settings).exists(second.sha256)
    counter.detach(second, booking=other)
    assert counter.lying() == []


def test_equal_files_are_stored_once_and_go_with_the_last(counter: Counter) -> None:
    other = counter.book("12:00")
    first, second = counter.attach(png(7)), counter.attach(png(7), booking=other)
    assert (first.sha256, len(counter.lying())) == (second.sha256, 1)
    counter.detach(first)
    assert len(counter.lying()) == 1
    counter.detach(second, booking=other)
    assert counter.lying() == []
    assert counter.desk.count("contents") == counter.desk.count("attachments") == 0


def test_a_removed_file_is_gone_and_is_removed_once(counter: Counter) -> None:
    made = counter.attach()
    counter.detach(made)
    with pytest.raises(NotFound):
        counter.detach(made)
    assert counter.names() == []


def test_a_file_of_another_booking_is_no_file(counter: Counter) -> None:
    other = counter.book("12:00")
    made = counter.attach(booking=other)
    with pytest.raises(NotFound):
        counter.detach(made)
    assert len(counter.names(other)) == 1


@pytest.mark.parametrize(
    "access",
    [
        Access(Actor("holder"), "x" * 22),
        Access(Actor("customer", user_id=999)),
        Access(Actor("staff", user_id=5, scopes=(Scope(999),))),
    ],
)
def test_strangers_find_no_booking(counter: Counter, access: Access) -> None:
    with pytest.raises(NotFound, match="no such booking"):
        counter.attach(access=access)
    assert counter.lying() == []


def test_customers_do_not_remove_what_the_venue_has_sent(counter: Counter) -> None:
    made = counter.attach(access=staff())
    with pytest.raises(Forbidden):
        counter.detach(made)
    counter.detach(made, access=staff())
    counter.detach(counter.attach(), access=staff())


def test_a_cancelled_booking_takes_no_more(counter: Counter) -> None:
    made = counter.attach()
    counter.desk.cancel(counter.booking)
    with pytest.raises(Conflict, match="cancelled"):
        counter.attach(png(2))
    counter.detach(made)


def test_a_booking_that_is_cancelled_meanwhile_takes_nothing(counter: Counter) -> None:
    def body() -> Iterator[bytes]:
        counter.desk.cancel(counter.booking)
        yield png()

    with pytest.raises(Conflict, match="cancelled"):
        counter.attach(body())
    assert counter.lying() == []


def test_a_name_that_a_web_server_obeys_is_only_a_name(counter: Counter) -> None:
    made = counter.attach([b"deny from all"], ".htaccess")
    assert (made.name, made.media_type) == ("htaccess.txt", "text/plain")
    assert [path.name for path in counter.lying()] == [made.sha256]


def test_the_same_key_attaches_once(counter: Counter) -> None:
    key = make_key("guest:attach", "once", b"")
    first = counter.attach(key=key)
    assert (counter.attach(key=key), counter.replayed, len(counter.names())) == (first, True, 1)


def test_no_connection_is_held_while_a_body_arrives(counter: Counter) -> None:
    pool: Any = counter.desk.engine.pool

    def body() -> Iterator[bytes]:
        assert pool.checkedout() == 0
        yield png()

    bookings.get_for(counter.booking.ref, holder(counter.booking))  # as looking for the caller has read before
    assert pool.checkedout() == 1, "or the test proves nothing"
    counter.attach(body())


def test_content_that_is_removed_between_arriving_and_counting_is_asked_for_again(counter: Counter) -> None:
    """The clash of an upload and a deletion: the upload is not acknowledged without its content."""
    made = counter.attach(png(7))
    home = files.storage(counter.settings)

    class Slow(type(home)):  # type: ignore[misc]
        def publish(self, name: str, sha256: str) -> None:
            super().publish(name, sha256)
            counter.detach(made)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "storage", lambda _: Slow(home.folder))  # type: ignore[attr-defined]
        with pytest.raises((Busy, NotFound)):
            counter.attach(png(7))
    assert counter.lying() == []
    assert counter.attach(png(7)).sha256 == made.sha256


def test_content_that_is_being_removed_is_not_counted(counter: Counter) -> None:
    made = counter.attach(png(7))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "remove", lambda *_, **__: False)  # killed between the two transactions
        counter.detach(made)
    with pytest.raises(Busy, match="removed at this moment"):
        counter.attach(png(7))
    assert files.remove(files.storage(counter.settings), made.sha256, until=counter.now)
    counter.attach(png(7))


def race(counter: Counter, rounds: int) -> int:
    """Return how often a file was acknowledged whose content is gone, when one attaches what another removes."""
    lost = 0
    for number in range(rounds):
        made = counter.attach(png(number))
        together = threading.Barrier(2)

        def remove(made: Any = made, together: threading.Barrier = together) -> None:
            together.wait(30)
            counter.detach(made)
            session.remove()

        def add(number: int = number, together: threading.Barrier = together) -> bool:
            together.wait(30)
            try:
                counter.attach(png(number), access=staff())
            except Busy:
                return False
            finally:
                session.remove()
            return True

        with ThreadPoolExecutor(2) as pool:
            removal, addition = pool.submit(remove), pool.submit(add)
            removal.result()
            is_kept = addition.result()
        there = files.storage(counter.settings).exists(made.sha256)
        lost += is_kept and not there
        _remove_all(counter)
    return lost


def _remove_all(counter: Counter) -> None:
    for found in attachments.list_for(counter.booking.ref, staff()):
        counter.detach(found, access=staff())


def test_attaching_and_removing_the_same_content_at_once_loses_none(counter: Counter) -> None:
    assert race(counter, 30) == 0


def test_without_a_look_under_the_lock_content_is_lost(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: what is counted without looking whether it is still there is lost sooner or later."""

    def count_alone(session: Any, _home: Any, stored: Any, *, now: Any) -> None:
        contents.add_reference(session, stored.sha256, stored.size_bytes, now=now)

    monkeypatch.setattr(files, "keep", count_alone)
    publish = type(files.storage(counter.settings)).publish
    made: list[Any] = [counter.attach(png(7))]

    def and_then_removed(self: Any, name: str, sha256: str) -> None:
        publish(self, name, sha256)
        counter.detach(made.pop())

    monkeypatch.setattr(type(files.storage(counter.settings)), "publish", and_then_removed)
    found = counter.attach(png(7))
    assert not files.storage(counter.settings).exists(found.sha256)
