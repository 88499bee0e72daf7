"""One-time codes: ask for one, and show that it has come.

Asking costs the same and answers the same whether there is an account or not. An attempt is counted, and that committed,
before the code is compared; a code is used up by one conditional UPDATE.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest

import msgspec

from app.domain.accounts import Target
from app.domain.codes import ATTEMPTS_SECONDS, LIFETIME_SECONDS, MAX_ATTEMPTS, is_code, mac_code, mac_target
from app.domain.errors import Invalid, InvalidCredentials, RateLimited
from app.domain.throttles import (
    CODE_COOLDOWN,
    CODES_A_DAY,
    CODES_AN_HOUR,
    CODES_BY_ADDRESS,
    SIGN_INS_BY_ADDRESS,
    Allowance,
    network_of,
    sms_budget,
)
from app.gateways.sealing import SealBroken, load_sealer
from app.persistence import codes, users
from app.persistence.audit import add_audit
from app.persistence.codes import SentCode
from app.persistence.session import Session, reading, transaction, use_case
from app.persistence.users import Keeping
from app.runtime import logs
from app.runtime.settings import Settings
from app.services.messages import owe
from app.services.sessions import Visitor
from app.services.throttles import count, forget

WRONG = "The code is wrong, used, or too old."


class Payload(msgspec.Struct, omit_defaults=True):
    """What is done once a code is right."""

    name: str = ""
    contact_phone: str = ""
    password_hash: str | None = None
    user_id: int = 0
    language: str = ""


_PAYLOAD = msgspec.json.Decoder(Payload)


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to everybody who asks for a code; *allowance* is what is left to this caller's network."""

    allowance: Allowance
    expires_in_seconds: int = LIFETIME_SECONDS
    resend_in_seconds: int = CODE_COOLDOWN.seconds


def ask(
    settings: Settings, purpose: str, target: Target, visitor: Visitor, *, now: datetime, payload: Payload | None = None
) -> Asked:
    """Send a code to an address, if it may have one: what comes back does not tell.

    Raises:
        Invalid: this house sends no text messages.
        RateLimited: this network has asked for too many.
    """
    if target.channel == "sms" and settings.sms_url == "none:":
        raise Invalid.field("phone", "not_offered", "Codes are not sent to telephones here; give an e-mail address.")
    try:
        return Asked(_ask(settings, purpose, target, visitor, now=now, payload=payload or Payload()))
    except RateLimited as refused:
        if refused.limit == CODES_BY_ADDRESS.name:
            raise
        logs.info("code_not_sent", purpose=purpose, channel=target.channel, reason=refused.detail)
        return Asked(_count_unsent(settings, visitor, now=now))


@use_case
def _ask(
    settings: Settings, purpose: str, target: Target, visitor: Visitor, *, now: datetime, payload: Payload
) -> Allowance:
    secret_key, now_seconds = settings.secret_key, int(now.timestamp())
    target_mac = mac_target(secret_key, target.channel, target.address)
    code = f"{secrets.randbelow(10**6):06d}"
    code_mac = mac_code(
        secret_key, browser_hash=visitor.browser_hash, purpose=purpose, target_mac=target_mac, code=code
    )
    with transaction() as session:
        kept = users.find_by_target(session, target)
        topic, is_sent = _what_goes_out(purpose, kept, payload)
        allowance = _count(session, settings, target, target_mac, visitor, costs=is_sent, now=now)
        codes.replace_code(
            session,
            browser_hash=visitor.browser_hash,
            purpose=purpose,
            target_mac=target_mac,
            code_mac=code_mac,
            payload=_seal(settings, payload, code_mac),
            now_seconds=now_seconds,
        )
        owe(
            session,
            settings,
            topic,
            target,
            now=now,
            expires=now_seconds + LIFETIME_SECONDS,
            void=not is_sent,
            language=(kept.user.language if kept else payload.language) or visitor.language,
            code=code,
        )
        add_audit(session, "code.asked", f"address:{target_mac[:16]}", by=visitor.by, now=now, purpose=purpose)
    return allowance


def _seal(settings: Settings, payload: Payload, code_mac: str) -> str:
    """Return what is kept of names and hashes until the code comes, or for good if it never does."""
    return load_sealer(settings.sealing_key_file).seal(msgspec.json.encode(payload), bound_to=code_mac)


def _open(settings: Settings, code: SentCode) -> Payload:
    try:
        return _PAYLOAD.decode(load_sealer(settings.sealing_key_file).open(code.payload, bound_to=code.code_mac))
    except SealBroken as error:
        logs.error("code_seal_broken", purpose=code.purpose, reason=str(error))
        raise InvalidCredentials(WRONG) from None


@use_case
def _count_unsent(settings: Settings, visitor: Visitor, *, now: datetime) -> Allowance:
    """Count a code that is not sent, so that the answer to it is like any other."""
    network = [(CODES_BY_ADDRESS, network_of(visitor.by.address))]
    with transaction() as session:
        return count(session, network, secret_key=settings.secret_key, now=now)[0]


def check(
    settings: Settings, code: str, target: Target, purposes: tuple[str, ...], visitor: Visitor, *, now: datetime
) -> SentCode:
    """Return the code that this browser has been sent for the address, if *code* is the one; it is not used up yet.

    Raises:
        InvalidCredentials: it is not, or there is none.
        RateLimited: there were too many attempts.
    """
    target_mac = mac_target(settings.secret_key, target.channel, target.address)
    found, has_attempt = _count_attempt(settings, target_mac, purposes, visitor, now=now)
    if found is not None and not has_attempt:
        raise RateLimited(
            "Too many wrong codes; ask for another in an hour.",
            limit="code_attempts",
            most=MAX_ATTEMPTS,
            retry_after_seconds=ATTEMPTS_SECONDS,
        )
    is_right = found is not None and _is_right(settings, code, found, target_mac, visitor)
    if found is None or not is_right or not found.is_open(int(now.timestamp())):
        _note_wrong(target_mac, found, visitor, now=now)
        raise InvalidCredentials(WRONG)
    return found


def use(session: Session, settings: Settings, code: SentCode, target: Target, *, now: datetime) -> Payload:
    """Use a code up and return what is to be done.

    Raises:
        InvalidCredentials: another request was faster, or it is too old.
    """
    if not codes.use_code(session, code, now_seconds=int(now.timestamp())):
        raise InvalidCredentials(WRONG)
    subject = mac_target(settings.secret_key, target.channel, target.address)
    forget(session, CODE_COOLDOWN, subject, secret_key=settings.secret_key)
    return _open(settings, code)


@use_case
def _count_attempt(
    settings: Settings, target_mac: str, purposes: tuple[str, ...], visitor: Visitor, *, now: datetime
) -> tuple[SentCode | None, bool]:
    found = codes.find_code(reading(), browser_hash=visitor.browser_hash, target_mac=target_mac, purposes=purposes)
    with transaction() as session:
        network = network_of(visitor.by.address)
        count(session, [(SIGN_INS_BY_ADDRESS, network)], secret_key=settings.secret_key, now=now)
        return found, found is not None and codes.count_attempt(session, found.id)


@use_case
def _note_wrong(target_mac: str, found: SentCode | None, visitor: Visitor, *, now: datetime) -> None:
    with transaction() as session:
        if found is not None:
            codes.retire(session, found.id, now_seconds=int(now.timestamp()))
        add_audit(session, "code.wrong", f"address:{target_mac[:16]}", by=visitor.by, now=now)


def _is_right(settings: Settings, code: str, found: SentCode, target_mac: str, visitor: Visitor) -> bool:
    mac = mac_code(
        settings.secret_key,
        browser_hash=visitor.browser_hash,
        purpose=found.purpose,
        target_mac=target_mac,
        code=code if is_code(code) else "",
    )
    return compare_digest(mac, found.code_mac)


def _what_goes_out(purpose: str, kept: Keeping | None, payload: Payload) -> tuple[str, bool]:
    """Return the topic of the message, and whether it is sent at all."""
    user = kept.user if kept is not None and kept.user.active else None
    if purpose == "register":
        return ("code.register", True) if kept is None else ("account.exists", user is not None)
    if purpose.startswith("change_"):
        is_free = kept is None or kept.user.id == payload.user_id
        return f"code.{purpose}", is_free
    by_code = user is not None and (purpose == "reset" or not user.needs_totp)
    return f"code.{purpose}", by_code


def _count(  # noqa: PLR0913 - what each limit is counted by
    session: Session,
    settings: Settings,
    target: Target,
    target_mac: str,
    visitor: Visitor,
    *,
    costs: bool,
    now: datetime,
) -> Allowance:
    """Count the code against every limit, and return what is left of the network's own."""
    limits = [(CODES_BY_ADDRESS, network_of(visitor.by.address))]
    limits += [(limit, target_mac) for limit in (CODE_COOLDOWN, CODES_AN_HOUR, CODES_A_DAY)]
    if target.channel == "sms" and costs and settings.sms_daily_budget:
        limits.append((sms_budget(settings.sms_daily_budget), "all"))
    return count(session, limits, secret_key=settings.secret_key, now=now)[0]
