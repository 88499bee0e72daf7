"""The words of messages: every topic in every language says what its reader needs, and nothing that its topic lacks."""

from __future__ import annotations

from string import Formatter

import pytest

from app.documents.messages import TABLE
from app.documents.notices.topics import TOPICS, Topic
from app.documents.notices.words import LANGUAGES, PHRASES, TABLES, phrase, spoken, words
from app.domain.template_reader import parse
from app.domain.templates import LIMITS, Text, check, fill

EVERY = [
    pytest.param(topic, language, id=f"{name}-{language}") for name, topic in TOPICS.items() for language in LANGUAGES
]
OF_CUSTOMERS = [case for case in EVERY if str(case.id).startswith("booking.")]
OF_STAFF = [case for case in EVERY if str(case.id).startswith("staff.")]
CODES = [case for case in EVERY if str(case.id).startswith("code.")]


def filled(topic: Topic, language: str, **values: str) -> Text:
    return fill(words(topic.name, language), {**topic.samples(language), **values})


def used(text: str) -> set[str]:
    return {name for _, name in parse(text).uses()}


def test_every_language_of_documents_has_messages_too() -> None:
    assert set(LANGUAGES) == set(TABLE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_topic_has_words_and_no_words_are_without_a_topic(language: str) -> None:
    assert set(TABLES[language]) == set(TOPICS)
    assert set(PHRASES[language]) == set(PHRASES["en"])


@pytest.mark.parametrize(("topic", "language"), EVERY)
def test_every_message_can_be_written_with_the_fields_of_its_topic(topic: Topic, language: str) -> None:
    text = words(topic.name, language)
    assert check(text, topic.fields, required=topic.required) == (text_cleaned(text), [])


def text_cleaned(text: Text) -> Text:
    return Text(text.subject.strip(), text.body.strip(), text.short.strip())


def test_a_message_with_a_field_of_another_topic_would_be_told() -> None:
    _, errors = check(words("booking.confirmed", "en"), TOPICS["account.erased"].fields)
    assert {error.code for error in errors} == {"unknown_field"}


@pytest.mark.parametrize(("topic", "language"), EVERY)
def test_nothing_of_the_language_of_templates_is_left_when_it_is_sent(topic: Topic, language: str) -> None:
    for values in ({}, dict.fromkeys(topic.fields, "")):
        text = filled(topic, language, **values)
        assert not {"{", "}"} & set(text.subject + text.body + text.short)
        assert "\n\n\n" not in text.body
        assert all(0 < len(getattr(text, part)) <= most for part, most in LIMITS.items())


@pytest.mark.parametrize(("topic", "language"), OF_CUSTOMERS)
def test_a_customer_reads_what_when_where_and_how_to_change_it(topic: Topic, language: str) -> None:
    samples, text = topic.samples(language), filled(topic, language)
    for name in ("customer_name", "service", "when", "venue", "venue_address", "resources", "ref", "manage_url"):
        assert samples[name] in text.body, name
    assert "Europe/London" in text.body
    assert samples["service"] in text.subject
    assert samples["starts"] in text.subject
    for name in ("service", "venue", "when", "ref"):
        assert samples[name] in text.short, name


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["confirmed", "requested", "approved", "rescheduled", "reminder"])
def test_the_short_message_of_what_can_be_changed_ends_with_the_link(name: str, language: str) -> None:
    topic = TOPICS[f"booking.{name}"]
    assert filled(topic, language).short.endswith(topic.samples(language)["manage_url"])


@pytest.mark.parametrize(("topic", "language"), OF_CUSTOMERS)
def test_what_is_not_known_is_not_spoken_of(topic: Topic, language: str) -> None:
    empty = dict.fromkeys(
        ("resources", "party_size", "total", "reason", "was", "answer_by", "venue_email", "venue_phone"), ""
    )
    text = filled(topic, language, **empty, venue_address="", manage_url="", customer_name="")
    assert not [line for line in text.body.splitlines() if line.endswith((": ", ", ", " ,"))]
    assert "  " not in text.body + text.short
    assert " ," not in text.body
    assert text.body.endswith(topic.samples(language)["venue"])


@pytest.mark.parametrize(
    ("name", "field"),
    [("declined", "reason"), ("cancelled", "reason"), ("rescheduled", "was"), ("requested", "answer_by")],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_change_says_what_it_changes(name: str, field: str, language: str) -> None:
    topic = TOPICS[f"booking.{name}"]
    assert topic.samples(language)[field] in filled(topic, language).body


@pytest.mark.parametrize(("topic", "language"), OF_STAFF)
def test_the_venue_reads_who_comes_for_what_and_gets_no_link_of_the_customers(topic: Topic, language: str) -> None:
    samples, text = topic.samples(language), filled(topic, language)
    assert topic.is_for_staff
    assert "manage_url" not in topic.fields
    for name in ("customer_name", "service", "when", "venue", "resources", "party_size", "ref"):
        assert samples[name] in text.body, name
    for name in ("customer_name", "service", "starts"):
        assert samples[name] in text.subject, name


@pytest.mark.parametrize(("topic", "language"), CODES)
def test_a_code_stands_first_where_a_telephone_shows_it(topic: Topic, language: str) -> None:
    text = filled(topic, language)
    assert text.subject.startswith("271828")
    assert text.short.startswith("271828")
    assert "271828" in text.body


@pytest.mark.parametrize(("topic", "language"), EVERY)
def test_no_language_leaves_out_what_another_says(topic: Topic, language: str) -> None:
    text, english = words(topic.name, language), words(topic.name, "en")
    assert used(text.subject) == used(english.subject)
    assert used(text.body) == used(english.body)
    assert used(text.short) == used(english.short)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_has_a_brace_of_python(language: str) -> None:
    for text in TABLES[language].values():
        assert not [name for _, name, _, _ in Formatter().parse(text.body) if name]


@pytest.mark.parametrize(
    ("tag", "language"), [("de-AT", "de"), ("HI", "hi"), ("fr", "en"), ("", "en"), ("en-GB", "en")]
)
def test_a_language_without_words_is_spoken_to_in_english(tag: str, language: str) -> None:
    assert spoken(tag) == language
    assert words("account.erased", tag) == TABLES[language]["account.erased"]


def test_a_phrase_stands_for_its_key_and_anything_else_for_itself() -> None:
    assert phrase("totp.set_up", "de") == "Er wurde eingerichtet"
    assert phrase("it was set up", "de") == "it was set up"
