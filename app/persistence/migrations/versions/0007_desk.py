"""The desk: notes about bookings, customers that are searched for, calendars elsewhere, and an audit log that is read.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa

from app.persistence.migrations.building import KEY, add_column, column, filled, index, key, refers, stamps, table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables of the desk to what the program knows."""
    add_column("venues", filled("active", sa.Boolean(), "1"))
    _make_booking_notes()
    _find_customers()
    _make_busy_calendars()
    index("bookings", "starts_at")
    index("audit_log", "actor", "id")
    index("audit_log", "action", "id")


def _make_booking_notes() -> None:
    table(
        "booking_notes",
        *key("booking_notes"),
        column("booking_id", KEY),
        column("text", sa.Text()),
        column("written_by", sa.String(200)),
        column("created_at", sa.DateTime()),
        refers("booking_notes", "booking_id", "bookings.id"),
    )
    index("booking_notes", "booking_id")


def _find_customers() -> None:
    add_column("customers", column("merged_into", KEY, nullable=True))
    add_column("customers", filled("version", sa.Integer(), "1"))
    table(
        "customer_words",
        column("word", sa.String(64)),
        column("customer_id", KEY),
        sa.PrimaryKeyConstraint("word", "customer_id", name="pk_customer_words"),
        refers("customer_words", "customer_id", "customers.id"),
    )
    index("customer_words", "customer_id")


def _make_busy_calendars() -> None:
    table(
        "busy_calendars",
        *key("busy_calendars"),
        column("resource_id", KEY),
        column("name", sa.String(200)),
        column("url_sealed", sa.Text()),
        column("etag", sa.String(255)),
        column("checked_at", sa.DateTime(), nullable=True),
        column("succeeded_at", sa.DateTime(), nullable=True),
        column("last_error", sa.String(300)),
        *stamps(),
        refers("busy_calendars", "resource_id", "resources.id"),
    )
    index("busy_calendars", "resource_id")
    add_column("blackouts", column("series", sa.String(32), nullable=True))
    add_column("blackouts", column("busy_calendar_id", KEY, nullable=True))
    index("blackouts", "busy_calendar_id")
