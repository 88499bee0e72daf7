"""Callers as the use cases see them."""

from __future__ import annotations

from dataclasses import replace

from flask import request

from app.domain.accounts import User
from app.domain.actors import Actor
from app.domain.attachments import account_name
from app.domain.errors import SignInRequired
from app.domain.tokens import hash_token
from app.persistence.sessions import LiveSession
from app.services.sessions import Visitor
from app.web.access import caller
from app.web.context import browser_token, stranger
from app.web.languages import KNOWN


def actor(otherwise: str = "guest") -> Actor:
    """Return the caller; somebody who has not signed in, or not wholly, is whatever *otherwise* says."""
    found = caller()
    if found is not None and found.key is not None:
        return replace(stranger("key"), name=str(found.key.id), scopes=found.scopes)
    if found is not None and found.live is not None and found.stage == "full":
        return replace(stranger(found.role), user_id=found.live.user.id, scopes=found.scopes)
    return stranger(otherwise)


def member() -> LiveSession:
    """Return the session of the caller, as far as its sign-in has come.

    Raises:
        SignInRequired: there is none.
    """
    found = caller()
    if found is None or found.live is None:
        raise SignInRequired("Sign in first.")
    return found.live


def user() -> User:
    """Return the account of the caller.

    Raises:
        SignInRequired: there is none.
    """
    return member().user


def visitor() -> Visitor:
    """Return the browser at the door, which gets a cookie by which it is known again."""
    language = request.accept_languages.best_match(KNOWN) or ""
    return Visitor(actor(), hash_token(browser_token()), request.headers.get("User-Agent", ""), language)


def caller_scope() -> str:
    """Return whose idempotency keys these are: one caller's never meet another's."""
    return account_name(actor())
