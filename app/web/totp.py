"""The second factor: enter it, enrol it, take it off, renew the recovery codes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from app.domain.errors import Invalid
from app.services import totp
from app.web.actors import member, user, visitor
from app.web.auth import Code
from app.web.context import now, settings
from app.web.sessions import SessionView, entered, limit_headers


class SecondFactor(Struct, kw_only=True, forbid_unknown_fields=True):
    """A code of the authenticator app, or else a recovery code."""

    code: Code | None = None
    recovery_code: Annotated[str, Meta(max_length=64)] | None = None


class Confirmation(Struct, kw_only=True, forbid_unknown_fields=True):
    """A code of the app that has just been given the secret."""

    code: Code


class EnrolmentView(Struct):
    """What the authenticator app needs: to scan, or to be typed."""

    otpauth_uri: str
    secret: str


class RecoveryCodes(Struct):
    """Each signs in once, in place of the app; they are told this once."""

    recovery_codes: list[str]


class ConfirmedView(SessionView, kw_only=True):
    """The session, on a fresh cookie, and the recovery codes, told this once."""

    recovery_codes: list[str]


def enter(body: SecondFactor) -> tuple[SessionView, dict[str, str]]:
    """Enter the second factor, after the password or the code."""
    if (body.code is None) == (body.recovery_code is None):
        raise Invalid.field("code", "required", "Give a code, or else a recovery code.")
    if body.code is not None:
        signed_in, allowance = totp.enter(settings(), member(), body.code, visitor(), now=now())
    else:
        recovery = body.recovery_code or ""
        signed_in, allowance = totp.enter_with_recovery_code(settings(), member(), recovery, visitor(), now=now())
    return entered(signed_in), limit_headers(allowance)


def enrol() -> EnrolmentView:
    """Begin to set up a second factor, or another one; the present one counts until the new one is confirmed."""
    secret, uri = totp.enrol(settings(), user(), visitor(), now=now())
    return EnrolmentView(uri, secret)


def confirm(body: Confirmation) -> ConfirmedView:
    """Make the new second factor count; every other session ends."""
    signed_in, codes = totp.confirm(settings(), member(), body.code, visitor(), now=now())
    view = entered(signed_in)
    return ConfirmedView(
        user=view.user,
        next=view.next,
        csrf_token=view.csrf_token,
        expires_at=view.expires_at,
        fresh_until=view.fresh_until,
        recovery_codes=codes,
    )


def disable() -> None:
    """Take the second factor off; staff and admins cannot."""
    totp.disable(settings(), member(), visitor(), now=now())


def renew_recovery_codes() -> RecoveryCodes:
    """Get ten fresh recovery codes; the old ones open nothing any more."""
    return RecoveryCodes(totp.renew_recovery_codes(settings(), member(), visitor(), now=now()))
