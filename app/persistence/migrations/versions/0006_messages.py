"""Messages: what is said to whom in which language, reminders, webhooks, and every try to send.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa

from app.persistence.migrations.building import (
    KEY,
    add_column,
    column,
    drop_index,
    filled,
    index,
    key,
    named_index,
    refers,
    stamps,
    table,
    unique,
    unique_index,
)

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables of messages to what the program knows."""
    _give_languages()
    _give_reminders()
    _widen_outbox()
    _make_webhooks()
    _make_message_templates()


def _give_languages() -> None:
    add_column("venues", filled("language", sa.String(8), "'en'"))
    add_column("bookings", filled("language", sa.String(8), "''"))
    add_column("users", filled("language", sa.String(8), "''"))


def _give_reminders() -> None:
    add_column("venues", column("quiet_from", sa.SmallInteger(), nullable=True))
    add_column("venues", column("quiet_until", sa.SmallInteger(), nullable=True))
    add_column("services", filled("reminders", sa.String(200), "'[]'"))
    add_column("services", column("approval_minutes", sa.Integer(), nullable=True))
    add_column("bookings", column("answer_by", sa.DateTime(), nullable=True))
    table(
        "reminders",
        column("booking_id", KEY),
        sa.Column("starts", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("minutes_before", sa.Integer(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("booking_id", "starts", "minutes_before", name="pk_reminders"),
        refers("reminders", "booking_id", "bookings.id"),
    )


def _widen_outbox() -> None:
    add_column("outbox", column("webhook_id", KEY, nullable=True))
    add_column("outbox", column("venue_id", KEY, nullable=True))
    add_column("outbox", column("details", sa.Text(), nullable=True))
    add_column("outbox", filled("object", sa.String(64), "''"))
    add_column("outbox", column("dedupe", sa.String(120), nullable=True))
    named_index("ix_outbox_due", "outbox", "status", "priority", "due", "channel", "webhook_id")
    drop_index("ix_outbox_status_priority_due", "outbox")
    unique_index("outbox", "dedupe")
    index("outbox", "object")
    index("outbox", "venue_id", "id")
    index("outbox", "webhook_id", "id")
    table(
        "deliveries",
        *key("deliveries"),
        column("outbox_id", KEY),
        column("at", sa.DateTime()),
        column("outcome", sa.String(16)),
        column("detail", sa.String(300)),
        column("milliseconds", sa.Integer()),
        refers("deliveries", "outbox_id", "outbox.id"),
    )
    index("deliveries", "outbox_id")
    index("deliveries", "at")


def _make_webhooks() -> None:
    table(
        "webhooks",
        *key("webhooks"),
        column("venue_id", KEY, nullable=True),
        column("url", sa.String(500)),
        column("description", sa.String(200)),
        column("events", sa.String(500)),
        column("secret_sealed", sa.String(255)),
        column("active", sa.Boolean()),
        column("failing_since", sa.DateTime(), nullable=True),
        column("last_error", sa.String(300)),
        *stamps(),
        refers("webhooks", "venue_id", "venues.id"),
    )


def _make_message_templates() -> None:
    table(
        "message_templates",
        *key("message_templates"),
        column("topic", sa.String(64)),
        column("language", sa.String(8)),
        column("subject", sa.String(200)),
        column("body", sa.Text()),
        column("short", sa.String(480)),
        *stamps(),
        unique("message_templates", "topic", "language"),
    )
