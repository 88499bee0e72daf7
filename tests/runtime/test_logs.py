from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextvars import copy_context
from threading import Thread
from types import SimpleNamespace

import pytest

from app.runtime import logs

Written = Callable[[], list[dict[str, object]]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """A function that returns the lines written since; the process's own handlers come back afterwards."""
    root, own = logging.getLogger(), logging.getLogger("slotkeeper")
    kept = (root.handlers[:], root.level, own.level)
    name = logs.request_id.set("")
    out = io.StringIO()
    monkeypatch.setattr(logs, "sys", SimpleNamespace(stderr=out))  # pytest changes the real one between setup and test
    logs.configure("INFO")
    yield lambda: [json.loads(line) for line in out.getvalue().removesuffix("\n").split("\n")]
    logs.request_id.reset(name)
    root.handlers[:] = kept[0]
    root.setLevel(kept[1])
    own.setLevel(kept[2])


def test_an_event_is_one_line_of_json_in_utc(written: Written) -> None:
    logs.info("booking_held", ref="ABC", resource_id=7)
    (line,) = written()
    assert {k: v for k, v in line.items() if k != "at"} == {
        "level": "info",
        "event": "booking_held",
        "ref": "ABC",
        "resource_id": 7,
    }
    assert str(line["at"]).endswith("+00:00")


@pytest.mark.parametrize("text", ["two\nlines", "\r\n{}", "\u2028", "\x1b[31mred", '"quoted"', "Grüße"])
def test_nothing_that_is_logged_can_start_a_line_of_its_own(written: Written, text: str) -> None:
    logs.warning("not_ready", cause=text)
    (line,) = written()
    assert line["cause"] == text


def test_a_fault_has_its_trace_in_the_same_line(written: Written) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018 - for its trace
    logs.error("unexpected_error", trace=caught.value)
    (line,) = written()
    assert line["level"] == "error"
    assert "ZeroDivisionError: division" in str(line["trace"])


def test_what_json_does_not_know_is_written_as_text(written: Written) -> None:
    logs.info("odd", value={1})
    assert written()[0]["value"] == "{1}"


def test_a_line_names_its_request_and_no_other(written: Written) -> None:
    def one() -> None:
        logs.request_id.set("request-1")
        logs.info("first")

    copy_context().run(one)
    other = Thread(target=lambda: logs.info("second"))
    other.start()
    other.join()
    first, second = written()
    assert first["request_id"] == "request-1"
    assert "request_id" not in second


def test_the_level_is_that_of_the_settings_and_libraries_are_quiet(written: Written) -> None:
    logs.configure("WARNING")
    logs.info("daily")
    logging.getLogger("sqlalchemy.engine").info("SELECT 1")
    logging.getLogger("some.library").warning("careful: %s", "hot")
    (line,) = written()
    assert (line["event"], line["logger"]) == ("careful: hot", "some.library")


def test_setting_up_twice_does_not_write_twice(written: Written) -> None:
    logs.configure("INFO")
    logs.info("once")
    assert len(written()) == 1
