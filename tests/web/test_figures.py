"""Reports as figures over HTTP: what a page draws its charts from."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.documents import reading
from tests.web.conftest import Hall, day
from tests.web.people import make_person

REPORTS = "/api/v1/admin/reports"


def ask(app: Flask, hall: Hall, report: str, **query: Any) -> TestResponse:
    query = {"from": day(0), "to": day(1), "venue_id": hall.venue_id, **query}
    return make_person("admin").ask(app, "GET", f"{REPORTS}/{report}", query_string=query)


def test_occupancy_is_told_by_resource_weekday_and_hour(app: Flask, hall: Hall) -> None:
    hall.book(10)
    hall.book(11)
    found = ask(app, hall, "occupancy").json
    weekday = date.fromisoformat(day(0)).weekday()
    assert found["venue"] == {"venue_id": hall.venue_id, "timezone": "UTC", "from": day(0), "to": day(1)}
    assert (found["total"]["booked_minutes"], found["by_resource"][0]["bookings"]) == (120, 2)
    assert [use["booked_minutes"] for use in found["by_weekday"]] == [120 if n == weekday else 0 for n in range(7)]
    assert {hour: use["booked_minutes"] for hour, use in enumerate(found["by_hour"]) if use["booked_minutes"]} == {
        10: 60,
        11: 60,
    }
    assert found["by_weekday_and_hour"][weekday][10]["booked_minutes"] == 60
    assert found["by_weekday_and_hour"][(weekday + 1) % 7][10] == {
        "open_minutes": 0,
        "booked_minutes": 0,
        "share": None,
    }


def test_revenue_leaves_out_what_was_called_off(app: Flask, hall: Hall) -> None:
    hall.book(10)
    gone = hall.book(11).json
    assert app.test_client().post(gone["manage_url"].replace("?", "/cancel?"), json={}).status_code == 200
    found = ask(app, hall, "revenue").json
    assert found["total"] == {"bookings": 1, "total_minor": 4000, "deposit_minor": 0}
    assert [item["bookings"] for item in found["by_service"]] == [1]
    assert found["by_day"] == [{"bookings": 1, "total_minor": 4000, "deposit_minor": 0, "date": day(0)}]
    ended = ask(app, hall, "cancellations").json
    assert (ended["lost_minor"], ended["by_status"]) == (4000, {"cancelled": 1, "confirmed": 1})
    assert ended["rates"] == {"cancelled": 0.5, "turned_down": 0.0, "no_show": None}


def test_lead_times_come_in_classes(app: Flask, hall: Hall) -> None:
    hall.book(10)
    (service,) = ask(app, hall, "lead-times").json["by_service"]
    assert sum(item["made"] for item in service["classes"]) == service["bookings"] == 1
    assert service["classes"][-1]["below_hours"] is None


@pytest.mark.parametrize("file", ["occupancy.csv", "bookings.csv", "lead-times.csv"])
def test_each_has_a_file_that_says_how_much_it_is(app: Flask, hall: Hall, file: str) -> None:
    hall.book(10)
    answer = ask(app, hall, file)
    assert answer.mimetype == "text/csv"
    *lines, last = answer.get_data(as_text=True).splitlines()
    assert last == f"#rows={len(lines) - 1}"
    assert len(lines) > 1


@pytest.mark.parametrize(
    ("file", "lang", "words"),
    [
        ("revenue.pdf", "en", ("Revenue as quoted", "€40.00")),
        ("cancellations.pdf", "de", ("Absagen und Nichterscheinen", "0 (0,0")),
        ("lead-times.pdf", "en", ("How long ahead", "< 24 h", "Mean")),
    ],
)
def test_each_can_be_printed(app: Flask, hall: Hall, file: str, lang: str, words: tuple[str, ...]) -> None:
    hall.book(10)
    answer = ask(app, hall, file, lang=lang)
    assert answer.status_code == 200, answer.json
    text = " ".join(reading.texts(answer.get_data()))
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("query", [{"to": day(0)}, {"venue_id": ""}, {"from": "yesterday"}])
def test_a_range_that_is_none_is_refused_by_its_field(app: Flask, hall: Hall, query: dict[str, str]) -> None:
    answer = ask(app, hall, "occupancy", **query)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == next(iter(query))
