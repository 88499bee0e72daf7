"""Files: contents, what refers to them, and uploads on their way.

Revision ID: 0003
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Make the tables."""
    _make_contents()
    _make_attachments()
    _make_resource_photos()
    _make_uploads()


def _table(name: str, *items: sa.Column[Any] | sa.Constraint) -> None:
    """Make a table unless a try that was cut off has made it: MySQL commits each statement."""
    op.create_table(name, *items, if_not_exists=True, **OPTIONS)


def _index(table: str, *columns: str) -> None:
    """Make an index unless a try that was cut off has made it."""
    name = f"ix_{table}_{'_'.join(columns)}"
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, list(columns))


def _column(name: str, kind: Any, *, nullable: bool = False) -> sa.Column[Any]:  # noqa: ANN401 - any column type
    return sa.Column(name, kind, nullable=nullable)


def _key(table: str) -> tuple[sa.Column[Any], sa.Constraint]:
    return (
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def _refers(table: str, column: str, target: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def _unique(table: str, *columns: str) -> sa.Constraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def _of_file(table: str) -> tuple[sa.Column[Any] | sa.Constraint, ...]:
    return (
        _column("sha256", sa.String(64)),
        _column("name", sa.String(200)),
        _column("media_type", sa.String(100)),
        _column("size_bytes", sa.BigInteger()),
        _refers(table, "sha256", "contents.sha256"),
    )


def _make_contents() -> None:
    _table(
        "contents",
        _column("sha256", sa.String(64)),
        _column("size_bytes", sa.BigInteger()),
        _column("reference_count", sa.Integer()),
        _column("state", sa.String(16)),
        _column("changed", sa.BigInteger()),
        _column("created_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("sha256", name="pk_contents"),
    )
    _index("contents", "state", "changed")


def _make_attachments() -> None:
    _table(
        "attachments",
        *_key("attachments"),
        *_of_file("attachments"),
        _column("booking_id", KEY),
        _column("uploaded_by", sa.String(200)),
        _column("user_id", KEY, nullable=True),
        _column("field_key", sa.String(64), nullable=True),
        _column("created_at", sa.DateTime()),
        _refers("attachments", "booking_id", "bookings.id"),
        _refers("attachments", "user_id", "users.id"),
    )
    for column in ("booking_id", "user_id", "sha256"):
        _index("attachments", column)


def _make_resource_photos() -> None:
    _table(
        "resource_photos",
        *_key("resource_photos"),
        *_of_file("resource_photos"),
        _column("resource_id", KEY),
        _column("width", sa.Integer()),
        _column("height", sa.Integer()),
        _column("position", sa.Integer()),
        _column("created_at", sa.DateTime()),
        _refers("resource_photos", "resource_id", "resources.id"),
    )
    _index("resource_photos", "resource_id", "position")
    _index("resource_photos", "sha256")


def _make_uploads() -> None:
    _table(
        "uploads",
        *_key("uploads"),
        _column("name", sa.String(32)),
        _column("owner", sa.String(64)),
        _column("user_id", KEY, nullable=True),
        _column("booking_id", KEY, nullable=True),
        _column("use", sa.String(16)),
        _column("filename", sa.String(200)),
        _column("media_type", sa.String(100)),
        _column("told", sa.Text()),
        _column("length", sa.BigInteger()),
        _column("received", sa.BigInteger()),
        _column("state", sa.String(16)),
        _column("sha256", sa.String(64), nullable=True),
        _column("leased", sa.BigInteger()),
        _column("expires", sa.BigInteger()),
        _column("created_at", sa.DateTime()),
        _refers("uploads", "user_id", "users.id"),
        _refers("uploads", "booking_id", "bookings.id"),
        _refers("uploads", "sha256", "contents.sha256"),
        _unique("uploads", "name"),
    )
    for column in ("owner", "user_id", "booking_id", "expires"):
        _index("uploads", column)
