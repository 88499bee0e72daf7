"""Uploads in several goes: whose they are, where they go on, what ends them, and what is swept."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.domain.actors import Actor
from app.domain.attachments import MOST_UPLOADS
from app.domain.errors import (
    ChecksumMismatch,
    Conflict,
    Invalid,
    NotFound,
    SignInRequired,
    StorageFull,
    TooLarge,
    UploadLocked,
)
from app.persistence import session
from app.persistence import uploads as stored
from app.persistence.session import transaction
from app.runtime.settings import load
from app.services import attachments, files, upload_pieces, uploads
from app.services.uploads import Uploader
from app.services.uploads_sweep import Swept, sweep
from tests.services.counter import MIB, Counter, png
from tests.services.desk import Desk, holder
from tests.web.people import make_user

NOTHING = Swept(0, 0, 0, 0)


class LineDown(Exception):
    """The client has gone."""


@pytest.fixture
def counter(database: Engine, tmp_path: Path) -> Counter:
    limits = {"MAX_FILE_MIB": "2", "MAX_BOOKING_MIB": "3", "MAX_USER_MIB": "2"}
    return Counter(Desk(database), load({"INSTANCE_DIR": str(tmp_path / "instance"), **limits}))


def swept(counter: Counter) -> Swept:
    return sweep(counter.settings, clock=lambda: counter.now)


def age(paths: list[Path], counter: Counter, **ago: int) -> None:
    """Let files be as old as they would be by the counter's clock."""
    at = (counter.now - timedelta(**ago)).timestamp()
    for path in paths:
        os.utime(path, (at, at))


def test_a_file_comes_in_three_goes_and_is_attached(counter: Counter) -> None:
    data = png(length=MIB)
    upload = counter.begin(len(data), name="ä plan.exe")
    assert counter.offset(upload) == 0
    assert counter.go_on(upload, 0, data[:10]).received == 10
    assert counter.go_on(upload, 10, data[10:5000]).received == 5000
    finished = counter.go_on(upload, 5000, data[5000:])
    assert (finished.is_finished, finished.media_type, counter.offset(upload)) == (True, "image/png", len(data))
    made = counter.attach_upload(upload)
    assert (made.sha256, made.name) == (hashlib.sha256(data).hexdigest(), "ä plan.exe.png")
    assert (counter.desk.count("uploads"), counter.lying("drafts"), len(counter.lying())) == (0, [], 1)
    counter.detach(made)
    assert counter.lying() == []


def test_what_has_come_before_the_line_went_down_stays(counter: Counter) -> None:
    data = png(length=1000)

    def body() -> Iterator[bytes]:
        yield data[:600]
        raise LineDown

    upload = counter.begin(len(data))
    with pytest.raises(LineDown):
        counter.go_on(upload, 0, body())
    assert counter.offset(upload) == 600
    assert counter.go_on(upload, 600, data[600:]).is_finished


@pytest.mark.parametrize("offset", [0, 99, 101])
def test_a_piece_goes_where_the_last_one_ended(counter: Counter, offset: int) -> None:
    upload = counter.begin(1000)
    counter.go_on(upload, 0, png()[:100])
    with pytest.raises(Conflict, match="has 100 bytes"):
        counter.go_on(upload, offset, b"x")
    assert counter.offset(upload) == 100


def test_more_than_was_announced_is_refused_and_what_came_before_stays(counter: Counter) -> None:
    upload = counter.begin(1000)
    with pytest.raises(TooLarge):
        counter.go_on(upload, 0, [png(length=600)[:600], bytes(401)])
    assert counter.offset(upload) == 600


def test_a_finished_upload_takes_an_empty_piece_and_no_other(counter: Counter) -> None:
    upload = counter.begin(len(png()))
    counter.go_on(upload, 0, png())
    assert counter.go_on(upload, len(png()), b"").is_finished
    with pytest.raises(Conflict):
        counter.go_on(upload, 0, png())


def test_an_upload_has_one_writer(counter: Counter) -> None:
    upload = counter.begin(1000)

    def body() -> Iterator[bytes]:
        yield png()
        with pytest.raises(UploadLocked):
            counter.go_on(upload, 0, b"x")
        with pytest.raises(UploadLocked):
            counter.offset(upload)

    assert counter.go_on(upload, 0, body()).received == len(png())


@pytest.mark.parametrize("pieces", [1, 2])
def test_what_is_of_no_type_that_is_taken_ends_the_upload(counter: Counter, pieces: int) -> None:
    data = b"\0" * 1000
    upload = counter.begin(len(data))
    if pieces == 2:
        counter.go_on(upload, 0, data[:500])
    with pytest.raises(Invalid, match="not taken"):
        counter.go_on(upload, 500 * (pieces - 1), data[500 * (pieces - 1) :])
    with pytest.raises(NotFound):
        counter.offset(upload)
    assert counter.lying() == counter.lying("drafts") == []
    assert counter.desk.count("contents") == counter.desk.count("uploads") == 0


def test_a_wrong_type_is_noticed_long_before_the_end(counter: Counter) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(3):
            yield b"\0" * (256 * 1024)
        pytest.fail("the whole file was read")

    upload = counter.begin(MIB)
    with pytest.raises(Invalid, match="not taken"):
        counter.go_on(upload, 0, body())


def test_a_checksum_keeps_a_piece_out_until_it_is_right(counter: Counter) -> None:
    data = png(length=1000)
    upload = counter.begin(len(data))
    counter.go_on(upload, 0, data[:500])
    digest = hashlib.sha256(data[500:]).digest()
    with pytest.raises(ChecksumMismatch):
        counter.go_on(upload, 500, upload_pieces.checked([b"x" * 500], "sha256", digest, desk=counter.place))
    assert counter.offset(upload) == 500
    right = upload_pieces.checked([data[500:700], data[700:]], "sha256", digest, desk=counter.place)
    assert counter.go_on(upload, 500, right).is_finished


def test_strangers_find_no_upload(counter: Counter) -> None:
    upload = counter.begin(1000)
    other = counter.book("12:00")
    user = make_user()
    for who in (
        Uploader(Actor("holder"), "guest"),
        Uploader(Actor("holder"), "guest", holder(other).token),
        Uploader(Actor("customer", user_id=user), f"customer:{user}"),
        Uploader(Actor("admin", user_id=user), f"admin:{user}"),
    ):
        with pytest.raises(NotFound):
            uploads.get_own(upload.name, who=who, desk=counter.place)


def test_nobody_uploads_for_nothing(counter: Counter) -> None:
    with pytest.raises(SignInRequired):
        counter.begin(1000, Uploader(Actor("holder"), "guest"), ref="")
    with pytest.raises(NotFound):
        counter.begin(1000, Uploader(Actor("holder"), "guest", "x" * 22))


def test_somebody_signed_in_uploads_before_there_is_a_booking(counter: Counter) -> None:
    user = make_user()
    who = Uploader(Actor("customer", user_id=user), f"customer:{user}")
    upload = counter.begin(1000, who, ref="")
    assert uploads.get_own(upload.name, who=who, desk=counter.place).booking_id is None


def test_what_is_announced_counts_against_the_limits(counter: Counter) -> None:
    with pytest.raises(TooLarge):
        counter.begin(2 * MIB + 1)
    counter.begin(2 * MIB)
    with pytest.raises(StorageFull, match="of a booking"):
        counter.begin(MIB + 1)
    with pytest.raises(StorageFull, match="of a booking"):
        counter.attach(png(length=MIB + 100))
    counter.begin(MIB)


def test_only_so_many_are_on_their_way(counter: Counter) -> None:
    user = make_user()
    who = Uploader(Actor("customer", user_id=user), f"customer:{user}")
    for _ in range(MOST_UPLOADS):
        counter.begin(10, who, ref="")
    with pytest.raises(Conflict, match="at a time"):
        counter.begin(10, who, ref="")
    assert len(counter.lying("drafts")) == MOST_UPLOADS


def test_an_unfinished_upload_is_not_attached(counter: Counter) -> None:
    upload = counter.begin(1000)
    with pytest.raises(Conflict, match="not finished"):
        counter.attach_upload(upload)


def test_an_upload_is_attached_once(counter: Counter) -> None:
    upload = counter.begin(len(png()))
    counter.go_on(upload, 0, png())
    counter.attach_upload(upload)
    with pytest.raises(NotFound):
        counter.attach_upload(upload)
    assert len(counter.names()) == 1


def test_an_upload_that_is_attached_twice_at_once_is_attached_once(counter: Counter) -> None:
    upload = counter.begin(len(png()))
    counter.go_on(upload, 0, png())
    together = threading.Barrier(2)

    def attach(_: int) -> bool:
        together.wait(30)
        try:
            counter.attach_upload(upload)
        except NotFound:
            return False
        finally:
            session.remove()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attach, range(2))) == [False, True]
    (made,) = attachments.list_for(counter.booking.ref, holder(counter.booking))
    counter.detach(made)
    assert counter.lying() == []


@pytest.mark.parametrize("is_finished", [False, True])
def test_an_upload_that_is_ended_leaves_nothing(counter: Counter, *, is_finished: bool) -> None:
    upload = counter.begin(len(png()))
    upload = counter.go_on(upload, 0, png() if is_finished else png()[:50])
    assert uploads.end(upload, desk=counter.place)
    assert counter.lying() == counter.lying("drafts") == []
    assert counter.desk.count("uploads") == counter.desk.count("contents") == 0
    assert not uploads.end(upload, desk=counter.place)


@pytest.mark.parametrize("is_finished", [False, True])
def test_an_upload_is_over_a_day_after_its_last_piece(counter: Counter, *, is_finished: bool) -> None:
    upload = counter.begin(len(png()))
    counter.pass_hours(20)
    counter.go_on(upload, 0, png() if is_finished else png()[:50])
    age(counter.lying("drafts"), counter)
    counter.pass_hours(23)
    assert swept(counter) == NOTHING
    assert counter.offset(upload) in {50, len(png())}
    counter.pass_hours(1.1)
    with pytest.raises(NotFound):
        counter.offset(upload)
    assert swept(counter) == Swept(1, 0, 0, 0)
    assert counter.lying() == counter.lying("drafts") == []
    assert counter.desk.count("uploads") == counter.desk.count("contents") == 0


def test_a_draft_that_a_kill_has_left_is_swept_after_a_day(counter: Counter) -> None:
    upload = counter.begin(1000)
    with transaction() as session:
        stored.delete_upload(session, upload.id, state="open")
    age(counter.lying("drafts"), counter, hours=23)
    assert swept(counter) == NOTHING
    age(counter.lying("drafts"), counter, hours=25)
    assert swept(counter) == Swept(0, 1, 0, 0)
    assert counter.lying("drafts") == []


def test_a_removal_that_was_killed_is_finished_after_an_hour(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    made = counter.attach()
    with monkeypatch.context() as killed:
        killed.setattr(files, "remove", lambda *_, **__: False)
        counter.detach(made)
    age(counter.lying(), counter, minutes=0)
    assert swept(counter) == NOTHING
    counter.pass_hours(1.1)
    assert swept(counter) == Swept(0, 0, 1, 0)
    assert (counter.lying(), counter.desk.count("contents")) == ([], 0)


def test_content_without_a_row_is_swept_after_a_day(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = counter.attach(png(1))

    def power_cut(*_: Any, **__: Any) -> None:
        raise LineDown

    with monkeypatch.context() as killed:
        killed.setattr(files, "keep", power_cut)
        with pytest.raises(LineDown):
            counter.attach(png(2))
    age(counter.lying(), counter, hours=23)
    assert (swept(counter), len(counter.lying())) == (NOTHING, 2)
    age(counter.lying(), counter, hours=25)
    assert swept(counter) == Swept(0, 0, 0, 1)
    assert [path.name for path in counter.lying()] == [kept.sha256]
    assert counter.desk.count("contents") == 1


def test_a_sweep_leaves_what_is_written_at_this_moment(counter: Counter) -> None:
    upload = counter.begin(1000)

    def body() -> Iterator[bytes]:
        counter.pass_hours(25)
        age(counter.lying("drafts"), counter)  # as each piece that is written lets it be
        assert swept(counter) == NOTHING
        yield png()

    assert counter.go_on(upload, 0, body()).received == len(png())
    assert counter.offset(upload) == len(png())


def test_a_sweep_stops_when_its_time_is_up_and_the_next_goes_on(counter: Counter) -> None:
    for _ in range(3):
        counter.begin(1000)
    counter.pass_hours(25)
    patience = iter((True, True, False))
    done = sweep(counter.settings, clock=lambda: counter.now, goes_on=lambda: next(patience, False))
    assert (done.uploads, done.is_finished) == (2, False)
    assert swept(counter) == Swept(1, 0, 0, 0)
