"""Pages of a list: ``limit`` and ``cursor`` in, ``items`` and ``next_cursor`` out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")

Limit = Annotated[int, Meta(ge=1, le=100, description="Items a page, at most 100.")]
Cursor = Annotated[str, Meta(pattern="^[0-9]{1,18}$", description="`next_cursor` of the page before.")]
Id = Annotated[int, Meta(ge=1, le=10**15)]


class Page(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which page of a list."""

    limit: Limit = 50
    cursor: Cursor = "0"

    @property
    def after(self) -> int:
        """Return the key after which the page begins."""
        return int(self.cursor)


def page_of(
    rows: Sequence[Any], page: Page, view: Callable[[Any], T], key: Callable[[Any], int]
) -> tuple[list[T], str | None]:
    """Return the items of a page and the cursor of the next; *rows* were asked for with one more than the limit."""
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    return [view(row) for row in shown], str(key(shown[-1])) if more else None
