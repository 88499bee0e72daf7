"""What may be a password: length in characters, any script, and none of the commonest."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Invalid
from app.domain.passwords import check_password, normal_password

DECOMPOSED = "cafe\u0301-cafe\u0301"
GREEK = "\u1f82"  # alpha with three marks: four characters before NFC, the most that become one


def never(_plain: str) -> bool:
    return False


def refusal(text: str, **more: str) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        check_password(text, is_common=never, **more)
    (error,) = caught.value.errors
    return error.field, error.code


@pytest.mark.parametrize(
    "text",
    [
        "8 chars!",
        "пароль от моря",
        "密码密码密码密碼",
        "🦊🐻🐼🐨🐯🦁🐮🐷",
        "  outer spaces  ",
        "a" + "b" * 127,
        "tab\tand\nbreak",
    ],
)
def test_a_password_may_have_any_characters_and_is_not_trimmed(text: str) -> None:
    assert check_password(text, is_common=never) == text


def test_a_password_is_the_same_whichever_way_its_accents_are_typed() -> None:
    assert check_password(DECOMPOSED, is_common=never) == "café-café"
    assert normal_password(DECOMPOSED) == normal_password("café-café") == "café-café"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "too_short"),
        ("7 chars", "too_short"),
        ("cafe\u0301 12", "too_short"),  # eight as typed, seven characters
        ("a" + "b" * 128, "too_long"),
        ("\u0958" * 65, "too_long"),  # NFC makes two characters of each
        ("long " * 1_000_000, "too_long"),
        ("with\0 a NUL", "invalid"),
        ("with half a pair \ud83e", "invalid"),
        ("\0", "invalid"),
        ("zzzzzzzzzz", "too_common"),
        ("aAaAaAaA", "too_common"),
        ("\uff58" * 8, "too_common"),
    ],
)
def test_a_password_that_cannot_be_is_refused_with_its_reason(text: str, code: str) -> None:
    assert refusal(text) == ("password", code)


def test_a_refusal_names_the_field_it_was_asked_for() -> None:
    assert refusal("short", field="new_password") == ("new_password", "too_short")


def test_a_password_of_128_characters_may_come_decomposed() -> None:
    typed = unicodedata.normalize("NFD", GREEK * 127 + "x")
    assert len(typed) == 127 * 4 + 1
    assert check_password(typed, is_common=never) == GREEK * 127 + "x"


def test_a_common_password_is_recognised_in_any_case_and_width() -> None:
    asked = []

    def is_common(plain: str) -> bool:
        asked.append(plain)
        return plain == "password1"

    for text in ("password1", "PassWord1", "\uff30assword\uff11"):
        with pytest.raises(Invalid) as caught:
            check_password(text, is_common=is_common)
        assert caught.value.errors[0].code == "too_common"
    assert check_password("password2", is_common=is_common) == "password2"
    assert asked == ["password1", "password1", "password1", "password2"]


def test_nothing_is_looked_up_for_a_password_of_the_wrong_length() -> None:
    def is_common(plain: str) -> bool:
        raise AssertionError(plain)

    for text in ("short", "x" * 500, "x" * 5000):
        with pytest.raises(Invalid):
            check_password(text, is_common=is_common)


@pytest.mark.parametrize("text", ["a" * 129, "x" * 1_000_000, "a\0b", "\udc00", "\u0958" * 65])
def test_a_text_that_cannot_be_a_password_has_no_normal_form(text: str) -> None:
    assert normal_password(text) is None


def test_one_character_too_many_is_noticed_before_any_work() -> None:
    class Heavy(str):
        __slots__ = ()

        def __iter__(self) -> None:  # type: ignore[override]
            raise AssertionError("the text was looked into")

    assert normal_password(Heavy("a" * 513)) is None
    with pytest.raises(AssertionError, match="looked into"):
        normal_password(Heavy("a" * 512))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=600))
def test_length_in_nfc_decides_and_nothing_else_is_changed(text: str) -> None:
    normal = unicodedata.normalize("NFC", text)
    if not 8 <= len(normal) <= 128 or len(set(unicodedata.normalize("NFKC", normal).lower())) == 1:
        assert refusal(text)[1] in {"too_short", "too_long", "too_common"}
        return
    password = check_password(text, is_common=never)
    assert password == normal
    assert check_password(password, is_common=never) == password


def test_no_character_is_made_of_more_than_four_others() -> None:
    assert max(len(unicodedata.normalize("NFD", chr(point))) for point in range(sys.maxunicode + 1)) == 4
