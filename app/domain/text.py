"""Text that people send: one Unicode form, no control characters, a bounded length."""

from __future__ import annotations

import re
import unicodedata

_LINE_BREAKS = re.compile(r"\r\n?")
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@[^\s@<>()\[\],;:\"\\]{1,189}\.[^\s@<>()\[\],;:\"\\.]{2,63}")
_PHONE = re.compile(r"\+?[0-9]{5,20}")
_HIDDEN = {"Cc", "Cs", "Co", "Cn"}
_REORDERING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_text(text: str, most: int) -> str:
    """Return *text* in NFC, trimmed, with plain line breaks and tabs.

    Raises:
        ValueError: it is longer than *most* characters or holds characters that cannot be seen.
    """
    if len(text) > most * 4:  # before any work on it; composing shortens by less
        raise ValueError(f"The text is longer than {most} characters.")
    text = unicodedata.normalize("NFC", _LINE_BREAKS.sub("\n", text)).strip()
    if any((unicodedata.category(c) in _HIDDEN and c not in "\n\t") or c in _REORDERING for c in text):
        raise ValueError("The text holds control characters.")
    if len(text) > most:
        raise ValueError(f"The text is longer than {most} characters.")
    return text


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
    """Return an e-mail address with its domain in lower case.

    Raises:
        ValueError: no mail can be sent to it.
    """
    text = clean_line(text, 254)
    if not _EMAIL.fullmatch(text) or ".." in f".{text.replace('@', '.')}":
        raise ValueError("That is no e-mail address.")
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower()}"


def clean_phone(text: str) -> str:
    """Return a telephone number as digits, with its plus sign.

    Raises:
        ValueError: it holds anything else, or too few or too many digits.
    """
    digits = re.sub(r"[\s().\-/]", "", clean_line(text, 40))
    if not _PHONE.fullmatch(digits):
        raise ValueError("That is no telephone number.")
    return digits
