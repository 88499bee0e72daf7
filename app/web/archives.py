"""All that is kept about somebody as one file."""

from __future__ import annotations

from flask import Response

from app.services import privacy_archive
from app.services.privacy_archive import Whose
from app.web.actors import user
from app.web.context import now, settings
from app.web.routes.customers import ZIP
from app.web.streams import EXPORTS, VISITORS, stream


def read_customer(customer_id: int) -> Response:
    """Hand over everything that is kept about a customer, as one zip file: JSON by kind, and the files of their bookings."""
    return _answer(privacy_archive.of_customer(customer_id), is_own=False)


def read_own() -> Response:
    """Take along everything that is kept about oneself, as one zip file, with the files of one's bookings."""
    return _answer(privacy_archive.of_account(user()), is_own=True)


def _answer(whose: Whose, *, is_own: bool) -> Response:
    chunks = privacy_archive.iter_archive(settings(), whose, now=now())
    return stream(chunks, ZIP, "archive.zip", places=VISITORS if is_own else EXPORTS)
