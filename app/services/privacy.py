"""Take off what is kept all that tells who somebody was. Bookings, their money and times stay, so that no report changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from app.domain.accounts import User
from app.domain.actors import Actor
from app.domain.errors import Conflict, Forbidden
from app.persistence import contents, customers, privacy, recovery_codes, sessions, users
from app.persistence.audit import add_audit
from app.persistence.customers import StoredCustomer
from app.persistence.privacy import BookingKey
from app.persistence.session import Session, reading, transaction, use_case
from app.runtime.settings import Settings
from app.services.file_erasure import erase_files, remove_contents
from app.services.messages import owe
from app.services.sign_in import addresses_of


@use_case
def erase(settings: Settings, customer_id: int, *, force: bool, by: Actor, now: datetime) -> None:
    """Erase a customer, and the account of one who has it; with *force* although bookings are still to come.

    Raises:
        NotFound: there is no such customer. Conflict: bookings are still to come, or it has been erased.
        Forbidden: the account is of staff or an admin.
    """
    key = customers.get_customer(reading(), customer_id).id
    with transaction() as session:
        found = customers.lock_customers(session, [key])[0]
        if found.merged_into is not None or found.is_erased:
            raise Conflict("This customer has been erased, or made one with another.")
        ids = [found.id] if found.user_id is None else customers.list_ids(session, found.user_id)
        if not force and privacy.has_upcoming(session, ids, now=now):
            raise Conflict("Bookings are still to come; cancel them first, or force it.")
        left = _erase(session, settings, found, by=by, now=now)
        add_audit(session, "customer.erased", f"customer:{key}", by=by, now=now, forced=force)
    remove_contents(settings, left, now=now)


def erase_account(session: Session, settings: Settings, user: User, *, by: Actor, now: datetime) -> list[str]:
    """Erase an account with all its customers, and tell its addresses so; return content that nobody refers to any more."""
    for target in addresses_of(user):
        owe(session, settings, "account.erased", target, now=now, language=user.language)
    left = erase_files(session, user.id, now=now)
    left += erase_customers(session, customers.list_ids(session, user.id), now=now)
    privacy.forget_account_callers(session, user.id)
    recovery_codes.replace_codes(session, user.id, ())
    sessions.delete_sessions(session, user.id)
    users.erase(session, user.id, now=now)
    add_audit(session, "user.erased", f"user:{user.id}", by=by, now=now)
    return left


def erase_customers(session: Session, ids: Sequence[int], *, now: datetime) -> list[str]:
    """Erase customers and all that stands with their bookings; return content that nobody refers to any more."""
    gone: list[str] = []
    for keys in _pages(session, ids):
        privacy.erase_words(session, keys)
        privacy.void_messages(session, keys)
        privacy.forget_callers(session, keys)
        gone += privacy.drop_files(session, keys)
    for customer_id in ids:
        customers.erase(session, customer_id)
    return sorted({sha256 for sha256 in gone if contents.drop_reference(session, sha256, now=now)})


def _erase(session: Session, settings: Settings, found: StoredCustomer, *, by: Actor, now: datetime) -> list[str]:
    if found.user_id is None:
        return erase_customers(session, [found.id], now=now)
    user = users.lock_user(session, found.user_id).user
    if user.needs_totp:
        raise Forbidden("This customer works here; take the account's role away first.")
    return erase_account(session, settings, user, by=by, now=now)


def _pages(session: Session, ids: Sequence[int]) -> Iterator[list[BookingKey]]:
    cursor = 0
    while page := privacy.list_keys(session, ids, cursor=cursor) if ids else []:
        yield page
        cursor = page[-1].id
