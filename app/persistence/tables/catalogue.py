"""What can be booked: venues, their resources, services, hours and closed times."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.persistence.tables.columns import Key, UtcDateTime, key, metadata, ref, stamps

venues = Table(
    "venues",
    metadata,
    key(),
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
    *stamps(),
)

resources = Table(
    "resources",
    metadata,
    key(),
    ref("venue_id", "venues.id", nullable=False),
    Column("slug", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("kind", String(16), nullable=False),  # space, staff, equipment
    Column("capacity", Integer, nullable=False),  # units that may be taken at one instant
    Column("weekly_hours", Text, nullable=False),  # [[[opens, closes], ...], ... 7 days from Monday], local minutes
    Column("active", Boolean, nullable=False, default=True),
    Column("calendar_version", BigInteger, nullable=False, default=1),  # lock and clock: see calendar.py
    *stamps(),
    UniqueConstraint("venue_id", "slug"),
)

special_hours = Table(
    "special_hours",
    metadata,
    key(),
    ref("resource_id", "resources.id", nullable=False),
    Column("on_date", Date, nullable=False),  # local to the venue
    Column("windows", Text, nullable=False),  # [[opens, closes], ...]; [] is closed; replaces the weekly hours
    Column("note", String(200), nullable=False, default=""),
    UniqueConstraint("resource_id", "on_date"),
)

blackouts = Table(
    "blackouts",
    metadata,
    key(),
    ref("venue_id", "venues.id", nullable=False),
    ref("resource_id", "resources.id", nullable=True),  # null: the whole venue
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

# Calendars elsewhere that say when a resource is busy: read by cron into blackouts.
busy_calendars = Table(
    "busy_calendars",
    metadata,
    key(),
    ref("resource_id", "resources.id", nullable=False),
    Column("name", String(200), nullable=False),
    Column("url_sealed", Text, nullable=False),  # whoever has the address reads the calendar
    Column("etag", String(255), nullable=False),
    Column("checked_at", UtcDateTime, nullable=True),
    Column("succeeded_at", UtcDateTime, nullable=True),
    Column("last_error", String(300), nullable=False),
    *stamps(),
    Index(None, "resource_id"),
)

services = Table(
    "services",
    metadata,
    key(),
    ref("venue_id", "venues.id", nullable=False),
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
    *stamps(),
    UniqueConstraint("venue_id", "slug"),
)

# A booking needs one resource out of every group; the first group's opening hours set the starts.
service_resources = Table(
    "service_resources",
    metadata,
    ref("service_id", "services.id", primary_key=True),
    ref("resource_id", "resources.id", primary_key=True),
    Column("group_no", SmallInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Index(None, "resource_id"),
)
