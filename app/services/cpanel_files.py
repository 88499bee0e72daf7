"""What stands on a shared host beside the program: the file Passenger starts, a block of ``.htaccess``, a page for maintenance.

Of ``.htaccess`` only the marked block is ours. The panel writes there, too, and every other byte is left as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import Conflict
from app.services.doctor_host import PASSENGER_WSGI

BEGIN = b'# BEGIN slotkeeper: "flask --app app cpanel init" writes these lines anew, up to END'
END = b"# END slotkeeper"
MAINTENANCE_FLAG = "maintenance.on"
MAINTENANCE_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>Back in a moment</title>
<style>body { font: 1.1rem/1.6 sans-serif; margin: 20vh auto; max-width: 30rem; padding: 0 1rem }</style>
<h1>Back in a moment</h1>
<p>Booking is being looked after just now. Please try again in a few minutes. Your bookings are safe.</p>
"""
_BEGINS, _ENDS = (
    re.compile(rb"(?m)^[ \t]*# BEGIN slotkeeper(?![\w-])"),
    re.compile(rb"(?m)^[ \t]*# END slotkeeper(?![\w-])[^\n]*\n?"),
)
_PANELS_ROOT = re.compile(rb"(?mi)^[ \t]*PassengerAppRoot[ \t]+\"?([^\"\r\n]+?)\"?[ \t]*\r?$")
_STUB = re.compile(r"It works!|load_source\(['\"]wsgi['\"]")  # what the panel writes on create, and on edit


@dataclass(frozen=True, slots=True)
class Site:
    """Where the program lies, what the web server shows, and which Python runs it."""

    root: Path
    docroot: Path
    python: str

    @property
    def wsgi(self) -> Path:
        """Return the file that Passenger starts."""
        return self.root / "passenger_wsgi.py"

    @property
    def htaccess(self) -> Path:
        """Return the web server's settings for this address, which the panel writes, too."""
        return self.docroot / ".htaccess"

    @property
    def page(self) -> Path:
        """Return what visitors see during maintenance."""
        return self.docroot / "maintenance.html"

    @property
    def flag(self) -> Path:
        """Return the file whose presence turns maintenance on."""
        return self.docroot / MAINTENANCE_FLAG


@dataclass(frozen=True, slots=True)
class Change:
    """A file that is not as it should be; *foreign* if what stands there is somebody else's. ``before`` is None for none."""

    path: Path
    before: bytes | None
    after: bytes
    foreign: bool = False


def read(path: Path) -> bytes | None:
    """Return what stands in a file, None where there is none."""
    return path.read_bytes() if path.exists() else None


def changes(site: Site) -> list[Change]:
    """Return what has to be written, in the order of writing; nothing where all is as it should be.

    Raises:
        Conflict: the marks of our block are not one BEGIN and, below it, one END.
    """
    found = read(site.wsgi)
    wsgi = Change(site.wsgi, found, PASSENGER_WSGI.encode(), foreign=wsgi_owner(found) == "foreign")
    page = Change(site.page, read(site.page), MAINTENANCE_PAGE.encode())
    before = read(site.htaccess)
    htaccess = Change(site.htaccess, before, with_block(before or b""))
    wanted = [
        wsgi,
        htaccess,
        *([page] if page.before is None else []),
    ]  # a page that is there has the owner's own words
    return [change for change in wanted if change.before != change.after]


def wsgi_owner(content: bytes | None) -> str:
    """Tell whose ``passenger_wsgi.py`` it is: ours, the panel's stub, none, or foreign."""
    if content is None or not content.strip():
        return "none"
    text = content.decode("utf-8", "replace")
    if text.startswith('"""What Passenger starts;'):
        return "ours"
    return "panel" if _STUB.search(text) else "foreign"


def with_block(content: bytes) -> bytes:
    """Return ``.htaccess`` with our block in it: where it stood, or else at the end. All other bytes are the same.

    Raises:
        Conflict: as for :func:`changes`.
    """
    before, _, after = split(content)
    newline = b"\r\n" if b"\r\n" in content else b"\n"
    lines = [BEGIN, *_DIRECTIVES.encode().split(b"\n"), END]
    if before and not before.endswith(b"\n"):
        before += newline
    return before + b"".join(line + newline for line in lines) + after


def split(content: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what stands before our block, the block with its marks (nothing if there is none), and what stands behind it.

    Raises:
        Conflict: as for :func:`changes`.
    """
    begins, ends = [*_BEGINS.finditer(content)], [*_ENDS.finditer(content)]
    if not begins and not ends:
        return content, b"", b""
    if len(begins) != 1 or len(ends) != 1 or ends[0].start() < begins[0].start():
        raise Conflict(
            "The marks '# BEGIN slotkeeper' and '# END slotkeeper' in .htaccess are not one pair: remove them by hand."
        )
    first, last = begins[0].start(), ends[0].end()
    return content[:first], content[first:last], content[last:]


def panels_root(content: bytes) -> str:
    """Return which program the panel's lines hand the address to; nothing where it keeps them elsewhere."""
    found = _PANELS_ROOT.search(content)
    return found[1].decode("utf-8", "replace") if found else ""


# Which program and which Python it is, the panel says: Passenger 6 as its makers build it refuses those directives in .htaccess, and
# answers 500 for the whole folder. These are taken by every Apache and LiteSpeed.
_DIRECTIVES = f"""ErrorDocument 503 /maintenance.html
<IfModule mod_rewrite.c>
RewriteEngine On
RewriteCond %{{DOCUMENT_ROOT}}/{MAINTENANCE_FLAG} -f
RewriteRule !^maintenance\\.html$ - [R=503,L]
</IfModule>"""
