"""A zip file that is written in one go and in little memory: each part is compressed while it comes, and its size follows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_LEVEL = 1  # most of it is photos and PDFs, which are small already
_OWNER_ONLY = 0o600 << 16
_CHUNK_BYTES = 32 * 1024
Member = tuple[str, Iterable[bytes]]


class _Sink:
    """What the zip library writes to: it cannot be rewound, and keeps nothing but what nobody has taken yet."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> int:
        """Keep a few bytes until they are taken."""
        self._parts.append(bytes(data))
        self._size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: what is written waits here."""

    def taken(self, least: int = _CHUNK_BYTES) -> Iterator[bytes]:
        """Yield what has been written since the last time, as one chunk, if that is enough to be sent."""
        if self._size >= least:
            parts, self._parts, self._size = self._parts, [], 0
            yield b"".join(parts)


def zip_chunks(members: Iterable[Member], *, made_at: datetime, pause: Callable[[], None]) -> Iterator[bytes]:
    """Yield the chunks of a zip file of these members, each a name and its bytes; *pause* is called behind every chunk of work."""
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as archive:  # type: ignore[call-overload]  # it is asked to write alone
        for name, chunks in members:
            info = ZipInfo(name, made_at.timetuple()[:6])
            info.compress_type, info.external_attr = ZIP_DEFLATED, _OWNER_ONLY
            with archive.open(info, "w", force_zip64=True) as part:
                for chunk in chunks:
                    part.write(chunk)
                    pause()
                    yield from sink.taken()
    yield from sink.taken(least=1)
