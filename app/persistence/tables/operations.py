"""What the program keeps for itself: its audit, its throttles and its duties."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from app.persistence.tables.columns import UtcDateTime, key, metadata

audit_log = Table(
    "audit_log",
    metadata,
    key(),
    Column("at", UtcDateTime, nullable=False),
    Column("action", String(64), nullable=False),
    Column("object", String(64), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("address", String(64), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "object", "at"),
    Index(None, "at"),
    Index(None, "actor", "id"),
    Index(None, "action", "id"),
)

throttles = Table(
    "throttles",
    metadata,
    Column("key_hash", String(64), primary_key=True),  # of a limit's name and whom it is for
    Column("count", Integer, nullable=False),
    Column("ends", BigInteger, nullable=False),  # UTC seconds; from then on it counts anew
    Index(None, "ends"),
)

# What is to be done from time to time: a row comes with the first run.
duties = Table(
    "duties",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("claim", String(32), nullable=True),  # of the run that has it
    Column("lease_ends", BigInteger, nullable=False),  # UTC seconds: from then on another run may take it
    Column("succeeded_at", UtcDateTime, nullable=True),  # when the last run began that did all there was
    Column("failed_at", UtcDateTime, nullable=True),  # of the last run, if it failed
    Column("last_error", String(300), nullable=False),
)
