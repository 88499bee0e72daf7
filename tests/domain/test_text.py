"""What people type, and what is kept of it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.text import clean_email, clean_line, clean_phone, clean_text


def test_text_is_composed_trimmed_and_has_plain_line_breaks() -> None:
    assert clean_text("  Cafe\u0301\r\nau\rlait\t! \n", 50) == "Café\nau\nlait\t!"


@pytest.mark.parametrize("hidden", ["\x00", "\x07", "\x1b", "\x7f", "\x9b", "\ud800", "\ue000", "\u202e", "\u2067"])
def test_characters_that_cannot_be_seen_are_refused(hidden: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        clean_text(f"a{hidden}b", 50)


@pytest.mark.parametrize("seen", ["👩‍👩‍👧", "Zoë", "日本", "العربية", "a\u200db"])
def test_every_script_is_kept(seen: str) -> None:
    assert clean_text(seen, 50) == seen


def test_the_length_is_counted_as_kept() -> None:
    assert clean_text("e\u0301" * 5, 5) == "é" * 5
    for text in ("abcdef", "x" * 10**6):
        with pytest.raises(ValueError, match="longer than 5 characters"):
            clean_text(text, 5)


@given(text=st.text(max_size=60))
def test_text_cleaned_twice_is_text_cleaned_once(text: str) -> None:
    try:
        once = clean_text(text, 60)
    except ValueError:
        return
    assert clean_text(once, 60) == once == unicodedata.normalize("NFC", once)


@pytest.mark.parametrize("broken", ["a\nb", "a\tb", "a\u2028b", "a\u2029b"])
def test_a_line_is_one_line(broken: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        clean_line(broken, 50)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" Ada.Lovelace+x@Example.ORG ", "Ada.Lovelace+x@example.org"),
        ("a@b.co", "a@b.co"),
        ("o'neil@mail.example.org", "o'neil@mail.example.org"),
        ("jörg@müller.de", "jörg@müller.de"),
    ],
)
def test_an_address_is_kept_with_its_domain_in_lower_case(written: str, kept: str) -> None:
    assert clean_email(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "ada",
        "ada@",
        "@example.org",
        "ada@example",
        "ada@example.o",
        "ada@@example.org",
        "ada@exa mple.org",
        "ada@example..org",
        "ada..l@example.org",
        "ada@.example.org",
        ".ada@example.org",
        "ada@example.org, eve@example.org",
        "Ada <ada@example.org>",
        "ada@example.org\nBcc: eve@example.org",
        "a" * 65 + "@example.org",
        "ada@" + "e" * 250 + ".org",
    ],
)
def test_what_no_mail_reaches_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"no e-mail address|longer than|one line"):
        clean_email(written)


@pytest.mark.parametrize(
    ("written", "kept"), [("+49 (0)30 123-456/7", "+490301234567"), ("030.12345", "03012345"), ("12345", "12345")]
)
def test_a_telephone_number_is_kept_as_digits(written: str, kept: str) -> None:
    assert clean_phone(written) == kept


@pytest.mark.parametrize("written", ["1234", "+", "030 12a45", "1" * 21, "++49301234", "49+301234", "٠٣٠١٢٣٤٥"])
def test_what_is_no_telephone_number_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no telephone number"):
        clean_phone(written)
