"""Remove what nobody needs: uploads that are over, drafts that a kill has left, content that nobody refers to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import TypeVar

from app.domain.attachments import Upload
from app.domain.errors import UploadLocked
from app.gateways.files import Storage, StoredContent
from app.persistence import contents
from app.persistence import uploads as stored
from app.persistence.session import give_connection_back, reading, use_case
from app.runtime.settings import Settings
from app.services import files, uploads
from app.services.attachments import Desk

T = TypeVar("T")

KEPT_FOR = timedelta(days=1)  # what has no row: a request that is about to write one takes seconds, an upload hours
_REMOVAL_TAKES = timedelta(hours=1)  # at the very most; whoever began has been killed
PAGE = 500  # names a query


@dataclass(frozen=True, slots=True)
class Swept:
    """How much was removed, of what."""

    uploads: int
    drafts: int
    contents: int
    strays: int
    is_finished: bool = True


def sweep(settings: Settings, *, clock: Callable[[], datetime], goes_on: Callable[[], bool] = lambda: True) -> Swept:
    """Remove all that is over, as long as there is time; any number of these may run at once, beside anything else.

    Raises:
        Busy: the database or the store does not answer. What has been removed by then stays removed.
    """
    home, desk, now = files.storage(settings), Desk(settings, clock), clock()
    return Swept(
        uploads=sum(_end(upload, desk) for upload in _while(goes_on, _over(now))),
        drafts=home.sweep(now - KEPT_FOR) if goes_on() else 0,
        contents=sum(
            files.remove(home, sha256, until=now - _REMOVAL_TAKES) for sha256 in _while(goes_on, _marked(now))
        ),
        strays=sum(
            files.discard(home, item.sha256, now=clock())
            for item in _while(goes_on, strays(home, before=now - KEPT_FOR))
        ),
        is_finished=goes_on(),
    )


def _while(goes_on: Callable[[], bool], items: Iterator[T]) -> Iterator[T]:
    """Yield the items until the time is up."""
    return takewhile(lambda _: goes_on(), items)


def strays(home: Storage, *, before: datetime) -> Iterator[StoredContent]:
    """Yield content that was stored before a time and has no row; memory does not grow with the store."""
    stored_then = (item for item in home.iter_stored() if item.stored_at < before)
    while page := list(islice(stored_then, PAGE)):
        known = _known(page)
        yield from (item for item in page if item.sha256 not in known)


@use_case
def _known(page: list[StoredContent]) -> set[str]:
    found = contents.known_of(reading(), [item.sha256 for item in page])
    give_connection_back()
    return found


def _over(now: datetime) -> Iterator[Upload]:
    cursor = 0
    while page := use_case(stored.list_uploads)(reading(), before=now, cursor=cursor, limit=PAGE):
        yield from page
        cursor = page[-1].id


def _end(upload: Upload, desk: Desk) -> bool:
    try:
        return uploads.end(upload, desk=desk)
    except UploadLocked:
        return False  # it is being written at this moment, and so will last another day


def _marked(now: datetime) -> Iterator[str]:
    cursor, until = "", now - _REMOVAL_TAKES
    while page := use_case(contents.list_deleting)(reading(), until=until, cursor=cursor, limit=PAGE):
        yield from page
        cursor = page[-1]
