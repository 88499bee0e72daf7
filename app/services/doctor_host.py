"""The host: settings and their files, folders, disk, Python, Passenger, and the packages."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.domain.findings import Finding, fail, ok, warn
from app.runtime.settings import ROOT, Settings, names

MIB = 1024 * 1024
LEAST_FREE_BYTES = 64 * MIB  # below this the database itself is about to stop
LITTLE_FREE_BYTES = 512 * MIB
PASSENGER_SECONDS = 10
TESTED = ((3, 10), (3, 13))
IMP_IS_GONE, NEEDS_NO_IMP = (3, 12), (6, 0, 19)  # Passenger's loader imported imp until then
PASSENGER_WSGI = '''"""What Passenger starts; cPanel may overwrite this file, `flask --app app doctor --fix` restores it."""

from app import create_app

application = create_app()
'''
_PIN = re.compile(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;#]+)\s*(?:;\s*python_version\s*(<|>=)\s*\"3\.(\d+)\")?")
_FIX = "run 'flask --app app doctor --fix'"


def examine(settings: Settings, environ: Mapping[str, str], *, fix: bool) -> Iterator[Finding]:
    """Yield what there is to say of this machine; with *fix*, put file modes and ``passenger_wsgi.py`` right."""
    yield _settings(settings, environ)
    yield from _private_files(settings, fix=fix)
    yield _messages(settings)
    yield from _folders(settings)
    yield _passenger_wsgi(ROOT / "passenger_wsgi.py", fix=fix)
    yield _packages(ROOT / "requirements.txt")
    yield _disk(settings.instance_dir)
    yield _python(sys.version_info[:2])
    yield _passenger(sys.version_info[:2], passenger_version(environ))


def _settings(settings: Settings, environ: Mapping[str, str]) -> Finding:
    file = settings.instance_dir / "slotkeeper.toml"
    given = [name for name in names() if environ.get(name)]
    sources = [*([str(file)] if file.exists() else []), *([f"the environment ({', '.join(given)})"] if given else [])]
    detail = f"{settings.environment}, {settings.base_url}, from {' and '.join(sources) or 'defaults alone'}"
    if settings.debug:
        return warn("settings", f"{detail}; DEBUG is on", "turn DEBUG off where others can reach it")
    return ok("settings", detail)


def _messages(settings: Settings) -> Finding:
    """Say where codes and notices go; in production they must reach somebody, and never the log."""
    ways = {"mail": settings.mail_url.partition(":")[0], "SMS": settings.sms_url.partition(":")[0]}
    if settings.whatsapp_url != "none:":
        ways["WhatsApp"] = settings.whatsapp_url.partition(":")[0]
    detail = ", ".join(f"{name} by {way}" for name, way in ways.items())
    if settings.is_production and {"console", "file"} & set(ways.values()):
        return warn("messages", f"{detail}: codes are written down instead of sent", "set MAIL_URL and SMS_URL")
    return ok("messages", detail)


def _private_files(settings: Settings, *, fix: bool) -> Iterator[Finding]:
    """Look at the files that hold secrets: their owner alone may read them."""
    instance = settings.instance_dir
    for path in (instance / "secret_key", instance / "slotkeeper.toml", settings.sealing_key_file):
        if path.exists():
            yield _private(path, fix=fix)
        elif path.name == "secret_key":
            yield ok(path.name, "given by the settings; no key file is needed")


def _private(path: Path, *, fix: bool) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o077:
        return ok(path.name, f"{path} has mode {mode:04o}")
    if fix:
        path.chmod(0o600)
        return ok(path.name, f"{path} had mode {mode:04o} and has 0600 now")
    return fail(path.name, f"{path} has mode {mode:04o}: others on this host may read it", f"chmod 600, or {_FIX}")


def _folders(settings: Settings) -> Iterator[Finding]:
    folder = settings.instance_dir
    public = {"public_html", "htdocs", "www"} & {part.lower() for part in folder.parts}
    if public:
        yield warn("instance", f"{folder} lies below {public.pop()}", "move it where no web server shows files")
    for name, path in (("instance", folder), ("uploads", settings.upload_dir)):
        if path.exists():
            yield _writable(name, path)


def _writable(name: str, path: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=path):
            return ok(name, f"{path} can be written to")
    except OSError as error:
        return fail(name, f"{path} cannot be written to: {error.strerror}", "give it to the user that runs the program")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    detail = f"{free // MIB} MiB free at {folder}"
    if free < LEAST_FREE_BYTES:
        return fail("disk", detail, "make room: the database is about to stop")
    if free < LITTLE_FREE_BYTES:
        return warn("disk", detail, "make room soon")
    return ok("disk", detail)


def _python(version: tuple[int, int]) -> Finding:
    text = ".".join(map(str, version))
    first, last = (".".join(map(str, end)) for end in TESTED)
    if TESTED[0] <= version <= TESTED[1]:
        return ok("python", f"{text} at {sys.executable}")
    return warn("python", f"{text} is untested", f"use {first} to {last}; 3.11 is the reference")


def _passenger(python: tuple[int, int], version: tuple[int, ...] | None) -> Finding:
    text = ".".join(map(str, version)) if version else "unknown"
    if version is None:
        if python < IMP_IS_GONE:
            return ok("passenger", "version unknown; every one runs this Python")
        return warn(
            "passenger", "version unknown; before 6.0.19 it cannot run this Python", "ask your host, or use 3.11"
        )
    if python >= IMP_IS_GONE and version < NEEDS_NO_IMP:
        return fail("passenger", f"{text} cannot run Python 3.{python[1]}", "use Python 3.11, or Passenger 6.0.19")
    return ok("passenger", f"{text} runs this Python")


def passenger_version(environ: Mapping[str, str]) -> tuple[int, ...] | None:
    """Return the version of Passenger here, as PASSENGER_VERSION or the program itself says; None if neither does."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", environ.get("PASSENGER_VERSION") or _ask_passenger(environ))
    return tuple(map(int, found.groups())) if found else None


def _ask_passenger(environ: Mapping[str, str]) -> str:
    program = shutil.which("passenger", path=environ.get("PATH"))
    if program is None:
        return ""
    try:
        command = [program, "--version"]
        answer = subprocess.run(  # noqa: S603 - no part of it comes from anybody
            command, capture_output=True, text=True, check=False, timeout=PASSENGER_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout


def _passenger_wsgi(path: Path, *, fix: bool) -> Finding:
    """Compare the file with ours; what stood there is kept beside it."""
    found = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    if found == PASSENGER_WSGI:
        return ok("wsgi file", f"{path} is ours")
    if not fix:
        return fail(
            "wsgi file", f"{path} is {'not ours' if found else 'missing'}", f"{_FIX}, then touch tmp/restart.txt"
        )
    if found:
        shutil.copy2(path, path.with_name(f"{path.name}.before"))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(PASSENGER_WSGI, encoding="utf-8")
    draft.replace(path)
    return ok("wsgi file", f"{path} is ours again; touch tmp/restart.txt")


def _packages(requirements: Path) -> Finding:
    """Compare what is installed with what is pinned."""
    pins = list(_pins(requirements.read_text(encoding="utf-8")))
    wrong = [f"{name} {_installed(name)} for {pin}" for name, pin in pins if _installed(name) != pin]
    if wrong:
        return warn("packages", ", ".join(wrong), "python -m pip install --only-binary=:all: -r requirements.txt")
    return ok("packages", f"all {len(pins)} as requirements.txt pins them")


def _pins(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        pin = _PIN.match(line)
        if pin is None:
            continue
        name, version, operator, minor = pin.groups()
        is_older = minor is not None and sys.version_info[1] < int(minor)
        if operator is None or is_older == (operator == "<"):
            yield name, version


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"
