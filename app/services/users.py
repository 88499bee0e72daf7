"""What admins do with other people's accounts: make staff, let in and keep out, give roles and their part of the house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.accounts import STAFF_ROLES, User, check_addresses, check_name, check_role
from app.domain.actors import Actor, Scope
from app.domain.errors import Conflict, Invalid, NotFound
from app.persistence import listings, sessions, users
from app.persistence.audit import add_audit
from app.persistence.outbox import add_event
from app.persistence.session import Session, reading, transaction, use_case
from app.persistence.users import Keeping
from app.runtime.settings import Settings
from app.services import totp
from app.services.messages import owe
from app.services.passwords import check_new_password, hash_password
from app.services.sign_in import addresses_of


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to be made by an admin: its addresses count as verified."""

    role: str
    name: str
    email: str | None = None
    phone: str | None = None
    password: str | None = None
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a new member of staff needs to sign in, told this once: the address for the app, and recovery codes."""

    user: User
    otpauth_uri: str | None
    recovery_codes: tuple[str, ...]


def create(settings: Settings, new: NewUser, *, by: Actor, now: datetime) -> Enrolment:
    """Make an account; staff and admins get a second factor that counts at once.

    Raises:
        Invalid: a field cannot be used. Conflict: another account has an address. NotFound: a scope names nothing.
    """
    check_role(new.role)
    name, (email, phone) = check_name(new.name), check_addresses(new.email, new.phone)
    if new.role in STAFF_ROLES and (not email or new.password is None):
        raise Invalid.field("email", "required", "Staff and admins sign in with an e-mail address and a password.")
    _check_scopes(new.role, new.scopes)
    password_hash = None
    if new.password is not None:
        password_hash = hash_password(check_new_password(new.password), settings.hash_profile)
    row = {
        "role": new.role,
        "name": name,
        "email": email or None,
        "phone": phone or None,
        "password_hash": password_hash,
    }
    return _create(settings, row, new.scopes, by=by, now=now)


@use_case
def _create(
    settings: Settings, row: dict[str, str | None], scopes: Sequence[Scope], *, by: Actor, now: datetime
) -> Enrolment:
    with transaction() as session:
        _require_places(session, scopes)
        user = users.get_user(session, users.add_user(session, row, now=now)).user
        users.replace_scopes(session, user.id, scopes)
        uri, codes = totp.give(session, settings, user, now=now) if user.needs_totp else (None, [])
        add_audit(session, "user.created", f"user:{user.id}", by=by, now=now, role=user.role, scopes=scopes)
        return Enrolment(users.get_user(session, user.id).user, uri, tuple(codes))


@use_case
def set_active(user_id: int, *, active: bool, by: Actor, now: datetime) -> User:
    """Let an account in again, or keep it out: the next request of each of its sessions finds nobody.

    Raises:
        NotFound: there is no such account. Conflict: it is so already, or was deleted, or an admin keeps themselves out.
    """
    with transaction() as session:
        _get_kept(session, user_id)
        if by.user_id == user_id:
            raise Conflict("Nobody keeps themselves out; ask another admin.")
        if not users.set_active(session, user_id, active=active, now=now):
            raise Conflict(f"The account is {'active' if active else 'disabled'} already.")
        sessions.delete_sessions(session, user_id)
        add_audit(session, "user.enabled" if active else "user.disabled", f"user:{user_id}", by=by, now=now)
        _tell(session, "account.enabled" if active else "account.disabled", user_id, by=by, now=now)
        return users.get_user(session, user_id).user


@use_case
def set_role(user_id: int, role: str, scopes: Sequence[Scope], *, by: Actor, now: datetime) -> User:
    """Give an account another role and part of the house; its sessions end, as they were opened for less, or for more.

    Raises:
        NotFound: there is no such account, or a scope names nothing. Invalid: there is no such role, or staff has no
            e-mail address or password. Conflict: an admin takes their own role, or the account was deleted.
    """
    check_role(role)
    _check_scopes(role, scopes)
    with transaction() as session:
        kept = _get_kept(session, user_id)
        if by.user_id == user_id:
            raise Conflict("Nobody changes their own role; ask another admin.")
        if role in STAFF_ROLES and (not kept.user.email or kept.password_hash is None):
            raise Invalid.field("role", "invalid", "Staff and admins need an e-mail address and a password first.")
        _require_places(session, scopes)
        users.set_role(session, user_id, role, now=now)
        users.replace_scopes(session, user_id, scopes)
        sessions.delete_sessions(session, user_id)
        add_audit(
            session,
            "user.role_changed",
            f"user:{user_id}",
            by=by,
            now=now,
            was=kept.user.role,
            role=role,
            scopes=scopes,
        )
        _tell(session, "account.role_changed", user_id, by=by, now=now)
        return users.get_user(session, user_id).user


def _tell(session: Session, topic: str, user_id: int, *, by: Actor, now: datetime) -> None:
    """Owe the holder of an account a word of what was done to it."""
    add_event(session, topic, f"user:{user_id}", venue_id=None, details={"by": by.kind}, now=now)


def set_password(settings: Settings, user_id: int, password: str, *, by: Actor, now: datetime) -> User:
    """Set an account's password; its sessions end, and its owner is told.

    Raises:
        NotFound: there is no such account. Conflict: it was deleted. Invalid: the password cannot be used.
    """
    return _set_password(
        settings, user_id, hash_password(check_new_password(password), settings.hash_profile), by=by, now=now
    )


@use_case
def _set_password(settings: Settings, user_id: int, password_hash: str, *, by: Actor, now: datetime) -> User:
    with transaction() as session:
        user = _get_kept(session, user_id).user
        users.set_password(session, user_id, password_hash, now=now)
        sessions.delete_sessions(session, user_id)
        for target in addresses_of(user):
            owe(session, settings, "account.password_changed", target, now=now, language=user.language)
        add_audit(session, "user.password_set", f"user:{user_id}", by=by, now=now)
        return users.get_user(session, user_id).user


@use_case
def renew_totp(settings: Settings, user_id: int, *, by: Actor, now: datetime) -> Enrolment:
    """Give an account another second factor, for somebody who has lost theirs; their sessions end.

    Raises:
        NotFound: there is no such account. Conflict: it was deleted.
    """
    with transaction() as session:
        user = _get_kept(session, user_id).user
        uri, codes = totp.give(session, settings, user, now=now)
        sessions.delete_sessions(session, user_id)
        for target in addresses_of(user):
            what, language = "totp.by_admin", user.language
            owe(session, settings, "account.totp_changed", target, now=now, language=language, what=what)
        add_audit(session, "totp.renewed", f"user:{user_id}", by=by, now=now)
        return Enrolment(users.get_user(session, user_id).user, uri, tuple(codes))


@use_case
def revoke_sessions(user_id: int, *, by: Actor, now: datetime) -> int:
    """End every session of an account and return how many there were.

    Raises:
        NotFound: there is no such account.
    """
    with transaction() as session:
        users.get_user(session, user_id)
        ended = sessions.delete_sessions(session, user_id)
        add_audit(session, "session.ended_all", f"user:{user_id}", by=by, now=now, ended=ended)
        return ended


def has_admin() -> bool:
    """Tell whether anybody can let others in yet."""
    return bool(users.list_users(reading(), role="admin", limit=1))


def _get_kept(session: Session, user_id: int) -> Keeping:
    """Return an account that was not deleted: nobody could sign in to what is left of one.

    Raises:
        NotFound: there is no such account. Conflict: it was deleted.
    """
    kept = users.get_user(session, user_id)
    if not (kept.user.email or kept.user.phone):
        raise Conflict("The account was deleted.")
    return kept


def _check_scopes(role: str, scopes: Sequence[Scope]) -> None:
    if (role == "staff") != bool(scopes):
        raise Invalid.field("scopes", "invalid", "Staff work for venues or resources; nobody else is bound to any.")


def _require_places(session: Session, scopes: Sequence[Scope]) -> None:
    """Refuse scopes that name nothing.

    Raises:
        NotFound: there is no such venue, or the venue has no such resource.
    """
    for scope in scopes:
        if not listings.has_place(session, scope.venue_id, scope.resource_id):
            place = f"venue {scope.venue_id}" if scope.resource_id is None else f"resource {scope.resource_id}"
            raise NotFound(f"There is no {place}.")
