"""Whether the files in the store and those in the database are the same: page by page, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from app.domain.errors import Busy
from app.domain.findings import Finding, fail, ok, warn
from app.gateways.files import Storage
from app.persistence import contents
from app.persistence.session import give_connection_back, reading
from app.runtime.settings import Settings
from app.services import files
from app.services.uploads_sweep import KEPT_FOR, PAGE, strays

MOST_NAMED = 3


def examine(settings: Settings, *, now: datetime) -> Iterator[Finding]:
    """Yield what is missing in the store, and what lies there for nobody."""
    home = files.storage(settings)
    try:
        yield _missing(home)
        yield _strays(home, now)
    except Busy as error:
        yield fail("files", f"the store does not answer: {error.detail}", "look at the S3 settings and the store")


def _missing(home: Storage) -> Finding:
    number, lacking = 0, 0
    named: list[str] = []
    for sha256 in _kept():
        number += 1
        if not home.exists(sha256):
            lacking += 1
            named += [sha256[:12]] if len(named) < MOST_NAMED else []
    if not lacking:
        return ok("files", f"{number} in the database, and each is in the store")
    what = f"{lacking} of {number} are not in the store: {', '.join(named)}{' ...' if lacking > MOST_NAMED else ''}"
    return fail("files", what, "restore them from a backup of UPLOAD_DIR or the bucket")


def _kept() -> Iterator[str]:
    cursor = ""
    while page := contents.list_contents(reading(), cursor=cursor, limit=PAGE):
        give_connection_back()  # to look for five hundred objects in a bucket takes a minute
        yield from (sha256 for sha256, _, state in page if state == "kept")
        cursor = page[-1][0]


def _strays(home: Storage, now: datetime) -> Finding:
    sizes = [item.size_bytes for item in strays(home, before=now - KEPT_FOR)]
    if not sizes:
        return ok("stray files", "none")
    what = f"{len(sizes)} in the store that nothing refers to, {sum(sizes)} bytes"
    return warn("stray files", what, "flask uploads sweep")
