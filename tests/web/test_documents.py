"""A booking's papers over HTTP: in which language, with what on them for whom, and nothing held while they are sent."""

from __future__ import annotations

from typing import get_args

import pytest
from flask import Flask

from app.documents.messages import TABLE
from app.persistence import session
from app.web.languages import KNOWN, Language
from tests.conftest import Queries
from tests.documents import reading
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue
from tests.web.conftest import Hall, token_of
from tests.web.people import Person, make_person, stranger

KINDS = ("confirmation.pdf", "quote.pdf")


@pytest.fixture
def booked(hall: Hall) -> tuple[str, str]:
    """Return a booking's path and its manage token."""
    made = hall.book(10, notes="a private note")
    return f"/api/v1/bookings/{made.json['ref']}", token_of(made)


def text_of(app: Flask, path: str, who: Person | None = None, **headers: str) -> str:
    answer = (who or stranger()).ask(app, "GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return " ".join(reading.words(answer.data))


@pytest.mark.parametrize("kind", KINDS)
def test_a_paper_is_a_pdf_that_a_browser_shows_under_a_name(app: Flask, booked: tuple[str, str], kind: str) -> None:
    path, token = booked
    answer = stranger().ask(app, "GET", f"{path}/{kind}?token={token}")
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith('inline; filename="')
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.data.startswith(b"%PDF-")
    assert answer.data.rstrip().endswith(b"%%EOF")


def test_a_manage_link_shows_no_name_and_no_note(app: Flask, booked: tuple[str, str]) -> None:
    path, token = booked
    text = text_of(app, f"{path}/confirmation.pdf", X_Manage_Token=token)
    assert "Ada Example" not in text
    assert "a private note" not in text
    assert "Ada Example" not in text_of(app, f"{path}/quote.pdf", X_Manage_Token=token)


def test_the_venue_sees_all_but_gets_no_link_that_cancels(app: Flask, booked: tuple[str, str]) -> None:
    path, token = booked
    admin = make_person("admin")
    text = text_of(app, f"{path}/confirmation.pdf", admin)
    assert "Ada Example" in text
    assert "a private note" in text
    assert "Change or cancel" not in text
    assert "Change or cancel" in text_of(app, f"{path}/confirmation.pdf", X_Manage_Token=token)
    assert token.encode() not in admin.ask(app, "GET", f"{path}/confirmation.pdf").data


@pytest.mark.parametrize(
    ("query", "accept", "title"),
    [
        ("", "", "Booking confirmation"),
        ("", "de-AT,de;q=0.9,en;q=0.5", "Buchungsbestätigung"),
        ("", "fr, *;q=0.1", "Booking confirmation"),
        ("?lang=de", "en", "Buchungsbestätigung"),
        ("?lang=hi", "de", "Booking confirmation"),  # there are no fonts for it here
    ],
)
def test_the_language_is_the_one_asked_for(
    app: Flask, booked: tuple[str, str], query: str, accept: str, title: str
) -> None:
    path, token = booked
    headers = {"X-Manage-Token": token, "Accept-Language": accept}
    answer = stranger().ask(app, "GET", f"{path}/confirmation.pdf{query}", headers=headers)
    assert title in " ".join(reading.words(answer.data))
    assert "Accept-Language" in answer.headers["Vary"]


@pytest.mark.parametrize("query", ["lang=fr", "lang=de&lang=en", "colour=red"])
def test_a_query_that_means_nothing_is_refused(app: Flask, booked: tuple[str, str], query: str) -> None:
    path, token = booked
    answer = stranger().ask(app, "GET", f"{path}/confirmation.pdf?{query}", headers={"X-Manage-Token": token})
    assert answer.status_code == 422


@pytest.mark.parametrize("kind", KINDS)
def test_a_paper_takes_few_queries_and_no_connection_while_it_is_sent(
    app: Flask, booked: tuple[str, str], kind: str, queries: Queries
) -> None:
    path, token = booked
    with queries(most=3):
        answer = app.test_client().get(f"{path}/{kind}?token={token}", buffered=False)
        assert session.engine().pool.checkedout() == 0  # type: ignore[attr-defined]
        assert answer.data
    answer.close()


def test_a_confirmation_is_small_enough_for_any_mail(app: Flask, booked: tuple[str, str]) -> None:
    path, token = booked
    assert len(stranger().ask(app, "GET", f"{path}/confirmation.pdf?token={token}").data) < 60 * 1024


def test_a_name_in_letters_that_no_font_has_is_told_in_the_log(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    engine = session.engine()
    venue = make_venue(engine, name="ᚠᚢᚦ", timezone="UTC")
    room = make_resource(engine, venue, daily_hours=AROUND_THE_CLOCK)
    hall = Hall(app.test_client(), venue, room, make_service(engine, venue, [[room]]))
    made = hall.book(10)
    text_of(app, f"/api/v1/bookings/{made.json['ref']}/confirmation.pdf?token={token_of(made)}")
    assert "characters_not_shown" in caplog.text


def test_every_language_there_is_can_be_asked_for() -> None:
    assert set(KNOWN) == set(get_args(get_args(Language)[0])) == set(TABLE)
