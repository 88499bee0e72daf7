"""The program as it answers, without what it does when the answer has left: how else would one know the one from the other?

That is no switch of the product: it is done to it here, in the bench's own process.
"""

from __future__ import annotations

from app import create_app
from app.runtime.settings import Settings
from app.web import afterwards


def _leave_it(_settings: Settings) -> None:
    """Send nothing: the outbox keeps what is owed."""


afterwards.drain = _leave_it
application = create_app(warm=True)
