"""What lies in the store, and how many rows refer to it. Only content that nobody refers to is ever removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.domain.errors import Busy
from app.persistence.session import Session, is_duplicate
from app.persistence.tables import contents

_C = contents.c
_THIS = _C.sha256 == bindparam("sha")
_CHANGE = update(contents).execution_options(synchronize_session=False)
_ADD = insert(contents)
_MORE = _CHANGE.where(_THIS, _C.state == "kept").values(reference_count=_C.reference_count + 1)
_LESS = _CHANGE.where(_THIS, _C.reference_count > 0).values(reference_count=_C.reference_count - 1)
_GIVE_UP = _CHANGE.where(_THIS, _C.reference_count == 0, _C.state == "kept").values(
    state="deleting", changed=bindparam("at")
)
_DROP = (
    delete(contents).where(_THIS, _C.state == "deleting", _C.changed <= bindparam("until")).execution_options(
        synchronize_session=False
    )
)  # fmt: skip
_DELETING = (
    select(_C.sha256)
    .where(_C.state == "deleting", _C.changed <= bindparam("until"), _C.sha256 > bindparam("cursor"))
    .order_by(_C.sha256)
    .limit(bindparam("most"))
)
_KNOWN = select(_C.sha256).where(_C.sha256.in_(bindparam("names", expanding=True)))
_PAGE = (
    select(_C.sha256, _C.size_bytes, _C.state)
    .where(_C.sha256 > bindparam("cursor"))
    .order_by(_C.sha256)
    .limit(bindparam("most"))
)


def add_reference(session: Session, sha256: str, size_bytes: int, *, now: datetime) -> bool:
    """Count one more row that refers to content; tell whether the content is new here.

    Whatever the answer, the content's row is locked until the end of the transaction.

    Raises:
        Busy: the content is being removed at this moment.
    """
    if _count(session.execute(_MORE, {"sha": sha256})):
        return False
    try:
        session.execute(_ADD, _row(sha256, size_bytes, count=1, state="kept", now=now))
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        if not _count(session.execute(_MORE, {"sha": sha256})):
            raise Busy("The same file is being removed at this moment: send it again.") from None
        return False
    return True


def drop_reference(session: Session, sha256: str, *, now: datetime) -> bool:
    """Count one row less; tell whether that was the last, and the content is to be removed from the store."""
    session.execute(_LESS, {"sha": sha256})
    return bool(_count(session.execute(_GIVE_UP, {"sha": sha256, "at": int(now.timestamp())})))


def claim_stray(session: Session, sha256: str, *, now: datetime) -> bool:
    """Mark content that no row knows as being removed; False where there is a row."""
    try:
        session.execute(_ADD, _row(sha256, 0, count=0, state="deleting", now=now))
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        return False
    return True


def delete_content(session: Session, sha256: str, *, until: datetime) -> bool:
    """Delete the row of content that is being removed since *until* or longer, and hold its lock; tell whether there was one."""
    return bool(_count(session.execute(_DROP, {"sha": sha256, "until": int(until.timestamp())})))


def list_deleting(session: Session, *, until: datetime, cursor: str, limit: int) -> Sequence[str]:
    """Return content that is being removed since *until* or longer, in order of its name, from after *cursor*."""
    criteria = {"until": int(until.timestamp()), "cursor": cursor, "most": limit}
    return session.execute(_DELETING, criteria).scalars().all()


def known_of(session: Session, names: Sequence[str]) -> set[str]:
    """Return those of the names that have a row."""
    return set(session.execute(_KNOWN, {"names": list(names)}).scalars())


def list_contents(session: Session, *, cursor: str, limit: int) -> list[tuple[str, int, str]]:
    """Return name, size and state of content in order of its name, from after *cursor*."""
    rows = session.execute(_PAGE, {"cursor": cursor, "most": limit})
    return [(sha256, size, state) for sha256, size, state in rows]


def _row(sha256: str, size_bytes: int, *, count: int, state: str, now: datetime) -> dict[str, Any]:
    return {
        "sha256": sha256,
        "size_bytes": size_bytes,
        "reference_count": count,
        "state": state,
        "changed": int(now.timestamp()),
        "created_at": now,
    }


def _count(result: Any) -> int:  # noqa: ANN401 - SQLAlchemy's types do not say that a change has a row count
    return int(result.rowcount)
