"""The language of a document: asked for in the query, or else what the browser likes best."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Response, request
from msgspec import Meta, Struct
from werkzeug.datastructures import LanguageAccept

Language = Annotated[
    Literal["en", "de", "hi"], Meta(description="The language; left out, what `Accept-Language` likes best.")
]
KNOWN = ("en", "de", "hi")


class DocumentQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """In which language; `token` is the booking's manage token, where that opens it."""

    lang: Language | None = None
    token: Annotated[str, Meta(max_length=200)] | None = None


def language_of(wanted: str | None) -> str:
    """Return the tag of the language to write in; English where nothing that there is was asked for."""
    return wanted or request.accept_languages.best_match(KNOWN) or "en"


def wanted_by_browser() -> str:
    """Return the tag that the browser asks for among those there are; empty where it names none of them.

    ``*``, which programs send by themselves, names none.
    """
    named = LanguageAccept([(tag, quality) for tag, quality in request.accept_languages if tag != "*"])
    return named.best_match(KNOWN) or ""


def told(response: Response) -> Response:
    """Return the answer with the word that it depends on the languages asked for."""
    response.headers.add("Vary", "Accept-Language")
    return response
