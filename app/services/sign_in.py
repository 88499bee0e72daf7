"""Sign in: by password or by code, then by a second factor where the account has one or its role asks for one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hmac import compare_digest

from app.domain.accounts import Target, User
from app.domain.codes import mac_target
from app.domain.errors import InvalidCredentials
from app.domain.throttles import SIGN_INS, SIGN_INS_BY_ADDRESS, Allowance, network_of
from app.persistence import customers, users
from app.persistence.audit import add_audit
from app.persistence.codes import SentCode
from app.persistence.session import Session, reading, transaction, use_case
from app.persistence.sessions import LiveSession
from app.persistence.users import Keeping
from app.runtime.settings import Settings
from app.services import codes
from app.services.codes import Payload
from app.services.messages import owe
from app.services.passwords import hash_password, needs_rehash, verify_password
from app.services.sessions import SignedIn, Visitor, begin
from app.services.throttles import count, forget

WRONG = "The address or the password is wrong."


def by_password(
    settings: Settings, target: Target, password: str, visitor: Visitor, *, now: datetime
) -> tuple[SignedIn, Allowance]:
    """Sign in with a password; the session's ``stage`` says whether a second factor is to follow.

    Raises:
        InvalidCredentials: there is no such account, it is kept out, or the password is another.
        RateLimited: there were too many tries. Busy: too many are signing in.
    """
    subject = mac_target(settings.secret_key, target.channel, target.address)
    allowance = _count_try(settings, subject, visitor, now=now)
    kept = users.find_by_target(reading(), target)
    is_right = verify_password(password, kept.password_hash if kept else None, settings.hash_profile)
    if kept is None or not is_right or not kept.user.active:
        _note_failure(subject, kept, visitor, now=now)
        raise InvalidCredentials(WRONG)
    stronger = _stronger(settings, kept, password)
    return _enter(settings, kept, subject, visitor, stronger=stronger, now=now), allowance


def by_code(
    settings: Settings, code: str, target: Target, visitor: Visitor, *, live: LiveSession | None, now: datetime
) -> SignedIn:
    """Sign in, finish a registration, or confirm a new address of *live*'s account, whichever the code was sent for.

    Raises:
        InvalidCredentials: the code is wrong, used or too old.
        RateLimited: there were too many attempts. Conflict: another account has the address by now.
    """
    change = "change_email" if target.channel == "email" else "change_phone"
    purposes = ("register", "sign_in") if live is None else ("register", "sign_in", change)
    sent = codes.check(settings, code, target, purposes, visitor, now=now)
    if sent.purpose == change:
        return _confirm_address(settings, sent, target, live, visitor, now=now)
    return _enter_by_code(settings, sent, target, visitor, now=now)


@use_case
def _enter_by_code(settings: Settings, sent: SentCode, target: Target, visitor: Visitor, *, now: datetime) -> SignedIn:
    action = "user.registered" if sent.purpose == "register" else "sign_in.code"
    with transaction() as session:
        payload = codes.use(session, settings, sent, target, now=now)
        user = _admitted(session, target, payload, sent.purpose, now=now)
        joined = customers.join(session, user.id, target)
        stage = "totp" if user.has_totp else "full"
        add_audit(session, action, f"user:{user.id}", by=visitor.by, now=now, stage=stage, joined=joined)
        return begin(session, user, visitor, stage=stage, now=now)


@use_case
def _confirm_address(
    settings: Settings, sent: SentCode, target: Target, live: LiveSession | None, visitor: Visitor, *, now: datetime
) -> SignedIn:
    """Make the address the account's own and tell the old ones; the session goes on, no fresher than it was.

    On the same cookie: the code of a second new address may be on its way to this browser.
    """
    with transaction() as session:
        payload = codes.use(session, settings, sent, target, now=now)
        if live is None or payload.user_id != live.user.id:
            raise InvalidCredentials(codes.WRONG)
        before = users.get_user(session, live.user.id).user
        users.set_address(session, before.id, target, now=now)
        for old in addresses_of(before):
            owe(session, settings, f"account.{target.field}_changed", old, now=now, language=before.language)
        joined = customers.join(session, before.id, target)
        add_audit(session, f"user.{target.field}_changed", f"user:{before.id}", by=visitor.by, now=now, joined=joined)
        return SignedIn("", replace(live, user=users.get_user(session, before.id).user))


@use_case
def _count_try(settings: Settings, subject: str, visitor: Visitor, *, now: datetime) -> Allowance:
    limits = [(SIGN_INS, subject), (SIGN_INS_BY_ADDRESS, network_of(visitor.by.address))]
    with transaction() as session:
        left = count(session, limits, secret_key=settings.secret_key, now=now)
        for allowance in left:
            if allowance.remaining == 0:  # what comes now is refused without a row of its own: nobody fills the log
                about = f"address:{subject[:16]}"
                add_audit(session, "sign_in.limit_reached", about, by=visitor.by, now=now, limit=allowance.limit)
        return left[0]


@use_case
def _note_failure(subject: str, kept: Keeping | None, visitor: Visitor, *, now: datetime) -> None:
    about = f"address:{subject[:16]}" if kept is None else f"user:{kept.user.id}"
    with transaction() as session:
        add_audit(session, "sign_in.failed", about, by=visitor.by, now=now)


def _stronger(settings: Settings, kept: Keeping, password: str) -> str | None:
    """Return the password's hash in today's parameters, where it was kept with weaker ones."""
    if kept.password_hash is None or not needs_rehash(kept.password_hash, settings.hash_profile):
        return None
    return hash_password(password, settings.hash_profile)


@use_case
def _enter(
    settings: Settings, known: Keeping, subject: str, visitor: Visitor, *, stronger: str | None, now: datetime
) -> SignedIn:
    with transaction() as session:
        kept = users.lock_user(session, known.user.id)  # again: it may be kept out by now, or have another password
        user = kept.user
        if not user.active or not compare_digest(kept.password_hash or "", known.password_hash or ""):
            raise InvalidCredentials(WRONG)
        stage = "totp" if user.has_totp else "enrol" if user.needs_totp else "full"
        forget(session, SIGN_INS, subject, secret_key=settings.secret_key)
        if stronger is not None:
            users.rehash(session, user.id, old_hash=kept.password_hash or "", new_hash=stronger)
        add_audit(session, "sign_in.password", f"user:{user.id}", by=visitor.by, now=now, stage=stage)
        return begin(session, user, visitor, stage=stage, now=now)


def _admitted(session: Session, target: Target, payload: Payload, purpose: str, *, now: datetime) -> User:
    """Return the account that the address opens, made now if this is a registration."""
    kept = users.lock_by_target(session, target)  # so that no other role comes between this look and the session
    if kept is None and purpose == "register":
        user_id = users.add_user(
            session,
            {
                "role": "customer",
                "name": payload.name,
                target.field: target.address,
                "contact_phone": payload.contact_phone,
                "language": payload.language,
                "password_hash": payload.password_hash,
            },
            now=now,
        )
        kept = users.get_user(session, user_id)
    if kept is None or not kept.user.active or kept.user.needs_totp:
        raise InvalidCredentials(codes.WRONG)
    return kept.user


def addresses_of(user: User) -> list[Target]:
    """Return where an account can be told something."""
    found = (Target("email", user.email), Target("sms", user.phone))
    return [target for target in found if target.address]
