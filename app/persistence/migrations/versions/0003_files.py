"""Files: contents, what refers to them, and uploads on their way.

Revision ID: 0003
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.persistence.migrations.building import KEY, column, index, key, refers, table, unique

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _make_contents()
    _make_attachments()
    _make_resource_photos()
    _make_uploads()


def _of_file(of_table: str) -> tuple[sa.Column[Any] | sa.Constraint, ...]:
    return (
        column("sha256", sa.String(64)),
        column("name", sa.String(200)),
        column("media_type", sa.String(100)),
        column("size_bytes", sa.BigInteger()),
        refers(of_table, "sha256", "contents.sha256"),
    )


def _make_contents() -> None:
    table(
        "contents",
        column("sha256", sa.String(64)),
        column("size_bytes", sa.BigInteger()),
        column("reference_count", sa.Integer()),
        column("state", sa.String(16)),
        column("changed", sa.BigInteger()),
        column("created_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("sha256", name="pk_contents"),
    )
    index("contents", "state", "changed")


def _make_attachments() -> None:
    table(
        "attachments",
        *key("attachments"),
        *_of_file("attachments"),
        column("booking_id", KEY),
        column("uploaded_by", sa.String(200)),
        column("user_id", KEY, nullable=True),
        column("field_key", sa.String(64), nullable=True),
        column("created_at", sa.DateTime()),
        refers("attachments", "booking_id", "bookings.id"),
        refers("attachments", "user_id", "users.id"),
    )
    for name in ("booking_id", "user_id", "sha256"):
        index("attachments", name)


def _make_resource_photos() -> None:
    table(
        "resource_photos",
        *key("resource_photos"),
        *_of_file("resource_photos"),
        column("resource_id", KEY),
        column("width", sa.Integer()),
        column("height", sa.Integer()),
        column("position", sa.Integer()),
        column("created_at", sa.DateTime()),
        refers("resource_photos", "resource_id", "resources.id"),
    )
    index("resource_photos", "resource_id", "position")
    index("resource_photos", "sha256")


def _make_uploads() -> None:
    table(
        "uploads",
        *key("uploads"),
        column("name", sa.String(32)),
        column("owner", sa.String(64)),
        column("user_id", KEY, nullable=True),
        column("booking_id", KEY, nullable=True),
        column("use", sa.String(16)),
        column("filename", sa.String(200)),
        column("media_type", sa.String(100)),
        column("told", sa.Text()),
        column("length", sa.BigInteger()),
        column("received", sa.BigInteger()),
        column("state", sa.String(16)),
        column("sha256", sa.String(64), nullable=True),
        column("leased", sa.BigInteger()),
        column("expires", sa.BigInteger()),
        column("created_at", sa.DateTime()),
        refers("uploads", "user_id", "users.id"),
        refers("uploads", "booking_id", "bookings.id"),
        refers("uploads", "sha256", "contents.sha256"),
        unique("uploads", "name"),
    )
    for name in ("owner", "user_id", "booking_id", "expires"):
        index("uploads", name)
