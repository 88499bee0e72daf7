"""What a command line names: accounts, and parts of the house that staff work for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.domain.accounts import Target, User, check_target
from app.domain.actors import Scope
from app.domain.errors import Invalid, NotFound
from app.persistence import users as stored
from app.persistence.catalogue import list_catalogue
from app.persistence.session import reading
from app.services.blackouts import find_place

_MOST_ID_DIGITS = 18  # what an integer column holds


def name_of(user: User) -> str:
    """Return what people know an account by."""
    return f"{user.email or user.phone or '(deleted)'} ({user.role}, id {user.id})"


def find_account(who: str) -> User:
    """Return the account of an e-mail address, a telephone number or an id; digits alone are an id.

    Raises:
        NotFound: there is none.
    """
    if who.isascii() and who.isdigit() and len(who) <= _MOST_ID_DIGITS:
        found = stored.find_user(reading(), int(who))
    else:
        found = stored.find_by_target(reading(), _target(who))
    if found is None:
        raise NotFound(f"There is no account {who}: see 'users list'.")
    return found.user


def _target(who: str) -> Target:
    try:
        return check_target(who, None) if "@" in who else check_target(None, who)
    except Invalid:
        raise NotFound(f"{who[:80]!r} is no e-mail address, telephone number or id: see 'users list'.") from None


def find_scopes(paths: Sequence[str]) -> tuple[Scope, ...]:
    """Return the parts of the house that ``venue-slug`` or ``venue-slug/resource-slug`` name, each once.

    Raises:
        NotFound: there is no such venue or resource. Invalid: it is written otherwise.
    """
    return tuple(_scope(path) for path in dict.fromkeys(paths))


def _scope(path: str) -> Scope:
    venue, slash, resource = path.partition("/")
    if not venue or (slash and not resource):
        raise Invalid.field("--scope", "invalid", f"{path!r} is no scope: write it as 'venue' or 'venue/resource'.")
    place = find_place(venue, resource)
    return Scope(place.venue_id, place.resource_id)


def scope_paths(scopes: Sequence[Scope]) -> Iterator[str]:
    """Yield ``venue-slug`` or ``venue-slug/resource-slug`` of each scope."""
    if not scopes:
        return
    venues = {venue.id: venue for venue in list_catalogue(reading()).values()}
    for scope in scopes:
        venue = venues[scope.venue_id]
        slugs = {key: slug for slug, key in venue.resource_ids.items()}
        yield venue.entry.slug + (f"/{slugs[scope.resource_id]}" if scope.resource_id is not None else "")
