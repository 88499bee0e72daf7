"""A hall that guests may book, round the clock, in UTC: what most tests of the edge need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.persistence import session
from tests.services.factories import AROUND_THE_CLOCK, make_resource, make_service, make_venue

GUEST = {"name": "Ada Example", "email": "ada@example.org"}


@dataclass(frozen=True)
class Hall:
    """One service over one room, and a client that books it."""

    client: FlaskClient
    venue_id: int
    resource_id: int
    service_id: int

    def body(self, hour: int = 10, **fields: Any) -> dict[str, Any]:
        return {"service_id": self.service_id, "starts_at": at(hour), "customer": GUEST, **fields}

    def book(self, hour: int = 10, headers: dict[str, str] | None = None, **fields: Any) -> TestResponse:
        return self.client.post("/api/v1/bookings", json=self.body(hour, **fields), headers=headers)

    def hold(self, hour: int = 10, **fields: Any) -> TestResponse:
        return self.client.post("/api/v1/holds", json={"service_id": self.service_id, "starts_at": at(hour), **fields})

    def slots(self, days: int = 1, headers: dict[str, str] | None = None, **query: Any) -> TestResponse:
        span = {"from": day(0), "to": day(days)}
        return self.client.get(
            f"/api/v1/services/{self.service_id}/slots", query_string={**span, **query}, headers=headers
        )

    def starts(self) -> list[str]:
        return [slot["starts_at"] for listed in self.slots().json["days"] for slot in listed["slots"]]


def day(number: int) -> str:
    """Return a date some days from the day after tomorrow."""
    return (datetime.now(timezone.utc) + timedelta(days=2 + number)).date().isoformat()


def at(hour: int, minute: int = 0) -> str:
    """Return a start on the day after tomorrow."""
    return f"{day(0)}T{hour:02d}:{minute:02d}:00Z"


def token_of(booked: TestResponse) -> str:
    return str(booked.json["manage_url"]).partition("?token=")[2]


@pytest.fixture
def hall(app: Flask, client: FlaskClient) -> Hall:
    del app
    engine = session.engine()
    venue = make_venue(engine, timezone="UTC")
    room = make_resource(engine, venue, daily_hours=AROUND_THE_CLOCK)
    return Hall(client, venue, room, make_service(engine, venue, [[room]]))
