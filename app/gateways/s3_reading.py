"""The bytes of an object in S3, handed on as they come."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException, HTTPResponse

from app.domain.errors import Busy, NotFound
from app.gateways.files import Reading
from app.gateways.tally import CHUNK_BYTES

_OK = frozenset({200, 206})
_NOT_FOUND = 404


class S3Reading(Reading):
    """An answer of the store, read as it comes."""

    def __init__(self, connection: HTTPConnection | None, response: HTTPResponse | None) -> None:
        """Read a response to its end. Raises NotFound, or Busy where the store answers anything but the content."""
        self._connection = connection
        self._response = response
        self._left = 0
        if response is not None:
            self._left = int(response.headers.get("Content-Length", "0"))
            self._check(response.status)

    @classmethod
    def nothing(cls) -> S3Reading:
        """Return an empty part, for which no request is needed."""
        return cls(None, None)

    def _check(self, status: int) -> None:
        if status not in _OK:
            self.close()
            if status == _NOT_FOUND:
                raise NotFound("There is no such file.")
            raise Busy(f"The file store answers {status}.")

    def __next__(self) -> bytes:
        if self._response is None or self._left == 0:
            raise StopIteration
        chunk = self._read(self._response)
        if not chunk:
            raise EOFError(f"A stored file ends {self._left} bytes early.")
        self._left -= len(chunk)
        return chunk

    def _read(self, response: HTTPResponse) -> bytes:
        try:
            return response.read(CHUNK_BYTES)
        except HTTPException as error:
            raise EOFError(f"A stored file ends {self._left} bytes early.") from error

    def close(self) -> None:
        """Let go of the connection."""
        for end in (self._response, self._connection):
            if end is not None:
                end.close()
        self._left = 0
