"""One's own account over HTTP: what it says, its bookings, taking it along, and deleting it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.persistence import session
from app.web import afterwards
from tests.conftest import Queries
from tests.services.door import ON_SQLITE
from tests.services.factories import make_service
from tests.web.accounts import ADA, BOB, GOOD, OTHER, Browser, Clock, Town, other_than, refusal, take_the_clock
from tests.web.conftest import Hall, at, token_of

NEW, PHONE = "new@example.org", "+4930123456"


@pytest.fixture
def town(app: Flask) -> Town:
    return Town(app)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return take_the_clock(monkeypatch)


def book(browser: Browser, hall: Hall, hour: int = 10, **fields: Any) -> Any:
    answer = browser.post("/bookings", service_id=hall.service_id, starts_at=at(hour), **fields)
    assert answer.status_code == 201, answer.json
    return answer


def refs(browser: Browser, query: str = "") -> list[str]:
    return [item["ref"] for item in browser.get(f"/me/bookings{query}").json["items"]]


def test_a_name_is_changed_at_once_and_only_in_the_version_that_was_read(town: Town) -> None:
    browser = town.member()
    tag = browser.get("/me").headers["ETag"]
    answer = browser.ask("PATCH", "/me", {"name": "Augusta"}, If_Match=tag)
    assert (answer.status_code, answer.json["user"]["name"], answer.json["awaiting_code"]) == (200, "Augusta", [])
    assert answer.headers["ETag"] != tag
    assert refusal(browser.ask("PATCH", "/me", {"name": "Eve"}, If_Match=tag)) == (412, "version_mismatch")
    assert refusal(browser.ask("PATCH", "/me", {"email": NEW}, If_Match=tag)) == (412, "version_mismatch")
    assert town.mails(NEW) == []
    assert browser.get("/me").json["name"] == "Augusta"


def test_a_new_address_counts_once_its_code_is_back_and_the_old_one_is_told(town: Town) -> None:
    browser = town.member()
    answer = browser.patch(email="New@Example.org")
    assert (answer.status_code, answer.json["awaiting_code"], answer.json["user"]["email"]) == (200, ["email"], ADA)
    wrong = browser.post("/auth/otp/verify", email=NEW, code=other_than(town.code(NEW)))
    assert refusal(wrong) == (401, "invalid_credentials")
    assert browser.whoami() == ADA
    assert browser.post("/auth/otp/verify", email=NEW, code=town.code(NEW)).json["user"]["email"] == NEW
    assert town.subjects(ADA)[-1] == "The e-mail address of your account was changed"
    assert refusal(town.browser().log_in()) == (401, "invalid_credentials")
    assert town.browser().log_in(NEW).status_code == 200


def test_both_addresses_are_changed_by_the_two_codes_that_were_asked_for_together(town: Town) -> None:
    browser = town.member()
    assert browser.patch(email=NEW, phone=PHONE).json["awaiting_code"] == ["email", "phone"]
    assert browser.post("/auth/otp/verify", email=NEW, code=town.code(NEW)).status_code == 200
    assert browser.post("/auth/otp/verify", phone=PHONE, code=town.texted_code()).status_code == 200
    user = browser.get("/me").json
    assert (user["email"], user["phone"]) == (NEW, PHONE)


def test_the_address_of_another_account_answers_alike_and_is_never_given_away(town: Town) -> None:
    browser = town.member()
    town.make(email=BOB)
    assert browser.patch(email=BOB).json["awaiting_code"] == browser.patch(email=NEW).json["awaiting_code"] == ["email"]
    assert town.mails(BOB) == []
    wrong = browser.post("/auth/otp/verify", email=BOB, code="000000")
    assert refusal(wrong) == (401, "invalid_credentials")


@ON_SQLITE
def test_the_last_address_stays(town: Town) -> None:
    browser = town.member()
    assert refusal(browser.patch(email="")) == (409, "conflict")
    browser.patch(phone=PHONE)
    browser.post("/auth/otp/verify", phone=PHONE, code=town.texted_code())
    assert browser.patch(email="").json["user"]["email"] == ""
    assert "e-mail address of your account was changed" in town.subjects(ADA)[-1]


@ON_SQLITE
@pytest.mark.parametrize(
    "body",
    [{"role": "admin"}, {"id": 1}, {"active": False}, {"has_totp": False}, {"password": OTHER}, {"name": ""}, {"name": None},
     {"email": "x"}, {"phone": "x"}, {"contact_phone": "x"}, {"version": 9}, {"totp_sealed": ""}],
)  # fmt: skip
def test_nothing_else_of_an_account_is_set_from_a_body(town: Town, body: dict[str, Any]) -> None:
    browser = town.member()
    before = town.rows("users")
    assert refusal(browser.ask("PATCH", "/me", body)) == (422, "invalid")
    assert town.rows("users") == before


def test_the_present_password_stands_in_for_a_fresh_sign_in(town: Town, clock: Clock) -> None:
    browser = town.member()
    clock.move(minutes=11)
    assert refusal(browser.post("/auth/password", password=OTHER)) == (403, "step_up_required")
    wrong = browser.post("/auth/password", password=OTHER, current_password=OTHER)
    assert refusal(wrong) == (401, "invalid_credentials")
    assert browser.post("/auth/password", password=OTHER, current_password=GOOD).status_code == 200
    assert town.browser().log_in(password=OTHER).status_code == 200
    assert town.subjects(ADA)[-1] == "Your password was changed"


@ON_SQLITE
def test_a_name_needs_no_fresh_sign_in(town: Town, clock: Clock) -> None:
    browser = town.member()
    clock.move(minutes=11)
    assert browser.patch(name="Augusta").status_code == 200


def test_a_members_booking_is_theirs_without_saying_who_they_are(town: Town, hall: Hall) -> None:
    browser, stranger = town.member(), town.browser()
    booked = book(browser, hall)
    assert booked.json["customer"] == {"name": "Ada", "email": ADA, "phone": ""}
    assert refs(browser) == [booked.json["ref"]]
    refused = stranger.post("/bookings", service_id=hall.service_id, starts_at=at(12))
    assert refusal(refused) == (422, "invalid")


def test_a_member_books_in_a_handful_of_statements(
    town: Town, hall: Hall, queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = town.member()
    book(browser, hall, 9)
    monkeypatch.setattr(afterwards, "drain", lambda _: None)  # what is owed is sent when the answer is out
    with queries(most=14):
        book(browser, hall, 10)


def test_the_owner_reads_names_and_answers_and_a_link_does_not(town: Town, hall: Hall) -> None:
    diet = {"key": "diet", "label": "Diet", "type": "text", "required": False}
    dinner = make_service(session.engine(), hall.venue_id, [[hall.resource_id]], custom_fields=[diet])
    browser = town.member()
    booked = book(browser, replace(hall, service_id=dinner), answers={"diet": "oysters"}, notes="by the window")
    mine = browser.get(f"/bookings/{booked.json['ref']}").json
    assert (mine["customer"]["email"], mine["answers"], mine["notes"]) == (ADA, {"diet": "oysters"}, "by the window")
    shown = town.browser().get(f"/bookings/{booked.json['ref']}?token={token_of(booked)}").json
    assert not {"customer", "answers", "notes", "manage_url"} & set(shown)
    assert "oysters" not in str(shown)


def test_somebody_elses_booking_answers_like_a_missing_one(town: Town, hall: Hall) -> None:
    ada, bob = town.member(), town.member(BOB)
    ref = book(ada, hall).json["ref"]
    foreign, missing = bob.get(f"/bookings/{ref}"), bob.get("/bookings/XXXXXXXXXX")
    assert refusal(foreign) == refusal(missing) == (404, "not_found")
    assert foreign.json["detail"] == missing.json["detail"]
    assert refusal(bob.post(f"/bookings/{ref}/cancel")) == (404, "not_found")
    assert ada.post(f"/bookings/{ref}/cancel").status_code == 200


def test_a_guests_bookings_join_once_the_address_is_shown_and_only_those(town: Town, hall: Hall) -> None:
    guest = town.browser()
    mine = [
        book(guest, hall, hour, customer={"name": "Ada", "email": "ADA@example.org"}).json["ref"] for hour in (8, 9)
    ]
    book(guest, hall, 10, customer={"name": "Bob", "email": BOB})
    browser = town.browser()
    browser.post("/auth/register", name="Ada", email=ADA, password=GOOD)
    assert {row.user_id for row in town.rows("customers")} == {None}
    browser.post("/auth/otp/verify", email=ADA, code=town.code())
    assert refs(browser) == mine[::-1]
    later = book(guest, hall, 11, customer={"name": "Ada", "email": ADA}).json["ref"]
    assert later not in refs(browser)
    again = town.browser()
    again.post("/auth/otp", email=ADA)
    again.post("/auth/otp/verify", email=ADA, code=town.code())
    assert refs(again) == [later, *mine[::-1]]


def test_bookings_are_listed_in_pages_the_newest_first(town: Town, hall: Hall, queries: Queries) -> None:
    browser = town.member()
    made = [book(browser, hall, hour).json["ref"] for hour in range(5, 10)]
    seen, cursor = [], ""
    while cursor is not None:
        with queries(most=3):
            page = browser.get(f"/me/bookings?limit=2{cursor and '&cursor='}{cursor}").json
        assert len(page["items"]) <= 2
        seen += [item["ref"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]
    assert refusal(browser.get("/me/bookings?limit=101")) == (422, "invalid")


def test_an_account_is_deleted_only_with_no_booking_to_come_and_leaves_no_trace_of_its_owner(
    town: Town, hall: Hall, clock: Clock
) -> None:
    browser = town.member()
    browser.patch(name="Augusta Byron")
    ref = book(browser, hall, customer={"name": "Augusta Byron", "email": ADA, "phone": PHONE}).json["ref"]
    assert refusal(browser.delete("/me")) == (409, "conflict")
    assert browser.post(f"/bookings/{ref}/cancel", reason="ill").status_code == 200
    answer = browser.delete("/me")
    assert (answer.status_code, browser.cookie, browser.whoami()) == (204, "", None)
    assert town.subjects(ADA)[-1] == "Your account was deleted"
    kept = [str(row) for name in ("users", "customers", "bookings", "one_time_codes", "outbox", "audit_log")
            for row in town.rows(name)]  # fmt: skip
    assert [line for line in kept if any(word in line for word in ("Augusta", "ada@", "4930123456", "argon2"))] == []
    assert refusal(town.browser().log_in()) == (401, "invalid_credentials")
    clock.move(minutes=2)
    assert town.member().whoami() == ADA  # the address is free again, and the bookings stay with the account that was


@ON_SQLITE
def test_an_admin_does_not_delete_themselves(town: Town) -> None:
    assert refusal(town.admin().delete("/me")) == (403, "forbidden")


def test_an_export_is_streamed_and_holds_the_account_and_nothing_secret(town: Town, hall: Hall) -> None:
    browser = town.member()
    town.member(BOB)
    ref = book(browser, hall, notes="by the window").json["ref"]
    answer = browser.get("/me/export")
    assert (answer.mimetype, answer.status_code) == ("application/json", 200)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="account.json"'
    document = json.loads(answer.get_data())
    assert set(document) == {"account", "sessions", "bookings", "events"}
    assert (document["account"]["email"], document["bookings"][0]["ref"]) == (ADA, ref)
    assert document["bookings"][0]["notes"] == "by the window"
    text = answer.get_data(as_text=True)
    for word in (BOB, "argon2", "hash", browser.cookie, "sealed"):
        assert word not in text


def test_an_export_holds_no_connection_while_it_is_read_and_none_when_its_reader_leaves(town: Town, app: Flask) -> None:
    browser = town.member()
    pool: Any = session.engine().pool
    client = app.test_client(use_cookies=False)
    answer = client.get("/api/v1/me/export", headers={"Cookie": f"slotkeeper={browser.cookie}"})
    chunks = answer.iter_encoded()
    for _ in range(3):
        assert next(chunks)
        assert pool.checkedout() == 0
    answer.close()
    assert pool.checkedout() == 0
