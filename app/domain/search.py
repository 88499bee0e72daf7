"""What people are searched by: the words of names, addresses and numbers, as they are written and without their accents."""

from __future__ import annotations

import re
import unicodedata

LEAST_LETTERS = 3  # of a search: fewer would find everybody
MOST_WORDS = 24  # kept of one customer
MOST_TERMS = 3  # of a search that are looked at
WORD_LENGTH = 64
_SPLIT = re.compile(r"[^\w]+")
_COUNTRY_DIGITS = 3  # a number is found with its country's code and without


def words_of(name: str, email: str, phone: str) -> frozenset[str]:
    """Return the words by which somebody is found: each begins what people may type."""
    words = [*_words(name), *_words(email)]
    if email:
        words.append(email.casefold()[:WORD_LENGTH])
    digits = phone.lstrip("+")
    words += [digits[cut:] for cut in range(_COUNTRY_DIGITS + 1) if len(digits) - cut >= LEAST_LETTERS]
    return frozenset(sorted(filter(None, words))[:MOST_WORDS])


def terms_of(text: str) -> tuple[str, ...]:
    """Return what a search looks for, the longest first; nothing where it has too few letters."""
    plain = text.strip()
    if len(plain) < LEAST_LETTERS:
        return ()
    if "@" in plain and " " not in plain:
        return (plain.casefold()[:WORD_LENGTH],)
    digits = re.sub(r"[\s()./+-]", "", plain)
    if digits.isdecimal():
        return (digits.lstrip("0")[:WORD_LENGTH],) if len(digits.lstrip("0")) >= LEAST_LETTERS else ()
    terms = sorted(
        {_bare(word) for word in _SPLIT.split(plain.casefold()) if word}, key=lambda word: (-len(word), word)
    )
    return tuple(term[:WORD_LENGTH] for term in terms[:MOST_TERMS])


def _words(text: str) -> list[str]:
    found = [word for word in _SPLIT.split(text.casefold()) if word]
    return [form[:WORD_LENGTH] for word in found for form in {word, _bare(word)}]


def _bare(word: str) -> str:
    """Return a word without its accents: what is typed on another keyboard."""
    split = unicodedata.normalize("NFKD", word)
    return (
        unicodedata.normalize("NFC", "".join(letter for letter in split if not unicodedata.combining(letter))) or word
    )
