"""Files of bookings and customers, row by row: what is written, what was there, and what cannot be taken, told with its line.

A row is known again by its reference, or by what it says: an import that was cut off is simply run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from app.domain.bookings import Customer
from app.domain.errors import Invalid, NotFound
from app.persistence import customers, imports
from app.persistence.audit import add_audit
from app.persistence.catalogue import list_catalogue
from app.persistence.session import give_connection_back, is_duplicate, reading, transaction, use_case
from app.services.csv_rows import BadCell, CsvFile, Problem, Row
from app.services.import_batches import CREATED, SKIPPED, Done, DryRunOver, Outcome, Terms, write
from app.services.import_rows import (
    COLUMNS,
    CUSTOMER_COLUMNS,
    REQUIRED,
    ImportedBooking,
    Places,
    read_booking,
    read_customer,
)

__all__ = ["COLUMNS", "CUSTOMER_COLUMNS", "Problem", "Tally", "Terms", "import_bookings", "import_customers"]

BATCH = 50  # rows a transaction: some tenths of a second in which nobody else takes their time
_Good = TypeVar("_Good")
Tell = Callable[[Problem], None]


@dataclass(slots=True)
class Tally:
    """What became of the rows so far."""

    created: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def rows(self) -> int:
        """Return how many there were."""
        return self.created + self.skipped + self.failed

    def add(self, outcome: Outcome, tell: Tell) -> None:
        """Count one row, and tell of it where it was refused."""
        if isinstance(outcome, Problem):
            self.failed += 1
            tell(outcome)
        elif outcome.what == CREATED:
            self.created += 1
        else:
            self.skipped += 1


def import_bookings(
    file: CsvFile, terms: Terms, tally: Tally, *, venue: str = "", tell: Tell, most: int | None = None
) -> None:
    """Import the bookings of a file and count them, batch by batch; *tell* gets each row that was refused, with its line.

    The tally says what is done even when the file cannot be read to its end.

    Raises:
        InvalidFile: the file cannot be read from some line on; what came before is done.
        NotFound: there is no such venue. Invalid: there are more than *most* rows; the first of them are done.
    """
    venues = list_catalogue(reading(), venue)
    if not venues:
        raise NotFound(f"There is no venue {venue}: see 'catalogue show'." if venue else "There is no venue yet.")
    places = Places(venues, venue)
    give_connection_back()  # the file may come slowly
    _run(
        _batches(file.iter_rows(COLUMNS, REQUIRED), file.name, most),
        lambda row: read_booking(row, places, now=terms.now),
        lambda wanted: _write_bookings(wanted, terms),
        tally,
        tell,
    )


def import_customers(file: CsvFile, terms: Terms, tally: Tally, *, tell: Tell, most: int | None = None) -> None:
    """Do the same with customers: each is found as exactly that, or added, as a booking does.

    Raises:
        InvalidFile, Invalid: as above.
    """
    give_connection_back()
    _run(
        _batches(file.iter_rows(CUSTOMER_COLUMNS, ("name",)), file.name, most),
        lambda row: (row.line, read_customer(row)),
        lambda wanted: _write_customers(wanted, terms),
        tally,
        tell,
    )


def _run(
    batches: Iterator[list[Row | Problem]],
    read: Callable[[Row], _Good],
    write_all: Callable[[Sequence[_Good]], list[Outcome]],
    tally: Tally,
    tell: Tell,
) -> None:
    for rows in batches:
        outcomes: list[Outcome] = []
        good = [found for row in rows if (found := _good(row, read, outcomes)) is not None]
        outcomes += write_all(good) if good else []
        for outcome in sorted(outcomes, key=lambda outcome: outcome.line):
            tally.add(outcome, tell)


def _good(row: Row | Problem, read: Callable[[Row], _Good], outcomes: list[Outcome]) -> _Good | None:
    """Return what a row says; None, with its problem among the outcomes, where that cannot be used."""
    if isinstance(row, Problem):
        outcomes.append(row)
        return None
    try:
        return read(row)
    except BadCell as error:
        outcomes.append(Problem(row.line, error.column, error.message))
        return None


def _batches(rows: Iterator[Row | Problem], name: str, most: int | None) -> Iterator[list[Row | Problem]]:
    done = 0
    while batch := list(islice(rows, BATCH)):
        allowed = len(batch) if most is None else most - done
        if batch[:allowed]:
            yield batch[:allowed]
        if allowed < len(batch):
            said = f"{name} has more than {most} rows: the first {most} are done, send the rest in another request."
            raise Invalid.field("body", "too_many", said)
        done += len(batch)


def _write_bookings(wanted: Sequence[ImportedBooking], terms: Terms) -> list[Outcome]:
    """Return what became of each row; where somebody else has just written one of them, they go one by one."""
    try:
        return write(wanted, terms)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
    return [_write_one(one, terms) for one in wanted]


def _write_one(one: ImportedBooking, terms: Terms) -> Outcome:
    for _ in range(2):  # the second try sees what the first ran into
        try:
            return write([one], terms)[0]
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
    return Problem(one.line, "ref", "was being imported by somebody else: run the import again")


@use_case
def _write_customers(wanted: Sequence[tuple[int, Customer]], terms: Terms) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with suppress(DryRunOver), transaction() as session:
        last = imports.get_last_customer_id(session)
        for line, customer in wanted:
            key = customers.find_or_add(session, customer, user_id=None, now=terms.now)
            is_new, last = key > last, max(key, last)
            if is_new:
                add_audit(session, "customer.imported", f"customer:{key}", by=terms.by, now=terms.now)
            outcomes.append(Done(line, CREATED if is_new else SKIPPED))
        if terms.dry_run:
            raise DryRunOver
    return outcomes
