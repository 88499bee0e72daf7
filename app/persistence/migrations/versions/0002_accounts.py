"""Accounts: users and what they sign in with, sessions, codes, throttles, API keys; and the outbox.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.persistence.migrations.building import KEY, column, index, key, refers, table, unique

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and let a customer of a booking be somebody with an account."""
    _make_users()
    _make_user_scopes()
    _make_sessions()
    _make_one_time_codes()
    _make_recovery_codes()
    _make_throttles()
    _make_api_keys()
    _make_outbox()
    _own_customers()


def _make_users() -> None:
    table(
        "users",
        *key("users"),
        column("role", sa.String(16)),
        column("name", sa.String(200)),
        column("email", sa.String(254), nullable=True),
        column("phone", sa.String(32), nullable=True),
        column("contact_phone", sa.String(32)),
        column("password_hash", sa.String(255), nullable=True),
        column("totp_sealed", sa.String(255), nullable=True),
        column("totp_pending", sa.String(255), nullable=True),
        column("totp_step", sa.BigInteger(), nullable=True),
        column("active", sa.Boolean()),
        column("version", sa.Integer()),
        column("created_at", sa.DateTime()),
        column("updated_at", sa.DateTime()),
        unique("users", "email"),
        unique("users", "phone"),
    )
    index("users", "role", "id")


def _make_user_scopes() -> None:
    table(
        "user_scopes",
        *key("user_scopes"),
        column("user_id", KEY),
        column("venue_id", KEY),
        column("resource_id", KEY, nullable=True),
        refers("user_scopes", "user_id", "users.id"),
        refers("user_scopes", "venue_id", "venues.id"),
        refers("user_scopes", "resource_id", "resources.id"),
    )
    index("user_scopes", "user_id")


def _make_sessions() -> None:
    table(
        "sessions",
        *key("sessions"),
        column("token_hash", sa.String(64)),
        column("user_id", KEY),
        column("stage", sa.String(16)),
        column("authenticated_at", sa.DateTime()),
        column("seen_at", sa.DateTime()),
        column("idle_minutes", sa.Integer()),
        column("expires_at", sa.DateTime()),
        column("address", sa.String(64)),
        column("user_agent", sa.String(200)),
        column("created_at", sa.DateTime()),
        refers("sessions", "user_id", "users.id"),
        unique("sessions", "token_hash"),
    )
    index("sessions", "user_id")
    index("sessions", "expires_at")


def _make_one_time_codes() -> None:
    table(
        "one_time_codes",
        *key("one_time_codes"),
        column("browser_hash", sa.String(64)),
        column("purpose", sa.String(16)),
        column("target_mac", sa.String(64)),
        column("code_mac", sa.String(64)),
        column("payload", sa.Text()),
        column("attempts", sa.Integer()),
        column("began", sa.BigInteger()),
        column("expires", sa.BigInteger()),
        column("used", sa.BigInteger(), nullable=True),
        unique("one_time_codes", "browser_hash", "purpose", "target_mac"),
    )
    index("one_time_codes", "expires")


def _make_recovery_codes() -> None:
    table(
        "recovery_codes",
        column("user_id", KEY),
        column("code_hash", sa.String(64)),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_recovery_codes"),
        refers("recovery_codes", "user_id", "users.id"),
    )


def _make_throttles() -> None:
    table(
        "throttles",
        column("key_hash", sa.String(64)),
        column("count", sa.Integer()),
        column("ends", sa.BigInteger()),
        sa.PrimaryKeyConstraint("key_hash", name="pk_throttles"),
    )
    index("throttles", "ends")


def _make_api_keys() -> None:
    table(
        "api_keys",
        *key("api_keys"),
        column("name", sa.String(100)),
        column("prefix", sa.String(16)),
        column("key_hash", sa.String(64)),
        column("scopes", sa.String(500)),
        column("venue_id", KEY, nullable=True),
        column("created_by", sa.String(200)),
        column("created_at", sa.DateTime()),
        column("expires_at", sa.DateTime(), nullable=True),
        column("used_at", sa.DateTime(), nullable=True),
        column("revoked_at", sa.DateTime(), nullable=True),
        refers("api_keys", "venue_id", "venues.id"),
        unique("api_keys", "key_hash"),
    )


def _make_outbox() -> None:
    table(
        "outbox",
        *key("outbox"),
        column("topic", sa.String(64)),
        column("channel", sa.String(16)),
        column("sealed", sa.Text()),
        column("message_id", sa.String(64)),
        column("status", sa.String(16)),
        column("priority", sa.SmallInteger()),
        column("due", sa.BigInteger()),
        column("expires", sa.BigInteger(), nullable=True),
        column("attempts", sa.Integer()),
        column("claim", sa.String(32), nullable=True),
        column("last_error", sa.String(300)),
        column("created_at", sa.DateTime()),
        column("sent_at", sa.DateTime(), nullable=True),
        unique("outbox", "message_id"),
    )
    index("outbox", "status", "priority", "due")


def _own_customers() -> None:
    """Add the account a customer belongs to; addresses in small letters, as accounts have them from now on."""
    if "user_id" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("customers")}:
        op.add_column("customers", column("user_id", KEY, nullable=True))
    op.execute("UPDATE customers SET email = LOWER(email)")
    index("customers", "user_id")
    index("bookings", "customer_id")
