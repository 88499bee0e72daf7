"""A hall that is open: a server with the demo catalogue, somebody who runs it, and a browser at its door."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pyotp

from scripts.bench import mailbox
from tests.conftest import SECRET_KEY
from tests.system import browsing, servers
from tests.system.browsing import Outcome, Pages

PAGE = servers.ROOT / "docs/frontend.md"
BASIS = "One function for all requests"
ADMIN = {"email": "chief@example.org", "password": "correct horse battery"}
API = "/api/v1"


def examples() -> dict[str, list[str]]:
    """Return the blocks of JavaScript under each heading, in order."""
    found, heading = defaultdict[str, list[str]](list), ""
    parts = re.finditer(r"^#+ ([^\n]+)$|^```js\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for part in parts:
        heading = part[1] or heading
        if part[2]:
            found[heading].append(part[2])
    return found


@dataclass
class Place:
    """A server with the demo hall, an admin, and a browser in front of it."""

    pages: Pages
    server: servers.Gunicorn
    mail: Path
    totp: pyotp.TOTP

    def run(self, heading: str, values: Mapping[str, str], **how: Any) -> Outcome:
        """Return what came of a heading's examples, in a page that has these *values*."""
        api = how.pop("api", API)
        blocks = examples()
        basis = [] if heading == BASIS else blocks[BASIS][:2]
        known = [f"const {name} = {json.dumps(value)};\n" for name, value in values.items()]
        script = "\n".join([*known, *basis, *blocks[heading]]).replace(f'const api = "{API}"', f'const api = "{api}"')
        return self.pages.run(script, **how)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        line = HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        line.request(method, API + path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        answer = line.getresponse()
        found = answer.status, json.loads(answer.read() or b"null")
        line.close()
        return found

    def booked(self, days: int, email: str = "cy@example.org") -> dict[str, str]:
        """Return the reference and the token of a new booking, at noon so many days ahead."""
        noon = datetime.now(timezone.utc).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=days)
        guest = {"name": "Cy Example", "email": email}
        wish = {"service_id": self.service("practice"), "starts_at": noon.isoformat(), "customer": guest}
        status, made = self.ask("POST", "/bookings", wish)
        assert status == 201, made
        return {"ref": made["ref"], "token": made["manage_url"].partition("?token=")[2]}

    def answer(self, question: str) -> str:
        """Return what somebody with that address's mail, or with the admin's app, types in."""
        email = re.search(r"\S+@\S+", question)
        return mailbox.code_for(email[0], self.mail, time.time()) if email else self.totp.now()

    def service(self, slug: str) -> int:
        return next(one["id"] for one in self.ask("GET", "/services")[1]["items"] if one["slug"] == slug)


@contextmanager
def open_hall(template: Path, folder: Path) -> Iterator[Place]:
    """Yield a place with a copy of that SQLite file, which has all tables."""
    url = f"sqlite:///{shutil.copy(template, folder / 'slotkeeper.sqlite3')}"
    with browsing.browser(folder) as pages:
        environ = {
            "SECRET_KEY": SECRET_KEY,
            "HASH_PROFILE": "cheapest",
            "MAIL_URL": f"file:{folder}/mail",
            "CORS_ORIGINS": f"http://127.0.0.1:{pages.port}",
        }
        made = admin_of({**environ, "DATABASE_URL": url, "INSTANCE_DIR": str(folder / "instance")})
        with servers.gunicorn(url, folder / "instance", workers=1, extra_env=environ) as server:
            pages.front.port = server.port
            yield Place(pages, server, folder / "mail", pyotp.TOTP(made["totp_secret"]))


def admin_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Load the demo hall and return what the first admin is told."""
    environ = {**os.environ, **environ, "ENVIRONMENT": "test"}

    def run(line: str, said: str = "") -> str:
        command = [sys.executable, "-m", "flask", "--app", "app", *line.split()]
        how: dict[str, Any] = {"cwd": servers.ROOT, "env": environ, "capture_output": True, "text": True, "timeout": 60}
        return str(subprocess.run(command, input=said, check=True, **how).stdout)

    run("demo load")
    line = f"users create --role admin --name Chief --email {ADMIN['email']} --password-stdin --json"
    found: dict[str, str] = json.loads(run(line, ADMIN["password"]))
    return found
