"""Text that people send: one Unicode form, no control characters, a bounded length."""

from __future__ import annotations

import re
import unicodedata

MAX_MARKS = 30  # on one letter. Source: UAX #15, stream-safe text; sorting more of them takes quadratic time
MAX_EMAIL = 254

_LINE_BREAKS = re.compile(r"\r\n?")
_MAILBOX = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}")
_LABEL = re.compile(r"[a-z0-9\x80-\U0010ffff](?:[a-z0-9\x80-\U0010ffff-]{0,61}[a-z0-9\x80-\U0010ffff])?")
_PHONE = re.compile(r"\+?[0-9]{5,20}")  # ASCII alone: no digits of other scripts, no full-width ones
_HIDDEN = {"Cc", "Cs", "Co", "Cn"}
_REORDERING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# They count as letters, symbols or marks, and show nothing: fillers, blanks, selectors of another form.
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\U00013441\U00013442\U00016fe4\U0001d159"
).union(map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0)))


def clean_text(text: str, most: int) -> str:
    """Return *text* in NFC, trimmed, with plain line breaks and tabs; empty where nothing of it would show.

    What joins or parts letters, such as U+200C in Persian and U+200D in emoji, is kept between what shows.

    Raises:
        ValueError: it is longer than *most* characters, holds control characters, or piles up accents.
    """
    if len(text) > most * 4:  # before any work on it; composing shortens by less
        raise ValueError(f"The text is longer than {most} characters.")
    _check_marks(text)
    text = unicodedata.normalize("NFC", _LINE_BREAKS.sub("\n", text)).strip()
    _check_marks(text)  # some letters fall apart in NFC
    if any((unicodedata.category(c) in _HIDDEN and c not in "\n\t") or c in _REORDERING for c in text):
        raise ValueError("The text holds control characters.")
    if len(text) > most:
        raise ValueError(f"The text is longer than {most} characters.")
    return text if any(map(_shows, text)) else ""


def _check_marks(text: str) -> None:
    marks = 0
    for c in "" if text.isascii() else text:
        marks = marks + 1 if unicodedata.combining(c) else 0
        if marks > MAX_MARKS:
            raise ValueError(f"The text has more than {MAX_MARKS} accents on one letter.")


def _shows(c: str) -> bool:
    """Tell whether a reader would see the character where it stands alone."""
    return unicodedata.category(c)[0] not in "CMZ" and c not in _BLANK


def clean_line(text: str, most: int) -> str:
    """Return *text* as one clean line.

    Raises:
        ValueError: as for :func:`clean_text`, or it has a line break.
    """
    text = clean_text(text, most)
    if any(c in text for c in "\n\t\u2028\u2029\x85"):
        raise ValueError("The text must be one line.")
    return text


def clean_email(text: str) -> str:
    """Return an e-mail address in lower case: no provider tells two mailboxes apart by case, and accounts are found by it.

    Raises:
        ValueError: no mail can be sent to it, or it holds characters that do not show.
    """
    text = clean_line(clean_line(text, MAX_EMAIL).lower(), MAX_EMAIL)  # lower case can be longer, and no longer NFC
    mailbox, _, domain = text.rpartition("@")
    if not (_is_mailbox(mailbox) and _is_domain(domain)) or any(map(_is_unseen, text)):
        raise ValueError("That is no e-mail address.")
    return text


def _is_mailbox(text: str) -> bool:
    return bool(_MAILBOX.fullmatch(text)) and ".." not in f".{text}."


def _is_domain(text: str) -> bool:
    """Tell whether mail finds the domain: two labels or more, and the last of two characters, not a number's part."""
    labels = text.split(".")
    return len(labels) > 1 and len(labels[-1]) > 1 and not labels[-1].isdigit() and all(map(_is_label, labels))


def _is_label(text: str) -> bool:
    """Tell whether DNS takes the label. Source: RFC 1035, 2.3.4, and RFC 5891, 4.2.3."""
    if not _LABEL.fullmatch(text) or unicodedata.category(text[0])[0] == "M":
        return False
    return text.isascii() or len(text.encode("punycode")) <= 63 - len("xn--")


def _is_unseen(c: str) -> bool:
    return unicodedata.category(c) == "Cf" or c in _BLANK


def clean_phone(text: str) -> str:
    """Return a telephone number as ASCII digits, with its plus sign.

    Digits of other scripts and full-width ones are refused, not folded: the number that is called is the one that was typed.

    Raises:
        ValueError: it holds anything else, or too few or too many digits.
    """
    digits = re.sub(r"[\s().\-/]", "", clean_line(text, 40))
    if not _PHONE.fullmatch(digits):
        raise ValueError("That is no telephone number.")
    return digits
