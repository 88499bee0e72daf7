from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.persistence import session
from tests.conftest import Queries
from tests.services.factories import make_blackout, make_resource, make_service, make_venue
from tests.web.conftest import Hall, at, day


def test_a_day_of_slots_has_the_shape_that_frontends_read(hall: Hall) -> None:
    answer = hall.slots(days=2)
    assert answer.status_code == 200
    assert set(answer.json) == {"service_id", "timezone", "days"}
    assert [listed["date"] for listed in answer.json["days"]] == [day(0), day(1)]
    assert len(answer.json["days"][0]["slots"]) == 48
    assert answer.json["days"][0]["slots"][20] == {
        "starts_at": at(10),
        "ends_at": at(11),
        "resource_ids": [hall.resource_id],
        "spots_open": 1,
    }


def test_a_booking_takes_every_start_that_would_overlap_it(hall: Hall) -> None:
    hall.book(10)
    assert {at(9, 30), at(10), at(10, 30)}.isdisjoint(hall.starts())
    assert {at(9), at(11)} <= set(hall.starts())


def test_slots_cost_three_queries_at_the_most_and_an_unchanged_answer_one(hall: Hall, queries: Queries) -> None:
    with queries(most=3):
        etag = hall.slots(days=31).headers["ETag"]
    with queries(most=1):
        again = hall.slots(days=31, headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    hall.book(10)
    with queries(most=3):
        assert hall.slots(days=31, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("change", ["book", "hold", "release", "cancel"])
def test_the_tag_moves_with_whatever_changes_the_calendar(hall: Hall, change: str) -> None:
    held, booked = hall.hold(12).json, hall.book(14).json
    before = hall.slots().headers["ETag"]
    if change == "book":
        hall.book(10)
    elif change == "hold":
        hall.hold(10)
    elif change == "release":
        hall.client.delete(f"/api/v1/holds/{held['token']}")
    else:
        token = booked["manage_url"].partition("?token=")[2]
        hall.client.post(f"/api/v1/bookings/{booked['ref']}/cancel", headers={"X-Manage-Token": token})
    assert hall.slots().headers["ETag"] != before


def test_the_tag_of_one_service_does_not_move_with_the_calendar_of_another(hall: Hall) -> None:
    engine = session.engine()
    room = make_resource(engine, hall.venue_id, daily_hours=((0, 1440),))
    other = make_service(engine, hall.venue_id, [[room]])
    before = hall.slots().headers["ETag"]
    assert hall.book(10, service_id=other).status_code == 201
    assert hall.slots().headers["ETag"] == before


def test_the_tag_differs_between_questions(hall: Hall) -> None:
    tags = {hall.slots(**query).headers["ETag"] for query in ({}, {"days": 2}, {"party_size": 2})}
    assert len(tags) == 3


def test_a_service_over_twenty_resources_costs_no_more_queries(client: FlaskClient, queries: Queries) -> None:
    engine = session.engine()
    venue = make_venue(engine)
    rooms = [make_resource(engine, venue) for _ in range(20)]
    service = make_service(engine, venue, [rooms])
    with queries(most=3):
        answer = client.get(f"/api/v1/services/{service}/slots", query_string={"from": day(0), "to": day(31)})
    assert answer.json["days"][0]["slots"][0]["resource_ids"] == rooms
    assert answer.json["days"][0]["slots"][0]["spots_open"] == 20


def test_a_star_is_the_tag_of_no_question(hall: Hall) -> None:
    star = {"If-None-Match": "*"}
    assert hall.slots(headers=star).status_code == 200
    assert hall.slots(days=63, headers=star).status_code == 422
    assert hall.slots(resource_id=999999, headers=star).status_code == 422


@pytest.mark.parametrize("tags", ['W/"nonsense"', '"', ",,,", '"\xff"', '"a",' * 3000])
def test_a_tag_that_is_not_ours_gets_the_whole_answer(hall: Hall, tags: str) -> None:
    assert hall.slots(headers={"If-None-Match": tags}).json["days"]


@pytest.mark.parametrize("sent", ["{tag}", '"older", {tag}', '{tag}, W/"x"', "{bare}"])
def test_the_tag_is_known_among_others_and_without_its_weakness(hall: Hall, sent: str) -> None:
    tag = hall.slots().headers["ETag"]
    headers = {"If-None-Match": sent.format(tag=tag, bare=tag.removeprefix("W/"))}
    assert hall.slots(headers=headers).status_code == 304


def test_the_tag_of_another_service_is_not_taken(hall: Hall) -> None:
    tag = hall.slots().headers["ETag"]
    other = make_service(session.engine(), hall.venue_id, [[hall.resource_id]])
    query = {"from": day(0), "to": day(1)}
    url = f"/api/v1/services/{other}/slots"
    assert hall.client.get(url, query_string=query, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    "starts_at",
    [
        "",
        "1764835200",
        "253402300800",
        "1e300",
        "nan",
        "-1",
        "null",
        "2027-01-01",
        "2027-01-01T10:00:00",
        "2027-01-01T10:00:30Z",
        "2027-01-01T10:00:00+99:99",
        "2027-01-01T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:00-12:00",
        "1969-12-31T23:59:00Z",
        "12027-01-01T10:00:00Z",
    ],
)
def test_an_explanation_is_for_a_time_with_an_offset(hall: Hall, starts_at: str) -> None:
    url = f"/api/v1/services/{hall.service_id}/slots/explain"
    answer = hall.client.get(url, query_string={"starts_at": starts_at})
    assert answer.status_code == 422, answer.json
    assert [error["field"] for error in answer.json["errors"]] == ["starts_at"]


def test_a_plus_that_was_not_encoded_is_refused_not_misread(hall: Hall) -> None:
    url = f"/api/v1/services/{hall.service_id}/slots/explain"
    assert hall.client.get(f"{url}?starts_at=2027-01-01T10:00:00+01:00").status_code == 422
    assert hall.client.get(f"{url}?starts_at=2027-01-01T10:00:00%2B01:00").status_code == 200


def test_an_explanation_names_each_resource_and_its_reason(hall: Hall, queries: Queries) -> None:
    url = f"/api/v1/services/{hall.service_id}/slots/explain"
    assert hall.client.get(url, query_string={"starts_at": at(10)}).json == {"bookable": True, "reasons": []}
    hall.book(10)
    with queries(most=3):
        answer = hall.client.get(url, query_string={"starts_at": at(10)}).json
    assert answer["bookable"] is False
    assert [(r["code"], r["resource_id"]) for r in answer["reasons"]] == [("slot_taken", hall.resource_id)]


@pytest.mark.parametrize(
    ("starts_at", "code"),
    [("2020-01-01T10:00:00Z", "too_soon"), ("2099-01-01T10:00:00Z", "too_far")],
)
def test_an_explanation_knows_notice_and_horizon(hall: Hall, starts_at: str, code: str) -> None:
    url = f"/api/v1/services/{hall.service_id}/slots/explain"
    answer = hall.client.get(url, query_string={"starts_at": starts_at}).json
    assert [reason["code"] for reason in answer["reasons"]] == [code]


def test_a_blackout_is_explained_by_its_reason(hall: Hall) -> None:
    make_blackout(session.engine(), hall.venue_id, starts=0, ends=2**40, reason="Flooded")
    url = f"/api/v1/services/{hall.service_id}/slots/explain"
    reason = hall.client.get(url, query_string={"starts_at": at(10)}).json["reasons"][0]
    assert reason["code"] == "blackout"
    assert "Flooded" in reason["detail"]
    assert hall.starts() == []
    assert hall.book(10).json["code"] == "outside_hours"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"to": ""}, "to"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2027-02-30"}, "from"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "from"),
        ({"from": "9999-12-30", "to": "9999-12-31"}, "from"),
        ({"from": "2027-01-02", "to": "2027-01-01"}, "from"),
        ({"from": "2027-01-01", "to": "2027-01-01"}, "to"),
        ({"from": "2027-01-01", "to": "2027-03-05"}, "to"),
        ({"party_size": "0"}, "party_size"),
        ({"party_size": "many"}, "party_size"),
        ({"party_size": "null"}, "party_size"),
        ({"duration_minutes": "61"}, "duration_minutes"),
        ({"resource_id": "999999"}, "resource_id"),
        ({"resource_id": "9" * 30}, "resource_id"),
        ({"utm_source": "x"}, "utm_source"),
        ({"from": ["2027-01-01", "2027-01-02"]}, "from"),
    ],
)
def test_a_query_that_cannot_be_answered_names_its_parameter(hall: Hall, query: dict[str, object], field: str) -> None:
    answer = hall.slots(**query)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize("service", ["0", "-1", "999999", "x", "1.0", "9" * 23, "9" * 5000, "%00", "\uff11"])
def test_a_service_that_is_not_there_is_not_found(hall: Hall, service: str) -> None:
    answer = hall.client.get(f"/api/v1/services/{service}/slots?from={day(0)}&to={day(1)}")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
