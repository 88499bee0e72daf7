"""What is booked, held or taken, and what is kept beside it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint

from app.persistence.tables.columns import Document, UtcDateTime, key, metadata, ref, stamps

holds = Table(
    "holds",
    metadata,
    key(),
    Column("token_hash", String(64), nullable=False, unique=True),
    ref("service_id", "services.id", nullable=False),
    Column("starts", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("party_size", Integer, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index(None, "expires"),
)

bookings = Table(
    "bookings",
    metadata,
    key(),
    Column("ref", String(16), nullable=False, unique=True),
    Column("manage_token_hash", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    ref("venue_id", "venues.id", nullable=False),
    ref("service_id", "services.id", nullable=False),
    ref("customer_id", "customers.id", nullable=False),
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
    *stamps(),
    Index(None, "venue_id", "starts_at"),
    Index(None, "status", "starts_at"),
    Index(None, "starts_at"),
    Index(None, "customer_id"),
)

# Which resources a booking has, kept when it is cancelled; what is *taken* stands in occupancies alone.
booking_resources = Table(
    "booking_resources",
    metadata,
    ref("booking_id", "bookings.id", primary_key=True),
    ref("resource_id", "resources.id", primary_key=True),
    Index(None, "resource_id"),
)

# Reminders that have been sent, or were not due any more when the booking got its time.
reminders = Table(
    "reminders",
    metadata,
    ref("booking_id", "bookings.id", primary_key=True),
    Column("starts", BigInteger, primary_key=True, autoincrement=False),  # of the booking, when it was reminded of
    Column("minutes_before", Integer, primary_key=True, autoincrement=False),
)

# What the venue's people tell each other about a booking.
booking_notes = Table(
    "booking_notes",
    metadata,
    key(),
    ref("booking_id", "bookings.id", nullable=False),
    Column("text", Text, nullable=False),
    Column("written_by", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "booking_id"),
)

occupancies = Table(
    "occupancies",
    metadata,
    key(),
    ref("resource_id", "resources.id", nullable=False),
    Column("starts", BigInteger, nullable=False),  # buffers already folded in
    Column("ends", BigInteger, nullable=False),
    Column("units", Integer, nullable=False),
    ref("booking_id", "bookings.id", nullable=True),
    ref("hold_id", "holds.id", nullable=True),
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
