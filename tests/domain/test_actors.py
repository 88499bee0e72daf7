"""Who does something, and which part of the house is theirs."""

from __future__ import annotations

import pytest

from app.domain.actors import Actor, Scope

VENUE, ROOM, HALL = 1, 10, 11


@pytest.mark.parametrize(
    ("scope", "resources", "covered"),
    [
        (Scope(VENUE), (ROOM,), True),
        (Scope(VENUE), (), True),
        (Scope(VENUE, ROOM), (ROOM,), True),
        (Scope(VENUE, ROOM), (HALL, ROOM), True),
        (Scope(VENUE, ROOM), (HALL,), False),
        (Scope(VENUE, ROOM), (), False),
        (Scope(VENUE + 1), (ROOM,), False),
        (Scope(VENUE + 1, ROOM), (ROOM,), False),
    ],
)
def test_a_scope_covers_its_venue_or_one_resource_of_it(
    scope: Scope,
    resources: tuple[int, ...],
    covered: bool,  # noqa: FBT001
) -> None:
    assert scope.covers(VENUE, resources) is covered
    assert Actor("staff", scopes=(scope,)).reaches(VENUE, resources) is covered


@pytest.mark.parametrize("kind", ["guest", "holder", "customer", ""])
def test_who_does_not_run_the_house_reaches_nothing_whatever_scopes_say(kind: str) -> None:
    for scopes in (None, (), (Scope(VENUE),)):
        assert not Actor(kind, scopes=scopes).reaches(VENUE, (ROOM,))
    assert not Actor(kind).is_operator


@pytest.mark.parametrize("kind", ["admin", "key", "operator", "staff"])
def test_no_bounds_is_everything_and_empty_bounds_are_nothing(kind: str) -> None:
    assert Actor(kind, scopes=None).reaches(VENUE, (ROOM,))
    assert not Actor(kind, scopes=()).reaches(VENUE, (ROOM,))


def test_the_audit_log_names_people_by_number() -> None:
    found = [
        str(Actor("guest")),
        str(Actor("customer", "Ada", user_id=7)),
        str(Actor("operator", "ada")),
        str(Actor("key", "3")),
    ]
    assert found == ["guest", "customer:7", "operator:ada", "key:3"]
