from __future__ import annotations

import gzip

import brotli
import pytest

from app.persistence import session
from tests.services.factories import make_resource, make_service
from tests.web.conftest import Hall


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url  # what is tested here never reaches a database, or does not care which


def fifty(hall: Hall) -> str:
    engine = session.engine()
    for _ in range(49):
        room = make_resource(engine, hall.venue_id)
        make_service(engine, hall.venue_id, [[room]])
    return "/api/v1/services?limit=50"


@pytest.mark.parametrize(("name", "unpack"), [("br", brotli.decompress), ("gzip", gzip.decompress)])
def test_a_list_shrinks_by_85_percent(hall: Hall, name: str, unpack: object) -> None:
    url = fifty(hall)
    plain = hall.client.get(url)
    packed = hall.client.get(url, headers={"Accept-Encoding": name})
    assert len(plain.json["items"]) == 50
    assert packed.headers["Content-Encoding"] == name
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert unpack(packed.data) == plain.data  # type: ignore[operator]
    assert len(packed.data) <= 0.15 * len(plain.data)


def test_the_tag_of_slots_survives_compression(hall: Hall) -> None:
    packed = hall.slots(days=7, headers={"Accept-Encoding": "br"})
    assert packed.headers["Content-Encoding"] == "br"
    again = hall.slots(days=7, headers={"Accept-Encoding": "br", "If-None-Match": packed.headers["ETag"]})
    assert again.status_code == 304


def test_an_answer_with_a_token_is_never_compressed(hall: Hall) -> None:
    booked = hall.book(10, headers={"Accept-Encoding": "br, gzip"}, notes="x" * 2000)
    assert "Content-Encoding" not in booked.headers
