"""The examples of docs/frontend.md do what the page says: each is run as it stands, in a browser, against a real server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.domain.throttles import SIGN_INS
from tests.conftest import IS_CI
from tests.system import browsing
from tests.system.browsing import Outcome
from tests.system.storefront import ADMIN, API, BASIS, Place, examples, open_hall

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def place(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if browsing.chromium() is None:
        (pytest.fail if IS_CI else pytest.skip)(f"there is no Chromium here: {browsing.INSTALL}")
    with open_hall(migrated_sqlite, tmp_path_factory.mktemp("storefront")) as found:
        yield found


@dataclass(frozen=True)
class Example:
    """What a heading's examples write, a pattern a line; *values* come from the page, and *how* it is shown is the test's."""

    lines: tuple[str, ...]
    values: Callable[[Place], Mapping[str, str]] = lambda _: {}
    how: Callable[[Place], Mapping[str, Any]] = lambda _: {}


def trouble_in_front(place: Place) -> Mapping[str, str]:
    """Let the first try be put off, and the answer to the second be lost."""
    place.pages.front.busy.append("POST /api/v1/bookings")
    place.pages.front.lost.append("POST /api/v1/bookings")
    return {}


def a_line_that_breaks(place: Place) -> Mapping[str, str]:
    place.pages.front.lost.append("PATCH /api/v1/uploads/")
    return place.booked(5)


def a_guest_of_before(place: Place) -> Mapping[str, str]:
    place.booked(6, "ada@example.org")
    return {}


def a_customer(place: Place) -> Mapping[str, str]:
    """Return the address and the password of a customer, who has registered by hand."""
    known = {"name": "Pat Example", "email": "pat@example.org", "password": "tuba mirum spargens"}
    script = f"""
        const body = {json.dumps(known)};
        await ask("POST", "/auth/register", {{ body }});
        await ask("POST", "/auth/otp/verify", {{ body: {{ email: body.email, code: prompt(body.email) }} }});"""
    done = place.pages.run("\n".join([*examples()[BASIS][:2], script]), answer=place.answer)
    assert done == Outcome([], None)
    return known


def too_many_tries(place: Place) -> Mapping[str, str]:
    known = {"email": "often@example.org", "password": "not my password"}
    answers = [place.ask("POST", "/auth/login", known)[0] for _ in range(SIGN_INS.most)]
    assert set(answers) == {401}
    return known


INSTANT = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
EXAMPLES = {
    BASIS: Example((r"from: .+",)),
    "Show free times": Example(
        (*[r"20\d\d-\d\d-\d\d [1-9]\d free times, the first at .*\d:\d\d.+"] * 7, "what is shown still holds")
    ),
    "Hold, then book": Example(
        (f"held until {INSTANT}", r"[0-9A-Z]{10} confirmed \(told again\)", rf"Somebody else .+\. Free: {INSTANT}.*"),
        trouble_in_front,
    ),
    "Afterwards": Example(
        (f"moved to {INSTANT}", "Somebody has changed it: .+", "cancelled"), lambda place: place.booked(3)
    ),
    "Documents and calendars": Example(("application/pdf true",), lambda place: place.booked(4)),
    "Files": Example(
        ("seating.txt text/plain 21", r"seating.txt /api/v1/bookings/\w+/attachments/[1-9]\d*"),
        lambda place: place.booked(4),
    ),
    "Large files, and telephones on trains": Example(("going on", "story.txt true"), a_line_that_breaks),
    "Whatever a signed-in browser changes carries the token": Example(("Nobody is signed in",)),
    "Register, or sign in by a code": Example(
        (
            "another code can be had in 60 seconds",
            "Hello, Ada Example",
            "403 forbidden",
            r"Ada E\. Example has [1-9] bookings",
            "here Mozilla",
            "null",
        ),
        a_guest_of_before,
    ),
    "Sign in by a password, and a second factor": Example(
        ("admin true", "true"), lambda place: ADMIN if place.booked(7) else {}
    ),
    "Too often": Example(("Try again in 1[45] minutes",), too_many_tries),
    "From another origin": Example(
        ("false true", "[0-9]+", "Pat Example"), a_customer, lambda place: {"api": place.server.url + API}
    ),
    "A page that is not on the list": Example(
        ("true",), how=lambda place: {"api": place.server.url + API, "host": "localhost"}
    ),
}


@pytest.mark.parametrize("heading", examples())
def test_an_example_does_what_the_page_says(place: Place, heading: str) -> None:
    example = EXAMPLES[heading]
    front = place.pages.front
    found = place.run(heading, example.values(place), answer=place.answer, **example.how(place))
    assert_as_told(found, example.lines)
    assert not front.busy, "nothing was put off"
    assert not front.lost, "no answer was lost"


def assert_as_told(found: Outcome, lines: tuple[str, ...]) -> None:
    assert found.error is None, found
    assert len(found.lines) == len(lines), found.lines
    assert [line for line, pattern in zip(found.lines, lines, strict=True) if not re.fullmatch(pattern, line)] == []


@pytest.mark.parametrize(
    "wrong",
    ["throw new Error('no')", "const = 1;", "Promise.reject(new Error('no'));", "nobody();", "console.log('more');"],
)
def test_an_example_that_goes_wrong_is_noticed(place: Place, wrong: str) -> None:
    with pytest.raises(AssertionError):
        assert_as_told(place.pages.run(wrong), ())
    assert_as_told(place.pages.run("console.log('as told');"), ("as told",))
