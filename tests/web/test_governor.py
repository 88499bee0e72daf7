"""While memory is short, what is small is served, and what is large is put off."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.runtime import memory
from app.web.governor import is_large
from app.web.routes import TABLE

LARGE = (
    ("GET", "/api/v1/bookings/ABCD-2345/confirmation.pdf"),
    ("GET", "/api/v1/admin/bookings/export.csv"),
    ("POST", "/api/v1/bookings/ABCD-2345/attachments"),
    ("PATCH", "/api/v1/uploads/abc"),
    ("GET", "/api/v1/resources/1/photos/1"),
    ("GET", "/api/v1/calendar/abc.ics"),
)
SMALL = (("GET", "/healthz"), ("GET", "/api/v1/venues"), ("POST", "/api/v1/bookings"), ("GET", "/nowhere"))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is short."""
    monkeypatch.setattr(memory, "is_over", lambda: True)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(("method", "path"), LARGE)
def test_what_is_large_is_put_off_while_memory_is_short(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "busy")
    assert answer.headers["Retry-After"] == "10"


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(("method", "path"), SMALL)
def test_what_is_small_is_served_while_memory_is_short(client: FlaskClient, method: str, path: str) -> None:
    assert client.open(path, method=method).status_code < 500


@pytest.mark.parametrize(("method", "path"), LARGE)
def test_what_is_large_is_not_put_off_at_other_times(client: FlaskClient, method: str, path: str) -> None:
    assert client.open(path, method=method).status_code < 500


def test_every_answer_is_counted_once_it_has_left(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    monkeypatch.setattr(memory, "after_request", lambda: counted.append(1))
    for path in ("/healthz", "/nowhere", "/api/v1/admin/users"):
        answer = client.get(path, buffered=False)
        before = len(counted)
        answer.close()
        assert len(counted) == before + 1


def test_exports_documents_and_files_are_large_and_nothing_else() -> None:
    large = {row.view.partition(".")[0] for _, _, rows in TABLE for row in rows if is_large(row)}
    assert {"exports", "reports", "documents", "attachments", "uploads", "photos", "file_links"} <= large
    assert not large & {"slots", "bookings", "holds", "catalogue", "auth", "sessions", "me", "users", "operations"}
