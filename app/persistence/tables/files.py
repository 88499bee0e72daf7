"""Files, their drafts, and links to calendars."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from app.persistence.tables.columns import Key, UtcDateTime, key, metadata, ref

# What lies in the store, each content once, and how many rows below refer to it: attachments, photos and finished uploads.
contents = Table(
    "contents",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("reference_count", Integer, nullable=False),
    Column("state", String(16), nullable=False),  # kept; deleting: nobody refers to it, and it is being removed
    Column("changed", BigInteger, nullable=False),  # UTC seconds: since when it is in that state
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "state", "changed"),
)

attachments = Table(
    "attachments",
    metadata,
    key(),
    ref("booking_id", "bookings.id", nullable=False),
    Column("sha256", String(64), ForeignKey("contents.sha256"), nullable=False),
    Column("name", String(200), nullable=False),  # as shown and saved; nothing in the store is called that
    Column("media_type", String(100), nullable=False),  # by its first bytes
    Column("size_bytes", BigInteger, nullable=False),
    Column("uploaded_by", String(200), nullable=False),
    ref("user_id", "users.id", nullable=True),  # whose quota it takes from
    Column("field_key", String(64), nullable=True),  # the question of the booking that it answers
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "booking_id"),
    Index(None, "user_id"),
    Index(None, "sha256"),
)

resource_photos = Table(
    "resource_photos",
    metadata,
    key(),
    ref("resource_id", "resources.id", nullable=False),
    Column("sha256", String(64), ForeignKey("contents.sha256"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),  # pixels
    Column("height", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "resource_id", "position"),
    Index(None, "sha256"),
)

# Files that come in several goes, until they are attached to something or over.
uploads = Table(
    "uploads",
    metadata,
    key(),
    Column("name", String(32), nullable=False, unique=True),  # random; the draft in the store has the same
    Column("owner", String(64), nullable=False),  # hash of who may go on
    ref("user_id", "users.id", nullable=True),
    ref("booking_id", "bookings.id", nullable=True),
    Column("use", String(16), nullable=False),
    Column("filename", String(200), nullable=False),
    Column("media_type", String(100), nullable=False),  # known when it is finished
    Column("told", Text, nullable=False),  # Upload-Metadata as it came: the protocol gives it back
    Column("length", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),  # as of the last pause; the store knows better
    Column("state", String(16), nullable=False),  # open, finished
    Column("sha256", String(64), ForeignKey("contents.sha256"), nullable=True),
    Column("leased", BigInteger, nullable=False),  # UTC seconds: until then one request writes it
    Column("expires", BigInteger, nullable=False),  # UTC seconds
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "owner"),
    Index(None, "user_id"),
    Index(None, "booking_id"),
    Index(None, "expires"),
)

# Links to calendars that are subscribed to: one for an account, one for a resource.
calendar_feeds = Table(
    "calendar_feeds",
    metadata,
    key(),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("user_id", Key, ForeignKey("users.id"), nullable=True, unique=True),
    Column("resource_id", Key, ForeignKey("resources.id"), nullable=True, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
)
