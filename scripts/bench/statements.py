"""What does not depend on the machine: how many statements a request sends, and how small its answer is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import event

from app import create_app
from app.persistence import session
from scripts.bench import hall
from scripts.bench.figures import Figure

LAST_DAYS = 8_000  # of 9,600 free slots: the first have been booked by the measurement of work, with the same keys
_BEGINS = ("BEGIN", "START TRANSACTION")  # neither these nor COMMIT look anything up


def count(url: str, folder: Path, key: str) -> Iterator[Figure]:
    """Yield the statements of the daily requests, BEGIN and COMMIT apart, and by how much compression makes a list smaller."""
    folder.mkdir()
    mail = {"MAIL_URL": f"file:{folder / 'mail'}", "MAIL_HOURLY_BUDGET": "0", "LOG_LEVEL": "ERROR"}
    os.environ.update({"DATABASE_URL": url, "INSTANCE_DIR": str(folder), "ENVIRONMENT": "test", **mail})
    client = create_app().test_client()
    counter = _Counter()
    month = hall.slots(hall.ONE, 30)
    tag = client.get(month).headers["ETag"]
    for what, budget, path, headers in (
        ("slots, a day, one resource", 3, hall.slots(hall.ONE, 1), {}),
        ("slots, a month, one resource", 3, month, {}),
        ("slots, a month, 20 resources", 3, hall.slots(hall.ANY, 30), {}),
        ("the month again, unchanged (304)", 1, month, {"If-None-Match": tag}),
        ("list of 50 bookings (staff)", 4, hall.LIST, {"Authorization": key}),
    ):
        client.get(path, headers=headers).close()  # an API key notes its first use of a day
        counter.begin()
        answer = client.get(path, headers=headers)
        if answer.status_code not in {200, 304}:
            raise SystemExit(f"{path} was answered with {answer.status}: {answer.text[:300]}")
        yield Figure(what, counter.number, "SQL", budget)
    yield from _booking(client, counter)
    yield _saved(client, key)
    session.remove()
    session.engine().dispose()


class _Counter:
    """Counts the statements of this process's engine."""

    def __init__(self) -> None:
        self.number = 0
        event.listen(session.engine(), "before_cursor_execute", self._note)

    def begin(self) -> None:
        """Count anew."""
        self.number = 0

    def _note(self, *call: object) -> None:
        self.number += not str(call[2]).startswith(_BEGINS)


def _booking(client: FlaskClient, counter: _Counter) -> Iterator[Figure]:
    free = islice(hall.free_starts(), LAST_DAYS, None)
    for _ in range(2):  # the first asks for the schema, which is known for ten seconds then
        body, key = hall.booking(next(free))
        counter.begin()
        answer = client.post(hall.BOOKINGS, json=body, headers={"Idempotency-Key": key})
        if answer.status_code != 201:  # noqa: PLR2004 - Created
            raise SystemExit(f"a booking was answered with {answer.status}: {answer.text[:300]}")
        if "Idempotency-Replayed" in answer.headers:
            raise SystemExit("a booking was answered with an earlier one: nothing was counted")
        answered = counter.number
        answer.close()
    yield Figure("booking, guest: the answer", answered, "SQL", 12)
    yield Figure("  what follows it: one mail composed and sent", counter.number - answered, "SQL")


def _saved(client: FlaskClient, key: str) -> Figure:
    """Return how many percent smaller a list is than plain."""
    plain, packed = (
        len(client.get(hall.LIST, headers={"Authorization": key, "Accept-Encoding": encoding}).data)
        for encoding in ("identity", "br")
    )
    return Figure("list of 50 bookings, compressed: smaller by", 100 * (1 - packed / plain), "%", 85, floor=True)
