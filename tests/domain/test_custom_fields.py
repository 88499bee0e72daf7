"""The questions of a service, and what passes as an answer."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.custom_fields import CustomField, check_answers, fields_from_json
from app.domain.errors import Invalid

SHOES = CustomField("shoes", "Shoe size", "number")
LEVEL = CustomField("level", "Level", "choice", required=True, choices=("new", "old hand"))
ACCEPTED = [
    ("text", " Jo ", "Jo"),
    ("long_text", "a\r\nb", "a\nb"),
    ("number", 42, 42),
    ("number", -1.5, -1.5),
    ("boolean", False, False),
    ("choice", "new", "new"),
    ("date", "2028-02-29", "2028-02-29"),
]
REFUSED = [
    ("text", 1),
    ("text", "a\nb"),
    ("text", "x" * 501),
    ("long_text", "x" * 4001),
    ("number", "42"),
    ("number", True),
    ("number", 10**12 + 1),
    ("number", float("inf")),
    ("number", float("nan")),
    ("boolean", 1),
    ("boolean", "yes"),
    ("choice", "newish"),
    ("date", "2027-02-29"),
    ("date", "20270601"),
    ("date", "2027-W01-1"),
    ("date", "tomorrow"),
]


def field(kind: str, *, required: bool = False) -> CustomField:
    return CustomField("it", "It", kind, required, ("new", "old hand") if kind == "choice" else ())


@pytest.mark.parametrize(("kind", "answer", "kept"), ACCEPTED)
def test_an_answer_that_fits_is_kept_clean(kind: str, answer: Any, kept: Any) -> None:
    assert check_answers((field(kind, required=True),), {"it": answer}) == {"it": kept}


@pytest.mark.parametrize(("kind", "answer"), REFUSED)
def test_an_answer_of_the_wrong_kind_is_refused_by_name_in_plain_words(kind: str, answer: Any) -> None:
    with pytest.raises(Invalid) as refused:
        check_answers((field(kind),), {"it": answer})
    ((path, code, message),) = [(e.field, e.code, e.message) for e in refused.value.errors]
    assert (path, code) == ("answers.it", "invalid")
    assert message.startswith(("The ", "Choose "))


@pytest.mark.parametrize("answers", [{}, {"level": ""}, {"level": "  "}])
def test_a_question_that_must_be_answered_is(answers: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        check_answers((SHOES, LEVEL), answers)
    assert [(error.field, error.code) for error in refused.value.errors] == [("answers.level", "required")]


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        check_answers((SHOES, LEVEL), {"colour": "red", "shoes": "big"})
    assert [(error.field, error.code) for error in refused.value.errors] == [
        ("answers.colour", "unknown"),
        ("answers.shoes", "invalid"),
        ("answers.level", "required"),
    ]


def test_answers_come_in_the_order_of_the_questions() -> None:
    assert [*check_answers((SHOES, LEVEL), {"level": "new", "shoes": 42})] == ["shoes", "level"]


def test_questions_are_read_as_stored() -> None:
    text = '[{"key": "level", "label": "Level", "type": "choice", "required": true, "choices": ["new", "old hand"]}]'
    assert fields_from_json(text) == (LEVEL,)
