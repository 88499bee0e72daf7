"""Accounts: users and what they sign in with, sessions, codes, throttles, API keys; and the outbox.

Revision ID: 0002
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


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


def _make_users() -> None:
    _table(
        "users",
        *_key("users"),
        _column("role", sa.String(16)),
        _column("name", sa.String(200)),
        _column("email", sa.String(254), nullable=True),
        _column("phone", sa.String(32), nullable=True),
        _column("contact_phone", sa.String(32)),
        _column("password_hash", sa.String(255), nullable=True),
        _column("totp_sealed", sa.String(255), nullable=True),
        _column("totp_pending", sa.String(255), nullable=True),
        _column("totp_step", sa.BigInteger(), nullable=True),
        _column("active", sa.Boolean()),
        _column("version", sa.Integer()),
        _column("created_at", sa.DateTime()),
        _column("updated_at", sa.DateTime()),
        _unique("users", "email"),
        _unique("users", "phone"),
    )
    _index("users", "role", "id")


def _make_user_scopes() -> None:
    _table(
        "user_scopes",
        *_key("user_scopes"),
        _column("user_id", KEY),
        _column("venue_id", KEY),
        _column("resource_id", KEY, nullable=True),
        _refers("user_scopes", "user_id", "users.id"),
        _refers("user_scopes", "venue_id", "venues.id"),
        _refers("user_scopes", "resource_id", "resources.id"),
    )
    _index("user_scopes", "user_id")


def _make_sessions() -> None:
    _table(
        "sessions",
        *_key("sessions"),
        _column("token_hash", sa.String(64)),
        _column("user_id", KEY),
        _column("stage", sa.String(16)),
        _column("authenticated_at", sa.DateTime()),
        _column("seen_at", sa.DateTime()),
        _column("idle_minutes", sa.Integer()),
        _column("expires_at", sa.DateTime()),
        _column("address", sa.String(64)),
        _column("user_agent", sa.String(200)),
        _column("created_at", sa.DateTime()),
        _refers("sessions", "user_id", "users.id"),
        _unique("sessions", "token_hash"),
    )
    _index("sessions", "user_id")
    _index("sessions", "expires_at")


def _make_one_time_codes() -> None:
    _table(
        "one_time_codes",
        *_key("one_time_codes"),
        _column("browser_hash", sa.String(64)),
        _column("purpose", sa.String(16)),
        _column("target_mac", sa.String(64)),
        _column("code_mac", sa.String(64)),
        _column("payload", sa.Text()),
        _column("attempts", sa.Integer()),
        _column("began", sa.BigInteger()),
        _column("expires", sa.BigInteger()),
        _column("used", sa.BigInteger(), nullable=True),
        _unique("one_time_codes", "browser_hash", "purpose", "target_mac"),
    )
    _index("one_time_codes", "expires")


def _make_recovery_codes() -> None:
    _table(
        "recovery_codes",
        _column("user_id", KEY),
        _column("code_hash", sa.String(64)),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_recovery_codes"),
        _refers("recovery_codes", "user_id", "users.id"),
    )


def _make_throttles() -> None:
    _table(
        "throttles",
        _column("key_hash", sa.String(64)),
        _column("count", sa.Integer()),
        _column("ends", sa.BigInteger()),
        sa.PrimaryKeyConstraint("key_hash", name="pk_throttles"),
    )
    _index("throttles", "ends")


def _make_api_keys() -> None:
    _table(
        "api_keys",
        *_key("api_keys"),
        _column("name", sa.String(100)),
        _column("prefix", sa.String(16)),
        _column("key_hash", sa.String(64)),
        _column("scopes", sa.String(500)),
        _column("venue_id", KEY, nullable=True),
        _column("created_by", sa.String(200)),
        _column("created_at", sa.DateTime()),
        _column("expires_at", sa.DateTime(), nullable=True),
        _column("used_at", sa.DateTime(), nullable=True),
        _column("revoked_at", sa.DateTime(), nullable=True),
        _refers("api_keys", "venue_id", "venues.id"),
        _unique("api_keys", "key_hash"),
    )


def _make_outbox() -> None:
    _table(
        "outbox",
        *_key("outbox"),
        _column("topic", sa.String(64)),
        _column("channel", sa.String(16)),
        _column("sealed", sa.Text()),
        _column("message_id", sa.String(64)),
        _column("status", sa.String(16)),
        _column("priority", sa.SmallInteger()),
        _column("due", sa.BigInteger()),
        _column("expires", sa.BigInteger(), nullable=True),
        _column("attempts", sa.Integer()),
        _column("claim", sa.String(32), nullable=True),
        _column("last_error", sa.String(300)),
        _column("created_at", sa.DateTime()),
        _column("sent_at", sa.DateTime(), nullable=True),
        _unique("outbox", "message_id"),
    )
    _index("outbox", "status", "priority", "due")


def _own_customers() -> None:
    """Add the account a customer belongs to; addresses in small letters, as accounts have them from now on."""
    if "user_id" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("customers")}:
        op.add_column("customers", _column("user_id", KEY, nullable=True))
    op.execute("UPDATE customers SET email = LOWER(email)")
    _index("customers", "user_id")
    _index("bookings", "customer_id")
