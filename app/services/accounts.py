"""What people do with their own account: register, change what it says and what opens it, take it along, delete it."""

from __future__ import annotations

from datetime import datetime

from app.domain.accounts import Target, User, check_keeps_an_address
from app.domain.errors import Conflict, Forbidden, InvalidCredentials, VersionMismatch
from app.domain.throttles import SIGN_INS, SIGN_INS_BY_ADDRESS, network_of
from app.persistence import bookings, customers, sessions, users
from app.persistence.audit import add_audit
from app.persistence.codes import SentCode
from app.persistence.session import Session, reading, transaction, use_case
from app.persistence.sessions import LiveSession
from app.runtime.settings import Settings
from app.services import codes
from app.services.codes import Asked, Payload
from app.services.file_erasure import remove_contents
from app.services.messages import owe
from app.services.passwords import check_new_password, hash_password, verify_password
from app.services.privacy import erase_account
from app.services.sessions import SignedIn, Visitor, begin
from app.services.sign_in import addresses_of
from app.services.throttles import count


def register(  # noqa: PLR0913 - a registration's fields, each by name
    settings: Settings,
    target: Target,
    visitor: Visitor,
    *,
    name: str,
    contact_phone: str,
    password: str | None,
    now: datetime,
) -> Asked:
    """Send a code to the address; the account is made when it comes back. The answer does not tell whether one exists.

    Raises:
        Invalid: the password cannot be used. RateLimited, Busy: too many are registering.
    """
    password_hash = None
    if password is not None:
        normal = check_new_password(password)
        _count_hashing(settings, visitor, now=now)
        password_hash = hash_password(normal, settings.hash_profile)
    payload = Payload(name=name, contact_phone=contact_phone, password_hash=password_hash, language=visitor.language)
    return codes.ask(settings, "register", target, visitor, now=now, payload=payload)


def reset_password(
    settings: Settings, target: Target, code: str, password: str, visitor: Visitor, *, now: datetime
) -> None:
    """Set another password with a code sent for that; every session of the account ends.

    Raises:
        Invalid: the password cannot be used. InvalidCredentials: the code is wrong, used or too old.
        RateLimited: there were too many attempts.
    """
    normal = check_new_password(password)
    sent = codes.check(settings, code, target, ("reset",), visitor, now=now)
    _reset(settings, target, sent, hash_password(normal, settings.hash_profile), visitor, now=now)


@use_case
def _reset(
    settings: Settings, target: Target, sent: SentCode, password_hash: str, visitor: Visitor, *, now: datetime
) -> None:
    with transaction() as session:
        codes.use(session, settings, sent, target, now=now)
        kept = users.find_by_target(session, target)
        if kept is None or not kept.user.active:
            raise InvalidCredentials(codes.WRONG)
        customers.join(session, kept.user.id, target)
        _set_password(session, settings, kept.user, password_hash, now=now)
        sessions.delete_sessions(session, kept.user.id)
        add_audit(session, "user.password_reset", f"user:{kept.user.id}", by=visitor.by, now=now)


def prove_password(settings: Settings, live: LiveSession, password: str, visitor: Visitor, *, now: datetime) -> None:
    """Let a request through whose caller knows the account's present password.

    Raises:
        InvalidCredentials: it is another. RateLimited: there were too many tries.
    """
    _count_proof(settings, live.user.id, now=now)
    kept = users.get_user(reading(), live.user.id)
    if not verify_password(password, kept.password_hash, settings.hash_profile):
        _note_wrong(live.user, visitor, now=now)
        raise InvalidCredentials("The present password is wrong.")


def change_password(
    settings: Settings, live: LiveSession, password: str, visitor: Visitor, *, now: datetime
) -> SignedIn:
    """Set another password; every other session ends, and this one gets a fresh token.

    Raises:
        Invalid: the password cannot be used. Busy: too many are signing in.
    """
    return _change_password(
        settings, live, hash_password(check_new_password(password), settings.hash_profile), visitor, now=now
    )


@use_case
def _change_password(
    settings: Settings, live: LiveSession, password_hash: str, visitor: Visitor, *, now: datetime
) -> SignedIn:
    with transaction() as session:
        _set_password(session, settings, live.user, password_hash, now=now)
        sessions.delete_sessions(session, live.user.id)
        add_audit(session, "user.password_changed", f"user:{live.user.id}", by=visitor.by, now=now)
        return begin(session, users.get_user(session, live.user.id).user, visitor, stage="full", now=now)


@use_case
def rename(  # noqa: PLR0913 - what may be changed, each by name
    live: LiveSession,
    *,
    name: str,
    contact_phone: str,
    language: str,
    version: int | None,
    visitor: Visitor,
    now: datetime,
) -> User:
    """Change what the account is called, where it may be called, and in which language it is written to.

    Raises:
        VersionMismatch: it has changed since the caller read it.
    """
    with transaction() as session:
        user = users.get_user(session, live.user.id).user
        if version is not None and version != user.version:
            raise VersionMismatch(f"The account is at version {user.version} by now; read it again.")
        users.rename(session, user, name=name, contact_phone=contact_phone, language=language, now=now)
        add_audit(session, "user.renamed", f"user:{user.id}", by=visitor.by, now=now)
        return users.get_user(session, user.id).user


def ask_new_address(settings: Settings, live: LiveSession, target: Target, visitor: Visitor, *, now: datetime) -> Asked:
    """Send a code to a new address of the account; it counts once the code has come back.

    Raises:
        RateLimited: this network has asked for too many.
    """
    purpose = "change_email" if target.channel == "email" else "change_phone"
    payload = Payload(user_id=live.user.id, language=live.user.language)
    return codes.ask(settings, purpose, target, visitor, now=now, payload=payload)


@use_case
def remove_address(settings: Settings, live: LiveSession, channel: str, visitor: Visitor, *, now: datetime) -> User:
    """Take an address off the account, and tell it so.

    Raises:
        Conflict: it is the account's only one. Forbidden: staff and admins keep their e-mail address.
    """
    with transaction() as session:
        user = users.get_user(session, live.user.id).user
        email, phone = ("", user.phone) if channel == "email" else (user.email, "")
        check_keeps_an_address(email, phone)
        if user.needs_totp and not email:
            raise Forbidden("Staff and admins keep an e-mail address.")
        removed = Target(channel, "")
        for old in addresses_of(user):
            owe(session, settings, f"account.{removed.field}_changed", old, now=now, language=user.language)
        users.set_address(session, user.id, removed, now=now)
        add_audit(session, f"user.{removed.field}_removed", f"user:{user.id}", by=visitor.by, now=now)
        return users.get_user(session, user.id).user


@use_case
def erase(settings: Settings, live: LiveSession, visitor: Visitor, *, now: datetime) -> None:
    """Delete the account: its names, addresses, answers and files go, its past bookings stay as numbers.

    Raises:
        Conflict: bookings are still to come. Forbidden: only an admin may take staff and admins off.
    """
    if live.user.needs_totp:
        raise Forbidden("Accounts of staff and admins are closed by an admin.")
    with transaction() as session:
        if bookings.has_upcoming(session, live.user.id, now=now):
            raise Conflict("Bookings are still to come; cancel them first.")
        left = erase_account(session, settings, live.user, by=visitor.by, now=now)
    remove_contents(settings, left, now=now)


@use_case
def _count_hashing(settings: Settings, visitor: Visitor, *, now: datetime) -> None:
    """Count before the work: a hash takes a worker's only thread for it."""
    limit = (SIGN_INS_BY_ADDRESS, network_of(visitor.by.address))
    with transaction() as session:
        count(session, [limit], secret_key=settings.secret_key, now=now)


@use_case
def _count_proof(settings: Settings, user_id: int, *, now: datetime) -> None:
    with transaction() as session:
        count(session, [(SIGN_INS, f"user:{user_id}")], secret_key=settings.secret_key, now=now)


@use_case
def _note_wrong(user: User, visitor: Visitor, *, now: datetime) -> None:
    with transaction() as session:
        add_audit(session, "user.password_wrong", f"user:{user.id}", by=visitor.by, now=now)


def _set_password(session: Session, settings: Settings, user: User, password_hash: str, *, now: datetime) -> None:
    users.set_password(session, user.id, password_hash, now=now)
    for target in addresses_of(user):
        owe(session, settings, "account.password_changed", target, now=now, language=user.language)
