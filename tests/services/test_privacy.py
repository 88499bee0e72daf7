"""Who is erased is gone from everything that is kept, and no report and no log says anything else than before."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from app.domain.accounts import Target
from app.domain.actors import Actor
from app.domain.bookings import Booking, Customer
from app.domain.errors import Conflict, Forbidden
from app.persistence import session, tables
from app.persistence.tables import metadata
from app.runtime.settings import load
from app.services import booking_desk, figures, outbox, privacy, privacy_retention
from app.services.booking_exports import Range
from app.services.bookings import Access
from app.services.messages import owe
from tests.services.counter import Counter, png
from tests.services.desk import Desk, at
from tests.web.people import make_user

FRIEDA = Customer("Frieda Xylander", "frieda@xylander.example", "+4930987654")
TRACES = ("Xylander", "xylander", "987654", "a dog", "198.51.100.7", "is ill")
ADMIN = Actor("admin", user_id=1)


@pytest.fixture
def counter(database: Engine, tmp_path: Path) -> Counter:
    environ = {"INSTANCE_DIR": str(tmp_path / "instance"), "MAIL_URL": f"file:{tmp_path}/mail"}
    return Counter(Desk(database), load(environ))


def book(counter: Counter, clock: str, *, by: Actor | None = None, customer: Customer = FRIEDA) -> Booking:
    """Book with everything that somebody may leave behind."""
    desk = counter.desk
    who = by or Actor("guest", address="198.51.100.7")
    fields = [{"key": "pet", "label": "Pet", "type": "text", "required": False}]
    service = desk.room_service(custom_fields=fields)
    made = desk.book(service, at(clock), by=who, customer=customer, answers={"pet": "a dog"})
    booking_desk.add_note(made.ref, "Frieda Xylander brings a dog", by=Actor("operator"), now=counter.now)
    counter.attach(png(int(clock[:2])), booking=made, access=Access(Actor("operator")))
    return made


def key_of(booking: Booking) -> int:
    with session.engine().connect() as connection:
        whose = tables.bookings.c.ref == booking.ref
        return int(connection.scalar(select(tables.bookings.c.customer_id).where(whose)) or 0)


def drain(counter: Counter) -> None:
    outbox.drain(counter.settings, clock=lambda: counter.now, budget_seconds=20)


def erase(counter: Counter, booking: Booking, *, force: bool = True) -> None:
    privacy.erase(counter.settings, key_of(booking), force=force, by=ADMIN, now=counter.now)


def traces(*, but: str = "idempotency_keys") -> list[str]:
    """Return where in the database anything is left of Frieda."""
    found = []
    with session.engine().connect() as connection:
        for name, table in metadata.tables.items():
            for row in connection.execute(select(table)).mappings() if name != but else ():
                found += [f"{name}: {word}" for word in TRACES if word in json.dumps(dict(row), default=str)]
    return found


def statuses() -> list[tuple[str, str, str]]:
    with session.engine().connect() as connection:
        columns = (tables.outbox.c.channel, tables.outbox.c.status, tables.outbox.c.sealed)
        return [tuple(row) for row in connection.execute(select(*columns).order_by(tables.outbox.c.id))]


def reports(counter: Counter) -> list[Any]:
    days = Range(date(2027, 6, 1), date(2027, 7, 1), counter.desk.venue_id)
    found = figures.tallies(days, by=ADMIN)
    used = figures.occupancy(days, by=ADMIN)
    return [found.rows, [(key, vars(use) if hasattr(use, "__dict__") else repr(use)) for key, _, use in used.resources]]


def test_nothing_is_left_of_a_guest_and_no_report_changes(counter: Counter) -> None:
    made = [book(counter, clock) for clock in ("11:00", "12:00")]
    counter.desk.cancel(made[0], Access(Actor("operator")))
    with session.engine().connect() as connection:
        refs = tables.bookings.c.ref.in_([booking.ref for booking in made])
        connection.execute(update(tables.bookings).where(refs).values(status_reason="she is ill"))
    assert {word.partition(":")[0] for word in traces()} >= {
        "customers", "customer_words", "bookings", "booking_notes", "audit_log",
    }  # fmt: skip
    before = reports(counter)
    files = len(counter.lying())
    erase(counter, made[1])
    assert traces() == []
    assert reports(counter) == before
    assert files - len(counter.lying()) == 2
    assert counter.desk.count("attachments") == 0


def test_of_others_everything_stays(counter: Counter) -> None:
    other = book(counter, "11:00", customer=Customer("Bo", "bo@example.org"))
    erase(counter, book(counter, "12:00"))
    kept = booking_desk.read(other.ref, by=Actor("operator"))
    assert (kept.customer.name, kept.answers) == ("Bo", {"pet": "a dog"})
    assert len(booking_desk.list_notes(other.ref, by=Actor("operator"))) == 1
    assert len(counter.lying()) == 1


def test_what_is_owed_to_somebody_who_is_erased_is_not_sent(counter: Counter) -> None:
    made = book(counter, "11:00")
    owe_confirmation(counter, made)
    assert ("email", "queued") in [row[:2] for row in statuses()]
    erase(counter, made)
    assert [row for row in statuses() if row[0] == "email"] == [("email", "void", "")]
    drain(counter)
    letters = [
        path.read_text() for path in (counter.settings.instance_dir.parent / "mail").rglob("*") if path.is_file()
    ]
    assert [FRIEDA.email in letter for letter in letters] == [False]  # that of the other one at the counter


def owe_confirmation(counter: Counter, booking: Booking) -> None:
    with session.transaction() as opened:
        who, about = Target("email", FRIEDA.email), f"booking:{booking.ref}"
        owe(opened, counter.settings, "booking.confirmed", who, now=counter.now, about=about, customer_name=FRIEDA.name)


def test_bookings_to_come_are_cancelled_first_or_it_is_forced(counter: Counter) -> None:
    made = book(counter, "11:00")
    with pytest.raises(Conflict):
        erase(counter, made, force=False)
    counter.desk.cancel(made, Access(Actor("operator")))
    erase(counter, made, force=False)
    with pytest.raises(Conflict):
        erase(counter, made)


def test_the_log_says_that_somebody_was_erased_and_keeps_all_that_was_done(counter: Counter) -> None:
    made = book(counter, "11:00")
    rows = counter.desk.count("audit_log")
    erase(counter, made)
    assert counter.desk.count("audit_log") == rows + 1
    history = booking_desk.history(made.ref, by=ADMIN, cursor=0, limit=100)
    assert [row[2] for row in history] == ["booking.made", "booking.noted", "attachment.added"]


def test_the_words_of_an_override_are_masked_in_the_log(counter: Counter) -> None:
    made = book(counter, "11:00")
    with session.engine().connect() as connection:
        detail = json.dumps({"status": "confirmed", "override": "for Frieda Xylander"}, separators=(",", ":"))
        of_it = tables.audit_log.c.action == "booking.made"
        connection.execute(update(tables.audit_log).where(of_it).values(detail=detail))
    erase(counter, made)
    history = booking_desk.history(made.ref, by=ADMIN, cursor=0, limit=1)
    assert history[0][4] == {"status": "confirmed", "override": "(erased)"}


def test_with_an_account_all_its_customers_go(counter: Counter) -> None:
    user = make_user(name="Frieda Xylander", email="xylander@example.org")
    by = Actor("customer", user_id=user, address="198.51.100.7")
    one = book(counter, "11:00", by=by)
    two = book(counter, "12:00", by=by, customer=Customer("F. Xylander", "f@xylander.example"))
    assert key_of(one) != key_of(two)
    erase(counter, one)
    assert [found for found in traces() if not found.startswith("outbox")] == []
    with session.engine().connect() as connection:
        assert connection.scalar(select(tables.users.c.active).where(tables.users.c.id == user)) is False


def test_whoever_works_here_is_not_erased_as_a_customer(counter: Counter) -> None:
    user = make_user("staff")
    made = book(counter, "11:00", by=Actor("staff", user_id=user, scopes=()))
    with pytest.raises(Forbidden):
        erase(counter, made)
    assert "customers: Xylander" in traces()


def sweep(counter: Counter, months: int, *, days: int = 0) -> tuple[int, bool]:
    settings = load({"INSTANCE_DIR": str(counter.settings.instance_dir), "RETENTION_MONTHS": str(months)})
    now = counter.now + timedelta(days=days)
    return privacy_retention.sweep(settings, now=now, has_time=lambda: True)


def names() -> list[str]:
    with session.engine().connect() as connection:
        return list(connection.scalars(select(tables.customers.c.name).order_by(tables.customers.c.id)))


def ended(booking: Booking, ends_at: datetime) -> None:
    with session.engine().connect() as connection:
        values = {"starts_at": ends_at - timedelta(hours=1), "ends_at": ends_at}
        connection.execute(update(tables.bookings).where(tables.bookings.c.ref == booking.ref).values(**values))


def test_guests_go_when_their_last_booking_is_too_long_ago(counter: Counter) -> None:
    old, new = (book(counter, c, customer=Customer(c, f"{c[:2]}@example.org")) for c in ("11:00", "12:00"))
    returning = [book(counter, clock) for clock in ("13:00", "14:00")]
    for booking in (old, returning[0]):
        ended(booking, counter.now - timedelta(days=365))
    ended(new, counter.now - timedelta(days=20))
    assert sweep(counter, 0) == (0, True)
    assert sweep(counter, 12, days=-1) == (0, True)
    assert sweep(counter, 12, days=1) == (1, True)
    assert names() == ["Ada", "", "12:00", FRIEDA.name]
    assert sweep(counter, 12, days=1) == (0, True)


def test_accounts_are_kept_whatever_their_age(counter: Counter) -> None:
    user = make_user()
    made = book(counter, "11:00", by=Actor("customer", user_id=user))
    ended(made, counter.now - timedelta(days=9999))
    assert sweep(counter, 1) == (0, True)


def test_many_are_erased_in_batches_and_windows(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        made = counter.desk.book(
            counter.desk.room_service(), at("11:00"), customer=Customer("Guest", f"guest{number}@example.org")
        )
        ended(made, counter.now - timedelta(days=99))
    monkeypatch.setattr(privacy_retention, "BATCH", 2)
    monkeypatch.setattr(privacy_retention, "WINDOW", 3)
    assert sweep(counter, 1) == (7, True)
    assert names() == ["Ada", *[""] * 7]


def test_a_sweep_without_time_is_not_finished(counter: Counter) -> None:
    settings = load({"INSTANCE_DIR": str(counter.settings.instance_dir), "RETENTION_MONTHS": "1"})
    assert privacy_retention.sweep(settings, now=counter.now, has_time=lambda: False) == (0, False)


def test_somebody_who_books_at_this_moment_is_kept(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    made = book(counter, "11:00")
    ended(made, counter.now - timedelta(days=99))
    found = privacy_retention._list_overdue(counter.now - timedelta(days=31), 0)
    assert found == [key_of(made)]
    book(counter, "12:00")
    monkeypatch.setattr(privacy_retention, "_list_overdue", lambda _cutoff, after: [] if after else found)
    assert sweep(counter, 1) == (0, True)
    assert FRIEDA.name in names()
