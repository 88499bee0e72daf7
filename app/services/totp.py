"""The second factor: codes of an authenticator app by time steps, none of which is taken twice, and recovery codes.

Source: RFC 6238; a step is 30 seconds, and one before and after are taken for clocks that differ.
"""

from __future__ import annotations

import secrets
from base64 import b32encode
from datetime import datetime
from hmac import compare_digest
from pathlib import Path
from urllib.parse import urlsplit

from pyotp import TOTP, random_base32

from app.domain.accounts import User
from app.domain.codes import is_code
from app.domain.errors import Conflict, Forbidden, InvalidCredentials
from app.domain.throttles import TOTP_CODES, Allowance
from app.domain.tokens import hash_token
from app.gateways.sealing import SealBroken, load_sealer
from app.persistence import recovery_codes, sessions, users
from app.persistence.audit import add_audit
from app.persistence.session import Session, reading, transaction, use_case
from app.persistence.sessions import LiveSession
from app.runtime import logs
from app.runtime.settings import Settings
from app.services.messages import owe
from app.services.sessions import SignedIn, Visitor, begin
from app.services.sign_in import addresses_of
from app.services.throttles import count, forget

RECOVERY_CODES = 10
_RECOVERY_BYTES = 15  # 120 bits: 24 letters and digits
WRONG = "The code is wrong, or has been used."


def enter(
    settings: Settings, live: LiveSession, code: str, visitor: Visitor, *, now: datetime
) -> tuple[SignedIn, Allowance]:
    """Finish a sign-in with a code of the authenticator app.

    Raises:
        InvalidCredentials: the code is wrong, or its step or a later one has been used.
        RateLimited: there were too many tries.
    """
    allowance = _count_try(settings, live.user.id, now=now)
    kept = users.get_user(reading(), live.user.id)
    step = _step_of(_secret(settings.sealing_key_file, live.user.id, kept.totp_sealed), code, now=now)
    if step is None:
        raise _refused(live.user, visitor, now=now)
    return _enter(settings, live, step, visitor, now=now), allowance


@use_case
def enter_with_recovery_code(
    settings: Settings, live: LiveSession, code: str, visitor: Visitor, *, now: datetime
) -> tuple[SignedIn, Allowance]:
    """Finish a sign-in with a recovery code, which is used up; the account's owner is told.

    Raises:
        InvalidCredentials: there is no such code. RateLimited: there were too many tries.
    """
    allowance = _count_try(settings, live.user.id, now=now)
    with transaction() as session:
        is_right = recovery_codes.use_recovery_code(session, live.user.id, _hash_recovery_code(code))
        if is_right:
            for target in addresses_of(live.user):
                owe(session, settings, "account.recovery_code_used", target, now=now, language=live.user.language)
            signed_in = _begin(session, settings, live, visitor, how="recovery_code", now=now)
    if not is_right:
        raise _refused(live.user, visitor, now=now)
    return signed_in, allowance


@use_case
def enrol(settings: Settings, user: User, visitor: Visitor, *, now: datetime) -> tuple[str, str]:
    """Begin to enrol a second factor; return the secret and the ``otpauth:`` address that authenticator apps scan."""
    secret = random_base32()
    sealed = _seal(settings.sealing_key_file, user.id, secret)
    with transaction() as session:
        users.begin_totp(session, user.id, sealed)
        add_audit(session, "totp.enrolling", f"user:{user.id}", by=visitor.by, now=now)
    return secret, provisioning_uri(settings, user, secret)


def confirm(
    settings: Settings, live: LiveSession, code: str, visitor: Visitor, *, now: datetime
) -> tuple[SignedIn, list[str]]:
    """Make the enrolled second factor count, once the app has shown a right code; return fresh recovery codes.

    Raises:
        Conflict: no enrolment has been begun. InvalidCredentials: the code is wrong. RateLimited: too many tries.
    """
    _count_try(settings, live.user.id, now=now)
    pending = users.get_user(reading(), live.user.id).totp_pending
    if pending is None:
        raise Conflict("Begin with /auth/totp/enrol.")
    step = _step_of(_secret(settings.sealing_key_file, live.user.id, pending), code, now=now)
    if step is None:
        raise _refused(live.user, visitor, now=now)
    return _confirm(settings, live, pending, step, visitor, now=now)


@use_case
def _confirm(
    settings: Settings, live: LiveSession, pending: str, step: int, visitor: Visitor, *, now: datetime
) -> tuple[SignedIn, list[str]]:
    fresh = new_recovery_codes()
    with transaction() as session:
        if not users.confirm_totp(session, live.user.id, sealed=pending, step=step, now=now):
            raise Conflict("The enrolment was begun anew; use the newest secret.")
        recovery_codes.replace_codes(session, live.user.id, map(_hash_recovery_code, fresh))
        _tell(session, settings, live.user, "totp.set_up", now=now)
        signed_in = _begin(session, settings, live, visitor, how="totp.enrolled", now=now)
        sessions.delete_sessions(session, live.user.id, but=signed_in.session.token_hash)
        return signed_in, fresh


@use_case
def disable(settings: Settings, live: LiveSession, visitor: Visitor, *, now: datetime) -> None:
    """Take the second factor off an account that may be without.

    Raises:
        Forbidden: the account's role asks for one. Conflict: there is none.
    """
    if live.user.needs_totp:
        raise Forbidden("Staff and admins sign in with two factors; enrol another one instead.")
    with transaction() as session:
        if not users.get_user(session, live.user.id).user.has_totp:
            raise Conflict("The account has no second factor.")
        users.set_totp(session, live.user.id, None, now=now)
        recovery_codes.replace_codes(session, live.user.id, ())
        sessions.delete_sessions(session, live.user.id, but=live.token_hash)
        _tell(session, settings, live.user, "totp.taken_off", now=now)
        add_audit(session, "totp.disabled", f"user:{live.user.id}", by=visitor.by, now=now)


@use_case
def renew_recovery_codes(settings: Settings, live: LiveSession, visitor: Visitor, *, now: datetime) -> list[str]:
    """Return fresh recovery codes, told this once; the old ones open nothing any more.

    Raises:
        Conflict: the account has no second factor.
    """
    fresh = new_recovery_codes()
    with transaction() as session:
        if not users.get_user(session, live.user.id).user.has_totp:
            raise Conflict("Recovery codes are for accounts with a second factor; enrol one first.")
        recovery_codes.replace_codes(session, live.user.id, map(_hash_recovery_code, fresh))
        _tell(session, settings, live.user, "totp.new_recovery_codes", now=now)
        add_audit(session, "totp.recovery_codes_renewed", f"user:{live.user.id}", by=visitor.by, now=now)
    return fresh


def give(session: Session, settings: Settings, user: User, *, now: datetime) -> tuple[str, list[str]]:
    """Give an account a second factor that counts at once; return its ``otpauth:`` address and recovery codes."""
    secret, fresh = random_base32(), new_recovery_codes()
    users.set_totp(session, user.id, _seal(settings.sealing_key_file, user.id, secret), now=now)
    recovery_codes.replace_codes(session, user.id, map(_hash_recovery_code, fresh))
    return provisioning_uri(settings, user, secret), fresh


def new_recovery_codes() -> list[str]:
    """Return ten recovery codes of 120 bits, in groups that can be copied by hand."""
    return ["-".join(_groups(b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode())) for _ in range(RECOVERY_CODES)]


def provisioning_uri(settings: Settings, user: User, secret: str) -> str:
    """Return the address that authenticator apps scan."""
    issuer = urlsplit(settings.base_url).hostname or "Slotkeeper"
    return TOTP(secret).provisioning_uri(name=user.email or user.phone or user.name, issuer_name=issuer)


@use_case
def _count_try(settings: Settings, user_id: int, *, now: datetime) -> Allowance:
    with transaction() as session:
        return count(session, [(TOTP_CODES, str(user_id))], secret_key=settings.secret_key, now=now)[0]


@use_case
def _enter(settings: Settings, live: LiveSession, step: int, visitor: Visitor, *, now: datetime) -> SignedIn:
    with transaction() as session:
        if not users.take_step(session, live.user.id, step):
            raise InvalidCredentials(WRONG)
        return _begin(session, settings, live, visitor, how="totp", now=now)


def _begin(
    session: Session, settings: Settings, live: LiveSession, visitor: Visitor, *, how: str, now: datetime
) -> SignedIn:
    """Begin the session, unless the account was closed or this sign-in ended while the code was looked at."""
    user = users.lock_user(session, live.user.id).user
    if not user.active or not sessions.delete_by_token(session, live.token_hash):
        raise InvalidCredentials(WRONG)
    forget(session, TOTP_CODES, str(user.id), secret_key=settings.secret_key)
    add_audit(session, f"sign_in.{how}", f"user:{user.id}", by=visitor.by, now=now)
    return begin(session, user, visitor, stage="full", now=now)


@use_case
def _note_wrong(user: User, visitor: Visitor, *, now: datetime) -> None:
    with transaction() as session:
        add_audit(session, "totp.wrong", f"user:{user.id}", by=visitor.by, now=now)


def _refused(user: User, visitor: Visitor, *, now: datetime) -> InvalidCredentials:
    _note_wrong(user, visitor, now=now)
    return InvalidCredentials(WRONG)


def _step_of(secret: str | None, code: str, *, now: datetime) -> int | None:
    """Return the time step whose code this is, of this one and its neighbours."""
    if secret is None or not is_code(code):
        return None
    totp = TOTP(secret)
    this = totp.timecode(now)
    right = [step for step in (this - 1, this, this + 1) if compare_digest(totp.generate_otp(step), code)]
    return right[-1] if right else None


def _secret(key_file: Path, user_id: int, sealed: str | None) -> str | None:
    """Return the secret; one that was sealed for somebody else, or with another key, opens nothing, as if there were none."""
    if sealed is None:
        return None
    try:
        return load_sealer(key_file).open(sealed, bound_to=f"totp:{user_id}").decode()
    except SealBroken as error:
        logs.error("totp_seal_broken", user_id=user_id, reason=str(error))
        return None


def _seal(key_file: Path, user_id: int, secret: str) -> str:
    return load_sealer(key_file).seal(secret.encode(), bound_to=f"totp:{user_id}")


def _hash_recovery_code(code: str) -> str:
    return hash_token(code.strip().upper().replace("-", "").replace(" ", ""))


def _groups(text: str) -> list[str]:
    return [text[start : start + 6] for start in range(0, len(text), 6)]


def _tell(session: Session, settings: Settings, user: User, what: str, *, now: datetime) -> None:
    for target in addresses_of(user):
        owe(session, settings, "account.totp_changed", target, now=now, language=user.language, what=what)
