"""The language of a booking: said in the body, or told by the browser, and kept."""

from __future__ import annotations

import pytest

from tests.web.conftest import Hall, at, token_of


@pytest.mark.parametrize(
    ("said", "browser", "language"),
    [
        ("hi", "de", "hi"),
        (None, "de-AT,de;q=0.9,en;q=0.5", "de"),
        (None, "fr,hi;q=0.7,en;q=0.3", "hi"),
        (None, "fr", ""),
        (None, "*", ""),  # programs send it by themselves
        (None, "fr,*;q=0.5", ""),
        (None, "", ""),
    ],
)
def test_a_booking_is_in_the_language_of_whoever_makes_it(
    hall: Hall, said: str | None, browser: str, language: str
) -> None:
    fields = {} if said is None else {"language": said}
    booked = hall.book(10, headers={"Accept-Language": browser}, **fields)
    assert booked.status_code == 201
    assert booked.get_json()["language"] == language


def test_an_answer_given_again_keeps_the_first_language(hall: Hall) -> None:
    answers = [
        hall.book(10, headers={"Accept-Language": browser, "Idempotency-Key": "k"}).get_json()["language"]
        for browser in ("de", "hi")
    ]
    assert answers == ["de", "de"]


def test_a_language_that_there_is_not_is_refused(hall: Hall) -> None:
    refused = hall.book(10, language="fr")
    assert refused.status_code == 422
    assert "language" in refused.text


def test_a_link_alone_does_not_tell_the_language(hall: Hall) -> None:
    booked = hall.book(10, language="de")
    url = f"/api/v1/bookings/{booked.get_json()['ref']}"
    assert "language" not in hall.client.get(url, query_string={"token": token_of(booked)}).get_json()
    moved = hall.client.post(
        f"{url}/reschedule", json={"starts_at": at(12)}, headers={"X-Manage-Token": token_of(booked)}
    )
    assert "language" not in moved.get_json()
