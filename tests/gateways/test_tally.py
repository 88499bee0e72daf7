"""What is learnt of an upload while it arrives, and how other requests get in meanwhile."""

from __future__ import annotations

import errno
import hashlib
import time
from weakref import WeakSet

import pytest

from app.domain.errors import StorageFull, TooLarge
from app.domain.files import Allowance
from app.gateways import tally
from app.gateways.tally import HEAD_BYTES, Pace, Tally, full_disk_told

CONTENT = bytes(range(256)) * 1500
MOST = Allowance(len(CONTENT), TooLarge(""))


def test_what_arrives_is_counted_hashed_and_its_head_kept() -> None:
    counted = Tally(MOST)
    for at in range(0, len(CONTENT), 1000):
        counted.take(CONTENT[at : at + 1000])
    stored = counted.stored()
    assert (stored.sha256, stored.size_bytes) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    assert stored.head == CONTENT[:HEAD_BYTES]
    assert len(stored.head) == HEAD_BYTES


def test_what_is_refused_is_not_counted() -> None:
    counted = Tally(Allowance(5, TooLarge("")))
    counted.take(b"12345")
    with pytest.raises(TooLarge):
        counted.take(b"6")
    assert counted.stored().sha256 == hashlib.sha256(b"12345").hexdigest()


def test_what_came_in_several_goes_is_counted_again_from_the_start() -> None:
    resumed = Tally(MOST, 1000)
    resumed.take(CONTENT[1000:])
    assert not resumed.is_whole
    assert resumed.size_bytes == len(CONTENT)
    resumed.recount([CONTENT[:5], CONTENT[5:]])
    assert resumed.is_whole
    assert resumed.stored().sha256 == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(("gevent", "rests"), [(True, [0.001]), (False, [])])
def test_long_work_rests_now_and_then_where_nobody_else_would_get_in(
    monkeypatch: pytest.MonkeyPatch,
    gevent: bool,  # noqa: FBT001
    rests: list[float],
) -> None:
    now, rested = [0.0], []
    monkeypatch.setattr(tally, "is_gevent", lambda: gevent)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", rested.append)
    monkeypatch.setattr(Pace, "_working", WeakSet())
    pace = Pace()
    for _ in range(4):
        now[0] += 0.004
        pace.step()
    assert rested == rests


def test_many_who_work_at_once_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, rested = [0.0], []
    monkeypatch.setattr(tally, "is_gevent", lambda: True)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", rested.append)
    monkeypatch.setattr(Pace, "_working", WeakSet())
    paces = [Pace() for _ in range(20)]
    now[0] = 0.0006
    for pace in paces:
        pace.step()
    assert len(rested) == 20
    del pace, paces[1:]
    now[0] += 0.0099
    paces[0].step()
    assert len(rested) == 20


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_has_one_word(code: int) -> None:
    with pytest.raises(StorageFull), full_disk_told():
        raise OSError(code, "full")


def test_another_fault_keeps_its_own() -> None:
    with pytest.raises(PermissionError), full_disk_told():
        raise PermissionError(errno.EACCES, "no")
