"""A house to walk through: every kind of caller, a well-formed request for every route, and a word for what became of it."""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any

from flask import Flask
from sqlalchemy import delete, event, select, update
from werkzeug.test import TestResponse

from app.domain.accounts import Target
from app.domain.actors import Actor, Scope
from app.domain.bookings import Booking, Customer
from app.domain.templates import Text
from app.domain.wishes import BookingWish, Wish
from app.persistence import session, tables
from app.services import (
    attachments,
    blackout_desk,
    bookings,
    busy_calendars,
    calendar_feeds,
    downloads,
    holds,
    message_templates,
    photos,
    uploads,
    users,
    webhook_desk,
)
from app.services.attachments import Desk
from app.services.bookings import Access
from app.services.files import Incoming
from app.services.messages import owe
from app.services.uploads import NewUpload, Uploader
from app.services.webhook_desk import WebhookWish
from app.web.routes import Route
from tests.conftest import SECRET_KEY
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue
from tests.web import people
from tests.web.people import LONG_AGO, Person, make_person, make_server, make_user, sign_in

PASSWORD = "correct horse battery"
CRON_SECRET = "Wm4Kt9Zr2Xq7Lb5Nv8Ys3Hd6Jf1Pc0Gx"
# A PNG of 2 x 1 pixels, as far as its header goes.
PHOTO = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\2\0\0\0\1\x08\x02\0\0\0"
TUS = {"Tus-Resumable": "1.0.0"}
_VARIABLE = re.compile(r"<\w+:(\w+)>")
_WORDS = {
    "sign_in_required": "in",
    "forbidden": "no",
    "step_up_required": "up",
    "not_found": "gone",
    "invalid_credentials": "bad",
    "conflict": "odd",
}


@dataclass(frozen=True)
class House:
    """Two venues; the first has two rooms, and a service over one of them that any number may book at once."""

    app: Flask
    venue: int
    room: int
    spare_room: int
    service: int
    elsewhere: int


def make_house(app: Flask) -> House:
    app.extensions["settings"] = replace(app.extensions["settings"], cron_secret=CRON_SECRET)
    engine = session.engine()
    event.listen(engine, "connect", _forget_power_cuts)
    engine.dispose()  # so that every connection from now on is one of those
    venue, elsewhere = make_venue(engine, timezone="UTC"), make_venue(engine, timezone="UTC")
    room, spare = (make_resource(engine, venue, capacity=9999, daily_hours=AROUND_THE_CLOCK) for _ in range(2))
    return House(app, venue, room, spare, make_service(engine, venue, [[room]]), elsewhere)


def _forget_power_cuts(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")  # a walk makes thousands of rows, and waits for the disk at none


class Things:
    """What one request is about, made when it is first asked for, so that no request meets what another has left."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.now = datetime.now(timezone.utc).replace(microsecond=0)
        self.starts_at = self.now.replace(minute=0, second=0) + timedelta(days=3)

    @cached_property
    def owner(self) -> int:
        return make_user(name="Ada Owner", phone=f"+4930{secrets.randbelow(10**8):08d}")

    @cached_property
    def booking(self) -> Booking:
        customer = Customer("Ada Owner", "ada.owner@example.org", "+4930555123")
        wish = BookingWish(Wish(self.house.service, self.starts_at), customer, None, {}, "a private note")
        by = Actor("customer", user_id=self.owner)
        return bookings.book(wish, secret_key=SECRET_KEY, by=by, now=self.now)[0]

    @property
    def ref(self) -> str:
        return self.booking.ref

    @cached_property
    def customer_id(self) -> int:
        return self.guest()

    def guest(self) -> int:
        """Return the key of a guest of an address of their own, who has booked."""
        who = Customer("Gus Guest", f"{secrets.token_hex(6)}@example.org")
        wish = BookingWish(Wish(self.house.service, self.starts_at), who)
        bookings.book(wish, secret_key=SECRET_KEY, by=Actor("guest"), now=self.now)
        with session.engine().connect() as connection:
            return int(connection.scalar(select(tables.customers.c.id).where(tables.customers.c.email == who.email)))

    @property
    def manage_token(self) -> str:
        return bookings.manage_token(self.ref, SECRET_KEY)

    @cached_property
    def token(self) -> str:
        wish = Wish(self.house.service, self.starts_at)
        held, _ = holds.hold(wish, hold_minutes=10, secret_key=SECRET_KEY, by=Actor("guest"), now=self.now)
        return held.token(SECRET_KEY)

    @property
    def venue_id(self) -> int:
        return self.house.venue

    @property
    def service_id(self) -> int:
        return self.house.service

    @cached_property
    def feed(self) -> str:
        """Return the link's token of the owner's calendar."""
        return calendar_feeds.make_own(Actor("customer", user_id=self.owner), now=self.now)

    @property
    def topic(self) -> str:
        return "booking.confirmed"

    @property
    def language(self) -> str:
        return "de"

    @cached_property
    def session_id(self) -> int:
        """Return the key of another session of the owner's."""
        sign_in(self.owner)
        with session.engine().connect() as connection:
            of_owner = tables.sessions.c.user_id == self.owner
            return int(
                connection.scalar(select(tables.sessions.c.id).where(of_owner).order_by(tables.sessions.c.id.desc()))
            )

    @cached_property
    def user_id(self) -> int:
        return make_user()

    @cached_property
    def key_id(self) -> int:
        make_server("bookings:read")
        with session.engine().connect() as connection:
            return int(connection.scalar(select(tables.api_keys.c.id).order_by(tables.api_keys.c.id.desc())))

    @cached_property
    def webhook_id(self) -> int:
        with session.engine().connect() as connection:
            connection.execute(delete(tables.webhooks))  # there are twenty at most, and more than twenty callers come
        wish = WebhookWish("https://hooks.example.org/", ["booking.made"])
        return webhook_desk.add(self.desk.settings, wish, by=Actor("operator"), now=self.now)[1].id

    @cached_property
    def delivery_id(self) -> int:
        """Return the number of a message to that webhook that has been sent."""
        webhook_desk.send_test(self.webhook_id, by=Actor("operator"), now=self.now)
        with session.engine().connect() as connection:
            connection.execute(update(tables.outbox).values(status="sent"))
            return int(connection.scalar(select(tables.outbox.c.id).order_by(tables.outbox.c.id.desc())))

    @cached_property
    def outbox_id(self) -> int:
        """Return the number of a message about that booking."""
        about = {"venue_id": self.venue_id, "about": f"booking:{self.ref}"}
        with session.transaction() as opened:
            who = Target("email", "ada.owner@example.org")
            owe(opened, self.desk.settings, "booking.confirmed", who, now=self.now, **about)  # type: ignore[arg-type]
        with session.engine().connect() as connection:
            return int(connection.scalar(select(tables.outbox.c.id).order_by(tables.outbox.c.id.desc())))

    @cached_property
    def desk(self) -> Desk:
        return Desk(self.house.app.extensions["settings"], lambda: datetime.now(timezone.utc))

    @cached_property
    def attachment_id(self) -> int:
        """Return the key of a file that the owner has sent."""
        by = Access(Actor("customer", user_id=self.owner))
        no_key: Callable[[str], None] = lambda _: None  # noqa: E731 - an argument
        return attachments.attach(self.ref, photo_of(self), access=by, desk=self.desk, key_of=no_key)[0].id

    @property
    def link(self) -> str:
        """Return what a link in a message has for that file."""
        settings, hour = self.desk.settings, timedelta(hours=1)
        return downloads.file_link(settings, self.attachment_id, valid=hour, now=self.now).rpartition("/")[2]

    @cached_property
    def name(self) -> str:
        """Return the name of an upload of the owner's."""
        who = Uploader(Actor("customer", user_id=self.owner), f"customer:{self.owner}")
        return uploads.create(NewUpload(len(PHOTO), "a.png", "attachment"), who=who, desk=self.desk).name

    @property
    def resource_id(self) -> int:
        return self.house.room

    @cached_property
    def blackout_id(self) -> int:
        start = self.starts_at + timedelta(days=300)
        wanted = blackout_desk.Wanted(None, self.resource_id, start, start + timedelta(hours=1))
        return blackout_desk.close(wanted, by=Actor("operator"), now=self.now).blackouts[0].id

    @property
    def calendar_id(self) -> int:
        """Return the key of a calendar that keeps the room busy: a room has ten at most, so the others go."""
        with session.engine().connect() as connection:
            connection.execute(delete(tables.busy_calendars))
        url, by = "https://calendar.example.org/ada.ics", Actor("operator")
        return busy_calendars.add(self.desk.settings, self.resource_id, "Busy", url, by=by, now=self.now).calendar.id

    @cached_property
    def photo_id(self) -> int:
        with session.engine().connect() as connection:
            connection.execute(
                delete(tables.resource_photos)
            )  # a room has thirty at most, and more than thirty callers come
        return photos.add(self.resource_id, photo_of(self), by=Actor("admin"), desk=self.desk).id


def photo_of(things: Things) -> Incoming:
    """Return a photo of its own for each: equal ones would share their content."""
    return Incoming("a.png", [PHOTO + str(id(things)).encode()])


def _staff(*scopes: Scope) -> Person:
    return make_person("staff", scopes=scopes)


# Under each heading, everybody who must fare alike.
CALLERS: Mapping[str, Sequence[Callable[[Things], Person]]] = {
    "anon": (  # nobody, or a session that is none any more
        lambda _: people.stranger(),
        lambda _: people.with_cookie(secrets.token_urlsafe(32)),
        lambda t: sign_in(t.owner, lasts=timedelta(seconds=-1)),
        lambda t: sign_in(t.owner, unseen=timedelta(hours=12)),
        lambda _: sign_in(make_user(active=False)),
    ),
    "link": (lambda t: people.holder(t.manage_token),),  # whoever has the booking's manage link
    "miss": (  # whoever has another's, or makes one up
        lambda _: people.holder(secrets.token_urlsafe(16)),
        lambda _: people.holder(bookings.manage_token("CFGH-2345", SECRET_KEY)),
    ),
    "own": (lambda t: sign_in(t.owner),),  # the customer whose booking or session it is
    "othr": (lambda _: make_person(),),  # another customer
    "old": (lambda t: sign_in(t.owner, signed_in=LONG_AGO),),  # the owner, who signed in some time ago
    "half": (lambda t: sign_in(t.owner, stage="totp"),),  # the owner, before the second factor
    "enrl": (lambda _: make_person("staff", stage="enrol"),),  # staff, before the second factor is set up
    "stff": (lambda t: _staff(Scope(t.house.venue)), lambda t: _staff(Scope(t.house.venue, t.house.room))),
    "away": (  # staff of another venue, of another room, of nothing
        lambda t: _staff(Scope(t.house.elsewhere)),
        lambda t: _staff(Scope(t.house.venue, t.house.spare_room)),
        lambda _: _staff(),
    ),
    "adm": (lambda _: make_person("admin"),),
    "aold": (lambda _: make_person("admin", signed_in=LONG_AGO),),
    "rkey": (lambda _: make_server("bookings:read"), lambda t: make_server("bookings:read", venue_id=t.house.venue)),
    "wkey": (lambda _: make_server("bookings:write"), lambda t: make_server("bookings:write", venue_id=t.house.venue)),
    "ukey": (lambda _: make_server("users:read"),),
    "ekey": (lambda t: make_server("bookings:read", "bookings:write", venue_id=t.house.elsewhere),),  # of elsewhere
    "nkey": (  # a key that is none any more, or never was
        lambda _: make_server("bookings:read", "bookings:write", "users:read", revoked=True),
        lambda _: make_server("bookings:read", "bookings:write", "users:read", lasts=timedelta(seconds=-1)),
        lambda _: people.with_key("sk_" + secrets.token_urlsafe(32)),
        lambda _: people.with_key(""),
        lambda _: Person({"Authorization": "Basic YWRtaW46YWRtaW4="}),
    ),
}  # fmt: skip


def _target(things: Things) -> dict[str, str]:
    del things
    return {"email": f"{secrets.token_hex(6)}@example.org"}


BODIES: Mapping[str, Callable[[Things], dict[str, Any]]] = {
    "holds_make": lambda t: {"service_id": t.service_id, "starts_at": t.starts_at.isoformat()},
    "bookings_book": lambda t: {
        "service_id": t.service_id,
        "starts_at": t.starts_at.isoformat(),
        "customer": {"name": "Ada", "email": "ada@example.org"},
    },
    "bookings_reschedule": lambda t: {"starts_at": (t.starts_at + timedelta(hours=2)).isoformat()},
    "auth_register": lambda t: {"name": "Ada", **_target(t)},
    "auth_ask_code": _target,
    "auth_verify_code": lambda t: {"code": "000000", **_target(t)},
    "auth_log_in": lambda t: {"password": PASSWORD, **_target(t)},
    "auth_forgot_password": _target,
    "auth_reset_password": lambda t: {"code": "000000", "password": PASSWORD, **_target(t)},
    "totp_enter": lambda _: {"code": "000000"},
    "totp_confirm": lambda _: {"code": "000000"},
    "me_change": lambda t: {"phone": f"+4931{t.now.timestamp():.0f}"[:14]},
    "me_change_password": lambda _: {"password": PASSWORD},
    "users_create": lambda t: {"role": "customer", "name": "Bo", **_target(t)},
    "users_change_role": lambda _: {"role": "customer"},
    "message_templates_change": lambda _: {"subject": "Hello", "body": "{{ service }}", "short": "{{ ref }}"},
    "webhooks_add": lambda _: {"url": "https://hooks.example.org/", "events": ["booking.made"]},
    "webhooks_change": lambda _: {"description": "the till"},
    "catalogue_desk_create_venue": lambda _: {
        "slug": f"v-{secrets.token_hex(6)}",
        "name": "Venue",
        "timezone": "UTC",
        "currency": "EUR",
    },
    "catalogue_desk_create_resource": lambda t: {"venue_id": t.venue_id, "name": f"Room {secrets.token_hex(6)}"},
    "catalogue_desk_create_service": lambda t: {
        "venue_id": t.venue_id,
        "name": f"Service {secrets.token_hex(6)}",
        "resource_groups": [[t.resource_id]],
        "duration_minutes": 60,
    },
    "catalogue_desk_change_venue": lambda _: {"name": "Venue"},
    "catalogue_desk_change_resource": lambda _: {"name": "Room"},
    "catalogue_desk_change_service": lambda _: {"name": "Service"},
    "blackouts_close": lambda t: {
        "resource_id": t.resource_id,
        "starts_at": (t.starts_at + timedelta(days=300)).isoformat(),
        "ends_at": (t.starts_at + timedelta(days=301)).isoformat(),
        "dry_run": True,
    },
    "busy_calendars_add": lambda t: {
        "resource_id": t.resource_id,
        "url": "webcal://calendar.example.org/ada.ics?key=1",
    },
    "desk_book": lambda t: {
        "service_id": t.service_id,
        "starts_at": t.starts_at.isoformat(),
        "customer": {"name": "Ada", "email": "ada@example.org"},
    },
    "desk_decide_many": lambda t: {"verb": "cancel", "refs": [t.ref]},
    "customers_change": lambda _: {"name": "Gus G. Guest"},
    "customers_merge": lambda t: {"from": t.guest()},
    "customers_erase": lambda _: {"force": True},
    "desk_add_note": lambda _: {"text": "Calls back"},
    "api_keys_create": lambda _: {"name": "till", "scopes": ["bookings:read"]},
}
# A body that is no JSON: what it is, and what else is said of it.
FILES: Mapping[str, Callable[[Things], dict[str, str]]] = {
    "attachments_attach": lambda _: {"Content-Type": "image/png"},
    "photos_add": lambda _: {"Content-Type": "image/png"},
    "imports_bookings": lambda _: {"Content-Type": "text/csv"},
    "imports_customers": lambda _: {"Content-Type": "text/csv"},
    "uploads_append": lambda _: {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
}
CONTENTS = {  # of those that are no photo
    "imports_bookings": b"service,starts_at,customer,email\n",
    "imports_customers": b"name,email\nAda,ada@example.org\n",
}
HEADERS: Mapping[str, Callable[[Things], dict[str, str]]] = {
    "uploads_create": lambda t: {
        **TUS,
        "Upload-Length": str(len(PHOTO)),
        "Upload-Metadata": f"booking_ref {b64encode(t.ref.encode()).decode()}",
    },
    "uploads_terminate": lambda _: TUS,
    "cron_run": lambda _: {"X-Cron-Secret": CRON_SECRET},
}


def range_of(things: Things) -> dict[str, str]:
    return {"from": day_of(things.starts_at), "to": day_of(things.starts_at + timedelta(days=1))}


def day_of(at: datetime) -> str:
    return at.date().isoformat()


QUERIES: Mapping[str, Callable[[Things], dict[str, str]]] = {
    **dict.fromkeys(
        ("catalogue_desk_archive_venue", "catalogue_desk_archive_resource", "catalogue_desk_archive_service"),
        lambda _: {"force": "1"},
    ),
    "slots_list_slots": lambda t: {"from": day_of(t.starts_at), "to": day_of(t.starts_at + timedelta(days=1))},
    "slots_explain": lambda t: {"starts_at": t.starts_at.isoformat()},
    "exports_export_csv": lambda t: {**range_of(t), "venue_id": str(t.venue_id)},
    "exports_export_json_lines": range_of,
    "reports_export_pdf": lambda t: {**range_of(t), "venue_id": str(t.venue_id)},
    "blackouts_list_all": lambda t: {"venue_id": str(t.venue_id)},
    "desk_read_calendar": lambda t: {**range_of(t), "venue_id": str(t.venue_id)},
    "reports_read_day_sheet": lambda t: {"date": day_of(t.starts_at)},
    "reports_read_occupancy": lambda t: {**range_of(t), "venue_id": str(t.venue_id)},
    **dict.fromkeys(
        (
            "figures_read_occupancy",
            "figures_export_occupancy",
            "figures_read_revenue",
            "figures_read_cancellations",
            "figures_export_tallies",
            "figures_read_lead_times",
            "figures_export_lead_times",
            "figures_export_revenue_pdf",
            "figures_export_cancellations_pdf",
            "figures_export_lead_times_pdf",
        ),
        lambda t: {**range_of(t), "venue_id": str(t.venue_id)},
    ),
}


def request_of(prefix: str, route: Route, things: Things) -> dict[str, Any]:
    """Return a request that is in order but for who sends it."""
    path = _VARIABLE.sub(lambda found: str(getattr(things, found[1])), prefix + route.rule)
    what: dict[str, Any] = {"method": route.method, "path": path}
    if route.endpoint in BODIES:
        what["json"] = BODIES[route.endpoint](things)
    if route.endpoint in FILES:
        what |= {"data": CONTENTS.get(route.endpoint, PHOTO), "headers": FILES[route.endpoint](things)}
    if route.endpoint in HEADERS:
        what["headers"] = HEADERS[route.endpoint](things)
    if route.endpoint in QUERIES:
        what["query_string"] = QUERIES[route.endpoint](things)
    return what


def visit(house: House, prefix: str, route: Route, make: Callable[[Things], Person]) -> TestResponse:
    """Return what a caller gets who is new to the house, and has not asked too often."""
    things = Things(house)
    prepare(route, things)
    person, what = make(things), request_of(prefix, route, things)
    forget_throttles()
    return person.ask(house.app, **what)


# What a booking must be for the venue to decide about it: its state, and how long ago it began.
_BEFORE_DECISIONS = {
    "desk_approve": ("pending", timedelta()),
    "desk_decline": ("pending", timedelta()),
    "desk_check_in": ("confirmed", timedelta(days=3)),
    "desk_no_show": ("confirmed", timedelta(days=4)),
    "desk_complete": ("confirmed", timedelta(days=4)),
}


def prepare(route: Route, things: Things) -> None:
    if route.endpoint in _BEFORE_DECISIONS:
        status, earlier = _BEFORE_DECISIONS[route.endpoint]
        values = {"status": status, "starts_at": things.booking.starts_at - earlier}
        with session.engine().connect() as connection:
            connection.execute(update(tables.bookings).where(tables.bookings.c.ref == things.ref).values(**values))
    if route.endpoint.startswith("catalogue_desk_archive_"):  # by an earlier caller, it may be out of use
        for table in (tables.venues, tables.resources, tables.services):
            with session.engine().connect() as connection:
                connection.execute(update(table).values(active=True))
    if route.endpoint == "calendars_drop_resource_feed":
        calendar_feeds.make_of_resource(things.resource_id, by=Actor("operator"), now=things.now)
    if route.endpoint == "calendars_drop_own_feed":
        assert things.feed
    if route.endpoint == "message_templates_reset":
        words = Text("Hello", "{{ service }}", "{{ ref }}")
        message_templates.put(things.topic, things.language, words, version=None, by=Actor("operator"), now=things.now)
    if route.endpoint == "users_enable":
        users.set_active(things.user_id, active=False, by=Actor("operator"), now=things.now)


def forget_throttles() -> None:
    with session.engine().connect() as connection:
        connection.execute(delete(tables.throttles))


def word_of(route: Route, answer: TestResponse) -> str:
    """Return yes, or the word for a refusal: in, no, up, gone, bad, odd."""
    if answer.status_code == route.status:
        return "yes"
    code = (answer.get_json(silent=True) or {}).get("code", "")
    return _WORDS.get(code, f"{answer.status_code} {code}")
