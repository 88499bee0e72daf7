"""What a setting may say: each function returns the value in its own type, or refuses it in one line that names it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

HOST = re.compile(r"\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\*\.[A-Za-z0-9.-]+")
_USUAL_PORTS = {"http": 80, "https": 443}  # browsers leave them out, so that no origin ever has one
_SQLITE, _MYSQL = ("sqlite",), ("mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql")


class SettingsError(Exception):
    """A setting that cannot be used; the message is one line that names it and says what to do."""


def text(name: str, value: object) -> str:
    """Return a line of printable text."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise SettingsError(f"{name} must be text, not {value!r}")
    return value.strip()


def secret_text(name: str, value: object) -> str:
    """Return a line of printable text that no error may repeat."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise SettingsError(f"{name} must be one line of text (its value is not shown: it may hold a password)")
    return value.strip()


def folder_of(name: str, url: str) -> Path:
    """Return the folder that a ``file:`` address names."""
    path = url.removeprefix("file:")
    if not path.startswith("/") or re.match(r"//[^/]", path):
        raise SettingsError(f"{name} must name an absolute folder: file:/absolute/folder")
    return Path("/" + path.lstrip("/"))


def choice(name: str, value: object, allowed: tuple[str, ...]) -> str:
    """Return one of the words allowed."""
    if value not in allowed:
        raise SettingsError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    return str(value)


def flag(name: str, value: object) -> bool:
    """Return true or false, from any of the words for them."""
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in {"1", "0", "true", "false", "yes", "no", "on", "off"}:
        raise SettingsError(f"{name} must be true or false, not {value!r}")
    return text in {"1", "true", "yes", "on"}


def whole(name: str, value: object, least: int, most: int) -> int:
    """Return a whole number within its bounds."""
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
        number = int(value)
    if number is None or not least <= number <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, not {value!r}")
    return number


def listed(name: str, value: object, check: Callable[[str, str], str]) -> tuple[str, ...]:
    """Return the items of a list, or of a text with commas, each checked."""
    parts = value.split(",") if isinstance(value, str) else value or []
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise SettingsError(f"{name} must be a list, not {value!r}")
    return tuple(check(name, part.strip()) for part in parts if part.strip())


def _host(name: str, value: str) -> str:
    if not HOST.fullmatch(value):
        raise SettingsError(
            f"{name}: {value!r} is no host name (no scheme, no port; *.example.org takes every name below)"
        )
    return value.lower()


def origin(name: str, value: str) -> str:
    """Return an origin as browsers send it: scheme, host, and a port that is not the usual one."""
    parts = _split(value)
    if parts is None or value != f"{parts.scheme}://{parts.netloc}" or parts.port == _USUAL_PORTS[parts.scheme]:
        raise SettingsError(
            f"{name}: {value!r} is no origin: write https://www.example.org, without a path and without :443"
        )
    return value.lower()


def allowed_hosts(value: object, base_url: str, *, local: bool) -> tuple[str, ...]:
    """Return the host names that requests may carry: the base URL's, those listed, and this machine's where it is *local*."""
    own = urlsplit(base_url).hostname or ""
    hosts = {f"[{own}]" if ":" in own else own, *listed("ALLOWED_HOSTS", value, _host)}
    return tuple(sorted(hosts | ({"localhost", "127.0.0.1", "[::1]"} if local else set())))


def base_url(value: object, *, https: bool) -> str:
    """Return the address that links begin with, without a slash at its end."""
    url = text("BASE_URL", value).rstrip("/")
    parts = _split(url)
    if parts is None or parts.query or parts.fragment:
        raise SettingsError(f"BASE_URL must be an address such as https://book.example.org, not {value!r}")
    if https and parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise SettingsError(f"BASE_URL must start with https:// in production, not {value!r}")
    return url


def manage_page(value: object, *, https: bool) -> str:
    """Return the address of the page on which a customer manages a booking, with ``{ref}`` and ``{token}`` to be put in."""
    if value == "":
        return ""
    url = text("MANAGE_PAGE", value)
    bare = url.partition("?")[0].partition("#")[0]
    parts = _split(bare.replace("{ref}", "R").replace("{token}", "T"))
    gaps = [url.count(gap) for gap in ("{ref}", "{token}")]
    if parts is None or gaps != [1, 1] or url.count("{") != len(gaps):
        raise SettingsError(
            "MANAGE_PAGE must be an address with {ref} and {token}: https://www.example.org/booking#{ref}/{token}"
        )
    if https and parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise SettingsError("MANAGE_PAGE must start with https:// in production: its links open bookings")
    return url


def _split(url: str) -> SplitResult | None:
    """Return the parts of a web address whose host and port can be asked for, or None; names are ASCII, as in DNS."""
    with suppress(ValueError):
        parts = urlsplit(url)
        host = parts.netloc.removesuffix(f":{parts.port}")
        if parts.scheme in {"http", "https"} and HOST.fullmatch(host) and "*" not in host:
            return parts
    return None


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _check_server(url: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SettingsError(
            "DATABASE_URL has a port that is no number: mysql://user:password@host:3306/name, "
            "with signs such as @ : / # in the password written as %40 %3A %2F %23"
        ) from None
    if not parts.path.strip("/"):
        raise SettingsError("DATABASE_URL names no database: mysql://user:password@host/name")


def database_url(value: object) -> str:
    """Return the URL of a database of a known kind, with what cannot be left out."""
    url = secret_text("DATABASE_URL", value)
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _SQLITE + _MYSQL:
        raise SettingsError("DATABASE_URL must start with sqlite:/// or mysql:// (or mariadb://)")
    if scheme in _MYSQL:
        _check_server(f"mysql://{rest}")
    if scheme in _SQLITE and (not rest.strip("/") or ":memory:" in rest):
        raise SettingsError("DATABASE_URL names no file: sqlite:///relative/path or sqlite:////absolute/path")
    return url
