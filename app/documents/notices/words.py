"""Which words there are: each topic in each language, and the few phrases that fill a field."""

from __future__ import annotations

from app.documents.notices.english import ENGLISH, ENGLISH_PHRASES
from app.documents.notices.german import GERMAN, GERMAN_PHRASES
from app.documents.notices.hindi import HINDI, HINDI_PHRASES
from app.domain.templates import Text

TABLES = {"en": ENGLISH, "de": GERMAN, "hi": HINDI}
PHRASES = {"en": ENGLISH_PHRASES, "de": GERMAN_PHRASES, "hi": HINDI_PHRASES}
LANGUAGES = tuple(TABLES)


def spoken(language: str) -> str:
    """Return the language that there are words in for a BCP 47 tag; English where there are none."""
    tag = language.partition("-")[0].lower()
    return tag if tag in TABLES else "en"


def words(topic: str, language: str) -> Text:
    """Return the program's words for a topic.

    Raises:
        KeyError: it has none for such a topic.
    """
    return TABLES[spoken(language)][topic]


def phrase(key: str, language: str) -> str:
    """Return what a key stands for, such as ``totp.set_up``; what is none stays as it is."""
    return PHRASES[spoken(language)].get(key, key)
