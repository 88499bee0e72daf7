"""Compression, at what it costs: brotli and gzip at their cheap levels, and never over an answer that carries a token."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import brotli  # type: ignore[import-untyped]
from flask import Flask, Response, g, request
from flask_compress import Compress
from werkzeug.datastructures import Accept

_KINDS = (
    "application/json",
    "application/problem+json",
    "application/jsonl",
    "text/calendar",
    "text/csv",
    "text/html",
    "text/plain",
)
_ENCODINGS = ("br", "gzip")  # the first is taken where both are liked as much
# Of gzip, 8 KiB: a stream takes 48 KiB with the memory level below, where zlib's own choices take 265.
_WINDOW_BITS = 13
_MEMORY_LEVEL = 5


class _Packer(Protocol):
    def pack(self, data: bytes) -> bytes:
        """Return what can be sent of it at once, with whatever was held back before."""

    def end(self) -> bytes:
        """Return the last bytes."""


class _Brotli:
    """A stream at level 1 and a window of 64 KiB: 66 KiB of memory. Level 4 takes 4.5 MiB, and holds the stream back."""

    def __init__(self) -> None:
        self._packer: Any = brotli.Compressor(quality=1, lgwin=16)

    def pack(self, data: bytes) -> bytes:
        return bytes(self._packer.process(data) + self._packer.flush())

    def end(self) -> bytes:
        return bytes(self._packer.finish())


class _Gzip:
    """A stream with a small window."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(1, zlib.DEFLATED, _WINDOW_BITS + 16, _MEMORY_LEVEL)

    def pack(self, data: bytes) -> bytes:
        return self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._packer.flush()


class Packed(Iterator[bytes]):
    """A stream compressed chunk by chunk: each is flushed, so that its reader sees it when it is made.

    Closing it closes the stream inside.
    """

    def __init__(self, chunks: Iterator[bytes], packer: _Packer) -> None:
        """Keep both; nothing is made yet."""
        self._chunks, self._packer, self._is_over = chunks, packer, False

    def __next__(self) -> bytes:
        """Return the next chunk, or the end of the compressed stream."""
        if self._is_over:
            raise StopIteration
        chunk = next(self._chunks, None)
        if chunk is None:
            self._is_over = True
            return self._packer.end()
        return self._packer.pack(chunk)

    def close(self) -> None:
        """End the stream inside: the client has all, or has left."""
        if close := getattr(self._chunks, "close", None):
            close()


def init_app(app: Flask) -> None:
    """Compress what is read with GET; answers to POST may hold tokens, whose length must not tell of their content."""
    app.config.update(
        COMPRESS_REGISTER=False,
        COMPRESS_MIMETYPES=list(_KINDS),
        COMPRESS_ALGORITHM=list(_ENCODINGS),
        COMPRESS_BR_LEVEL=1,
        COMPRESS_BR_WINDOW=16,
        COMPRESS_LEVEL=4,
        COMPRESS_MIN_SIZE=500,
        COMPRESS_STREAMS=False,  # it neither flushes a stream nor closes it
        COMPRESS_EVALUATE_CONDITIONAL_REQUEST=False,  # views answer 304 themselves, before the work
    )
    compress = Compress()
    compress.init_app(app)

    def shrink(response: Response) -> Response:
        if request.method not in {"GET", "HEAD"} or g.get("carries_token"):
            return response
        encoding = chosen(request.accept_encodings)
        if response.is_streamed:
            return _shrink_stream(response, encoding)
        # Flask-Compress takes br;q=0 for a wish where nothing else is named.
        return compress.after_request(response) if encoding else _told(response)

    app.after_request(shrink)


def chosen(accepted: Accept) -> str | None:
    """Return the encoding that a client likes best of those there are; None is the answer as it is.

    Source:
        RFC 9110, 12.5.3: what is not named is not wanted, but for ``*``; a weight of 0 is a refusal.
    """
    weights = {name.lower(): weight for name, weight in reversed(list(accepted))}
    other = weights.get("*", 0.0)
    best = max(_ENCODINGS, key=lambda name: weights.get(name, other))
    weight = weights.get(best, other)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


def _shrink_stream(response: Response, encoding: str | None) -> Response:
    if response.mimetype not in _KINDS or response.status_code != 200 or "Content-Encoding" in response.headers:  # noqa: PLR2004
        return response
    if encoding is not None:
        makers: dict[str, Callable[[], _Packer]] = {"br": _Brotli, "gzip": _Gzip}
        response.response = Packed(_chunks(response), makers[encoding]())
        response.headers["Content-Encoding"] = encoding
        response.headers.pop("Content-Length", None)
    return _told(response)


def _chunks(response: Response) -> Iterator[bytes]:
    inside: Any = response.response
    return inside if hasattr(inside, "close") else iter(inside)


def _told(response: Response) -> Response:
    """Return the answer with the word that it depends on the encodings asked for."""
    response.vary.add("Accept-Encoding")
    return response
