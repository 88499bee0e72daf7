"""Accounts of other people, for admins."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from app.domain.accounts import User, check_target
from app.domain.actors import Scope
from app.domain.times import rfc3339
from app.persistence import users as stored
from app.persistence.session import reading
from app.services import users
from app.services.users import NewUser
from app.web.actors import actor
from app.web.auth import Password
from app.web.context import now, settings
from app.web.pages import Id, Page, page_of

Text = Annotated[str, Meta(max_length=1000)]
Role = Annotated[str, Meta(pattern="^(customer|staff|admin)$")]


class UsersQuery(Page, kw_only=True, forbid_unknown_fields=True):
    """Which accounts; `email` is one whole address."""

    role: Role | None = None
    email: Text | None = None


class ScopeView(Struct, forbid_unknown_fields=True):
    """A part of the house: a venue, or one resource of it."""

    venue_id: Id
    resource_id: Id | None = None


class AccountView(Struct):
    """An account as an admin sees it."""

    id: int
    role: str
    name: str
    email: str
    phone: str
    active: bool
    has_password: bool
    has_totp: bool
    version: int
    created_at: str
    updated_at: str


class AccountWithScopes(AccountView):
    """An account, and the parts of the house its holder works for."""

    scopes: list[ScopeView]


class AccountsView(Struct):
    """A page of accounts, in the order they were made."""

    items: list[AccountView]
    next_cursor: str | None


class NewAccount(Struct, kw_only=True, forbid_unknown_fields=True):
    """An account to be made; staff and admins need an e-mail address and a password, and staff needs scopes."""

    role: Role
    name: Text
    email: Text | None = None
    phone: Text | None = None
    password: Password | None = None
    scopes: Annotated[list[ScopeView], Meta(max_length=100)] = []


class CreatedAccount(Struct):
    """The account, and for staff and admins what their first sign-in needs: told this once."""

    account: AccountView
    otpauth_uri: str | None
    recovery_codes: list[str]


class NewRole(Struct, kw_only=True, forbid_unknown_fields=True):
    """The role to give, and the parts of the house, for staff."""

    role: Role
    scopes: Annotated[list[ScopeView], Meta(max_length=100)] = []


def list_all(query: UsersQuery) -> AccountsView:
    """List accounts."""
    email = check_target(query.email, None).address if query.email else ""
    rows = stored.list_users(reading(), role=query.role or "", email=email, cursor=query.after, limit=query.limit + 1)
    return AccountsView(*page_of(rows, query, _view, lambda user: user.id))


def read(user_id: int) -> AccountWithScopes:
    """Read an account."""
    return _with_scopes(stored.get_user(reading(), user_id).user)


def create(body: NewAccount) -> CreatedAccount:
    """Make an account; the addresses count as confirmed."""
    new = NewUser(body.role, body.name, body.email, body.phone, body.password, _scopes(body.scopes))
    made = users.create(settings(), new, by=actor(), now=now())
    return CreatedAccount(_view(made.user), made.otpauth_uri, list(made.recovery_codes))


def disable(user_id: int) -> AccountView:
    """Keep an account out: the next request of each of its sessions finds nobody."""
    return _view(users.set_active(user_id, active=False, by=actor(), now=now()))


def enable(user_id: int) -> AccountView:
    """Let an account in again."""
    return _view(users.set_active(user_id, active=True, by=actor(), now=now()))


def change_role(user_id: int, body: NewRole) -> AccountWithScopes:
    """Give an account another role; its sessions end."""
    return _with_scopes(users.set_role(user_id, body.role, _scopes(body.scopes), by=actor(), now=now()))


def end_sessions(user_id: int) -> None:
    """End every session of an account."""
    users.revoke_sessions(user_id, by=actor(), now=now())


def _scopes(given: list[ScopeView]) -> tuple[Scope, ...]:
    return tuple(Scope(scope.venue_id, scope.resource_id) for scope in given)


def _view(user: User) -> AccountView:
    return AccountView(*_columns(user))


def _with_scopes(user: User) -> AccountWithScopes:
    scopes = [ScopeView(scope.venue_id, scope.resource_id) for scope in stored.list_scopes(reading(), user.id)]
    return AccountWithScopes(*_columns(user), scopes)


def _columns(user: User) -> tuple[int, str, str, str, str, bool, bool, bool, int, str, str]:
    return (
        user.id,
        user.role,
        user.name,
        user.email,
        user.phone,
        user.active,
        user.has_password,
        user.has_totp,
        user.version,
        rfc3339(user.created_at),
        rfc3339(user.updated_at),
    )
