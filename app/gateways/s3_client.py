"""Speaks S3 over ``http.client``: requests signed with AWS Signature Version 4, tried again, their refusals told apart.

Why our own: beside a process that has Flask, a ready client of boto3 takes 33 MiB (39 MB on disk), botocore 30, s3fs 30, minio 14 (24 MB
on disk, with a second cryptography library); this takes 4, nearly all of it TLS. Eight requests of a protocol that has not
changed since 2012 are what we need.
"""

from __future__ import annotations

import hashlib
import html
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import IO
from urllib.parse import quote, urlsplit

from app.domain.errors import Busy, NotFound, StorageFull
from app.gateways.files import S3Place
from app.gateways.s3_signature import authorization, canonical, query_text, scope_of, signature
from app.gateways.tally import CHUNK_BYTES

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
TIMEOUT_SECONDS = 20  # to connect, and for each part of an answer; joining a thousand parts takes the store that long
TRIES = 3
PAUSE_SECONDS = 0.2  # before the second try; doubled before the third
MAX_ANSWER_BYTES = 2 * 1024 * 1024  # a page of a thousand names has 400 kB
_FULL_STATUS = 507
_ABSENT = frozenset({"NoSuchKey", "NoSuchUpload"})
_FRACTION = re.compile(r"\.[0-9]+")  # of a second: Python 3.10 reads three or six digits alone
_FULL = re.compile(r"Quota|StorageFull|InsufficientStorage|InsufficientCapacity|TooManyBytes")


class S3Refused(Exception):
    """The store answers, but refuses: a wrong key, a bucket that is not there; the operator must look."""


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent: *length* bytes of a file from its start, and their SHA-256, which the store verifies."""

    file: IO[bytes] | None = None
    length: int = 0
    sha256: str = EMPTY_SHA256


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``text`` is the XML of most answers."""

    status: int
    headers: Mapping[str, str]
    text: str = field(repr=False)

    def values(self, tag: str) -> list[str]:
        """Return the content of each element of that name; names are ours and flat, so that this needs no XML parser."""
        return [html.unescape(value) for value in re.findall(f"<{tag}>([^<]*)</{tag}>", self.text)]

    def value(self, tag: str) -> str:
        """Return the content of the first such element, or nothing."""
        return next(iter(self.values(tag)), "")

    def blocks(self, tag: str) -> Iterator[Answer]:
        """Yield each element of that name as an answer of its own."""
        for block in re.findall(f"<{tag}>(.*?)</{tag}>", self.text, re.DOTALL):
            yield Answer(self.status, self.headers, block)


NO_BODY = Body()
# where the next page begins: as it is asked for, and as the page before has told
_MARKS = {
    "continuation-token": "NextContinuationToken",
    "key-marker": "NextKeyMarker",
    "upload-id-marker": "NextUploadIdMarker",
}


class S3Client:
    """Sends requests to one bucket. Keys are below the place's prefix; a connection lives for one request."""

    def __init__(self, place: S3Place) -> None:
        """Connect when first asked."""
        self._place = place
        self._url = urlsplit(place.endpoint)

    def call(
        self,
        method: str,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body = NO_BODY,
    ) -> Answer:
        """Return the answer, after up to three tries; that there is none of what was asked for is an answer.

        Raises:
            NotFound: an upload is not there, of which something was to be written or copied.
            StorageFull: the store has no room, or the bucket's quota is used up.
            Busy: the store does not answer, or only with faults of its own.
            S3Refused: it refuses.
        """
        for tried in range(1, TRIES + 1):
            try:
                answer = _read(*self._send(method, key, query or {}, headers or {}, body))
            except (OSError, HTTPException) as error:
                if tried == TRIES:
                    raise Busy(f"The file store does not answer: {type(error).__name__}.") from error
            else:
                if tried == TRIES or not _is_passing(answer):
                    return _checked(answer, method, key)
            time.sleep(PAUSE_SECONDS * 2 ** (tried - 1))
        raise AssertionError  # the last try returns or raises

    def open(self, key: str, headers: Mapping[str, str]) -> tuple[HTTPConnection, HTTPResponse]:
        """Return an answer whose body has not been read, and its connection, which the caller closes. Raises Busy."""
        try:
            return self._send("GET", key, {}, headers, NO_BODY)
        except (OSError, HTTPException) as error:
            raise Busy(f"The file store does not answer: {type(error).__name__}.") from error

    def list_objects(self, prefix: str) -> Iterator[Answer]:
        """Yield what lies below a prefix, asking for a thousand at a time."""
        return self._pages({"list-type": "2", "prefix": self._place.prefix + prefix}, "Contents")

    def list_uploads(self, prefix: str) -> Iterator[Answer]:
        """Yield the multipart uploads below a prefix that were neither joined nor aborted."""
        return self._pages({"uploads": "", "prefix": self._place.prefix + prefix}, "Upload")

    def _pages(self, query: dict[str, str], tag: str) -> Iterator[Answer]:
        while True:
            page = self.call("GET", query=query)
            yield from page.blocks(tag)
            if page.value("IsTruncated") != "true":
                return
            marks = {asked: page.value(told) for asked, told in _MARKS.items() if page.value(told)}
            if not marks:
                raise S3Refused("The file store does not say where its next page begins.")
            query |= marks

    def key_of(self, item: Answer) -> str:
        """Return the key of a listed item, without the place's prefix."""
        return item.value("Key").removeprefix(self._place.prefix)

    def signed_link(self, key: str, query: Mapping[str, str], *, valid_seconds: int) -> str:
        """Return an address that reads *key* until it expires."""
        at = _now()
        path = self._path(key)
        full = {
            **query,
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self._place.key_id}/{scope_of(self._place, at)}",
            "X-Amz-Date": f"{at:%Y%m%dT%H%M%SZ}",
            "X-Amz-Expires": str(valid_seconds),
            "X-Amz-SignedHeaders": "host",
        }
        request = canonical("GET", path, full, {"host": self._url.netloc}, "UNSIGNED-PAYLOAD")
        full["X-Amz-Signature"] = signature(self._place, request, at)
        return f"{self._url.scheme}://{self._url.netloc}{path}?{query_text(full)}"

    def _path(self, key: str) -> str:
        base = self._url.path.rstrip("/")
        return quote(f"{base}/{self._place.bucket}" + (f"/{self._place.prefix}{key}" if key else ""), safe="/-_.~")

    def source(self, key: str) -> str:
        """Return what names a key as the source of a copy."""
        return quote(f"/{self._place.bucket}/{self._place.prefix}{key}", safe="/-_.~")

    def _send(
        self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str], body: Body
    ) -> tuple[HTTPConnection, HTTPResponse]:
        path, at = self._path(key), _now()
        signed = {
            **{name.lower(): value for name, value in headers.items()},
            "host": self._url.netloc,
            "x-amz-content-sha256": body.sha256,
            "x-amz-date": f"{at:%Y%m%dT%H%M%SZ}",
        }
        request = canonical(method, path, query, signed, body.sha256)
        sent = {**signed, "Authorization": authorization(self._place, request, signed, at), "Connection": "close"}
        if body.file is not None or method in {"PUT", "POST"}:
            sent["Content-Length"] = str(body.length)
        if body.file is not None:
            body.file.seek(0)
        connection = _connection(self._url.scheme, self._url.hostname or "", self._url.port)
        try:
            connection.request(method, f"{path}?{query_text(query)}" if query else path, body.file, sent)
            return connection, connection.getresponse()
        except BaseException:
            connection.close()
            raise


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _connection(scheme: str, host: str, port: int | None) -> HTTPConnection:
    if scheme == "https":
        return HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=_tls(), blocksize=CHUNK_BYTES)
    return HTTPConnection(host, port, timeout=TIMEOUT_SECONDS, blocksize=CHUNK_BYTES)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Return the one context of this process: each costs 0.9 MiB and 60 ms."""
    return ssl.create_default_context()


def _read(connection: HTTPConnection, response: HTTPResponse) -> Answer:
    try:
        content = response.read(MAX_ANSWER_BYTES)
        return Answer(
            response.status, {k.lower(): v for k, v in response.getheaders()}, content.decode(errors="replace")
        )
    finally:
        connection.close()


def _is_passing(answer: Answer) -> bool:
    """Tell whether another try may help. Joining and copying may fail below a status of 200, which was sent beforehand."""
    late_fault = answer.status == 200 and "<Error>" in answer.text  # noqa: PLR2004 - OK
    return late_fault or answer.status in {408, 429, 500, 502, 503, 504}


def _checked(answer: Answer, method: str, key: str) -> Answer:
    """Return what is an answer to build on. A page of some proxy, and a redirect, are none, whatever was asked."""
    code = answer.value("Code")
    if answer.status == _FULL_STATUS or _FULL.search(code):
        raise StorageFull("There is no room left for files. Nothing was kept.")
    if _is_passing(answer):
        raise Busy(f"The file store answers {answer.status} {code}.")
    if 200 <= answer.status < 300:  # noqa: PLR2004 - success
        return answer
    if answer.status != 404 or (code not in _ABSENT and method != "HEAD"):  # noqa: PLR2004 - a HEAD's answer has no code
        what = f"{method} {key or 'bucket'}"
        raise S3Refused(f"{what}: the file store answers {answer.status} {code}: {answer.value('Message')[:200]}")
    if method in {"PUT", "POST"}:
        raise NotFound("There is no such upload.")
    return answer


def instant(text: str) -> datetime:
    """Return a time that the store has written, in UTC."""
    return datetime.fromisoformat(_FRACTION.sub("", text).replace("Z", "+00:00")).astimezone(timezone.utc)
