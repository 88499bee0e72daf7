"""Put a shared host's files beside the program in order, and look whether they are."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.domain.errors import Conflict, NotFound
from app.domain.findings import Finding, fail, ok, warn
from app.services.cpanel_files import Change, Site, changes, panels_root, read, split, with_block, wsgi_owner
from app.services.doctor_host import PASSENGER_WSGI

NEW_FILE_MODE = 0o644  # the web server reads it as another user
_INIT = "run 'flask --app app cpanel init'"
_PYTHON = re.compile(rb"(?mi)^[ \t]*PassengerPython[ \t]+\"?([^\"\r\n]+?)\"?[ \t]*\r?$")
_REFUSED = re.compile(  # by the server, in .htaccess: it then answers 500 for the whole folder
    rb"(?mi)^[ \t]*(Passenger(?:MaxRequests|MinInstances|MaxInstances|PoolIdleTime|MaxPoolSize|PreStart|User|Group))\b"
)


def plan(site: Site, *, force: bool = False) -> list[Change]:
    """Return what ``apply`` has to write.

    Raises:
        NotFound: there is no such docroot. Conflict: a file is somebody else's and *force* is not given, or the marks in
            ``.htaccess`` are broken, or one of the two folders lies in the other.
    """
    if not site.docroot.is_dir():
        raise NotFound(f"There is no folder {site.docroot}: name the one of your address with --docroot.")
    if lies_open(site):
        raise Conflict(f"{site.root} and {site.docroot} lie one in the other: move the program out of what is shown.")
    wanted = changes(site)
    for change in wanted:
        if change.foreign and not force:
            raise Conflict(f"{change.path} is not ours: look at it, then use --force; a copy of it is kept.")
    return wanted


def lies_open(site: Site) -> bool:
    """Tell whether the web server might show the program's files, or the program's folder holds what is shown."""
    root, docroot = site.root.resolve(), site.docroot.resolve()
    return root == docroot or docroot in root.parents or root in docroot.parents


def diff(change: Change) -> str:
    """Return what a change does to a file, as ``diff -u`` shows it."""
    before = (change.before or b"").decode("utf-8", "backslashreplace").splitlines(keepends=True)
    after = change.after.decode("utf-8", "backslashreplace").splitlines(keepends=True)
    name = str(change.path)
    lines = difflib.unified_diff(before, after, "/dev/null" if change.before is None else name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def apply(site: Site, wanted: Iterable[Change]) -> None:
    """Write the changes, each whole or not at all; then wish for a restart, which also serves whoever has no shell."""
    for change in wanted:
        if change.foreign:
            shutil.copy2(change.path, change.path.with_name(f"{change.path.name}.before"))
        _write(change.path.resolve(), change.after)  # where the file is a link, its target
    folder = site.root / "tmp"
    if not folder.is_dir():
        folder.mkdir()
        folder.chmod(0o755)  # whatever the umask: Passenger looks there as another user
    (folder / "restart.txt").touch()


def _write(path: Path, content: bytes) -> None:
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else NEW_FILE_MODE
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.chmod(mode)
    draft.replace(path)


def cron_lines(site: Site) -> list[str]:
    """Return the lines for "Cron Jobs": what is due, every five minutes as nearly every host lets you, and a daily look."""
    command, folder = f'cd "{site.root}" && "{site.python}" -m flask --app app', site.root / "instance"
    return [
        f'*/5 * * * * {command} cron >/dev/null 2>>"{folder / "cron.log"}"',
        f'17 4 * * * {command} doctor >"{folder / "doctor.txt"}" 2>&1',
    ]


def examine(site: Site) -> Iterator[Finding]:
    """Yield what there is to say of the files beside the program; nothing is written."""
    yield _folders(site)
    yield _wsgi(site)
    if site.docroot.is_dir():
        yield from _htaccess(site, read(site.htaccess) or b"")
        yield _maintenance(site)
    yield _restart(site.root / "tmp")


def _folders(site: Site) -> Finding:
    if not site.docroot.is_dir():
        return fail("folders", f"there is no folder {site.docroot}", "name the one of your address with --docroot")
    if lies_open(site):
        detail = f"{site.root} and {site.docroot} lie one in the other"
        return fail("folders", detail, "move the program to a folder of its own in your home, beside public_html")
    return ok("folders", f"the program is in {site.root}, apart from {site.docroot}")


def _wsgi(site: Site) -> Finding:
    content = read(site.wsgi)
    if content == PASSENGER_WSGI.encode():
        return ok("wsgi file", f"{site.wsgi} is ours")
    whose = {"none": "missing or empty", "ours": "an older one of ours", "panel": "the panel's stub"}
    owner = whose.get(wsgi_owner(content))
    if owner:
        return fail("wsgi file", f"{site.wsgi} is {owner}", _INIT)
    return fail("wsgi file", f"{site.wsgi} is not ours", f"look at it, then {_INIT} with --force")


def _htaccess(site: Site, content: bytes) -> Iterator[Finding]:
    try:
        _, block, _ = split(content)
    except Conflict as error:
        yield fail("htaccess", str(error.detail), f"remove them, then {_INIT}")
        return
    if with_block(content) == content:
        yield ok("htaccess", f"our lines stand in {site.htaccess}")
    else:
        yield fail("htaccess", f"our lines in {site.htaccess} are {'not the newest' if block else 'missing'}", _INIT)
    yield _program(site, panels_root(content))
    yield from _python(site, content)
    for found in sorted({match[1].decode() for match in _REFUSED.finditer(content)}):
        yield fail("directives", f"{found} is not allowed in .htaccess: every address there answers 500", "remove it")


def _program(site: Site, root: str) -> Finding:
    if root and Path(root).resolve() != site.root.resolve():
        return fail("program", f"the panel hands the address to {root}", f"set the application root to {site.root}")
    where = f"the panel hands the address to {site.root}" if root else "the panel keeps it elsewhere than in .htaccess"
    return ok("program", where)


def _python(site: Site, content: bytes) -> Iterator[Finding]:
    """Compare the Python of the address with the one that runs this; both must find the same packages."""
    for named in _PYTHON.findall(content):
        path = Path(named.decode("utf-8", "replace"))
        if not path.exists():
            yield fail("python", f"{path}, which .htaccess names, is not there", "choose a version in the panel again")
        elif path.parent.resolve() != Path(site.python).parent.resolve():
            remedy = "run the commands with that Python, or choose this one in the panel"
            yield warn("python", f"{path} runs the program, and {site.python} this command", remedy)
        else:
            yield ok("python", f"{path} runs the program and this command")


def _maintenance(site: Site) -> Finding:
    if site.flag.exists():
        return warn(
            "maintenance", f"{site.flag} is there: visitors see the maintenance page", "delete it when you are done"
        )
    if not site.page.exists():
        return fail("maintenance", f"{site.page} is missing", _INIT)
    return ok("maintenance", f"off; a file {site.flag} turns it on")


def _restart(folder: Path) -> Finding:
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return ok("restart", f"{folder / 'restart.txt'} can be touched")
    return fail("restart", f"{folder} is not there, or cannot be written to", _INIT)
