"""The words of messages over HTTP, for admins."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.services.door import ON_SQLITE
from tests.web.accounts import ADA, Town, refusal

PATH = "/admin/message-templates"
WORDS = f"{PATH}/code.sign_in/en"
GOOD = {"subject": "{{ code }}: your code", "body": "Here it is: {{ code }}", "short": "{{ code }}"}


@pytest.fixture
def town(app: Flask) -> Town:
    return Town(app)


def test_an_admin_changes_the_words_of_a_mail_and_has_the_old_ones_back(town: Town) -> None:
    admin = town.admin()
    before = admin.get(WORDS)
    assert (before.json["is_changed"], before.json["version"], before.headers["ETag"]) == (False, 0, 'W/"0"')
    assert (before.json["fields"], before.json["required"]) == (["code", "host"], ["code"])
    after = admin.ask("PUT", WORDS, GOOD, If_Match='W/"0"')
    assert (after.status_code, after.json["body"], after.headers["ETag"]) == (200, GOOD["body"], 'W/"1"')
    town.make()
    town.browser().post("/auth/otp", email=ADA)
    assert town.subjects(ADA)[-1].endswith(": your code")
    assert refusal(admin.ask("DELETE", WORDS, If_Match='W/"0"')) == (412, "version_mismatch")
    assert admin.ask("DELETE", WORDS, If_Match='W/"1"').status_code == 204
    assert admin.get(WORDS).json == before.json


def test_the_list_says_whose_words_there_are(town: Town) -> None:
    admin = town.admin()
    assert admin.ask("PUT", WORDS, GOOD).status_code == 200
    answer = admin.get(PATH).json
    assert answer["next_cursor"] is None
    (changed,) = (item for item in answer["items"] if item["is_changed"])
    assert (changed["topic"], changed["language"], changed["version"]) == ("code.sign_in", "en", 1)
    assert changed["updated_at"].endswith("Z")
    assert {item["language"] for item in answer["items"]} == {"en", "de", "hi"}


@ON_SQLITE
def test_everything_that_is_wrong_is_told_with_its_line(town: Town) -> None:
    answer = town.admin().ask("PUT", WORDS, {"subject": "a\nb", "body": "a\n{{ name }}", "short": "x" * 481})
    assert refusal(answer) == (422, "invalid")
    found = [(error["field"], error["code"]) for error in answer.json["errors"]]
    assert found == [("subject", "invalid"), ("body", "unknown_field"), ("short", "invalid")]
    assert answer.json["errors"][1]["message"] == "Line 2: there is no field name here; there are code, host."
    assert town.rows("message_templates") == []


@ON_SQLITE
def test_a_look_at_a_draft_changes_nothing(town: Town) -> None:
    admin = town.admin()
    own = admin.ask("POST", f"{WORDS}/preview", {}).json
    assert own["subject"] == "271828 is your code to sign in"
    seen = admin.ask("POST", f"{WORDS}/preview", {"body": "<b>{{ code }}</b>"}).json
    assert (seen["subject"], seen["short"], seen["text"]) == (own["subject"], own["short"], "<b>271828</b>")
    assert "&lt;b&gt;" in seen["html"]
    assert refusal(admin.ask("POST", f"{WORDS}/preview", {"body": "{{ name }}"})) == (422, "invalid")
    assert town.rows("message_templates") == []
    assert "message_template" not in str(town.rows("audit_log"))


@ON_SQLITE
@pytest.mark.parametrize(
    "path", ["/nothing.at_all/en", "/code.sign_in/fr", "/code.sign_in/en-GB", "/code/en", "/../en"]
)
def test_words_that_there_are_not_are_not_found(town: Town, path: str) -> None:
    admin = town.admin()
    assert refusal(admin.get(PATH + path)) == (404, "not_found")
    assert refusal(admin.ask("PUT", PATH + path, GOOD)) == (404, "not_found")
    assert refusal(admin.ask("DELETE", WORDS)) == (404, "not_found")


@ON_SQLITE
@pytest.mark.parametrize("body", [{}, {**GOOD, "html": "x"}, {**GOOD, "short": None}, {**GOOD, "body": 7}])
def test_a_body_that_is_none_is_refused(town: Town, body: dict[str, Any]) -> None:
    assert refusal(town.admin().ask("PUT", WORDS, body)) == (422, "invalid")


def test_somebody_is_written_to_in_the_language_of_their_browser_and_then_in_the_one_they_ask_for(town: Town) -> None:
    browser = town.browser()
    german = {"Accept_Language": "de-AT,de;q=0.9,en;q=0.5"}
    browser.ask("POST", "/auth/register", {"name": "Ada", "email": ADA}, **german)
    assert town.subjects(ADA)[-1].endswith("ist Ihr Code für die Registrierung")
    user = browser.ask("POST", "/auth/otp/verify", {"email": ADA, "code": town.subjects(ADA)[-1][:6]}).json["user"]
    assert user["language"] == "de"
    town.browser().ask("POST", "/auth/otp", {"email": ADA}, Accept_Language="hi")
    assert town.subjects(ADA)[-1].endswith("ist Ihr Code für die Anmeldung")
    assert browser.patch(language="hi").json["user"]["language"] == "hi"
    browser.ask("POST", "/auth/password", {"password": "an owl in the barn"}, **german)
    assert town.subjects(ADA)[-1] == "आपका पासवर्ड बदल गया है"
    assert refusal(browser.patch(language="fr")) == (422, "invalid")


@ON_SQLITE
@pytest.mark.parametrize("header", ["fr, *;q=0.1", "", "xx", "de;q=x"])
def test_a_browser_that_likes_none_of_our_languages_is_written_to_in_english(town: Town, header: str) -> None:
    browser = town.browser()
    browser.ask("POST", "/auth/register", {"name": "Ada", "email": ADA}, Accept_Language=header)
    assert town.subjects(ADA)[-1].endswith("is your code to register")
