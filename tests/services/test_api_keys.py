"""API keys: shown once, found by their hash, and over when they are revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app.domain.errors import Busy, Invalid, NotFound
from app.domain.tokens import hash_token
from app.runtime.settings import Settings
from app.services import api_keys
from tests.conftest import Queries
from tests.services.desk import Desk
from tests.services.door import ON_SQLITE, OPERATOR, Door


@pytest.fixture
def door(database: Engine, settings: Settings) -> Door:
    return Door(database, settings)


def create(door: Door, *scopes: str, **values: object) -> str:
    given = scopes or ("bookings:read",)
    return api_keys.create("till", given, by=OPERATOR, now=door.now, **values)[0]  # type: ignore[arg-type]


def test_a_key_is_kept_as_a_hash_and_its_beginning(door: Door) -> None:
    key = create(door, "bookings:write", "bookings:read", "bookings:read")
    (row,) = door.rows("api_keys")
    assert key.startswith("sk_")
    assert len(key) == 3 + 43
    assert (row.key_hash, row.prefix, row.scopes) == (hash_token(key), key[:10], "bookings:read bookings:write")
    assert key not in "".join(str(each) for name in ("api_keys", "audit_log") for each in door.rows(name))
    assert [(each.action, each.actor) for each in door.rows("audit_log")] == [("api_key.created", "operator:ada")]


def test_a_key_opens_until_it_is_revoked(door: Door) -> None:
    key = create(door)
    found = api_keys.find(key, now=door.now)
    assert found is not None
    assert found.scopes == ("bookings:read",)
    api_keys.revoke(found.id, by=OPERATOR, now=door.now)
    assert api_keys.find(key, now=door.now) is None
    with pytest.raises(NotFound):
        api_keys.revoke(found.id, by=OPERATOR, now=door.now)
    with pytest.raises(NotFound):
        api_keys.revoke(found.id + 1, by=OPERATOR, now=door.now)
    assert door.actions() == ["api_key.created", "api_key.revoked"]


def test_a_key_opens_until_its_end(door: Door) -> None:
    key = create(door, expires_at=door.now + timedelta(hours=1))
    door.pass_time(minutes=59, seconds=59)
    assert api_keys.find(key, now=door.now) is not None
    door.pass_time(seconds=1)
    assert api_keys.find(key, now=door.now) is None


@ON_SQLITE
@pytest.mark.parametrize("change", [str.upper, str.strip, lambda key: key[:-1], lambda key: key + "x", hash_token])
def test_another_spelling_of_a_key_is_another_key(door: Door, change: object) -> None:
    key = create(door)
    other = change(key)  # type: ignore[operator]
    assert (api_keys.find(other, now=door.now) is None) is (other != key)


@ON_SQLITE
@pytest.mark.parametrize(
    ("name", "scopes", "field"),
    [
        ("till", [], "scopes"),
        ("till", ["admin"], "scopes"),
        ("", ["users:read"], "name"),
        ("a\nb", ["users:read"], "name"),
    ],
)
def test_a_key_without_name_or_with_unknown_scopes_is_not_made(
    door: Door, name: str, scopes: list[str], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        api_keys.create(name, scopes, by=OPERATOR, now=door.now)
    assert [error.field for error in refused.value.errors] == [field]
    assert door.rows("api_keys") == []


def test_a_key_is_bound_to_a_venue_that_there_is(door: Door) -> None:
    with pytest.raises(NotFound):
        create(door, venue_id=999)
    venue = Desk(door.engine).venue_id
    found = api_keys.find(create(door, venue_id=venue), now=door.now)
    assert found is not None
    assert found.venue_id == venue


@ON_SQLITE
def test_a_key_that_would_be_over_is_not_made(door: Door) -> None:
    with pytest.raises(Invalid):
        create(door, expires_at=door.now)


def test_the_use_of_a_key_is_noted_once_a_minute(door: Door, queries: Queries) -> None:
    key = create(door)
    api_keys.find(key, now=door.now)
    door.pass_time(seconds=59)
    with queries(most=1):
        api_keys.find(key, now=door.now)
    first = door.rows("api_keys")[0].used_at
    door.pass_time(seconds=1)
    api_keys.find(key, now=door.now)
    assert door.rows("api_keys")[0].used_at == first + timedelta(minutes=1)


@ON_SQLITE
def test_a_key_opens_while_its_use_cannot_be_noted(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    key = create(door)

    def refuse(*_call: object, **_named: object) -> None:
        raise Busy("the disk is slow today")

    monkeypatch.setattr(api_keys, "_touch", refuse)
    assert api_keys.find(key, now=door.now) is not None
