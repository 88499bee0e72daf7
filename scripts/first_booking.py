"""Wait for the server on this machine, then print three commands that book the first free slot of a service."""

from __future__ import annotations

import json
import shlex
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

PATIENCE_SECONDS = 60
DAYS_AHEAD = 14
GUEST = {"name": "Ada Example", "email": "ada@example.org"}


def main(arguments: list[str]) -> None:
    """Do what the command line says: a port to look at, or a server to wait for."""
    if arguments[0] == "--port-is-free":
        require_free(int(arguments[1]))
        return
    base_url = f"http://127.0.0.1:{arguments[0]}"
    if not is_up(base_url):
        return  # the server's own log says why
    commands = next(bookable(base_url), None)
    if commands is None:
        print(f"\nSlotkeeper answers on {base_url}; no service has a slot in the next {DAYS_AHEAD} days.\n", flush=True)
        return
    lines = "\n".join(commands)
    print(
        f"\nSlotkeeper answers on {base_url}. Paste these: the free slots, a booking, the slot gone.\n\n{lines}\n",
        flush=True,
    )


def require_free(port: int) -> None:
    """Refuse a port on which something listens already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SystemExit(f"Port {port} cannot be used ({error.strerror}): choose another with PORT=8001") from None


def is_up(base_url: str) -> bool:
    """Tell whether the server came to answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            ask(f"{base_url}/healthz")
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False


def bookable(base_url: str) -> Iterator[tuple[str, str, str]]:
    """Yield three commands for each service a guest can book soon, from tomorrow on, with nothing more to fill in."""
    first = date.today() + timedelta(days=1)  # noqa: DTZ011 - the person's own tomorrow
    for service in ask(f"{base_url}/api/v1/services")["items"]:
        if not service["guest_bookings"] or any(field.get("required") for field in service["custom_fields"]):
            continue
        # One resource, so that its slot is gone afterwards, and is not offered in the room next door.
        wish = {"service_id": service["id"], "resource_id": service["resource_ids"][0]}
        url = f"{base_url}/api/v1/services/{service['id']}/slots?resource_id={wish['resource_id']}"
        for day in ask(f"{url}&from={first}&to={first + timedelta(days=DAYS_AHEAD)}")["days"]:
            slot = next((slot for slot in day["slots"] if slot["spots_open"] == 1), None)
            if slot:
                until = date.fromisoformat(day["date"]) + timedelta(days=1)
                look = f"curl -sw '\\n' '{url}&from={day['date']}&to={until}'"
                yield look, booking_command(base_url, {**wish, "starts_at": slot["starts_at"]}), look
                break


def booking_command(base_url: str, wish: dict[str, Any]) -> str:
    """Return the command that books what was wished for."""
    data = shlex.quote(json.dumps({**wish, "customer": GUEST}, separators=(",", ":")))
    return f"curl -sw '\\n' -X POST {base_url}/api/v1/bookings -H 'Content-Type: application/json' -d {data}"


def ask(url: str) -> Any:  # noqa: ANN401 - JSON
    """Return what the server answers."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own server on this machine
        return json.load(answer)


if __name__ == "__main__":
    main(sys.argv[1:])
