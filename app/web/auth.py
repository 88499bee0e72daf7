"""Register and sign in: by a code that is sent, or by a password; and set another one when it is forgotten."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from app.domain.accounts import check_contact_phone, check_name, check_target
from app.services import accounts, codes, sign_in
from app.services.codes import Asked
from app.web.access import caller
from app.web.actors import visitor
from app.web.context import now, settings
from app.web.sessions import SessionView, entered, limit_headers

Email = Annotated[str, Meta(max_length=1000)]
Phone = Annotated[str, Meta(max_length=200)]
Code = Annotated[str, Meta(max_length=64, description="Six digits.")]
Password = Annotated[str, Meta(max_length=2000, description="8 to 128 characters.")]


class Registration(Struct, kw_only=True, forbid_unknown_fields=True):
    """Who wants an account. The code goes to the e-mail address, or else to the telephone."""

    name: Annotated[str, Meta(max_length=800)]
    email: Email | None = None
    phone: Phone | None = None
    password: Password | None = None


class Address(Struct, kw_only=True, forbid_unknown_fields=True):
    """The address of an account: one of the two."""

    email: Email | None = None
    phone: Phone | None = None


class AddressAndPassword(Address, kw_only=True, forbid_unknown_fields=True):
    """An account's address and password."""

    password: Password


class AddressAndCode(Address, kw_only=True, forbid_unknown_fields=True):
    """An address and the code that was sent to it."""

    code: Code


class NewPassword(AddressAndCode, kw_only=True, forbid_unknown_fields=True):
    """A password to be set, by the code that was sent for it."""

    password: Password


class CodeSent(Struct):
    """A code is on its way if the address may have one: this answer does not tell. Enter it in this same browser."""

    expires_in_seconds: int
    resend_in_seconds: int


def register(body: Registration) -> tuple[CodeSent, dict[str, str]]:
    """Ask for an account; it is made when the code comes back to `/auth/otp/verify`."""
    target = check_target(body.email, None if body.email else body.phone)
    asked = accounts.register(
        settings(),
        target,
        visitor(),
        name=check_name(body.name),
        contact_phone=check_contact_phone(body.phone or "", field="phone") if target.channel == "email" else "",
        password=body.password,
        now=now(),
    )
    return _sent(asked)


def ask_code(body: Address) -> tuple[CodeSent, dict[str, str]]:
    """Ask for a code to sign in with."""
    return _sent(codes.ask(settings(), "sign_in", check_target(body.email, body.phone), visitor(), now=now()))


def verify_code(body: AddressAndCode) -> SessionView:
    """Enter the code: to sign in, to finish a registration, or to confirm a new address of the account."""
    found = caller()
    live = found.live if found is not None and found.stage == "full" else None
    target = check_target(body.email, body.phone)
    return entered(sign_in.by_code(settings(), body.code, target, visitor(), live=live, now=now()))


def log_in(body: AddressAndPassword) -> tuple[SessionView, dict[str, str]]:
    """Sign in with a password; `next` says whether a second factor is to follow."""
    target = check_target(body.email, body.phone)
    signed_in, allowance = sign_in.by_password(settings(), target, body.password, visitor(), now=now())
    return entered(signed_in), limit_headers(allowance)


def forgot_password(body: Address) -> tuple[CodeSent, dict[str, str]]:
    """Ask for a code to set another password with."""
    return _sent(codes.ask(settings(), "reset", check_target(body.email, body.phone), visitor(), now=now()))


def reset_password(body: NewPassword) -> None:
    """Set another password by the code; every session of the account ends, and signing in is as usual."""
    target = check_target(body.email, body.phone)
    accounts.reset_password(settings(), target, body.code, body.password, visitor(), now=now())


def _sent(asked: Asked) -> tuple[CodeSent, dict[str, str]]:
    return CodeSent(asked.expires_in_seconds, asked.resend_in_seconds), limit_headers(asked.allowance)
