"""One's own account: what it says, what opens it, its bookings; take it along, delete it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from flask import Response
from msgspec import UNSET, Meta, Struct, UnsetType

from app.domain.accounts import Target, User, check_contact_phone, check_name, check_target
from app.domain.errors import VersionMismatch
from app.persistence import bookings as stored
from app.persistence.session import reading
from app.services import accounts, exports
from app.web.access import require_fresh
from app.web.actors import member, user, visitor
from app.web.auth import Password
from app.web.bookings import OwnerView, owner_view
from app.web.context import give_cookie, now, settings
from app.web.inputs import expected_version
from app.web.pages import Page, page_of
from app.web.sessions import SessionView, UserView, entered, user_view
from app.web.streams import VISITORS, stream

_BEFORE_ANY = 10**18

Text = Annotated[str, Meta(max_length=1000)]


class AccountChanges(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to change.

    A new `email` or `phone` is sent a code, and counts once that has come back to `/auth/otp/verify`. An empty one is taken
    off.
    """

    name: Text | UnsetType = UNSET
    contact_phone: Text | UnsetType = UNSET
    language: Annotated[Literal["en", "de", "hi"], Meta(description="That messages are written in.")] | UnsetType = (
        UNSET
    )
    email: Text | UnsetType = UNSET
    phone: Text | UnsetType = UNSET


class ChangedAccount(Struct):
    """The account as it is now, and which of its addresses wait for their code."""

    user: UserView
    awaiting_code: list[str]


class PasswordChange(Struct, kw_only=True, forbid_unknown_fields=True):
    """The password to set. The present one may stand in for having signed in a short while ago."""

    password: Password
    current_password: Password | None = None


class OwnBookings(Struct):
    """A page of the account's bookings, the newest first."""

    items: list[OwnerView]
    next_cursor: str | None


def read() -> tuple[UserView, dict[str, str]]:
    """Read one's account."""
    return user_view(user()), _etag(user())


def change(body: AccountChanges) -> tuple[ChangedAccount, dict[str, str]]:
    """Change one's account: name, contact and language at once, a new address once its code has come back."""
    changed = user()
    _check_version(changed)
    if not {body.email, body.phone} <= {UNSET}:
        require_fresh()
    targets = [*_targets(body)]
    if not {body.name, body.contact_phone, body.language} <= {UNSET}:
        changed = _rename(body)
    for target in targets:
        changed = _begin(target, changed)
    return ChangedAccount(user_view(changed), [t.field for t in targets if t.address]), _etag(changed)


def change_password(body: PasswordChange) -> SessionView:
    """Set a password; every other session ends, and this one gets a fresh cookie and `csrf_token`."""
    if body.current_password is None:
        require_fresh()
    else:
        accounts.prove_password(settings(), member(), body.current_password, visitor(), now=now())
    return entered(accounts.change_password(settings(), member(), body.password, visitor(), now=now()))


def erase() -> None:
    """Delete one's account: names, addresses and answers go, past bookings stay as numbers."""
    accounts.erase(settings(), member(), visitor(), now=now())
    give_cookie("")


def export() -> Response:
    """Take along everything that is kept about oneself, as one JSON document."""
    return stream(exports.iter_account(user(), now=now()), "application/json", "account.json", places=VISITORS)


def list_bookings(query: Page) -> OwnBookings:
    """List one's bookings, the newest first."""
    rows = stored.list_own(reading(), user().id, cursor=query.after or _BEFORE_ANY, limit=query.limit + 1)
    return OwnBookings(*page_of(rows, query, owner_view, lambda booking: booking.id))


def _etag(found: User) -> dict[str, str]:
    return {"ETag": f'W/"{found.version}"'}


def _check_version(found: User) -> None:
    """Refuse a change of an account that is no longer as its owner has read it; only a new name is looked at once more."""
    version = expected_version()
    if version is not None and version != found.version:
        raise VersionMismatch(f"The account is at version {found.version} by now; read it again.")


def _targets(body: AccountChanges) -> Iterator[Target]:
    """Yield the addresses to set; one without text is to be taken off."""
    if body.email is not UNSET:
        yield check_target(body.email, None) if body.email else Target("email", "")
    if body.phone is not UNSET:
        yield check_target(None, body.phone) if body.phone else Target("sms", "")


def _begin(target: Target, before: User) -> User:
    if not target.address:
        return accounts.remove_address(settings(), member(), target.channel, visitor(), now=now())
    accounts.ask_new_address(settings(), member(), target, visitor(), now=now())
    return before


def _rename(body: AccountChanges) -> User:
    before = user()
    name = before.name if body.name is UNSET else check_name(body.name)
    phone = (
        before.contact_phone
        if body.contact_phone is UNSET
        else check_contact_phone(body.contact_phone, field="contact_phone")
    )
    return accounts.rename(
        member(),
        name=name,
        contact_phone=phone,
        language=before.language if body.language is UNSET else body.language,
        version=expected_version(),
        visitor=visitor(),
        now=now(),
    )
