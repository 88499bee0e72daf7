"""A front desk for tests: one venue in Berlin, the verbs with their usual arguments, and a look into the tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, Row, select

from app.domain.actors import Actor
from app.domain.bookings import Booking, Customer
from app.domain.wishes import BookingWish, Wish
from app.persistence import tables
from app.persistence.idempotency import IdempotencyKey
from app.services import bookings, holds
from app.services.bookings import Access
from tests.services.factories import Windows, make_resource, make_service, make_venue

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2027, 6, 1, 8, 0, tzinfo=BERLIN)
SECRET = "kPz7Wq2Lx9Vb4Nt6Rm1Ys8Jd3Hf5Gc0A"
GUEST, OPERATOR = Actor("guest", address="192.0.2.1"), Actor("operator", "ada")
CUSTOMER = Customer("Ada", "ada@example.org")


def at(clock: str, day: int = 7) -> datetime:
    """Return a time of June 2027 in Berlin; the 7th is a Monday."""
    hour, minute = map(int, clock.split(":"))
    return datetime(2027, 6, day, hour, minute, tzinfo=BERLIN)


class Desk:
    """Whoever stands there has the time ``now``."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.now = engine, NOW
        self.venue_id = make_venue(engine)

    def resource(self, capacity: int = 1, **values: Any) -> int:
        return make_resource(self.engine, self.venue_id, capacity=capacity, **values)

    def service(self, *groups: Sequence[int], **values: Any) -> int:
        return make_service(self.engine, self.venue_id, groups, **values)

    def room_service(self, *, capacity: int = 1, hours: Windows | None = None, **values: Any) -> int:
        """Return a service with one room of its own."""
        room = self.resource(capacity, **({} if hours is None else {"daily_hours": hours}))
        return self.service([room], **values)

    def book(
        self,
        service_id: int,
        starts_at: datetime,
        *,
        by: Actor = GUEST,
        key: IdempotencyKey | None = None,
        hold_token: str | None = None,
        customer: Customer = CUSTOMER,
        answers: dict[str, Any] | None = None,
        language: str = "",
        **wish: Any,
    ) -> Booking:
        time = Wish(service_id, starts_at, **wish)
        a_wish = BookingWish(time, customer, hold_token, answers or {}, language=language)
        self.replayed = False
        booking, self.replayed = bookings.book(a_wish, secret_key=SECRET, by=by, now=self.now, key=key)
        return booking

    def hold(
        self, service_id: int, starts_at: datetime, *, key: IdempotencyKey | None = None, **wish: Any
    ) -> tuple[holds.Held, str]:
        """Return a hold of ten minutes, and its token."""
        time = Wish(service_id, starts_at, **wish)
        held, self.replayed = holds.hold(time, hold_minutes=10, secret_key=SECRET, by=GUEST, now=self.now, key=key)
        return held, held.token(SECRET)

    def cancel(self, booking: Booking, access: Access | None = None) -> Booking:
        return bookings.cancel(booking.ref, reason="ill", access=access or holder(booking), now=self.now)

    def reschedule(
        self, booking: Booking, starts_at: datetime, *, access: Access | None = None, **wish: Any
    ) -> Booking:
        time = Wish(booking.service_id, starts_at, **wish)
        return bookings.reschedule(booking.ref, time, access=access or holder(booking), now=self.now)

    def pass_minutes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    def taken(self, *, of: str = "booking_id") -> list[tuple[int, int, int, int]]:
        """Return resource, start and end in UTC minutes, and units of all that is taken by bookings (or holds)."""
        columns = tables.occupancies.c
        statement = select(columns.resource_id, columns.starts, columns.ends, columns.units).order_by(columns.id)
        return [tuple(row) for row in self._rows(statement.where(columns[of].is_not(None)))]

    def versions(self, *resource_ids: int) -> list[int]:
        """Return the calendar versions of the resources."""
        columns = tables.resources.c
        found = {row.id: row.calendar_version for row in self._rows(select(columns.id, columns.calendar_version))}
        return [found[key] for key in resource_ids]

    def audit(self) -> list[tuple[str, str, str]]:
        """Return what was done, to what, by whom."""
        columns = tables.audit_log.c
        rows = self._rows(select(columns.action, columns.object, columns.actor).order_by(columns.id))
        return [tuple(row) for row in rows]

    def count(self, table: str) -> int:
        return len(self._rows(select(tables.metadata.tables[table])))

    def _rows(self, statement: Any) -> Sequence[Row[Any]]:
        with self.engine.connect() as connection:
            return connection.execute(statement).all()


def holder(booking: Booking, version: int | None = None) -> Access:
    """Return the access of whoever has the link in the confirmation."""
    return Access(by=Actor("holder"), token=bookings.manage_token(booking.ref, SECRET), version=version)
