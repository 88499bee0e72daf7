"""The first tables: catalogue, calendar, bookings, idempotency keys and the audit log.

Revision ID: 0001
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
DOCUMENT = sa.Text().with_variant(MEDIUMTEXT, "mysql", "mariadb")
OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Make the tables in the order in which they refer to each other."""
    _make_venues()
    _make_resources()
    _make_special_hours()
    _make_blackouts()
    _make_services()
    _make_service_resources()
    _make_customers()
    _make_holds()
    _make_bookings()
    _make_booking_resources()
    _make_occupancies()
    _make_idempotency_keys()
    _make_audit_log()


def _table(name: str, *items: sa.Column[Any] | sa.Constraint) -> None:
    """Make a table unless a try that was cut off has made it: MySQL commits each statement."""
    op.create_table(name, *items, if_not_exists=True, **OPTIONS)


def _index(name: str, table: str, *columns: str) -> None:
    """Make an index unless a try that was cut off has made it."""
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


def _stamps() -> tuple[sa.Column[Any], ...]:
    return (
        _column("version", sa.Integer()),
        _column("created_at", sa.DateTime()),
        _column("updated_at", sa.DateTime()),
    )


def _make_venues() -> None:
    _table(
        "venues",
        *_key("venues"),
        _column("slug", sa.String(64)),
        _column("name", sa.String(200)),
        _column("timezone", sa.String(64)),
        _column("currency", sa.String(3)),
        _column("address", sa.String(500)),
        _column("email", sa.String(254)),
        _column("phone", sa.String(32)),
        *_stamps(),
        sa.UniqueConstraint("slug", name="uq_venues_slug"),
    )


def _make_resources() -> None:
    _table(
        "resources",
        *_key("resources"),
        _column("venue_id", KEY),
        _column("slug", sa.String(64)),
        _column("name", sa.String(200)),
        _column("kind", sa.String(16)),
        _column("capacity", sa.Integer()),
        _column("weekly_hours", sa.Text()),
        _column("active", sa.Boolean()),
        _column("calendar_version", sa.BigInteger()),
        *_stamps(),
        _refers("resources", "venue_id", "venues.id"),
        sa.UniqueConstraint("venue_id", "slug", name="uq_resources_venue_id_slug"),
    )


def _make_special_hours() -> None:
    _table(
        "special_hours",
        *_key("special_hours"),
        _column("resource_id", KEY),
        _column("on_date", sa.Date()),
        _column("windows", sa.Text()),
        _column("note", sa.String(200)),
        _refers("special_hours", "resource_id", "resources.id"),
        sa.UniqueConstraint("resource_id", "on_date", name="uq_special_hours_resource_id_on_date"),
    )


def _make_blackouts() -> None:
    _table(
        "blackouts",
        *_key("blackouts"),
        _column("venue_id", KEY),
        _column("resource_id", KEY, nullable=True),
        _column("starts", sa.BigInteger()),
        _column("ends", sa.BigInteger()),
        _column("reason", sa.String(200)),
        _column("uid", sa.String(255)),
        _refers("blackouts", "venue_id", "venues.id"),
        _refers("blackouts", "resource_id", "resources.id"),
        sa.UniqueConstraint("venue_id", "uid", name="uq_blackouts_venue_id_uid"),
    )
    _index("ix_blackouts_venue_id_ends", "blackouts", "venue_id", "ends")


def _make_services() -> None:
    _table(
        "services",
        *_key("services"),
        _column("venue_id", KEY),
        _column("slug", sa.String(64)),
        _column("name", sa.String(200)),
        _column("description", sa.Text()),
        _column("min_minutes", sa.Integer()),
        _column("max_minutes", sa.Integer()),
        _column("step_minutes", sa.Integer()),
        _column("slot_interval_minutes", sa.Integer()),
        _column("weekly_starts", sa.Text(), nullable=True),
        _column("buffer_before_minutes", sa.Integer()),
        _column("buffer_after_minutes", sa.Integer()),
        _column("min_notice_minutes", sa.Integer()),
        _column("horizon_days", sa.Integer()),
        _column("requires_approval", sa.Boolean()),
        _column("guest_bookings", sa.Boolean()),
        _column("max_party_size", sa.Integer(), nullable=True),
        _column("units_per_party_member", sa.Integer()),
        _column("flat_minor", sa.BigInteger()),
        _column("per_hour_minor", sa.BigInteger()),
        _column("per_person_minor", sa.BigInteger()),
        _column("deposit_percent", sa.SmallInteger()),
        _column("tax_bp", sa.Integer()),
        _column("cancellation", sa.Text()),
        _column("custom_fields", sa.Text()),
        _column("active", sa.Boolean()),
        *_stamps(),
        _refers("services", "venue_id", "venues.id"),
        sa.UniqueConstraint("venue_id", "slug", name="uq_services_venue_id_slug"),
    )


def _make_service_resources() -> None:
    _table(
        "service_resources",
        _column("service_id", KEY),
        _column("resource_id", KEY),
        _column("group_no", sa.SmallInteger()),
        _column("position", sa.SmallInteger()),
        sa.PrimaryKeyConstraint("service_id", "resource_id", name="pk_service_resources"),
        _refers("service_resources", "service_id", "services.id"),
        _refers("service_resources", "resource_id", "resources.id"),
    )
    _index("ix_service_resources_resource_id", "service_resources", "resource_id")


def _make_customers() -> None:
    _table(
        "customers",
        *_key("customers"),
        _column("name", sa.String(200)),
        _column("email", sa.String(254)),
        _column("phone", sa.String(32)),
        _column("created_at", sa.DateTime()),
    )
    _index("ix_customers_email", "customers", "email")
    _index("ix_customers_phone", "customers", "phone")


def _make_holds() -> None:
    _table(
        "holds",
        *_key("holds"),
        _column("token_hash", sa.String(64)),
        _column("service_id", KEY),
        _column("starts", sa.BigInteger()),
        _column("ends", sa.BigInteger()),
        _column("party_size", sa.Integer()),
        _column("expires", sa.BigInteger()),
        _refers("holds", "service_id", "services.id"),
        sa.UniqueConstraint("token_hash", name="uq_holds_token_hash"),
    )
    _index("ix_holds_expires", "holds", "expires")


def _make_bookings() -> None:
    _table(
        "bookings",
        *_key("bookings"),
        _column("ref", sa.String(16)),
        _column("manage_token_hash", sa.String(64)),
        _column("status", sa.String(16)),
        _column("venue_id", KEY),
        _column("service_id", KEY),
        _column("customer_id", KEY),
        _column("starts_at", sa.DateTime()),
        _column("ends_at", sa.DateTime()),
        _column("timezone", sa.String(64)),
        _column("party_size", sa.Integer()),
        _column("currency", sa.String(3)),
        _column("total_minor", sa.BigInteger()),
        _column("deposit_minor", sa.BigInteger()),
        _column("price_lines", sa.Text()),
        _column("answers", DOCUMENT),
        _column("notes", sa.Text()),
        _column("status_reason", sa.String(500)),
        *_stamps(),
        _refers("bookings", "venue_id", "venues.id"),
        _refers("bookings", "service_id", "services.id"),
        _refers("bookings", "customer_id", "customers.id"),
        sa.UniqueConstraint("ref", name="uq_bookings_ref"),
    )
    _index("ix_bookings_venue_id_starts_at", "bookings", "venue_id", "starts_at")
    _index("ix_bookings_status_starts_at", "bookings", "status", "starts_at")


def _make_booking_resources() -> None:
    _table(
        "booking_resources",
        _column("booking_id", KEY),
        _column("resource_id", KEY),
        sa.PrimaryKeyConstraint("booking_id", "resource_id", name="pk_booking_resources"),
        _refers("booking_resources", "booking_id", "bookings.id"),
        _refers("booking_resources", "resource_id", "resources.id"),
    )
    _index("ix_booking_resources_resource_id", "booking_resources", "resource_id")


def _make_occupancies() -> None:
    _table(
        "occupancies",
        *_key("occupancies"),
        _column("resource_id", KEY),
        _column("starts", sa.BigInteger()),
        _column("ends", sa.BigInteger()),
        _column("units", sa.Integer()),
        _column("booking_id", KEY, nullable=True),
        _column("hold_id", KEY, nullable=True),
        _column("expires", sa.BigInteger(), nullable=True),
        _refers("occupancies", "resource_id", "resources.id"),
        _refers("occupancies", "booking_id", "bookings.id"),
        _refers("occupancies", "hold_id", "holds.id"),
        sa.UniqueConstraint("booking_id", "resource_id", name="uq_occupancies_booking_id_resource_id"),
        sa.UniqueConstraint("hold_id", "resource_id", name="uq_occupancies_hold_id_resource_id"),
    )
    _index("ix_occupancies_calendar", "occupancies", "resource_id", "starts", "ends", "units", "expires")
    _index("ix_occupancies_expires", "occupancies", "expires")


def _make_idempotency_keys() -> None:
    _table(
        "idempotency_keys",
        _column("scope", sa.String(64)),
        _column("key_hash", sa.String(64)),
        _column("body_hash", sa.String(64)),
        _column("answer", DOCUMENT),
        _column("created_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("scope", "key_hash", name="pk_idempotency_keys"),
    )
    _index("ix_idempotency_keys_created_at", "idempotency_keys", "created_at")


def _make_audit_log() -> None:
    _table(
        "audit_log",
        *_key("audit_log"),
        _column("at", sa.DateTime()),
        _column("action", sa.String(64)),
        _column("object", sa.String(64)),
        _column("actor", sa.String(200)),
        _column("address", sa.String(64)),
        _column("request_id", sa.String(64)),
        _column("detail", sa.Text()),
    )
    _index("ix_audit_log_object_at", "audit_log", "object", "at")
    _index("ix_audit_log_at", "audit_log", "at")
