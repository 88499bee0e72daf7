"""The languages of documents: one table."""

from __future__ import annotations

from app.documents.english import ENGLISH
from app.documents.german import GERMAN
from app.documents.hindi import HINDI
from app.documents.wording import Messages

__all__ = ["TABLE", "Messages", "messages"]

TABLE = {words.language: words for words in (ENGLISH, GERMAN, HINDI)}


def messages(language: str) -> Messages:
    """Return the words for a BCP 47 tag, or English where there are none."""
    return TABLE.get(language.partition("-")[0].lower(), ENGLISH)
