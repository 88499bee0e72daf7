"""The questions that a venue adds to a service, and what may be answered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from app.domain.errors import FieldError, Invalid
from app.domain.text import clean_line, clean_text

Answer = str | int | float | bool
TYPES = ("text", "long_text", "number", "boolean", "choice", "date", "file")
MAX_TEXT = 500
MAX_LONG_TEXT = 4000
_UPLOAD = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class CustomField:
    """One question: ``key`` names the answer, ``choices`` belong to type choice."""

    key: str
    label: str
    type: str = "text"
    required: bool = False
    choices: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def fields_from_json(text: str) -> tuple[CustomField, ...]:
    """Return the custom fields stored with a service."""
    return tuple(CustomField(**{**item, "choices": tuple(item.get("choices", ()))}) for item in json.loads(text))


def check_answers(fields: tuple[CustomField, ...], answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Return the answers, cleaned, in the order of the questions; empty ones are left out.

    Raises:
        Invalid: an answer is missing, unknown, or of the wrong kind; all of them are named.
    """
    known = {field.key for field in fields}
    errors = [
        FieldError(f"answers.{key}", "unknown", "There is no such question.") for key in answers if key not in known
    ]
    checked: dict[str, Answer] = {}
    for field in fields:
        try:
            answer = _check(field, answers.get(field.key))
        except ValueError as error:
            errors.append(FieldError(f"answers.{field.key}", "invalid", str(error)))
            continue
        if answer is not None:
            checked[field.key] = answer
        elif field.required:
            errors.append(FieldError(f"answers.{field.key}", "required", f"{field.label} must be answered."))
    if errors:
        raise Invalid("The answers cannot be accepted.", errors)
    return checked


def _check(field: CustomField, answer: Answer | None) -> Answer | None:
    """Return the cleaned answer, or None where there is none.

    Raises:
        ValueError: it does not fit the question.
    """
    if answer is None:
        return None
    if field.type == "boolean":
        return _check_type(answer, bool, "true or false")
    if field.type == "number":
        return _check_number(answer)
    text = str(_check_type(answer, str, "text"))
    text = clean_text(text, MAX_LONG_TEXT) if field.type == "long_text" else clean_line(text, MAX_TEXT)
    if field.type == "choice" and text and text not in field.choices:
        raise ValueError(f"Choose one of: {', '.join(field.choices)}.")
    if field.type == "date" and text:
        _check_date(text)
    if field.type == "file" and text and not _UPLOAD.fullmatch(text):
        raise ValueError("The answer must be the id of a finished upload.")
    return text or None


def _check_type(answer: Answer, kind: type[Answer], words: str) -> Answer:
    if not isinstance(answer, kind):
        raise ValueError(f"The answer must be {words}.")  # noqa: TRY004 - a wrong answer, not a wrong program
    return answer


def _check_number(answer: Answer) -> Answer:
    if isinstance(answer, (bool, str)) or not abs(answer) <= 10**12:  # "not a number" compares with nothing
        raise ValueError("The answer must be a number.")
    return answer


def _check_date(text: str) -> None:
    with suppress(ValueError):
        if date.fromisoformat(text).isoformat() == text:
            return
    raise ValueError("The answer must be a date such as 2026-12-01.")
