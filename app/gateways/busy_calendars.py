"""Calendars elsewhere, fetched by HTTP: only what has changed, no more than a calendar takes, and from no inner network."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urljoin

from app.domain.networks import Network
from app.gateways.outward import Answer, Errand, Unreachable, ask

MOST_BYTES = 5 * 1024 * 1024
MAX_ETAG = 255  # the column; a longer one is done without
_UNCHANGED = 304
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came: the file, and the tag to ask with next time; ``content`` is None where it is still the same."""

    content: bytes | None
    etag: str


def fetch(url: str, etag: str, *, allowed: Collection[Network], seconds: float) -> Fetched:
    """Return the file, or that it is the one of *etag* still; one redirect is followed, as if it had been asked for.

    Raises:
        Unreachable: there is no such file to be had; the text says why, without the address.
    """
    headers = {"Accept": "text/calendar", "User-Agent": "Slotkeeper", **({"If-None-Match": etag} if etag else {})}
    for _ in range(2):
        with ask(Errand("GET", url, headers, None, allowed, seconds, MOST_BYTES)) as answer:
            if answer.status not in _MOVED:
                return _read(answer, etag)
            url = _target(url, answer.header("Location"))
    raise Unreachable("the server sends us from one address to the next")


def _read(answer: Answer, etag: str) -> Fetched:
    if answer.status == _UNCHANGED and etag:
        return Fetched(None, etag)
    if answer.status != 200:  # noqa: PLR2004 - the one success with a file, RFC 9110
        raise Unreachable(f"the server answered {answer.status}")
    if answer.header("Content-Encoding").strip().lower() not in {"", "identity"}:
        raise Unreachable("the answer is compressed, which nobody asked for")
    new = answer.header("ETag").strip()
    content = b"".join(answer.chunks())
    return Fetched(content, new if len(new) <= MAX_ETAG and new.isascii() else "")


def _target(url: str, location: str) -> str:
    try:
        return urljoin(url, location.strip()).partition("#")[0]
    except ValueError:
        raise Unreachable("the server sends us to an address that is none") from None
