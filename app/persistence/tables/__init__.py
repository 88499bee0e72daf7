"""Every table, as Core ``Table`` objects: the words of the domain and how they lie on disk.

Keys are integers. ``starts``/``ends`` are UTC minutes, ``expires`` is UTC seconds; names that end ``_at`` are UTC datetimes.
JSON documents that are always read and written whole (weekly hours, custom fields) are text columns.

How a server lays them down (InnoDB, utf8mb4 in binary order) is said by the migrations alone: named here, MySQL's dialect
would be loaded on SQLite too, 1 MiB.
"""

from __future__ import annotations

from app.persistence.tables.accounts import (
    api_keys,
    customer_words,
    customers,
    one_time_codes,
    recovery_codes,
    sessions,
    user_scopes,
    users,
)
from app.persistence.tables.calendar import (
    booking_notes,
    booking_resources,
    bookings,
    holds,
    idempotency_keys,
    occupancies,
    reminders,
)
from app.persistence.tables.catalogue import (
    blackouts,
    busy_calendars,
    resources,
    service_resources,
    services,
    special_hours,
    venues,
)
from app.persistence.tables.columns import UtcDateTime, metadata
from app.persistence.tables.files import attachments, calendar_feeds, contents, resource_photos, uploads
from app.persistence.tables.messages import deliveries, message_templates, outbox, webhooks
from app.persistence.tables.operations import audit_log, duties, throttles

__all__ = [
    "UtcDateTime",
    "api_keys",
    "attachments",
    "audit_log",
    "blackouts",
    "booking_notes",
    "booking_resources",
    "bookings",
    "busy_calendars",
    "calendar_feeds",
    "contents",
    "customer_words",
    "customers",
    "deliveries",
    "duties",
    "holds",
    "idempotency_keys",
    "message_templates",
    "metadata",
    "occupancies",
    "one_time_codes",
    "outbox",
    "recovery_codes",
    "reminders",
    "resource_photos",
    "resources",
    "service_resources",
    "services",
    "sessions",
    "special_hours",
    "throttles",
    "uploads",
    "user_scopes",
    "users",
    "venues",
    "webhooks",
]
