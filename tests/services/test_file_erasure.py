"""Whoever takes their account away takes their files along."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.domain.actors import Actor
from app.persistence.session import transaction
from app.runtime.settings import load
from app.services.file_erasure import erase_files, remove_contents
from app.services.uploads import Uploader
from tests.services.counter import Counter, customer, png, staff
from tests.services.desk import Desk, at
from tests.web.people import make_user


@pytest.fixture
def counter(database: Engine, tmp_path: Path) -> Counter:
    return Counter(Desk(database), load({"INSTANCE_DIR": str(tmp_path / "instance")}))


def test_files_of_ones_bookings_and_uploads_go_and_others_stay(counter: Counter) -> None:
    ada = make_user()
    own = counter.desk.book(counter.booking.service_id, at("11:00"), by=Actor("customer", user_id=ada))
    counter.attach(png(1), booking=own, access=customer(ada))
    counter.attach(png(2), booking=own, access=staff())
    shared = counter.attach(png(3))
    counter.attach(png(3), booking=own, access=customer(ada))
    who = Uploader(Actor("customer", user_id=ada), f"customer:{ada}")
    counter.begin(1000, who, ref="")
    with transaction() as session:
        left = erase_files(session, ada, now=counter.now)
    assert len(left) == 2
    remove_contents(counter.settings, left, now=counter.now)
    assert [path.name for path in counter.lying()] == [shared.sha256]
    assert (counter.desk.count("attachments"), counter.desk.count("uploads")) == (1, 0)
