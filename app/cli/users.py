"""``flask users``: accounts of customers, staff and admins; the first admin is made here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.accounts import find_account, find_scopes, name_of, scope_paths
from app.cli.enrolments import print_enrolment, print_password
from app.cli.operator import clock, operator
from app.cli.output import print_json, print_table
from app.cli.passwords import choose_password, password_options
from app.domain.accounts import ROLES, STAFF_ROLES, User, check_target
from app.domain.times import rfc3339
from app.persistence import users as stored
from app.persistence.session import reading
from app.runtime.settings import Settings
from app.services import users as use_cases
from app.services.users import NewUser

MOST_LISTED = 10_000

group = AppGroup("users", help="Accounts: create, list, show, disable, roles, passwords, second factors, sessions.")
_who = click.argument("who", metavar="EMAIL|PHONE|ID")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in UTC.")


def _scoped(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that says what staff works for."""
    about = "What staff works for: a venue, or one resource of it. Give it again for more."
    return click.option("--scope", "paths", multiple=True, metavar="VENUE[/RESOURCE]", help=about)(command)


@group.command("create")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What they may do.")
@click.option("--name", required=True, help="As it is shown to others.")
@click.option("--email", default="", help="To sign in with; staff and admins need one.")
@click.option("--phone", default="", help="With its plus sign, to sign in with.")
@_scoped
@password_options
@_json
def create(  # noqa: PLR0913 - one for each option
    role: str,
    name: str,
    email: str,
    phone: str,
    paths: tuple[str, ...],
    *,
    from_stdin: bool,
    generate: bool,
    as_json: bool,
) -> None:
    """Make an account. The first admin can be made here alone.

    Staff and admins sign in with a password, which is asked for unless an option says where it comes from, and with
    an authenticator app: its QR code and ten recovery codes are printed, this once. Customers sign in with codes
    that are sent to them, and have a password only if you give an option for it.

    The addresses count as confirmed: make sure that they are theirs.
    """
    scopes = find_scopes(paths)
    wanted = role in STAFF_ROLES or from_stdin or generate
    password = choose_password(from_stdin=from_stdin, generate=generate) if wanted else None
    new = NewUser(role, name, email or None, phone or None, password, scopes)
    made = use_cases.create(_settings(), new, by=operator(), now=clock())
    print_enrolment(made, f"created {name_of(made.user)}", password=password if generate else None, as_json=as_json)


@group.command("list")
@click.option("--role", type=click.Choice(ROLES), help="Only these.")
@click.option("--email", default="", help="The one with this whole address.")
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=100, show_default=True, help="At most so many.")
@_json
def list_(role: str | None, email: str, limit: int, *, as_json: bool) -> None:
    """List accounts in the order they were made."""
    address = check_target(email, None).address if email else ""
    found = stored.list_users(reading(), role=role or "", email=address, limit=limit + 1)
    _print_users(found[:limit], as_json=as_json)
    if len(found) > limit:
        click.echo(f"there are more than these {limit}: raise --limit, or say --role or --email", err=True)


@group.command("show")
@_who
@_json
def show(who: str, *, as_json: bool) -> None:
    """Show one account."""
    user = find_account(who)
    scopes = list(scope_paths(stored.list_scopes(reading(), user.id)))
    if as_json:
        print_json({**asdict(user), "scopes": scopes})
    else:
        print_table(("field", "value"), _fields(user, scopes))


@group.command("disable")
@_who
def disable(who: str) -> None:
    """Keep an account out.

    Its sessions end: the next request of each finds nobody.
    """
    user = use_cases.set_active(find_account(who).id, active=False, by=operator(), now=clock())
    click.echo(f"disabled {name_of(user)}; its sessions have ended")


@group.command("enable")
@_who
def enable(who: str) -> None:
    """Let an account in again."""
    user = use_cases.set_active(find_account(who).id, active=True, by=operator(), now=clock())
    click.echo(f"enabled {name_of(user)}")


@group.command("role")
@_who
@click.argument("role", type=click.Choice(ROLES))
@_scoped
def role_(who: str, role: str, paths: tuple[str, ...]) -> None:
    """Give an account another role, or other scopes.

    What it worked for before is forgotten, and its sessions end. Staff and admins need an e-mail address and a
    password first; one who has no authenticator app yet sets it up at the next sign-in.
    """
    user = use_cases.set_role(find_account(who).id, role, find_scopes(paths), by=operator(), now=clock())
    worked = f", who works for {', '.join(dict.fromkeys(paths))}" if paths else ""
    click.echo(f"changed {name_of(user)}{worked}; its sessions have ended")
    if user.needs_totp and not user.has_totp:
        click.echo("the next sign-in asks to set up an authenticator app; or 'users reset-totp' does it here")


@group.command("reset-password")
@_who
@password_options
def reset_password(who: str, *, from_stdin: bool, generate: bool) -> None:
    """Set an account's password.

    Its sessions end, and its owner is told. The second factor stays as it is.
    """
    found = find_account(who)
    password = choose_password(from_stdin=from_stdin, generate=generate)
    user = use_cases.set_password(_settings(), found.id, password, by=operator(), now=clock())
    click.echo(f"set the password of {name_of(user)}; its sessions have ended")
    print_password(password if generate else None)


@group.command("reset-totp")
@_who
@_json
def reset_totp(who: str, *, as_json: bool) -> None:
    """Give an account another second factor.

    For somebody who has lost theirs. Its QR code and ten recovery codes are printed, this once. The old ones open nothing any more, the sessions end,
    and the owner is told. Make sure who is asking you.
    """
    made = use_cases.renew_totp(_settings(), find_account(who).id, by=operator(), now=clock())
    told = f"gave {name_of(made.user)} another second factor; its sessions have ended"
    print_enrolment(made, told, password=None, as_json=as_json)


@group.command("revoke-sessions")
@_who
def revoke_sessions(who: str) -> None:
    """End every session of an account; it may sign in again."""
    user = find_account(who)
    ended = use_cases.revoke_sessions(user.id, by=operator(), now=clock())
    click.echo(f"ended {ended} {'session' if ended == 1 else 'sessions'} of {name_of(user)}")


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def _print_users(found: Sequence[User], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    headers = ("id", "role", "name", "email", "phone", "active", "password", "totp")
    rows = (
        (user.id, user.role, user.name, user.email, user.phone, user.active, user.has_password, user.has_totp)
        for user in found
    )
    print_table(headers, rows)


def _fields(user: User, scopes: Sequence[str]) -> Iterator[tuple[str, object]]:
    yield "id", user.id
    yield "role", user.role
    yield "scopes", ", ".join(scopes)
    yield "name", user.name
    yield "email", user.email
    yield "phone", user.phone
    yield "contact phone", user.contact_phone
    yield "active", user.active
    yield "password", user.has_password
    yield "totp", user.has_totp
    yield "made", rfc3339(user.created_at)
    yield "changed", f"{rfc3339(user.updated_at)}, version {user.version}"
