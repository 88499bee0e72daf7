"""Everything that is kept about somebody as one zip file: JSON documents by kind, and the files with their contents.

It is made while it is sent, a page at a time; no connection is held while somebody reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import RowMapping

from app.documents.zip_archive import Member, zip_chunks
from app.domain.accounts import User
from app.domain.errors import NotFound
from app.gateways.tally import Pace
from app.persistence import customers, privacy, sessions, users
from app.persistence.customers import StoredCustomer
from app.persistence.privacy import BookingKey
from app.persistence.session import Session, engine
from app.runtime import logs
from app.runtime.settings import Settings
from app.services import files

R = TypeVar("R")
Rows = Iterable[RowMapping]
_MOST_SESSIONS = 100
_DOCUMENTS = frozenset({"answers", "price_lines", "detail"})  # columns that hold JSON
_SECRET = frozenset({"manage_token_hash"})


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose archive: the customers that somebody is, the account if there is one, and whether the holder asks for it.

    What the venue's people told each other, and what they did, is for an admin to hand over.
    """

    customers: tuple[StoredCustomer, ...]
    user: User | None
    is_own: bool = False

    @property
    def ids(self) -> list[int]:
        """Return the keys of the customers."""
        return [one.id for one in self.customers]


def of_customer(customer_id: int) -> Whose:
    """Return whose archive a customer's is; with an account all that belongs to it.

    Raises:
        NotFound: there is no such customer.
    """
    with Session(engine()) as session:
        found = customers.get_customer(session, customer_id)
        if found.user_id is None:
            return Whose((found,), None)
        return Whose(_customers_of(session, found.user_id), users.get_user(session, found.user_id).user)


def of_account(user: User) -> Whose:
    """Return whose archive it is that somebody takes along."""
    with Session(engine()) as session:
        return Whose(_customers_of(session, user.id), user, is_own=True)


def iter_archive(settings: Settings, whose: Whose, *, now: datetime) -> Iterator[bytes]:
    """Yield the zip file in chunks."""
    return zip_chunks(_members(settings, whose, now), made_at=now, pause=Pace().step)


def _members(settings: Settings, whose: Whose, now: datetime) -> Iterator[Member]:
    yield "person.json", [_person(whose, now)]
    yield "bookings.json", _array(_bookings(whose))
    if not whose.is_own:
        yield "notes.json", _array(_of_pages(whose, privacy.list_notes))
    yield "files.json", _array(_of_pages(whose, privacy.list_files))
    yield "messages.json", _array(_messages(whose))
    yield "events.json", _array(_events(whose))
    yield from _contents(settings, whose)


def _person(whose: Whose, now: datetime) -> bytes:
    user = whose.user
    listed = [] if user is None else _read(lambda s: sessions.list_sessions(s, user.id, now=now, limit=_MOST_SESSIONS))
    return msgspec.json.encode(
        {
            "made_at": now,
            "customers": [asdict(one) for one in whose.customers],
            "account": None if user is None else asdict(user),
            "sessions": [asdict(one) for one in listed],
        }
    )


def _bookings(whose: Whose) -> Iterator[RowMapping]:
    cursor = 0
    while page := _read(lambda s: privacy.list_bookings(s, whose.ids, cursor=cursor)) if whose.ids else []:  # noqa: B023
        yield from page
        cursor = page[-1]["id"]


def _key_pages(whose: Whose) -> Iterator[Sequence[BookingKey]]:
    cursor = 0
    while page := _read(lambda s: privacy.list_keys(s, whose.ids, cursor=cursor)) if whose.ids else []:  # noqa: B023
        yield page
        cursor = page[-1].id


def _of_pages(whose: Whose, query: Callable[[Session, Sequence[BookingKey]], list[RowMapping]]) -> Iterator[RowMapping]:
    for keys in _key_pages(whose):
        yield from _read(lambda s: query(s, keys))  # noqa: B023 - read at once


def _messages(whose: Whose) -> Iterator[RowMapping]:
    for keys in (*_account_keys(whose), *_key_pages(whose)):
        yield from _read(lambda s: privacy.list_messages(s, keys))  # noqa: B023 - read at once


def _events(whose: Whose) -> Iterator[RowMapping]:
    yield from _events_of([*_account_keys(whose), [BookingKey(0, f"customer:{key}") for key in whose.ids]])
    if not whose.is_own:
        yield from _events_of(_key_pages(whose))


def _events_of(pages: Iterable[Sequence[BookingKey]]) -> Iterator[RowMapping]:
    for keys in pages:
        cursor = 0
        while page := _read(lambda s: privacy.list_events(s, keys, cursor=cursor)) if keys else []:  # noqa: B023
            yield from page
            cursor = page[-1]["id"]


def _account_keys(whose: Whose) -> list[list[BookingKey]]:
    return [] if whose.user is None else [[BookingKey(whose.user.id, f"user:{whose.user.id}")]]


def _contents(settings: Settings, whose: Whose) -> Iterator[Member]:
    home = files.storage(settings)
    for row in _of_pages(whose, privacy.list_files):
        try:
            reading = home.open(row["sha256"])
        except NotFound:
            logs.error("content_missing", sha256=row["sha256"])
            continue
        with closing(reading):
            yield f"files/{row['id']}-{row['name'].replace('/', '_')}", reading


def _array(rows: Rows) -> Iterator[bytes]:
    before = b"["
    for row in rows:
        yield before + msgspec.json.encode(_plain(row))
        before = b",\n"
    yield b"[]" if before == b"[" else b"]"


def _plain(row: RowMapping) -> dict[str, Any]:
    return {
        name: msgspec.Raw(value.encode()) if name in _DOCUMENTS else value
        for name, value in row.items()
        if name not in _SECRET
    }


def _customers_of(session: Session, user_id: int) -> tuple[StoredCustomer, ...]:
    return tuple(customers.list_of_account(session, user_id))


def _read(query: Callable[[Session], Sequence[R]]) -> Sequence[R]:
    """Return a page over a connection that is given back at once."""
    with Session(engine()) as session:
        return query(session)
