"""The columns that many tables have, and how values lie in them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Key = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime, kept to the second."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the naive UTC form that both databases store."""
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None, microsecond=0)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the stored time with its zone."""
        return None if value is None else value.replace(tzinfo=timezone.utc)


class Document(TypeDecorator[str]):
    """Text of up to 16 MiB: MEDIUMTEXT where MySQL has several sizes, asked of the dialect as its module takes 1 MiB."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the dialect's own type."""
        names: dict[str, type[TypeEngine[Any]]] = getattr(dialect, "ischema_names", {})
        return dialect.type_descriptor(names.get("mediumtext", Text)())


def key() -> Column[int]:
    """Return the key that a table counts up by itself."""
    return Column("id", Key, primary_key=True, autoincrement=True)


def ref(column: str, target: str, *, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    """Return a reference to *target*, a table and its column with a dot between."""
    return Column(column, Key, ForeignKey(target), nullable=nullable, primary_key=primary_key)


def stamps() -> tuple[Column[Any], ...]:
    """Return the version that If-Match compares, and the times of the first and the last change."""
    return (
        Column("version", Integer, nullable=False, default=1),
        Column("created_at", UtcDateTime, nullable=False),
        Column("updated_at", UtcDateTime, nullable=False),
    )
