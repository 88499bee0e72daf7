"""Accounts: found by an address or a key through an index, never by looking through them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.domain.accounts import Target, User
from app.domain.actors import Scope
from app.domain.errors import Conflict, NotFound, VersionMismatch
from app.persistence.session import Session, is_duplicate
from app.persistence.tables import user_scopes, users

_C = users.c
_SELECT = select(users)
_BY_ID = _SELECT.where(_C.id == bindparam("user_id"))
_LOCK = _BY_ID.with_for_update()
_BY_EMAIL = _SELECT.where(_C.email == bindparam("address"))
_BY_PHONE = _SELECT.where(_C.phone == bindparam("address"))
_LOCK_BY = {"email": _BY_EMAIL.with_for_update(), "sms": _BY_PHONE.with_for_update()}
_LIST = (
    _SELECT.where(or_(bindparam("role") == "", _C.role == bindparam("role")), _C.id > bindparam("cursor"))
    .order_by(_C.id)
    .limit(bindparam("most"))
)
_LIST_BY_EMAIL = _LIST.where(_C.email == bindparam("email"))  # one at most, found through the index
_ADD = insert(users)
_CHANGE = update(users).where(_C.id == bindparam("user_id")).values(version=_C.version + 1, updated_at=bindparam("now"))
_RENAME = _CHANGE.where(_C.version == bindparam("seen")).values(
    name=bindparam("to_name"), contact_phone=bindparam("to_contact_phone"), language=bindparam("to_language")
)
_SET_EMAIL = _CHANGE.values(email=bindparam("to_email"))
_SET_PHONE = _CHANGE.values(phone=bindparam("to_phone"))
_SET_PASSWORD = _CHANGE.values(password_hash=bindparam("to_hash"))
_REHASH = (
    update(users)
    .where(_C.id == bindparam("user_id"), _C.password_hash == bindparam("old_hash"))
    .values(password_hash=bindparam("to_hash"))
)
_SET_ROLE = _CHANGE.values(role=bindparam("to_role"))
_SET_ACTIVE = _CHANGE.values(active=bindparam("to_active")).where(_C.active != bindparam("to_active"))
_BEGIN_TOTP = update(users).where(_C.id == bindparam("user_id")).values(totp_pending=bindparam("pending"))
_SET_TOTP = _CHANGE.values(totp_sealed=bindparam("sealed"), totp_pending=None, totp_step=bindparam("step"))
_CONFIRM_TOTP = _SET_TOTP.where(_C.totp_pending == bindparam("sealed"))
_TAKE_STEP = (
    update(users)
    .where(_C.id == bindparam("user_id"), or_(_C.totp_step.is_(None), _C.totp_step < bindparam("step")))
    .values(totp_step=bindparam("step"))
)
_ERASE = _CHANGE.values(
    name="", email=None, phone=None, contact_phone="", password_hash=None,
    totp_sealed=None, totp_pending=None, totp_step=None, active=False,
)  # fmt: skip
_SCOPES = (
    select(user_scopes.c.venue_id, user_scopes.c.resource_id)
    .where(user_scopes.c.user_id == bindparam("user_id"))
    .order_by(user_scopes.c.id)
)
_ADD_SCOPES = insert(user_scopes)
_DROP_SCOPES = delete(user_scopes).where(user_scopes.c.user_id == bindparam("user_id"))


@dataclass(frozen=True, slots=True)
class Keeping:
    """An account with what it signs in with, which leaves this and the services' floor never."""

    user: User
    password_hash: str | None
    totp_sealed: str | None
    totp_pending: str | None


def add_user(session: Session, values: dict[str, Any], *, now: datetime) -> int:
    """Insert an account and return the key.

    Raises:
        Conflict: another has the address.
    """
    fresh = {"contact_phone": "", "language": "", "active": True, "version": 1, "created_at": now, "updated_at": now}
    result: Any = _or_conflict(session, _ADD, {**fresh, **values})
    return int(result.inserted_primary_key[0])


def find_by_target(session: Session, target: Target) -> Keeping | None:
    """Return the account that an address opens."""
    statement = _BY_EMAIL if target.channel == "email" else _BY_PHONE
    return _keeping(session.execute(statement, {"address": target.address}).one_or_none())


def lock_by_target(session: Session, target: Target) -> Keeping | None:
    """Return the account that an address opens; nobody else changes it until the transaction ends."""
    return _keeping(session.execute(_LOCK_BY[target.channel], {"address": target.address}).one_or_none())


def find_user(session: Session, user_id: int) -> Keeping | None:
    """Return an account by its key."""
    return _keeping(session.execute(_BY_ID, {"user_id": user_id}).one_or_none())


def get_user(session: Session, user_id: int) -> Keeping:
    """Return an account by its key.

    Raises:
        NotFound: there is none.
    """
    found = find_user(session, user_id)
    if found is None:
        raise NotFound("There is no such account.")
    return found


def lock_user(session: Session, user_id: int) -> Keeping:
    """Return an account that nobody else changes until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    found = _keeping(session.execute(_LOCK, {"user_id": user_id}).one_or_none())
    if found is None:
        raise NotFound("There is no such account.")
    return found


def list_users(session: Session, *, role: str = "", email: str = "", cursor: int = 0, limit: int) -> list[User]:
    """Return at most *limit* accounts in the order they were made, from after *cursor*."""
    criteria = {"role": role, "cursor": cursor, "most": limit}
    rows = session.execute(_LIST_BY_EMAIL, {**criteria, "email": email}) if email else session.execute(_LIST, criteria)
    return [user_of(row) for row in rows]


def rename(session: Session, user: User, *, name: str, contact_phone: str, language: str, now: datetime) -> None:
    """Change what an account is called, where it may be called, and in which language it is written to.

    Raises:
        VersionMismatch: it is no longer the one that was read.
    """
    seen = {"user_id": user.id, "seen": user.version, "now": now}
    values = {"to_name": name, "to_contact_phone": contact_phone, "to_language": language}
    if _rowcount(session, _RENAME, {**seen, **values}) != 1:
        raise VersionMismatch("The account has just been changed; read it again.")


def set_address(session: Session, user_id: int, target: Target, *, now: datetime) -> None:
    """Make a verified address the account's own.

    Raises:
        Conflict: another account has it.
    """
    statement, name = (_SET_EMAIL, "to_email") if target.channel == "email" else (_SET_PHONE, "to_phone")
    _or_conflict(session, statement, {"user_id": user_id, "now": now, name: target.address or None})


def set_password(session: Session, user_id: int, password_hash: str | None, *, now: datetime) -> None:
    """Give an account another password, or none."""
    session.execute(_SET_PASSWORD, {"user_id": user_id, "to_hash": password_hash, "now": now})


def rehash(session: Session, user_id: int, *, old_hash: str, new_hash: str) -> None:
    """Keep the same password in a stronger form."""
    session.execute(_REHASH, {"user_id": user_id, "old_hash": old_hash, "to_hash": new_hash})


def set_role(session: Session, user_id: int, role: str, *, now: datetime) -> None:
    """Give an account another role."""
    session.execute(_SET_ROLE, {"user_id": user_id, "to_role": role, "now": now})


def set_active(session: Session, user_id: int, *, active: bool, now: datetime) -> bool:
    """Let an account in, or keep it out; tell whether that changed anything."""
    return _rowcount(session, _SET_ACTIVE, {"user_id": user_id, "to_active": active, "now": now}) == 1


def begin_totp(session: Session, user_id: int, pending: str) -> None:
    """Keep the sealed secret of an enrolment that is not confirmed yet."""
    session.execute(_BEGIN_TOTP, {"user_id": user_id, "pending": pending})


def confirm_totp(session: Session, user_id: int, *, sealed: str, step: int, now: datetime) -> bool:
    """Make the pending secret the account's own; tell whether it still was the pending one."""
    return _rowcount(session, _CONFIRM_TOTP, {"user_id": user_id, "sealed": sealed, "step": step, "now": now}) == 1


def set_totp(session: Session, user_id: int, sealed: str | None, *, now: datetime) -> None:
    """Give an account a second factor that needs no confirmation, or take it away."""
    session.execute(_SET_TOTP, {"user_id": user_id, "sealed": sealed, "step": None, "now": now})


def take_step(session: Session, user_id: int, step: int) -> bool:
    """Use up a time step; tell whether it and all later ones were unused."""
    return _rowcount(session, _TAKE_STEP, {"user_id": user_id, "step": step}) == 1


def erase(session: Session, user_id: int, *, now: datetime) -> None:
    """Take from an account all that tells who it was; the row stays for what refers to it."""
    session.execute(_ERASE, {"user_id": user_id, "now": now})


def list_scopes(session: Session, user_id: int) -> tuple[Scope, ...]:
    """Return which parts of the house a member of staff works for."""
    return tuple(Scope(*row) for row in session.execute(_SCOPES, {"user_id": user_id}))


def replace_scopes(session: Session, user_id: int, scopes: Iterable[Scope]) -> None:
    """Say anew which parts of the house a member of staff works for."""
    session.execute(_DROP_SCOPES, {"user_id": user_id})
    rows = [{"user_id": user_id, "venue_id": scope.venue_id, "resource_id": scope.resource_id} for scope in scopes]
    if rows:
        session.execute(_ADD_SCOPES, rows)


def user_of(row: Row[Any]) -> User:
    """Return the account of a row that has the columns of ``users``."""
    return User(
        id=row.id,
        role=row.role,
        name=row.name,
        email=row.email or "",
        phone=row.phone or "",
        contact_phone=row.contact_phone,
        has_password=row.password_hash is not None,
        has_totp=row.totp_sealed is not None,
        active=row.active,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        language=row.language,
    )


def _keeping(row: Row[Any] | None) -> Keeping | None:
    return None if row is None else Keeping(user_of(row), row.password_hash, row.totp_sealed, row.totp_pending)


def _rowcount(session: Session, statement: Any, values: dict[str, Any]) -> int:  # noqa: ANN401 - an update
    result: Any = session.execute(statement, values)
    return int(result.rowcount)


def _or_conflict(session: Session, statement: Any, values: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
    try:
        return session.execute(statement, values)
    except IntegrityError as error:
        if is_duplicate(error):
            raise Conflict("Another account has that address.") from None  # the driver's words name it
        raise
