"""Every table, as Core ``Table`` objects: the words of the domain and how they lie on disk.

Keys are integers. ``starts``/``ends`` are UTC minutes, ``expires`` is UTC seconds; names that end ``_at`` are UTC datetimes.
JSON documents that are always read and written whole (weekly hours, custom fields) are text columns.

How a server lays them down (InnoDB, utf8mb4 in binary order) is said by the migrations alone: named here, MySQL's dialect
would be loaded on SQLite too, 1 MiB.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Key = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime, kept to the second."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the naive UTC form that both databases store."""
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None, microsecond=0)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the stored time with its zone."""
        return None if value is None else value.replace(tzinfo=timezone.utc)


class Document(TypeDecorator[str]):
    """Text of up to 16 MiB: MEDIUMTEXT where MySQL has several sizes, asked of the dialect as its module takes 1 MiB."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the dialect's own type."""
        names: dict[str, type[TypeEngine[Any]]] = getattr(dialect, "ischema_names", {})
        return dialect.type_descriptor(names.get("mediumtext", Text)())


def _key() -> Column[int]:
    return Column("id", Key, primary_key=True, autoincrement=True)


def _ref(column: str, target: str, *, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    return Column(column, Key, ForeignKey(target), nullable=nullable, primary_key=primary_key)


def _stamps() -> tuple[Column[Any], ...]:
    return (
        Column("version", Integer, nullable=False, default=1),
        Column("created_at", UtcDateTime, nullable=False),
        Column("updated_at", UtcDateTime, nullable=False),
    )


venues = Table(
    "venues",
    metadata,
    _key(),
    Column("slug", String(64), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("address", String(500), nullable=False, default=""),
    Column("email", String(254), nullable=False, default=""),
    Column("phone", String(32), nullable=False, default=""),
    Column("language", String(8), nullable=False, default="en"),  # of what is said to those who have asked for no other
    Column("quiet_from", SmallInteger, nullable=True),  # local minutes: no short messages from then
    Column("quiet_until", SmallInteger, nullable=True),
    Column("active", Boolean, nullable=False, default=True),
    *_stamps(),
)

resources = Table(
    "resources",
    metadata,
    _key(),
    _ref("venue_id", "venues.id", nullable=False),
    Column("slug", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("kind", String(16), nullable=False),  # space, staff, equipment
    Column("capacity", Integer, nullable=False),  # units that may be taken at one instant
    Column("weekly_hours", Text, nullable=False),  # [[[opens, closes], ...], ... 7 days from Monday], local minutes
    Column("active", Boolean, nullable=False, default=True),
    Column("calendar_version", BigInteger, nullable=False, default=1),  # lock and clock: see calendar.py
    *_stamps(),
    UniqueConstraint("venue_id", "slug"),
)

special_hours = Table(
    "special_hours",
    metadata,
    _key(),
    _ref("resource_id", "resources.id", nullable=False),
    Column("on_date", Date, nullable=False),  # local to the venue
    Column("windows", Text, nullable=False),  # [[opens, closes], ...]; [] is closed; replaces the weekly hours
    Column("note", String(200), nullable=False, default=""),
    UniqueConstraint("resource_id", "on_date"),
)

blackouts = Table(
    "blackouts",
    metadata,
    _key(),
    _ref("venue_id", "venues.id", nullable=False),
    _ref("resource_id", "resources.id", nullable=True),  # null: the whole venue
    Column("starts", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("reason", String(200), nullable=False, default=""),
    Column("uid", String(255), nullable=False),  # of the calendar event it came from
    Column("series", String(32), nullable=True),  # what was entered at once, as every Monday for a year
    Column("busy_calendar_id", Key, nullable=True),  # no foreign key, as for customers.user_id
    UniqueConstraint("venue_id", "uid"),
    Index(None, "busy_calendar_id"),
    Index(None, "venue_id", "ends"),
)

services = Table(
    "services",
    metadata,
    _key(),
    _ref("venue_id", "venues.id", nullable=False),
    Column("slug", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("min_minutes", Integer, nullable=False),
    Column("max_minutes", Integer, nullable=False),  # equal to min_minutes: the duration is fixed
    Column("step_minutes", Integer, nullable=False),
    Column("slot_interval_minutes", Integer, nullable=False),
    Column("weekly_starts", Text, nullable=True),  # [[minute, ...], ... 7]; null: every slot interval from opening
    Column("buffer_before_minutes", Integer, nullable=False),
    Column("buffer_after_minutes", Integer, nullable=False),
    Column("min_notice_minutes", Integer, nullable=False),
    Column("horizon_days", Integer, nullable=False),
    Column("requires_approval", Boolean, nullable=False),
    Column("guest_bookings", Boolean, nullable=False),
    Column("max_party_size", Integer, nullable=True),
    Column("units_per_party_member", Integer, nullable=False),  # 0: a booking takes one unit, whatever its party
    Column("flat_minor", BigInteger, nullable=False),
    Column("per_hour_minor", BigInteger, nullable=False),
    Column("per_person_minor", BigInteger, nullable=False),
    Column("deposit_percent", SmallInteger, nullable=False),
    Column("tax_bp", Integer, nullable=False),  # hundredths of a percent, added to the net price
    Column("cancellation", Text, nullable=False),  # [[hours_before, refund_percent], ...], longest first
    Column("custom_fields", Text, nullable=False),  # [{key, label, type, required, choices}, ...]
    Column("reminders", String(200), nullable=False, default="[]"),  # minutes before the start, longest first
    Column("approval_minutes", Integer, nullable=True),  # after which a request lapses; null: at its start
    Column("active", Boolean, nullable=False, default=True),
    *_stamps(),
    UniqueConstraint("venue_id", "slug"),
)

# A booking needs one resource out of every group; the first group's opening hours set the starts.
service_resources = Table(
    "service_resources",
    metadata,
    _ref("service_id", "services.id", primary_key=True),
    _ref("resource_id", "resources.id", primary_key=True),
    Column("group_no", SmallInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Index(None, "resource_id"),
)

customers = Table(
    "customers",
    metadata,
    _key(),
    Column("name", String(200), nullable=False),
    Column("email", String(254), nullable=False),
    Column("phone", String(32), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("user_id", Key, nullable=True),  # no foreign key: SQLite adds none to a table that stands, and users stay
    Column("merged_into", Key, nullable=True),  # the customer that this one was found to be
    Column("version", Integer, nullable=False, default=1),
    Index(None, "email"),
    Index(None, "phone"),
    Index(None, "user_id"),
)

# What a customer is searched by: the words of name, e-mail address and telephone number, in small letters.
customer_words = Table(
    "customer_words",
    metadata,
    Column("word", String(64), primary_key=True),
    _ref("customer_id", "customers.id", primary_key=True),
    Index(None, "customer_id"),
)

holds = Table(
    "holds",
    metadata,
    _key(),
    Column("token_hash", String(64), nullable=False, unique=True),
    _ref("service_id", "services.id", nullable=False),
    Column("starts", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("party_size", Integer, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index(None, "expires"),
)

bookings = Table(
    "bookings",
    metadata,
    _key(),
    Column("ref", String(16), nullable=False, unique=True),
    Column("manage_token_hash", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    _ref("venue_id", "venues.id", nullable=False),
    _ref("service_id", "services.id", nullable=False),
    _ref("customer_id", "customers.id", nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("party_size", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("deposit_minor", BigInteger, nullable=False),
    Column("price_lines", Text, nullable=False),  # [{kind, label, quantity, unit_minor, amount_minor}, ...]
    Column("answers", Document, nullable=False),
    Column("notes", Text, nullable=False),
    Column("status_reason", String(500), nullable=False, default=""),
    Column("language", String(8), nullable=False, default=""),  # that the customer reads; none: the venue's
    Column("answer_by", UtcDateTime, nullable=True),  # of a request: when it lapses, if before its start
    *_stamps(),
    Index(None, "venue_id", "starts_at"),
    Index(None, "status", "starts_at"),
    Index(None, "starts_at"),
    Index(None, "customer_id"),
)

# Which resources a booking has, kept when it is cancelled; what is *taken* stands in occupancies alone.
booking_resources = Table(
    "booking_resources",
    metadata,
    _ref("booking_id", "bookings.id", primary_key=True),
    _ref("resource_id", "resources.id", primary_key=True),
    Index(None, "resource_id"),
)

# Reminders that have been sent, or were not due any more when the booking got its time.
reminders = Table(
    "reminders",
    metadata,
    _ref("booking_id", "bookings.id", primary_key=True),
    Column("starts", BigInteger, primary_key=True, autoincrement=False),  # of the booking, when it was reminded of
    Column("minutes_before", Integer, primary_key=True, autoincrement=False),
)

# What the venue's people tell each other about a booking.
booking_notes = Table(
    "booking_notes",
    metadata,
    _key(),
    _ref("booking_id", "bookings.id", nullable=False),
    Column("text", Text, nullable=False),
    Column("written_by", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "booking_id"),
)

occupancies = Table(
    "occupancies",
    metadata,
    _key(),
    _ref("resource_id", "resources.id", nullable=False),
    Column("starts", BigInteger, nullable=False),  # buffers already folded in
    Column("ends", BigInteger, nullable=False),
    Column("units", Integer, nullable=False),
    _ref("booking_id", "bookings.id", nullable=True),
    _ref("hold_id", "holds.id", nullable=True),
    Column("expires", BigInteger, nullable=True),  # of a hold; a booking's never ends by itself
    UniqueConstraint("booking_id", "resource_id"),
    UniqueConstraint("hold_id", "resource_id"),
    Index("ix_occupancies_calendar", "resource_id", "starts", "ends", "units", "expires"),
    Index(None, "expires"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("scope", String(64), primary_key=True),  # who called, and what for
    Column("key_hash", String(64), primary_key=True),
    Column("body_hash", String(64), nullable=False),
    Column("answer", Document, nullable=False),  # JSON; tokens are left out and derived again
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "created_at"),
)

audit_log = Table(
    "audit_log",
    metadata,
    _key(),
    Column("at", UtcDateTime, nullable=False),
    Column("action", String(64), nullable=False),
    Column("object", String(64), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("address", String(64), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "object", "at"),
    Index(None, "at"),
    Index(None, "actor", "id"),
    Index(None, "action", "id"),
)

# Only verified addresses stand in email and phone, so that whoever has one can sign in with it and nobody else can keep it.
users = Table(
    "users",
    metadata,
    _key(),
    Column("role", String(16), nullable=False),  # customer, staff, admin
    Column("name", String(200), nullable=False),
    Column("email", String(254), nullable=True, unique=True),
    Column("phone", String(32), nullable=True, unique=True),
    Column("contact_phone", String(32), nullable=False, default=""),  # as given, to be called; opens nothing
    Column("password_hash", String(255), nullable=True),
    Column("totp_sealed", String(255), nullable=True),
    Column("totp_pending", String(255), nullable=True),  # sealed; enrolment begun and not confirmed
    Column("totp_step", BigInteger, nullable=True),  # the last time step used: none is taken twice
    Column("active", Boolean, nullable=False, default=True),
    Column("language", String(8), nullable=False, default=""),
    *_stamps(),
    Index(None, "role", "id"),
)

# Which venues, or single resources, a member of staff works for.
user_scopes = Table(
    "user_scopes",
    metadata,
    _key(),
    _ref("user_id", "users.id", nullable=False),
    _ref("venue_id", "venues.id", nullable=False),
    _ref("resource_id", "resources.id", nullable=True),  # null: the whole venue
    Index(None, "user_id"),
)

sessions = Table(
    "sessions",
    metadata,
    _key(),
    Column("token_hash", String(64), nullable=False, unique=True),
    _ref("user_id", "users.id", nullable=False),
    Column("stage", String(16), nullable=False),  # totp, enrol: half-way in; full
    Column("authenticated_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("idle_minutes", Integer, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("address", String(64), nullable=False),
    Column("user_agent", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "user_id"),
    Index(None, "expires_at"),
)

# One row for each browser, purpose and address: a code sent again replaces the code and keeps the failures.
one_time_codes = Table(
    "one_time_codes",
    metadata,
    _key(),
    Column("browser_hash", String(64), nullable=False),  # of the cookie of the browser that asked
    Column("purpose", String(16), nullable=False),
    Column("target_mac", String(64), nullable=False),
    Column("code_mac", String(64), nullable=False),
    Column("payload", Text, nullable=False),  # JSON: what is done once the code is right
    Column("attempts", Integer, nullable=False),
    Column("began", BigInteger, nullable=False),  # UTC seconds; attempts count from here
    Column("expires", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=True),
    UniqueConstraint("browser_hash", "purpose", "target_mac"),
    Index(None, "expires"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    _ref("user_id", "users.id", primary_key=True),
    Column("code_hash", String(64), primary_key=True),
)

throttles = Table(
    "throttles",
    metadata,
    Column("key_hash", String(64), primary_key=True),  # of a limit's name and whom it is for
    Column("count", Integer, nullable=False),
    Column("ends", BigInteger, nullable=False),  # UTC seconds; from then on it counts anew
    Index(None, "ends"),
)

api_keys = Table(
    "api_keys",
    metadata,
    _key(),
    Column("name", String(100), nullable=False),
    Column("prefix", String(16), nullable=False),  # the beginning of the key, to tell one from another
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("scopes", String(500), nullable=False),  # words with spaces between
    _ref("venue_id", "venues.id", nullable=True),  # null: every venue
    Column("created_by", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=True),
    Column("used_at", UtcDateTime, nullable=True),
    Column("revoked_at", UtcDateTime, nullable=True),
)

# What is owed to somebody, written in the transaction of what it tells of.
outbox = Table(
    "outbox",
    metadata,
    _key(),
    Column("topic", String(64), nullable=False),
    Column("channel", String(16), nullable=False),  # event, email, sms, whatsapp, webhook
    Column("webhook_id", Key, nullable=True),  # where to; no foreign key, as for customers.user_id
    Column("venue_id", Key, nullable=True),  # whose staff may see it; null: an account's
    Column("object", String(64), nullable=False, default=""),  # what it tells of, as in the audit log
    Column("dedupe", String(120), nullable=True),  # what is said once, however often it is asked for
    Column("details", Text, nullable=True),  # JSON without anything private: what an event or webhook says
    Column("sealed", Text, nullable=False),  # recipient and content; wiped once sent
    Column("message_id", String(64), nullable=False, unique=True),
    Column("status", String(16), nullable=False),  # queued, sent, expired, dead, void
    Column("priority", SmallInteger, nullable=False),  # the smallest goes first
    Column("due", BigInteger, nullable=False),  # UTC seconds: not sent, or not tried again, before
    Column("expires", BigInteger, nullable=True),  # UTC seconds: not sent from then on
    Column("attempts", Integer, nullable=False),
    Column("claim", String(32), nullable=True),  # of the sender that has it
    Column("last_error", String(300), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime, nullable=True),
    Index("ix_outbox_due", "status", "priority", "due", "channel", "webhook_id"),
    Index(None, "dedupe", unique=True),
    Index(None, "object"),
    Index(None, "venue_id", "id"),
    Index(None, "webhook_id", "id"),
)

# Every try to send, with how it went.
deliveries = Table(
    "deliveries",
    metadata,
    _key(),
    _ref("outbox_id", "outbox.id", nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("outcome", String(16), nullable=False),  # sent, failed, refused
    Column("detail", String(300), nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Index(None, "outbox_id"),
    Index(None, "at"),
)

# Servers that are told of bookings.
webhooks = Table(
    "webhooks",
    metadata,
    _key(),
    _ref("venue_id", "venues.id", nullable=True),  # null: every venue
    Column("url", String(500), nullable=False),
    Column("description", String(200), nullable=False),
    Column("events", String(500), nullable=False),  # words with spaces between
    Column("secret_sealed", String(255), nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("failing_since", UtcDateTime, nullable=True),
    Column("last_error", String(300), nullable=False),
    *_stamps(),
)

# What an admin has put in the place of the program's own words.
message_templates = Table(
    "message_templates",
    metadata,
    _key(),
    Column("topic", String(64), nullable=False),
    Column("language", String(8), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("short", String(480), nullable=False),
    *_stamps(),
    UniqueConstraint("topic", "language"),
)

# Calendars elsewhere that say when a resource is busy: read by cron into blackouts.
busy_calendars = Table(
    "busy_calendars",
    metadata,
    _key(),
    _ref("resource_id", "resources.id", nullable=False),
    Column("name", String(200), nullable=False),
    Column("url_sealed", Text, nullable=False),  # whoever has the address reads the calendar
    Column("etag", String(255), nullable=False),
    Column("checked_at", UtcDateTime, nullable=True),
    Column("succeeded_at", UtcDateTime, nullable=True),
    Column("last_error", String(300), nullable=False),
    *_stamps(),
    Index(None, "resource_id"),
)

# What lies in the store, each content once, and how many rows below refer to it: attachments, photos and finished uploads.
contents = Table(
    "contents",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("reference_count", Integer, nullable=False),
    Column("state", String(16), nullable=False),  # kept; deleting: nobody refers to it, and it is being removed
    Column("changed", BigInteger, nullable=False),  # UTC seconds: since when it is in that state
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "state", "changed"),
)

attachments = Table(
    "attachments",
    metadata,
    _key(),
    _ref("booking_id", "bookings.id", nullable=False),
    Column("sha256", String(64), ForeignKey("contents.sha256"), nullable=False),
    Column("name", String(200), nullable=False),  # as shown and saved; nothing in the store is called that
    Column("media_type", String(100), nullable=False),  # by its first bytes
    Column("size_bytes", BigInteger, nullable=False),
    Column("uploaded_by", String(200), nullable=False),
    _ref("user_id", "users.id", nullable=True),  # whose quota it takes from
    Column("field_key", String(64), nullable=True),  # the question of the booking that it answers
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "booking_id"),
    Index(None, "user_id"),
    Index(None, "sha256"),
)

resource_photos = Table(
    "resource_photos",
    metadata,
    _key(),
    _ref("resource_id", "resources.id", nullable=False),
    Column("sha256", String(64), ForeignKey("contents.sha256"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),  # pixels
    Column("height", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "resource_id", "position"),
    Index(None, "sha256"),
)

# Files that come in several goes, until they are attached to something or over.
uploads = Table(
    "uploads",
    metadata,
    _key(),
    Column("name", String(32), nullable=False, unique=True),  # random; the draft in the store has the same
    Column("owner", String(64), nullable=False),  # hash of who may go on
    _ref("user_id", "users.id", nullable=True),
    _ref("booking_id", "bookings.id", nullable=True),
    Column("use", String(16), nullable=False),
    Column("filename", String(200), nullable=False),
    Column("media_type", String(100), nullable=False),  # known when it is finished
    Column("told", Text, nullable=False),  # Upload-Metadata as it came: the protocol gives it back
    Column("length", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),  # as of the last pause; the store knows better
    Column("state", String(16), nullable=False),  # open, finished
    Column("sha256", String(64), ForeignKey("contents.sha256"), nullable=True),
    Column("leased", BigInteger, nullable=False),  # UTC seconds: until then one request writes it
    Column("expires", BigInteger, nullable=False),  # UTC seconds
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "owner"),
    Index(None, "user_id"),
    Index(None, "booking_id"),
    Index(None, "expires"),
)

# Links to calendars that are subscribed to: one for an account, one for a resource.
calendar_feeds = Table(
    "calendar_feeds",
    metadata,
    _key(),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("user_id", Key, ForeignKey("users.id"), nullable=True, unique=True),
    Column("resource_id", Key, ForeignKey("resources.id"), nullable=True, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
)

# What is to be done from time to time: a row comes with the first run.
duties = Table(
    "duties",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("claim", String(32), nullable=True),  # of the run that has it
    Column("lease_ends", BigInteger, nullable=False),  # UTC seconds: from then on another run may take it
    Column("succeeded_at", UtcDateTime, nullable=True),  # when the last run began that did all there was
    Column("failed_at", UtcDateTime, nullable=True),  # of the last run, if it failed
    Column("last_error", String(300), nullable=False),
)
