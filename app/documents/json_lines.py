"""Rows as JSON Lines: an object each, and a last one that proves it is all there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from app.documents.pdf.pauses import Pauses

_CHUNK_CHARACTERS = 32 * 1024
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def json_line_chunks(
    pages: Iterable[Sequence[Mapping[str, object]]], *, pauses: Pauses | None = None
) -> Iterator[bytes]:
    """Yield UTF-8 text, one object a line, in chunks of some 32 KiB; the last line is ``{"rows":N}``, the lines before it."""
    pauses = pauses or Pauses()
    count, size, lines = 0, 0, []
    for page in pages:
        for row in page:
            lines.append(_encode(row))
            size += len(lines[-1])
            if size >= _CHUNK_CHARACTERS:
                yield _joined(lines)
                count, size, lines = count + len(lines), 0, []
                pauses.worked()
        if lines:
            yield _joined(lines)
            count, size, lines = count + len(lines), 0, []
        pauses.worked()
    yield _joined([_encode({"rows": count})])


def _joined(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
