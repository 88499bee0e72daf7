"""The words of messages that admins have changed: one row for a topic in a language, none where the program's own stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from app.domain.templates import Text
from app.persistence.session import Session
from app.persistence.tables import message_templates

_C = message_templates.c
_SELECT = select(_C.topic, _C.language, _C.subject, _C.body, _C.short, _C.version, _C.updated_at)
_FIND = _SELECT.where(_C.topic == bindparam("of_topic"), _C.language == bindparam("in_language"))
_LIST = select(_C.topic, _C.language, _C.version, _C.updated_at).order_by(_C.topic, _C.language)
_ADD = insert(message_templates)
_MINE = (_C.topic == bindparam("of_topic"), _C.language == bindparam("in_language"), _C.version == bindparam("seen"))
_CHANGE = (
    update(message_templates)
    .where(*_MINE)
    .values(
        subject=bindparam("to_subject"),
        body=bindparam("to_body"),
        short=bindparam("to_short"),
        version=_C.version + 1,
        updated_at=bindparam("now"),
    )
)
_DELETE = delete(message_templates).where(*_MINE)


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """An admin's words, as they were kept; whether they still fit their topic is for the reader to see."""

    topic: str
    language: str
    text: Text
    version: int
    updated_at: datetime


def find(session: Session, topic: str, language: str) -> StoredTemplate | None:
    """Return an admin's words for a topic in a language."""
    row = session.execute(_FIND, {"of_topic": topic, "in_language": language}).one_or_none()
    if row is None:
        return None
    return StoredTemplate(row.topic, row.language, Text(row.subject, row.body, row.short), row.version, row.updated_at)


def list_changed(session: Session) -> dict[tuple[str, str], tuple[int, datetime]]:
    """Return version and time of each topic and language whose words an admin has changed."""
    return {(row.topic, row.language): (row.version, row.updated_at) for row in session.execute(_LIST)}


def add(session: Session, topic: str, language: str, text: Text, *, now: datetime) -> None:
    """Insert an admin's words. Raises IntegrityError where there are some by now."""
    row = {"topic": topic, "language": language, "subject": text.subject, "body": text.body, "short": text.short}
    session.execute(_ADD, {**row, "version": 1, "created_at": now, "updated_at": now})


def change(session: Session, before: StoredTemplate, text: Text, *, now: datetime) -> bool:
    """Tell whether the words were replaced; not if somebody else was faster."""
    values = {"to_subject": text.subject, "to_body": text.body, "to_short": text.short, "now": now}
    result: Any = session.execute(_CHANGE, {**_key(before), **values})
    return bool(result.rowcount == 1)


def remove(session: Session, before: StoredTemplate) -> bool:
    """Tell whether the words were deleted; not if somebody else was faster."""
    result: Any = session.execute(_DELETE, _key(before))
    return bool(result.rowcount == 1)


def _key(before: StoredTemplate) -> dict[str, object]:
    return {"of_topic": before.topic, "in_language": before.language, "seen": before.version}
