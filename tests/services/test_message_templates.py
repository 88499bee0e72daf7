"""An admin's words: checked before they are kept, changed by one at a time, looked at without being kept, and taken back."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Engine

from app.documents.notices.topics import TOPICS
from app.domain.errors import Invalid, NotFound, VersionMismatch
from app.domain.templates import Text
from app.persistence import tables
from app.persistence.session import transaction
from app.runtime.settings import Settings
from app.services import message_templates
from app.services.message_templates import MessageTemplate
from tests.services.door import NOW, ON_SQLITE, OPERATOR, Door, at_once

TOPIC, LANGUAGE = "booking.confirmed", "de"
GOOD = Text("Gebucht: {{ ref }}", "Bis bald!\n\n{{ when }}", "{{ ref }}")
OTHER = Text("Fest: {{ ref }}", "{{ when }}", "{{ ref }}")


@pytest.fixture
def door(database: Engine, settings: Settings) -> Door:
    return Door(database, settings)


def put(
    text: Text = GOOD, *, version: int | None = None, topic: str = TOPIC, language: str = LANGUAGE
) -> MessageTemplate:
    return message_templates.put(topic, language, text, version=version, by=OPERATOR, now=NOW)


def reset(*, version: int | None = None, topic: str = TOPIC, language: str = LANGUAGE) -> None:
    message_templates.reset(topic, language, version=version, by=OPERATOR, now=NOW)


def test_words_are_kept_cleaned_with_a_version_and_a_row_in_the_audit_log(door: Door) -> None:
    before = message_templates.get(TOPIC, LANGUAGE)
    assert (before.entry.is_changed, before.entry.version, before.entry.updated_at) == (False, 0, None)
    after = put(Text(" Gebucht: {{ ref }} ", "Bis bald!\r\n\r\n{{ when }}\n", "{{ ref }}"), version=0)
    assert (after.text, after.entry.version, after.entry.updated_at) == (GOOD, 1, NOW)
    assert message_templates.get(TOPIC, LANGUAGE) == after
    assert put(OTHER, version=1).entry.version == 2
    rows = door.rows("audit_log")
    assert [(row.action, row.object) for row in rows] == [
        ("message_template.changed", "message_template:booking.confirmed:de")
    ] * 2


def test_the_programs_words_can_be_had_back(door: Door) -> None:
    own = message_templates.get(TOPIC, LANGUAGE)
    put()
    reset(version=1)
    assert message_templates.get(TOPIC, LANGUAGE) == own
    assert door.rows("message_templates") == []
    assert door.actions()[-1] == "message_template.reset"
    with pytest.raises(NotFound):
        reset()


def test_words_are_changed_only_as_they_were_read(door: Door) -> None:
    with pytest.raises(VersionMismatch):
        put(version=1)
    put()
    for version in (0, 2):
        with pytest.raises(VersionMismatch):
            put(OTHER, version=version)
        with pytest.raises(VersionMismatch):
            reset(version=version)
    assert [row.subject for row in door.rows("message_templates")] == [GOOD.subject]


def test_of_two_who_change_words_at_once_one_is_told(door: Door) -> None:
    def change() -> str:
        try:
            put(version=0)
        except VersionMismatch:
            return "told"
        return "kept"

    assert sorted(at_once(2, change)) == ["kept", "told"]
    assert [row.version for row in door.rows("message_templates")] == [1]


@ON_SQLITE
def test_the_list_has_every_topic_in_every_language_and_says_which_are_changed(door: Door) -> None:
    put()
    found = message_templates.list_all()
    assert len(found) == len({(entry.topic, entry.language) for entry in found}) == 3 * len(TOPICS)
    assert [(entry.topic, entry.language, entry.version) for entry in found if entry.is_changed] == [
        (TOPIC, LANGUAGE, 1)
    ]
    assert {entry.topic.partition(".")[0] for entry in found if entry.is_for_staff} == {"staff"}
    assert door.rows("audit_log")


@ON_SQLITE
@pytest.mark.parametrize(("topic", "language"), [("booking.sung_for", "en"), (TOPIC, "fr"), (TOPIC, "EN"), ("", "")])
def test_there_are_no_words_for_what_there_is_not(door: Door, topic: str, language: str) -> None:
    for ask in (lambda: message_templates.get(topic, language), lambda: put(topic=topic, language=language)):
        with pytest.raises(NotFound):
            ask()
    with pytest.raises(NotFound):
        reset(topic=topic, language=language)
    with pytest.raises(NotFound):
        message_templates.preview(topic, language, {})
    assert door.rows("message_templates") == []


@ON_SQLITE
def test_everything_that_is_wrong_is_told_and_nothing_is_kept(door: Door) -> None:
    with pytest.raises(Invalid) as caught:
        put(Text("", "a\n{{ code }}\n{{#if ref}}", "x" * 481))
    found = [(error.field, error.code, error.message.partition(":")[0]) for error in caught.value.errors]
    assert found == [
        ("subject", "required", "Line 1"),
        ("body", "unclosed", "Line 3"),
        ("body", "unknown_field", "Line 2"),
        ("short", "invalid", "Line 1"),
    ]
    assert door.rows("message_templates") == door.rows("audit_log") == []


@ON_SQLITE
def test_a_message_with_a_code_says_the_code(door: Door) -> None:
    with pytest.raises(Invalid) as caught:
        put(Text("Hello", "Your code is on its way.", "Hello"), topic="code.sign_in")
    assert [(error.field, error.code) for error in caught.value.errors] == [("body", "required"), ("short", "required")]
    assert door.rows("message_templates") == []


def test_the_largest_words_can_be_kept(door: Door) -> None:
    largest = Text("𝄞" * 200, "𝄞" * 16_000, "𝄞" * 480)
    assert put(largest).text == largest
    assert message_templates.get(TOPIC, LANGUAGE).text == largest
    assert len(door.rows("message_templates")) == 1


@ON_SQLITE
def test_a_look_shows_a_draft_and_keeps_nothing(door: Door) -> None:
    own = message_templates.preview(TOPIC, LANGUAGE, {})
    draft = message_templates.preview(TOPIC, LANGUAGE, {"body": "Bis bald, {{ customer_name }}!"})
    assert (draft.subject, draft.short) == (own.subject, own.short)
    assert draft.text == "Bis bald, Ada Lovelace!"
    assert "<p" in draft.html
    assert "Bis bald, Ada Lovelace!" in draft.html
    with pytest.raises(Invalid):
        message_templates.preview(TOPIC, LANGUAGE, {"body": "{{ code }}"})
    put()
    assert message_templates.preview(TOPIC, LANGUAGE, {}).subject == "Gebucht: 2345678CFG"
    assert [row.subject for row in door.rows("message_templates")] == [GOOD.subject]


@ON_SQLITE
def test_words_that_fit_no_more_are_shown_with_the_reason(door: Door) -> None:
    with transaction() as opened:
        opened.execute(
            tables.message_templates.insert(),
            {"topic": TOPIC, "language": LANGUAGE, "subject": "s", "body": "{{ gone }}", "short": "s"}
            | {"version": 1, "created_at": NOW, "updated_at": NOW},
        )
    found = message_templates.get(TOPIC, LANGUAGE)
    assert found.text.body == "{{ gone }}"
    assert found.fault.startswith("body: Line 1: there is no field gone")
    with pytest.raises(Invalid):
        message_templates.preview(TOPIC, LANGUAGE, {})
    assert put(GOOD, version=1).fault == ""
    assert json.loads(door.rows("audit_log")[0].detail) == {}
