"""An installation worth keeping: bookings, a file, and text of many kinds; and a look at all of its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, update

from app.domain.actors import Actor
from app.persistence import session, tables
from app.runtime.settings import Settings, load
from app.services import backup_restore
from tests.services.counter import Counter, png
from tests.services.desk import NOW, Desk, at

BY = Actor("operator", "ada")
CONTENT = png(7, 700_000)
NOTES = "ürün — 日本語 \"quoted\"\n\\ 'tick' \t 😀"
Rows = dict[str, list[tuple[Any, ...]]]


def furnish(engine: Engine, folder: Path) -> Settings:
    """Fill a database, and return the settings of its installation."""
    settings = load({"INSTANCE_DIR": str(folder)})
    desk = Desk(engine)
    counter = Counter(desk, settings)
    counter.attach(CONTENT)
    service_id = desk.room_service(capacity=50)
    booked = [desk.book(service_id, at("10:00")) for _ in range(3)]
    desk.cancel(booked[0])
    desk.hold(service_id, at("11:00"))
    with engine.connect() as connection:
        connection.execute(update(tables.bookings).values(notes=NOTES))
    return settings


def rows_of(engine: Engine) -> Rows:
    """Return every row but what a restore itself notes down."""
    found: Rows = {}
    with engine.connect() as connection:
        for table in tables.metadata.sorted_tables:
            rows = connection.execute(select(table).order_by(*table.primary_key.columns))
            found[table.name] = [tuple(row) for row in rows if "backup.restored" not in tuple(row)]
    return found


def bring_back(settings: Settings, source: Path, engine: Engine, **options: Any) -> list[str]:
    """Restore a backup into a database, which is the session's from then on; return what there is to do yet."""
    session.configure(engine)
    *_, notes = backup_restore.restore(settings, backup_restore.Plan(source, **options), by=BY, now=NOW)
    return notes
