"""A real browser for tests, and the web server of the pages that it shows.

Cookies, SameSite, CSRF and CORS exist nowhere else. The pages' server hands ``/api`` on to the program, as a web server in front
does, so that a page and the program are one origin. Under the name ``localhost`` the same server is another site.
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

INSTALL = "apt-get install --no-install-recommends chromium"
PATIENCE_SECONDS = 60
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-extensions",
)  # fmt: skip
_PAGE = b'<!doctype html><meta charset="utf-8"><title>A page</title><script type="module" src="/runner.js"></script>'
# A page forgets who was signed in on the one before: the cookie is out of the reach of scripts, so the server takes it off.
_NOBODY = "slotkeeper=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
_OWN = {"connection", "server", "date"}
_RUNNER = b"""
const lines = [];
let error = null;
const told = (word) => (typeof word === "string" ? word : JSON.stringify(word));
console.log = (...words) => lines.push(words.map(told).join(" "));
window.prompt = (question) => {
  const asked = new XMLHttpRequest();
  asked.open("GET", "/answer?question=" + encodeURIComponent(question), false);
  asked.send();
  return asked.responseText;
};
addEventListener("unhandledrejection", (event) => { error = String(event.reason); });
try {
  await import("/example.js");
} catch (thrown) {
  error = `${thrown}\\n${thrown.stack ?? ""}`;
}
await new Promise((resolve) => setTimeout(resolve));
await fetch("/outcome", { method: "POST", body: JSON.stringify({ lines, error }) });
location = await (await fetch("/next")).text();
"""


@dataclass(frozen=True)
class Outcome:
    """What a page has written to the console, and what was thrown in it."""

    lines: list[str]
    error: str | None


@dataclass
class Front:
    """What stands before the program on *port*: it may put a request off as busy once, or lose an answer once.

    Both name requests by method and path: `POST /api/v1/bookings`, or the beginning of it.
    """

    port: int = 0
    busy: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


class Pages(ThreadingHTTPServer):
    """The web server of the pages, and the way to the program."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.front = Front()
        self.example = ""
        self.answer: Callable[[str], str] = str
        self.addresses: queue.Queue[str] = queue.Queue()
        self.outcomes: queue.Queue[Outcome] = queue.Queue()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def run(self, example: str, *, host: str = "127.0.0.1", answer: Callable[[str], str] = str) -> Outcome:
        """Return what came of a script in a new page of that host, in which nobody is signed in.

        *answer* is whoever sits before the browser, and is asked what ``prompt`` asks.
        """
        self.example, self.answer = example, answer
        self.addresses.put(f"http://{host}:{self.port}/page")
        return self.outcomes.get(timeout=PATIENCE_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    server: Pages

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        if path.path == "/page":
            self._tell("text/html", _PAGE, ("Set-Cookie", _NOBODY))
        elif path.path == "/runner.js":
            self._tell("text/javascript", _RUNNER)
        elif path.path == "/example.js":
            self._tell("text/javascript", self.server.example.encode())
        elif path.path == "/next":
            self._tell("text/plain", self.server.addresses.get().encode())
        elif path.path == "/answer":
            self._tell("text/plain", self.server.answer(parse_qs(path.query)["question"][0]).encode())
        elif path.path.startswith("/api/"):
            self._hand_on()
        else:
            self._say(404, [], b"")

    def do_POST(self) -> None:
        if self.path != "/outcome":
            self._hand_on()
            return
        found = json.loads(self._body())
        self.server.outcomes.put(Outcome(found["lines"], found["error"]))
        self._tell("text/plain", b"")

    def do_HEAD(self) -> None:
        self._hand_on()

    do_PATCH = do_PUT = do_DELETE = do_OPTIONS = do_HEAD  # noqa: N815 - the server's own words

    def _hand_on(self) -> None:
        """Let the program answer, unless the front is to be busy, or to lose what it has answered."""
        front, body = self.server.front, self._body()
        if self._is_among(front.busy):
            self._say(503, [("Retry-After", "1"), ("Content-Type", "text/plain")], b"One moment, please.")
            return
        with closing(HTTPConnection("127.0.0.1", front.port, timeout=PATIENCE_SECONDS)) as line:
            line.request(self.command, self.path, body or None, dict(self.headers.items()))
            answer = line.getresponse()
            content = answer.read()
        if self._is_among(front.lost):
            self.close_connection = True
            return
        self._say(answer.status, [one for one in answer.getheaders() if one[0].lower() not in _OWN], content)

    def _is_among(self, whims: list[str]) -> bool:
        """Tell whether this request is one of them, and forget that one."""
        found = next((one for one in whims if f"{self.command} {self.path}".startswith(one)), None)
        if found:
            whims.remove(found)
        return found is not None

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _tell(self, kind: str, content: bytes, *headers: tuple[str, str]) -> None:
        self._say(200, [("Content-Type", kind), ("Cache-Control", "no-store"), *headers], content)

    def _say(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(OSError):  # the browser may have ended in the meantime
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Write nothing: what matters is in the outcome."""


def chromium() -> str | None:
    """Return the browser's program; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def browser(folder: Path) -> Iterator[Pages]:
    """Yield the server of pages with a browser that shows one after the other; both are ended afterwards."""
    program = chromium()
    assert program, INSTALL
    pages = Pages()
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    command = [program, *_OPTIONS, f"--user-data-dir={folder}/profile", f"http://127.0.0.1:{pages.port}/page"]
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        pages.outcomes.get(timeout=PATIENCE_SECONDS)  # of the first page, which does nothing
        yield pages
    except BaseException:
        print((folder / "browser.log").read_text(errors="replace")[-3000:])  # noqa: T201 - pytest shows it beside the failure
        raise
    finally:
        process.terminate()
        process.wait()
        pages.addresses.put("about:blank")  # for the page that waits for the next
        pages.shutdown()
        pages.server_close()
