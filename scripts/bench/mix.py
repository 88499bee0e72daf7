"""A day at the desk and at the front door, mixed: what is asked, how often, and which answers are in order.

Visit number n is the same in every run. Some visits are two or three requests, because a booking is cancelled again and a file
taken away: the tables grow by what is kept for good, and never by what would make a later visit dearer.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from datetime import time as time_of_day
from functools import partial

from scripts.bench.mailbox import code_for
from scripts.bench.visitors import API, Answer, Client, status_of

PASSWORD = "a fox on the roof"  # noqa: S105 - of accounts that live for one measurement
ACCOUNTS = 1999  # prime, so that 200 visits later it is somebody else: a person may ask for five codes an hour
ROOMS, SLOTS_A_DAY, DAYS = 20, 8, 60  # free ones of the data set "20x60": at half past, from 9:30 on

# How many of 200 visits are of each kind. By far the most look at times; the dear ones are rarer, as they are in a hall.
WEIGHTS = {
    "day": 62,
    "month": 10,
    "unchanged": 22,
    "catalogue": 20,
    "booking": 14,
    "hold": 6,
    "sign_in_by_password": 4,
    "sign_in_by_code": 4,
    "desk_list": 10,
    "desk_search": 6,
    "desk_calendar": 6,
    "confirmation": 4,
    "report": 2,
    "csv": 4,
    "upload": 4,
    "nowhere": 6,
    "nonsense": 6,
    "taken": 4,
    "too_large": 2,
    "aborted": 2,
    "slow": 2,
}


def deck() -> list[str]:
    """Return the kinds of 200 visits in the order in which they come, again and again."""
    kinds = [kind for kind, weight in WEIGHTS.items() for _ in range(weight)]
    random.Random(1).shuffle(kinds)  # noqa: S311 - the same order every time
    return kinds


@dataclass
class Visitor(Client):
    """One client who goes through the visits."""

    kinds: list[str] = field(default_factory=deck)
    etag: str = ""

    def visit(self, number: int) -> None:
        """Do what visit *number* is about.

        Raises:
            Strange: an answer was not in order.
        """
        kind = self.kinds[number % len(self.kinds)]
        act: Callable[[int], None] = getattr(self, f"_{kind}")
        act(number)

    def _slots(self, number: int, service: int, days: int) -> str:
        first = self.place.first + timedelta(days=number % (DAYS - days))
        return f"/services/{service}/slots?from={first}&to={first + timedelta(days=days)}"

    def _day(self, number: int) -> None:
        self.ask(self._slots(number, 1 + number % 2, 1), 200)

    def _month(self, number: int) -> None:
        self.ask(self._slots(number, 1 + number % 2, 30), 200)

    def _unchanged(self, _number: int) -> None:
        # Of the last days, where nobody books; another visitor's booking may change them all the same, and is no fault.
        path = self._slots(DAYS - 2, 2, 1)
        answer = self.ask(path, 200, 304, If_None_Match=self.etag or '"none"')
        self.etag = answer.headers.get("ETag", "")

    def _catalogue(self, number: int) -> None:
        self.ask(("/services", "/venues", "/resources?limit=20", "/services/1", "/openapi.json")[number % 5], 200)

    def _free(self, number: int) -> dict[str, object]:
        """Return a time that the data set left free: another one for each of 9,600 numbers in a row."""
        at, room = divmod(number % (ROOMS * SLOTS_A_DAY * (DAYS - 4)), ROOMS)
        day, hour = divmod(at, SLOTS_A_DAY)
        return {"service_id": 1, "resource_id": room + 1, "starts_at": self._start(day, hour, 30)}

    def _start(self, day: int, hour: int, minute: int) -> str:
        on = self.place.first + timedelta(days=day)
        return datetime.combine(on, time_of_day(9 + hour, minute), timezone.utc).isoformat()

    def _book(self, number: int) -> tuple[str, dict[str, str]]:
        """Return the address of a new booking, and the header that opens it."""
        customer = {"name": f"Ada {number}", "email": f"guest{number}@example.org"}
        body = {**self._free(number), "customer": customer}
        made = self.ask("/bookings", 201, method="POST", body=body, Idempotency_Key=f"visit-{number}-{time.time_ns()}")
        token = made.value("manage_url").partition("?token=")[2]
        return f"/bookings/{made.value('ref')}", {"X_Manage_Token": token}

    def _cancel(self, path: str, manage: dict[str, str]) -> None:
        self.ask(f"{path}/cancel", 200, method="POST", body={}, **manage)

    def _booking(self, number: int) -> None:
        self._cancel(*self._book(number))

    def _hold(self, number: int) -> None:
        made = self.ask("/holds", 201, method="POST", body=self._free(number))
        self.ask(f"/holds/{made.value('token')}", 204, method="DELETE")

    def _address(self, number: int) -> dict[str, str]:
        """Return the header of a proxy: so many from one address would be throttled, and rightly."""
        return {"X_Forwarded_For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}

    def _sign_in_by_password(self, number: int) -> None:
        body = {"email": f"member{number % ACCOUNTS}@example.org", "password": PASSWORD}
        entered = self.ask("/auth/login", 200, method="POST", body=body, **self._address(number))
        self._look_around(entered)

    def _sign_in_by_code(self, number: int) -> None:
        email, since = f"member{number % ACCOUNTS}@example.org", time.time()
        asked = self.ask("/auth/otp", 202, method="POST", body={"email": email}, **self._address(number))
        body = {"email": email, "code": code_for(email, self.place.mail, since)}
        cookie = {"Cookie": asked.headers["Set-Cookie"].partition(";")[0]}
        self._look_around(
            self.ask("/auth/otp/verify", 200, method="POST", body=body, **cookie, **self._address(number))
        )

    def _look_around(self, entered: Answer) -> None:
        """Read one's own bookings, and leave."""
        cookie = {"Cookie": entered.headers["Set-Cookie"].partition(";")[0]}
        self.ask("/me/bookings", 200, **cookie)
        self.ask("/auth/logout", 204, method="POST", body={}, X_CSRF_Token=entered.value("csrf_token"), **cookie)

    def _desk(self, path: str) -> None:
        self.ask(f"/admin/{path}", 200, Authorization=self.place.key)

    def _days(self, number: int, days: int) -> str:
        first = self.place.first + timedelta(days=number % (DAYS - days))
        return f"from={first}&to={first + timedelta(days=days)}"

    def _desk_list(self, number: int) -> None:
        self._desk(f"bookings?limit=50&resource_id={1 + number % ROOMS}")

    def _desk_search(self, number: int) -> None:
        self._desk(f"bookings?q=guest{number % 100}")

    def _desk_calendar(self, number: int) -> None:
        self._desk(f"calendar?venue_id=1&{self._days(number, 1)}")

    def _confirmation(self, number: int) -> None:
        path, manage = self._book(number)
        self.ask(f"{path}/confirmation.pdf", 200, **manage)
        self._cancel(path, manage)

    def _report(self, number: int) -> None:
        papers = ("resources/{room}/day-sheet.pdf?date={day}", "reports/occupancy.pdf?venue_id=1&{days}")
        day = self.place.first + timedelta(days=number % DAYS)
        paper = papers[number // len(self.kinds) % 2]
        self._desk(paper.format(room=1 + number % ROOMS, day=day, days=self._days(number, 3)))

    def _csv(self, number: int) -> None:
        self._desk(f"bookings/export.csv?{self._days(number, 1)}")

    def _upload(self, number: int) -> None:
        path, manage = self._book(number)
        content = b"%PDF-1.7\n" + f"{number}-{time.time_ns()}".encode() * 500
        kind = {"Content_Type": "application/pdf"}
        made = self.ask(f"{path}/attachments", 201, method="POST", body=content, **kind, **manage)
        self.ask(f"{path}/attachments/{made.value('id')}", 204, method="DELETE", **manage)
        self._cancel(path, manage)

    def _nowhere(self, number: int) -> None:
        self.ask((f"/nowhere/{number}", f"/services/{10**6 + number}", f"/bookings/REF{number}")[number % 3], 404)

    def _nonsense(self, number: int) -> None:
        bodies: list[object] = [
            {"service_id": 1, "starts_at": f"never {number}"},
            {"colour": number},
            {"service_id": 1},
        ]
        self.ask("/holds", 422, method="POST", body=bodies[number % 3])

    def _taken(self, number: int) -> None:
        body = {**self._free(number), "starts_at": self._start(number % DAYS, number % SLOTS_A_DAY, 0)}
        self.ask("/holds", 409, method="POST", body=body)

    def _too_large(self, _number: int) -> None:
        head = f"POST {API}/bookings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        with self.line() as line:
            line.sendall(f"{head}Content-Length: {10**8}\r\nConnection: close\r\n\r\n".encode())
            self.note(Answer(status_of(line.recv(65536)), {}, b""), (413,), "a body of 100 MB")

    def _aborted(self, _number: int) -> None:
        """Ask for all bookings, read a little, and hang up rudely."""
        with self.line() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.sendall(self._export().encode())
            self.note(Answer(status_of(line.recv(2000)), {}, b""), (200,), "an export that is aborted")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def _export(self) -> str:
        query = f"from={self.place.first}&to={self.place.first + timedelta(days=DAYS)}"
        return (
            f"GET {API}/admin/bookings/export.csv?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: {self.place.key}\r\nConnection: close\r\n\r\n"
        )

    def _slow(self, number: int) -> None:
        """Send a request in pieces, and read its answer in small ones."""
        request = f"GET {API}{self._slots(number, 1, 1)} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        with self.line() as line:
            for piece in (request[:10], request[10:40], request[40:]):
                line.sendall(piece.encode())
                time.sleep(0.03)
            answer = b"".join(iter(partial(line.recv, 512), b""))
            self.note(Answer(status_of(answer), {}, b""), (200,), "a slow request")
