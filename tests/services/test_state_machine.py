"""Bookings under a random life: every verb, retries, a clock that crosses a night of 25 hours, and a failing database.

A plain model says beforehand whether each time can be had, by walking over minutes (``tests/domain/oracle.py``). After every
step the stored calendar must be the model's, and hold no more than fits.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, event, func, select, text, update

from app.domain import slots, spans
from app.domain.actors import Actor
from app.domain.bookings import TAKING_TIME, Booking, Customer
from app.domain.errors import Busy, Conflict, DomainError, NotFound, OutcomeUnknown
from app.domain.offers import Calendars, Closure, Offer, Taken, check_ask
from app.domain.times import from_minute, to_minute
from app.domain.wishes import BookingWish, Wish
from app.persistence import session as sessions
from app.persistence import tables
from app.persistence.calendar import lock_resources
from app.persistence.engine import make_engine
from app.persistence.offers import get_offer
from app.persistence.slots import get_calendars
from app.services import blackouts, bookings, calendar, holds
from app.services.bookings import Access
from app.services.idempotency import make_key
from tests.domain.oracle import Oracle
from tests.persistence.faults import DEADLOCK, LOST, Faults, Plan
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue

BERLIN = ZoneInfo("Europe/Berlin")
SATURDAY_NOON = datetime(2027, 10, 30, 10, 0, 20, tzinfo=timezone.utc)  # 12:00:20; the clock goes back that night
SECRET = "kPz7Wq2Lx9Vb4Nt6Rm1Ys8Jd3Hf5Gc0A"
GUEST, OPERATOR = Actor("guest"), Actor("operator")
CUSTOMER = Customer("Ada", "ada@example.org")
LATE_HOURS = ((10 * 60, 28 * 60),)
T = TypeVar("T")

# How the database fails during one verb; most of the time it does not.
FAULTS = st.one_of(
    *[st.none()] * 5,
    st.builds(Plan, st.just(DEADLOCK), times=st.integers(1, 4), statement=st.none() | st.integers(0, 8)),
    st.builds(Plan, st.just(DEADLOCK), times=st.just(5), statement=st.none() | st.integers(0, 3)),
    st.builds(Plan, st.just(LOST), times=st.integers(1, 2), statement=st.integers(0, 3)),
    st.builds(Plan, st.just(LOST), is_stored=st.booleans()),
)
KEYS = st.none() | st.sampled_from("abc")


@dataclass
class Hold:
    service_id: int
    starts: int
    ends: int
    party_size: int
    expires: int
    rows: list[tuple[int, int, int, int]]  # resource, starts, ends, units
    is_over: bool = False


@dataclass
class Kept:
    """What a client knows of a request that it sent under a key."""

    wish: BookingWish
    sent_at: datetime
    booking: Booking | None = None


class Bookings(RuleBasedStateMachine):
    template: ClassVar[Path]

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = shutil.copy(self.template, Path(self.folder.name) / "machine.sqlite3")
        self.engine = make_engine(f"sqlite:///{path}")
        event.listen(self.engine, "connect", lambda raw, _record: raw.execute("PRAGMA synchronous=OFF"))  # for speed
        sessions.configure(self.engine)
        self.now = SATURDAY_NOON
        self.live: dict[str, Booking] = {}
        self.rows: dict[str, list[tuple[int, int, int, int]]] = {}
        self.holds: dict[str, Hold] = {}
        self.keys: dict[str, Kept] = {}
        self.closures: list[tuple[int | None, int, int]] = []
        self._furnish(self.engine)
        self.faults = Faults(self.engine)

    def _furnish(self, engine: Engine) -> None:
        """One hall for five, two rooms and a teacher; three services that share them."""
        self.venue_id = make_venue(engine)
        self.hall, self.room, self.other_room, self.teacher = (
            make_resource(engine, self.venue_id, capacity=capacity, daily_hours=AROUND_THE_CLOCK)
            for capacity in (5, 1, 1, 1)
        )
        self.services = [
            make_service(engine, self.venue_id, [[self.room, self.other_room]], minutes=60, buffer_after_minutes=15),
            make_service(
                engine,
                self.venue_id,
                [[self.room, self.other_room], [self.teacher]],
                max_minutes=120,
                requires_approval=True,
            ),
            make_service(
                engine,
                self.venue_id,
                [[self.hall]],
                units_per_party_member=1,
                weekly_starts=[[150, 600, 1080, 1320]] * 7,
            ),
        ]

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            sessions.remove()
            self.engine.dispose()
            self.folder.cleanup()

    # What the model knows

    def taken(self) -> dict[int, Taken]:
        """Return what is taken, of bookings and of holds that are not over."""
        calendars: dict[int, Taken] = {}
        held = (hold.rows for hold in self.holds.values() if self.is_good(hold))
        for rows in (*self.rows.values(), *held):
            for resource_id, starts, ends, units in rows:
                taken = calendars.setdefault(resource_id, Taken())
                taken.starts.append(starts)
                taken.ends.append(ends)
                taken.units.append(units)
        return calendars

    def is_good(self, hold: Hold) -> bool:
        return not hold.is_over and hold.expires > self.now.timestamp()

    def model_calendars(self, offer: Offer) -> Calendars:
        closures: dict[int, list[Closure]] = {}
        for closed, starts, ends in self.closures:
            for resource_id in offer.resource_ids if closed is None else (closed,):
                closures.setdefault(resource_id, []).append(Closure(starts, ends, ""))
        return Calendars(closures=closures, taken=self.taken())

    def can_be_had(self, wish: Wish) -> tuple[int, ...] | None:
        """Return the resources that a booking must get, or None where it must be refused."""
        offer = get_offer(sessions.reading(), wish.service_id)
        ask = check_ask(offer, duration_minutes=wish.duration_minutes, party_size=wish.party_size)
        starts = to_minute(wish.starts_at)
        day = wish.starts_at.astimezone(offer.zone).date()
        oracle = Oracle(offer, self.model_calendars(offer), ask, day, day + timedelta(days=1), now=self.now)
        if not oracle.is_bookable(starts):
            return None
        fitting = [[resource.id for resource in group] for group in oracle.fitting(starts)]
        return tuple(sorted(next((key for key in ids if key in wish.preferred_ids), ids[0]) for ids in fitting))

    def rows_of(self, wish: Wish, booking_or_hold: Any) -> list[tuple[int, int, int, int]]:
        offer = get_offer(sessions.reading(), wish.service_id)
        starts = to_minute(booking_or_hold.starts_at) - offer.buffer_before_minutes
        ends = to_minute(booking_or_hold.ends_at) + offer.buffer_after_minutes
        units = offer.units(booking_or_hold.party_size)
        return [(resource_id, starts, ends, units) for resource_id, _ in booking_or_hold.resources]

    # What a client does

    def attempt(self, fault: Plan | None, act: Callable[[], T]) -> tuple[str, Any]:
        """Return how a verb ended: done, refused, unknown, or failed without a trace."""
        self.faults.plan = None if fault is None else replace(fault)
        commits = self.faults.commits
        try:
            return "done", act()
        except OutcomeUnknown:
            return "unknown" if self.faults.commits > commits else "failed", None
        except Busy:
            assert fault is not None, "busy without a cause"
            return "failed", None
        except DomainError as refusal:
            note(f"refused: {refusal!r}")
            return "refused", refusal
        finally:
            self.faults.plan = None
            sessions.remove()

    def start(self, steps: int) -> datetime:
        """Return a start soon: half hours from the next one on."""
        return from_minute((to_minute(self.now) // 30 + 1 + steps) * 30)

    def made(self, wish: Wish, booking: Booking, expected: tuple[int, ...] | None) -> None:
        self.live[booking.ref] = booking
        self.rows[booking.ref] = self.rows_of(wish, booking)
        self.nothing_is_taken_twice()
        assert expected is not None, f"booked what cannot be had: {wish}"
        assert tuple(resource_id for resource_id, _ in booking.resources) == expected
        needs_approval = wish.service_id == self.services[1]
        assert booking.status == ("pending" if needs_approval else "confirmed")

    def unknown_booking(self) -> Booking | None:
        """Return the one booking that the database has and the client has not heard of, if there is any."""
        with self.engine.connect() as connection:
            refs = set(connection.execute(select(tables.bookings.c.ref)).scalars())
        unheard_of = refs - set(self.live)
        assert len(unheard_of) <= 1
        return bookings.get_for(unheard_of.pop(), Access(by=OPERATOR)) if unheard_of else None

    @rule(
        service=st.integers(0, 2),
        steps=st.integers(0, 60),
        minutes=st.sampled_from([None, None, 90]),
        party=st.integers(1, 3),
        key=KEYS,
        fault=FAULTS,
    )
    def book(
        self, service: int, steps: int, minutes: int | None, party: int, key: str | None, fault: Plan | None
    ) -> None:
        wish = Wish(self.services[service], self.start(steps), minutes if service == 1 else None, party)
        self._book(BookingWish(wish, CUSTOMER), key, fault)

    @precondition(lambda self: self.holds)
    @rule(pick=st.integers(0, 9), key=KEYS, fault=FAULTS)
    def make_good(self, pick: int, key: str | None, fault: Plan | None) -> None:
        """Book what one of the last holds has kept, whatever has become of it."""
        token = [*self.holds][-1 - pick % len(self.holds)]
        held = self.holds[token]
        wish = Wish(held.service_id, from_minute(held.starts), None, None)
        self._book(BookingWish(wish, CUSTOMER, token), key, fault)

    @rule(service=st.integers(0, 2), pick=st.integers(0, 1000), party=st.integers(1, 3), key=KEYS, fault=FAULTS)
    def book_what_is_listed(self, service: int, pick: int, party: int, key: str | None, fault: Plan | None) -> None:
        """Book one of the slots of the next two days: it cannot be refused."""
        offer = get_offer(sessions.reading(), self.services[service])
        ask = check_ask(offer, duration_minutes=None, party_size=party)
        today = self.now.astimezone(BERLIN).date()
        span = spans.span_of_days(offer, today, today + timedelta(days=2))
        calendars = get_calendars(sessions.reading(), offer, span, now_seconds=int(self.now.timestamp()))
        found = [s for day in slots.find(offer, calendars, ask, span, now=self.now).values() for s in day]
        if found:
            wish = Wish(offer.service_id, from_minute(found[pick % len(found)].starts), None, party)
            assert self.can_be_had(wish) is not None
            self._book(BookingWish(wish, CUSTOMER), key, fault)

    def _book(self, wish: BookingWish, key: str | None, fault: Plan | None) -> None:
        earlier, is_stale = self.keys.get(key or ""), False
        if earlier is not None and self.now - earlier.sent_at >= timedelta(hours=24):
            earlier, is_stale = None, True
        if earlier is not None:
            self._retry(key or "", earlier, fault)
            return
        hold = self.holds.get(wish.hold_token or "")
        expected, settled = self._expect(wish, hold)
        the_key = None if key is None else make_key("guest", key, repr(wish).encode())
        how, result = self.attempt(
            fault, lambda: bookings.book(wish, secret_key=SECRET, by=GUEST, now=self.now, key=the_key)
        )
        if how == "refused":
            assert expected is None, f"refused what can be had: {result!r}"
            return
        if how == "failed":
            return
        booking, replayed = result if how == "done" else (self.unknown_booking(), False)
        if booking is None:
            assert is_stale, "a booking was stored and is gone"  # lost was the removal of the old answer
            return
        assert not replayed or (fault is not None and fault.is_stored), "nothing came before"
        if hold is not None:
            hold.is_over = True
        if key is not None:
            self.keys[key] = Kept(wish, self.now, booking)
        self.made(settled, booking, expected)

    def _expect(self, wish: BookingWish, hold: Hold | None) -> tuple[tuple[int, ...] | None, Wish]:
        if hold is None:
            return self.can_be_had(wish.time), wish.time
        if not self.is_good(hold) or (wish.hold_token or "").startswith("lost"):
            return None, wish.time
        settled = replace(
            wish.time,
            duration_minutes=hold.ends - hold.starts,
            party_size=hold.party_size,
            preferred_ids=tuple(resource_id for resource_id, *_ in hold.rows),
        )
        hold.is_over = True
        try:
            return self.can_be_had(settled), settled
        finally:
            hold.is_over = False

    @precondition(lambda self: self.keys)
    @rule(pick=st.integers(0, 2), fault=FAULTS)
    def retry(self, pick: int, fault: Plan | None) -> None:
        key = [*self.keys][pick % len(self.keys)]
        self._book(self.keys[key].wish, key, fault)

    def _retry(self, key: str, earlier: Kept, fault: Plan | None) -> None:
        """Send the same request again, however much has happened: the first answer comes, and nothing else happens."""
        the_key = make_key("guest", key, repr(earlier.wish).encode())
        how, result = self.attempt(
            fault, lambda: bookings.book(earlier.wish, secret_key=SECRET, by=GUEST, now=self.now, key=the_key)
        )
        assert how == "failed" or (how == "done" and fault is None) or result == (earlier.booking, True), (how, result)
        if how == "done":
            assert result == (earlier.booking, True)

    @rule(service=st.integers(0, 2), steps=st.integers(0, 60), party=st.integers(1, 3), fault=FAULTS)
    def hold(self, service: int, steps: int, party: int, fault: Plan | None) -> None:
        wish = Wish(self.services[service], self.start(steps), None, party)
        expected = self.can_be_had(wish)
        how, result = self.attempt(
            fault, lambda: holds.hold(wish, hold_minutes=10, secret_key=SECRET, by=GUEST, now=self.now)
        )
        if how == "refused":
            assert expected is None, f"refused what can be had: {result!r}"
        elif how == "done":
            held = result[0]
            self.nothing_is_taken_twice()
            assert expected == tuple(resource_id for resource_id, _ in held.resources)
            self._held(held.token(SECRET), wish, held)
        elif how == "unknown":  # the client never hears the token; the time comes back when the hold expires
            self._held(f"lost {len(self.holds)}", wish, self._lost_hold(expected or ()))

    def _held(self, token: str, wish: Wish, held: Any) -> None:
        starts, ends = to_minute(held.starts_at), to_minute(held.ends_at)
        rows = self.rows_of(wish, held)
        expires = int(held.expires_at.timestamp())
        self.holds[token] = Hold(wish.service_id, starts, ends, held.party_size, expires, rows)

    def _lost_hold(self, resource_ids: tuple[int, ...]) -> holds.Held:
        with self.engine.connect() as connection:
            row = connection.execute(select(tables.holds).order_by(tables.holds.c.id.desc())).first()
        assert row is not None
        named = tuple((resource_id, "") for resource_id in resource_ids)
        until = datetime.fromtimestamp(row.expires, timezone.utc)
        return holds.Held(
            "", row.service_id, named, from_minute(row.starts), from_minute(row.ends), "", row.party_size, until
        )

    @precondition(lambda self: self.holds)
    @rule(pick=st.integers(0, 9), fault=FAULTS)
    def release(self, pick: int, fault: Plan | None) -> None:
        token = list(self.holds)[pick % len(self.holds)]
        hold = self.holds[token]
        was_good = self.is_good(hold) and not token.startswith("lost")
        how, result = self.attempt(fault, lambda: holds.release(token, by=GUEST, now=self.now))
        if how == "refused":
            assert isinstance(result, NotFound)
            assert not was_good
        elif how in {"done", "unknown"}:
            assert was_good
            hold.is_over = True

    @rule(fault=FAULTS)
    def sweep(self, fault: Plan | None) -> None:
        how, _ = self.attempt(fault, lambda: holds.sweep_batch(now=self.now))
        assert how != "refused"
        if how == "done":
            with self.engine.connect() as connection:
                over = (
                    select(func.count()).select_from(tables.holds).where(tables.holds.c.expires <= self.now.timestamp())
                )
                assert connection.scalar(over) == 0

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 50), verb=st.sampled_from(["cancel", "approve", "decline"]), fault=FAULTS)
    def settle(self, pick: int, verb: str, fault: Plan | None) -> None:
        before = self._pick(pick)
        access = Access(by=OPERATOR)
        acts = {
            "cancel": lambda: bookings.cancel(before.ref, reason="", access=access, now=self.now),
            "approve": lambda: bookings.approve(before.ref, access=access, now=self.now),
            "decline": lambda: bookings.decline(before.ref, reason="", access=access, now=self.now),
        }
        allowed = {"cancel": {"pending", "confirmed"}, "approve": {"pending"}, "decline": {"pending"}}[verb]
        how, result = self.attempt(fault, acts[verb])
        if how == "refused":
            assert isinstance(result, Conflict)
            assert before.status not in allowed
        elif how in {"done", "unknown"}:
            assert before.status in allowed
            status = {"cancel": "cancelled", "approve": "confirmed", "decline": "declined"}[verb]
            after = replace(before, status=status, version=before.version + 1, updated_at=self.now)
            self.live[before.ref] = after
            if status != "confirmed":
                self.rows[before.ref] = []

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 50), steps=st.integers(0, 60), minutes=st.sampled_from([None, 90]), fault=FAULTS)
    def reschedule(self, pick: int, steps: int, minutes: int | None, fault: Plan | None) -> None:
        before = self._pick(pick)
        length = minutes if before.service_id == self.services[1] else None
        wish = Wish(before.service_id, self.start(steps), length or before.duration_minutes, before.party_size)
        rows, self.rows[before.ref] = self.rows[before.ref], []
        expected = self.can_be_had(
            replace(wish, preferred_ids=tuple(resource_id for resource_id, _ in before.resources))
        )
        self.rows[before.ref] = rows
        access = Access(by=GUEST, token=bookings.manage_token(before.ref, SECRET))
        how, result = self.attempt(fault, lambda: bookings.reschedule(before.ref, wish, access=access, now=self.now))
        may_move = before.status in {"pending", "confirmed"} and before.starts_at > self.now
        if how == "refused":
            assert expected is None or not may_move, f"refused what can be had: {result!r}"
        elif how in {"done", "unknown"}:
            assert may_move
            after = result if how == "done" else bookings.get_for(before.ref, access)
            assert after.starts_at == wish.starts_at
            self.made(wish, after, expected)

    def _pick(self, pick: int) -> Booking:
        refs = list(self.live)
        return self.live[refs[pick % len(refs)]]

    # What else happens

    @rule(steps=st.integers(0, 40), length=st.integers(1, 4), whole_venue=st.booleans())
    def close(self, steps: int, length: int, whole_venue: bool) -> None:  # noqa: FBT001
        if len(self.closures) >= 3:
            return
        starts = to_minute(self.start(steps))
        resource_id = None if whole_venue else self.room
        place = blackouts.Place(self.venue_id, BERLIN, resource_id, "" if whole_venue else "room")
        closing = blackouts.closing_of(starts, starts + length * 30, "")
        blackouts.import_blackouts(place, [closing], by=OPERATOR, now=self.now)
        self.closures.append((resource_id, starts, starts + length * 30))

    @rule(is_late=st.booleans())
    def change_hours(self, is_late: bool) -> None:  # noqa: FBT001
        weekly = [[list(window) for window in (LATE_HOURS if is_late else AROUND_THE_CLOCK)]] * 7
        with sessions.transaction() as session:
            lock_resources(session, [self.room])
            session.execute(
                update(tables.resources).where(tables.resources.c.id == self.room).values(weekly_hours=str(weekly))
            )

    @rule(minutes=st.sampled_from([1, 9, 10, 11, 45, 180, 600, 1440, 2000]))
    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # What must hold after every step

    @invariant()
    def nothing_is_taken_twice(self) -> None:
        """At no minute is more taken of a resource than it has, as the database has it."""
        rows = self._stored_rows()
        for resource_id, capacity in ((self.hall, 5), (self.room, 1), (self.other_room, 1), (self.teacher, 1)):
            used = Counter[int]()
            for owner, starts, ends, units in rows:
                if owner == resource_id:
                    for minute in range(starts, ends):
                        used[minute] += units
            assert max(used.values(), default=0) <= capacity, f"resource {resource_id} is double-booked"

    def _stored_rows(self) -> list[tuple[int, int, int, int]]:
        live = "expires IS NULL OR expires > :now"
        with self.engine.connect() as connection:
            found = connection.execute(
                text(f"SELECT resource_id, starts, ends, units FROM occupancies WHERE {live}"),  # noqa: S608
                {"now": self.now.timestamp()},
            )
            return [tuple(row) for row in found]

    @invariant()
    def the_calendar_is_that_of_the_bookings_and_holds_acknowledged(self) -> None:
        expected = Counter(row for rows in self.rows.values() for row in rows)
        expected.update(row for hold in self.holds.values() if self.is_good(hold) for row in hold.rows)
        assert Counter(self._stored_rows()) == expected

    @invariant()
    def every_booking_acknowledged_is_stored_as_it_was_acknowledged(self) -> None:
        columns = tables.bookings.c
        with self.engine.connect() as connection:
            stored = {
                row.ref: (row.status, row.starts_at, row.ends_at, row.version)
                for row in connection.execute(
                    select(columns.ref, columns.status, columns.starts_at, columns.ends_at, columns.version)
                )
            }
        assert stored == {ref: (b.status, b.starts_at, b.ends_at, b.version) for ref, b in self.live.items()}

    @invariant()
    def only_bookings_that_take_time_have_any(self) -> None:
        assert {ref for ref, rows in self.rows.items() if rows} == {
            ref for ref, booking in self.live.items() if booking.status in TAKING_TIME
        }


QUICK = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],  # shrinking a life takes minutes: add Phase.shrink to read a short one
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def machine(migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch) -> type[Bookings]:
    monkeypatch.setattr(sessions, "_JITTER_SECONDS", 0.0)
    monkeypatch.setattr(Bookings, "template", migrated_sqlite, raising=False)
    return Bookings


@pytest.mark.system
def test_no_life_of_a_venue_books_twice_or_loses_a_booking(machine: type[Bookings]) -> None:
    run_state_machine_as_test(machine, settings=QUICK)


def test_without_the_look_the_machine_finds_the_double_booking(
    machine: type[Bookings], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_what_is_taken(*call: Any, **named: Any) -> Calendars:
        return replace(get_calendars(*call, **named), taken={})

    monkeypatch.setattr(calendar, "get_calendars", without_what_is_taken)
    without_shrinking = settings(
        QUICK, derandomize=True, database=None, phases=[Phase.generate], report_multiple_bugs=False
    )
    with pytest.raises(AssertionError, match="is double-booked"):
        run_state_machine_as_test(machine, settings=without_shrinking)
