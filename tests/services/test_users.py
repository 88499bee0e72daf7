"""What admins do with other people's accounts."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from app.domain.actors import Actor, Scope
from app.domain.errors import Conflict, Invalid, InvalidCredentials, NotFound
from app.persistence import users as stored
from app.persistence.session import reading
from app.runtime.settings import Settings
from app.services import totp, users
from app.services.users import NewUser
from tests.conftest import Queries
from tests.services.desk import Desk
from tests.services.door import ADA, GOOD, ON_SQLITE, OPERATOR, OTHER, Door, app_of


@pytest.fixture
def door(database: Engine, settings: Settings) -> Door:
    return Door(database, settings)


def test_a_new_admin_has_a_second_factor_that_counts_at_once(door: Door) -> None:
    made = door.make("admin")
    half = door.enter_password()
    assert half.session.stage == "totp"
    code = app_of(made.otpauth_uri or "").at(door.now)
    assert totp.enter(door.settings, half.session, code, door.visitor(), now=door.now)[0].session.stage == "full"
    assert door.actions()[0] == "user.created"


@ON_SQLITE
@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewUser("owner", "Ada", "ada@example.org", None, GOOD), "role"),
        (NewUser("admin", "Ada", "ada@example.org"), "email"),
        (NewUser("admin", "Ada", None, "+4930123456", GOOD), "email"),
        (NewUser("staff", "Ada", "ada@example.org", None, GOOD), "scopes"),
        (NewUser("customer", "Ada", "ada@example.org", None, GOOD, (Scope(1),)), "scopes"),
        (NewUser("admin", "Ada", "ada@example.org", None, GOOD, (Scope(1),)), "scopes"),
        (NewUser("customer", "", "ada@example.org"), "name"),
        (NewUser("customer", "Ada"), "email"),
        (NewUser("customer", "Ada", "ada"), "email"),
        (NewUser("customer", "Ada", None, "12"), "phone"),
        (NewUser("customer", "Ada", "ada@example.org", None, "password1"), "password"),
    ],
)
def test_an_account_that_cannot_be_is_not_made(door: Door, new: NewUser, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        users.create(door.settings, new, by=OPERATOR, now=door.now)
    assert [error.field for error in refused.value.errors] == [field]
    assert door.rows("users") == []


def test_an_address_belongs_to_one_account(door: Door) -> None:
    door.make(phone="+4930123456")
    for values in ({"email": "ADA@example.org"}, {"email": "bob@example.org", "phone": "+49 30 123456"}):
        with pytest.raises(Conflict):
            door.make(**values)
    assert len(door.rows("users")) == 1


def test_staff_work_for_places_that_there_are(door: Door) -> None:
    desk = Desk(door.engine)
    room = desk.resource()
    for scope in (Scope(desk.venue_id + 1), Scope(desk.venue_id, room + 1)):
        with pytest.raises(NotFound):
            door.make("staff", scopes=(scope,))
    assert door.rows("users") == []
    scopes = (Scope(desk.venue_id), Scope(desk.venue_id, room))
    made = door.make("staff", scopes=scopes)
    assert stored.list_scopes(reading(), made.user.id) == scopes


@ON_SQLITE
def test_nobody_keeps_themselves_out_or_changes_their_own_role(door: Door) -> None:
    made = door.make("admin")
    herself = Actor("admin", user_id=made.user.id)
    with pytest.raises(Conflict):
        users.set_active(made.user.id, active=False, by=herself, now=door.now)
    with pytest.raises(Conflict):
        users.set_role(made.user.id, "customer", (), by=herself, now=door.now)


def test_an_account_is_disabled_once_and_enabled_once(door: Door) -> None:
    user_id = door.make().user.id
    for active, action in ((False, "user.disabled"), (True, "user.enabled")):
        assert users.set_active(user_id, active=active, by=OPERATOR, now=door.now).active is active
        with pytest.raises(Conflict):
            users.set_active(user_id, active=active, by=OPERATOR, now=door.now)
        assert door.actions()[-1] == action
    with pytest.raises(NotFound):
        users.set_active(user_id + 1, active=False, by=OPERATOR, now=door.now)


@ON_SQLITE
def test_a_role_that_asks_for_two_factors_needs_address_and_password(door: Door) -> None:
    with_phone = users.create(
        door.settings, NewUser("customer", "Ada", None, "+4930123456", GOOD), by=OPERATOR, now=door.now
    )
    without = users.create(door.settings, NewUser("customer", "Bob", "bob@example.org"), by=OPERATOR, now=door.now)
    for made in (with_phone, without):
        with pytest.raises(Invalid):
            users.set_role(made.user.id, "admin", (), by=OPERATOR, now=door.now)


def test_another_role_comes_with_its_scopes_and_is_noted(door: Door) -> None:
    desk = Desk(door.engine)
    user_id = door.make().user.id
    users.set_role(user_id, "staff", (Scope(desk.venue_id),), by=OPERATOR, now=door.now)
    assert stored.list_scopes(reading(), user_id) == (Scope(desk.venue_id),)
    users.set_role(user_id, "customer", (), by=OPERATOR, now=door.now)
    assert stored.list_scopes(reading(), user_id) == ()
    rows = [row for row in door.rows("audit_log") if row.action == "user.role_changed"]
    assert '"was":"staff","role":"customer"' in rows[-1].detail


@ON_SQLITE
def test_a_password_set_by_the_operator_counts_and_the_owner_is_told(door: Door) -> None:
    user_id = door.make().user.id
    users.set_password(door.settings, user_id, OTHER, by=OPERATOR, now=door.now)
    with pytest.raises(InvalidCredentials):
        door.enter_password(GOOD)
    door.enter_password(OTHER)
    assert door.topics(to=ADA.address) == ["account.password_changed"]


@ON_SQLITE
def test_a_second_factor_renewed_by_the_operator_replaces_the_first(door: Door) -> None:
    first = door.make("admin")
    second = users.renew_totp(door.settings, first.user.id, by=OPERATOR, now=door.now)
    half = door.enter_password()
    with pytest.raises(InvalidCredentials):
        totp.enter(
            door.settings, half.session, app_of(first.otpauth_uri or "").at(door.now), door.visitor(), now=door.now
        )
    totp.enter(door.settings, half.session, app_of(second.otpauth_uri or "").at(door.now), door.visitor(), now=door.now)


def test_accounts_are_listed_in_pages_and_found_by_address(door: Door, queries: Queries) -> None:
    made = [door.make(email=f"person{number}@example.org").user for number in range(3)]
    admin = door.make("admin").user
    first = stored.list_users(reading(), limit=2)
    second = stored.list_users(reading(), cursor=first[-1].id, limit=10)
    assert [user.id for user in (*first, *second)] == [*(user.id for user in made), admin.id]
    with queries(most=2):
        assert [user.id for user in stored.list_users(reading(), role="admin", limit=10)] == [admin.id]
        assert [user.id for user in stored.list_users(reading(), email="person1@example.org", limit=10)] == [made[1].id]


@ON_SQLITE
def test_the_first_admin_is_missed_until_there_is_one(door: Door) -> None:
    door.make()
    assert not users.has_admin()
    door.make("admin", "root@example.org")
    assert users.has_admin()
