"""What is owed to people and servers, and who is told."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, SmallInteger, String, Table, Text, UniqueConstraint

from app.persistence.tables.columns import Key, UtcDateTime, key, metadata, ref, stamps

# What is owed to somebody, written in the transaction of what it tells of.
outbox = Table(
    "outbox",
    metadata,
    key(),
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
    key(),
    ref("outbox_id", "outbox.id", nullable=False),
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
    key(),
    ref("venue_id", "venues.id", nullable=True),  # null: every venue
    Column("url", String(500), nullable=False),
    Column("description", String(200), nullable=False),
    Column("events", String(500), nullable=False),  # words with spaces between
    Column("secret_sealed", String(255), nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("failing_since", UtcDateTime, nullable=True),
    Column("last_error", String(300), nullable=False),
    *stamps(),
)

# What an admin has put in the place of the program's own words.
message_templates = Table(
    "message_templates",
    metadata,
    key(),
    Column("topic", String(64), nullable=False),
    Column("language", String(8), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("short", String(480), nullable=False),
    *stamps(),
    UniqueConstraint("topic", "language"),
)
