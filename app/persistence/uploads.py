"""Uploads on their way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from app.domain.attachments import Upload
from app.domain.errors import NotFound
from app.persistence.session import Session
from app.persistence.tables import uploads

_C = uploads.c
_COLUMNS = tuple(column for column in _C if column.name != "created_at")
_ADD = insert(uploads)
_GET = select(*_COLUMNS).where(_C.name == bindparam("wanted"), _C.expires > bindparam("now"))
_CHANGE = update(uploads).where(_C.id == bindparam("upload_id")).execution_options(synchronize_session=False)
_NOTE = _CHANGE.where(_C.state == "open").values(
    received=bindparam("offset"), leased=0, expires=bindparam("until")
)  # fmt: skip
_LEASE = _CHANGE.where(_C.state == "open", _C.leased <= bindparam("now")).values(leased=bindparam("until"))
_RENEW = _CHANGE.where(_C.state == "open").values(leased=bindparam("until"))
_FINISH = _CHANGE.where(_C.state == "open").values(
    state="finished",
    received=_C.length,
    leased=0,
    sha256=bindparam("sha"),
    filename=bindparam("shown"),
    media_type=bindparam("kind"),
    expires=bindparam("until"),
)
_OF_ACCOUNT = select(*_COLUMNS).where(_C.user_id == bindparam("account"))
_DROP = (
    delete(uploads)
    .where(_C.id == bindparam("upload_id"), _C.state == bindparam("known"))
    .execution_options(synchronize_session=False)
)
_NUMBER = select(func.count()).select_from(uploads).where(_C.owner == bindparam("who"), _C.expires > bindparam("now"))
_LIST = (
    select(*_COLUMNS)
    .where(_C.id > bindparam("cursor"), or_(bindparam("before") == 0, _C.expires <= bindparam("before")))
    .order_by(_C.id)
    .limit(bindparam("most"))
)


def add_upload(session: Session, values: dict[str, Any], *, now: datetime) -> Upload:
    """Insert an upload of which nothing has come."""
    row = {**values, "media_type": "", "received": 0, "state": "open", "sha256": None, "leased": 0}
    result: Any = session.execute(_ADD, {**row, "created_at": now})
    return Upload(id=int(result.inserted_primary_key[0]), **row)


def get_upload(session: Session, name: str, *, now: datetime) -> Upload:
    """Return an upload that is not over. Raises NotFound."""
    criteria = {"wanted": name, "now": int(now.timestamp())}
    row = session.execute(_GET, criteria).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such upload.")
    return Upload(**row)


def note_received(session: Session, upload_id: int, offset: int, *, until: datetime) -> None:
    """Keep how much has come, and let the next request write."""
    session.execute(_NOTE, {"upload_id": upload_id, "offset": offset, "until": int(until.timestamp())})


def lease(session: Session, upload_id: int, *, now: datetime, until: datetime) -> bool:
    """Let one request alone write for a while; tell whether nobody else does."""
    times = {"now": int(now.timestamp()), "until": int(until.timestamp())}
    return _changed(session.execute(_LEASE, {"upload_id": upload_id, **times}))


def renew_lease(session: Session, upload_id: int, *, until: datetime) -> bool:
    """Go on writing for a while; tell whether the upload is still there."""
    return _changed(session.execute(_RENEW, {"upload_id": upload_id, "until": int(until.timestamp())}))


def finish(session: Session, upload_id: int, *, sha256: str, name: str, media_type: str, until: datetime) -> bool:
    """Keep what an upload has become; its content must have been counted. Tells whether it was still open."""
    became = {"sha": sha256, "shown": name, "kind": media_type, "until": int(until.timestamp())}
    return _changed(session.execute(_FINISH, {"upload_id": upload_id, **became}))


def delete_upload(session: Session, upload_id: int, *, state: str) -> bool:
    """Delete the row, if it is in that state; tell whether it was there until now."""
    return _changed(session.execute(_DROP, {"upload_id": upload_id, "known": state}))


def count_uploads(session: Session, owner: str, *, now: datetime) -> int:
    """Return how many uploads somebody has on their way."""
    return int(session.execute(_NUMBER, {"who": owner, "now": int(now.timestamp())}).scalar_one())


def list_uploads(session: Session, *, before: datetime | None = None, cursor: int = 0, limit: int) -> list[Upload]:
    """Return uploads in the order they began, from after *cursor*; with *before* those that were over by then."""
    seconds = 0 if before is None else int(before.timestamp())
    rows = session.execute(_LIST, {"before": seconds, "cursor": cursor, "most": limit}).mappings()
    return [Upload(**row) for row in rows]


def list_of_user(session: Session, user_id: int) -> list[Upload]:
    """Return the uploads of an account; there are few."""
    return [Upload(**row) for row in session.execute(_OF_ACCOUNT, {"account": user_id}).mappings()]


def _changed(result: Any) -> bool:  # noqa: ANN401 - SQLAlchemy's types do not say that a change has a row count
    return bool(result.rowcount == 1)
