"""Who people are: accounts, what they sign in with, and customers, who may have none."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from app.persistence.tables.columns import Key, UtcDateTime, key, metadata, ref, stamps

# Only verified addresses stand in email and phone, so that whoever has one can sign in with it and nobody else can keep it.
users = Table(
    "users",
    metadata,
    key(),
    Column("role", String(16), nullable=False),  # customer, staff, admin
    Column("name", String(200), nullable=False),
    Column("email", String(254), nullable=True, unique=True),
    Column("phone", String(32), nullable=True, unique=True),
    Column("contact_phone", String(32), nullable=False, default=""),  # as given, to be called; opens nothing
    Column("password_hash", String(255), nullable=True),
    Column("totp_sealed", String(255), nullable=True),
    Column("totp_pending", String(255), nullable=True),  # sealed; enrolment begun and not confirmed
    Column("totp_step", BigInteger, nullable=True),  # the last time step used: none is taken twice
    Column("active", Boolean, nullable=False, default=True),
    Column("language", String(8), nullable=False, default=""),
    *stamps(),
    Index(None, "role", "id"),
)

# Which venues, or single resources, a member of staff works for.
user_scopes = Table(
    "user_scopes",
    metadata,
    key(),
    ref("user_id", "users.id", nullable=False),
    ref("venue_id", "venues.id", nullable=False),
    ref("resource_id", "resources.id", nullable=True),  # null: the whole venue
    Index(None, "user_id"),
)

sessions = Table(
    "sessions",
    metadata,
    key(),
    Column("token_hash", String(64), nullable=False, unique=True),
    ref("user_id", "users.id", nullable=False),
    Column("stage", String(16), nullable=False),  # totp, enrol: half-way in; full
    Column("authenticated_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("idle_minutes", Integer, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("address", String(64), nullable=False),
    Column("user_agent", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "user_id"),
    Index(None, "expires_at"),
)

# One row for each browser, purpose and address: a code sent again replaces the code and keeps the failures.
one_time_codes = Table(
    "one_time_codes",
    metadata,
    key(),
    Column("browser_hash", String(64), nullable=False),  # of the cookie of the browser that asked
    Column("purpose", String(16), nullable=False),
    Column("target_mac", String(64), nullable=False),
    Column("code_mac", String(64), nullable=False),
    Column("payload", Text, nullable=False),  # JSON: what is done once the code is right
    Column("attempts", Integer, nullable=False),
    Column("began", BigInteger, nullable=False),  # UTC seconds; attempts count from here
    Column("expires", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=True),
    UniqueConstraint("browser_hash", "purpose", "target_mac"),
    Index(None, "expires"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    ref("user_id", "users.id", primary_key=True),
    Column("code_hash", String(64), primary_key=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    key(),
    Column("name", String(100), nullable=False),
    Column("prefix", String(16), nullable=False),  # the beginning of the key, to tell one from another
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("scopes", String(500), nullable=False),  # words with spaces between
    ref("venue_id", "venues.id", nullable=True),  # null: every venue
    Column("created_by", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=True),
    Column("used_at", UtcDateTime, nullable=True),
    Column("revoked_at", UtcDateTime, nullable=True),
)

customers = Table(
    "customers",
    metadata,
    key(),
    Column("name", String(200), nullable=False),
    Column("email", String(254), nullable=False),
    Column("phone", String(32), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("user_id", Key, nullable=True),  # no foreign key: SQLite adds none to a table that stands, and users stay
    Column("merged_into", Key, nullable=True),  # the customer that this one was found to be
    Column("version", Integer, nullable=False, default=1),
    Index(None, "email"),
    Index(None, "phone"),
    Index(None, "user_id"),
)

# What a customer is searched by: the words of name, e-mail address and telephone number, in small letters.
customer_words = Table(
    "customer_words",
    metadata,
    Column("word", String(64), primary_key=True),
    ref("customer_id", "customers.id", primary_key=True),
    Index(None, "customer_id"),
)
