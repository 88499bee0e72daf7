"""Customers, for the venue's people: who they are, what they booked, and what is put right about them."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from app.domain.errors import Invalid
from app.domain.times import rfc3339
from app.persistence.customer_desk import NEWEST, CustomerRow, Twice
from app.persistence.customers import StoredCustomer
from app.services import customers, privacy
from app.services.customers import CustomerChanges, Profile
from app.web import desk
from app.web.actors import actor
from app.web.context import now, settings
from app.web.desk_views import BookingsQuery, DeskItems
from app.web.inputs import expected_version
from app.web.pages import Id, Limit, Page, page_of

Text = Annotated[str, Meta(max_length=1000)]
KeptText = Text | UnsetType


class CustomersQuery(Page, kw_only=True, forbid_unknown_fields=True):
    """Which customers: `q` is the beginning of words of a name, e-mail address or telephone number; three letters at least."""

    q: Annotated[str, Meta(max_length=200)] | None = None


class HistoryQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which page of a customer's bookings."""

    limit: Limit = 50
    cursor: (
        Annotated[str, Meta(pattern="^-?[0-9]{1,12}_[0-9]{1,18}$", description="`next_cursor` of the page before.")]
        | None
    ) = None


class DuplicatesQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which page: those of the same e-mail address come first, then those of the same telephone number."""

    limit: Limit = 20
    cursor: Annotated[str, Meta(pattern="^[ep][0-9]{1,18}$", description="`next_cursor` of the page before.")] = "e0"


class CustomerEntry(Struct):
    """A customer; `account_id` is that of an account that has shown to be them, if there is one."""

    id: int
    name: str
    email: str
    phone: str
    account_id: int | None
    version: int
    created_at: str


class CustomerEntries(Struct):
    """A page of customers, the newest first."""

    items: list[CustomerEntry]
    next_cursor: str | None


class QuotedView(Struct):
    """What was quoted for bookings that stand, in minor units."""

    currency: str
    total_minor: int


class CustomerProfile(CustomerEntry, kw_only=True):
    """A customer, with how many bookings came to each status, when the first and the last of them start, and what was quoted.

    Only bookings of the caller's part of the house are counted.
    """

    bookings: dict[str, int]
    first_booking_at: str | None
    last_booking_at: str | None
    quoted: list[QuotedView]


class CustomerChange(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to put right; an empty address is taken off, and one of the two has to stay."""

    name: KeptText = UNSET
    email: KeptText = UNSET
    phone: KeptText = UNSET


class Merging(Struct, kw_only=True, forbid_unknown_fields=True):
    """With whom: `into` is who stays, `from` who is given up; one of the two."""

    into: Id | None = None
    source: Id | None = field(name="from", default=None)


class Erasing(Struct, kw_only=True, forbid_unknown_fields=True):
    """Whether to erase somebody whose bookings are still to come."""

    force: bool = False


class DuplicateView(Struct):
    """An address that several customers have: how many, and the newest twenty of them."""

    by: str
    address: str
    number: int
    customers: list[CustomerEntry]


class DuplicatesView(Struct):
    """A page of such addresses. It may be short, or empty, though there are more: go on as long as there is a `next_cursor`."""

    items: list[DuplicateView]
    next_cursor: str | None


def list_all(query: CustomersQuery) -> CustomerEntries:
    """List and search customers who have booked where the caller works, the newest first."""
    rows = customers.search(query.q or "", by=actor(), before=query.after or NEWEST, limit=query.limit + 1)
    return CustomerEntries(*page_of(rows, query, _view, lambda row: row.id))


def list_duplicates(query: DuplicatesQuery) -> DuplicatesView:
    """List customers who are there twice: those of the same e-mail address, then those of the same telephone number."""
    by_phone, last_id = query.cursor[0] == "p", int(query.cursor[1:])
    found, last = customers.list_twice(by_phone=by_phone, last_id=last_id, limit=query.limit)
    more = f"{query.cursor[0]}{last}" if last is not None else None if by_phone else "p0"
    return DuplicatesView([_twice(one) for one in found], more)


def read(customer_id: int) -> tuple[CustomerProfile, dict[str, str]]:
    """Read a customer; of one who was merged, whom they were merged into."""
    found = customers.read(customer_id, by=actor())
    return _profile(found), _etag(found.customer)


def list_bookings(customer_id: int, query: HistoryQuery) -> DeskItems:
    """List a customer's bookings, the latest start first."""
    key = customers.find(customer_id, by=actor())
    return desk.list_all(BookingsQuery(limit=query.limit, cursor=query.cursor, customer_id=key, newest="1"))


def change(customer_id: int, body: CustomerChange) -> tuple[CustomerEntry, dict[str, str]]:
    """Put right what a guest is called, and how they are reached; whoever has an account does so themselves."""
    changes = CustomerChanges(_given(body.name), _given(body.email), _given(body.phone))
    changed = customers.change(customer_id, changes, by=actor(), version=expected_version(), now=now())
    return _view(changed), _etag(changed)


def merge(customer_id: int, body: Merging) -> tuple[CustomerEntry, dict[str, str]]:
    """Make two customers one: who stays gets the bookings, and whatever it lacks of the other's details."""
    loser, survivor = (customer_id, body.into) if body.source is None else (body.source, customer_id)
    if survivor is None or (body.into is None) == (body.source is None):
        raise Invalid.field("into", "required", "Name one: `into`, who stays, or `from`, who is given up.")
    version = expected_version()
    seen = {} if version is None else {customer_id: version}
    merged = customers.merge(loser, survivor, by=actor(), versions=seen, now=now())
    return _view(merged), _etag(merged)


def erase(customer_id: int, body: Erasing) -> None:
    """Erase a customer, with the account if there is one: bookings, times and money stay without a name."""
    privacy.erase(settings(), customer_id, force=body.force, by=actor(), now=now())


def _given(text: KeptText) -> str | None:
    return None if text is UNSET else text


def _view(row: CustomerRow | StoredCustomer) -> CustomerEntry:
    return CustomerEntry(row.id, row.name, row.email, row.phone, row.user_id, row.version, rfc3339(row.created_at))


def _profile(found: Profile) -> CustomerProfile:
    view = _view(found.customer)
    return CustomerProfile(
        **{name: getattr(view, name) for name in view.__struct_fields__},
        bookings=dict(found.counts),
        first_booking_at=None if found.first_at is None else rfc3339(found.first_at),
        last_booking_at=None if found.last_at is None else rfc3339(found.last_at),
        quoted=[QuotedView(*pair) for pair in sorted(found.totals.items())],
    )


def _twice(one: Twice) -> DuplicateView:
    return DuplicateView(one.by, one.address, one.number, [_view(row) for row in one.customers])


def _etag(found: StoredCustomer) -> dict[str, str]:
    return {"ETag": f'W/"{found.version}"'}
