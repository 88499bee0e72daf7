"""One frozen value with every setting: read once, from the environment over ``instance/slotkeeper.toml``.

``docs/settings.md`` explains each; a test compares the two.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

ROOT = Path(__file__).resolve().parents[2]
KEY_BYTES = 32
_WEAK = re.compile(r"(?i)secret|insecure|change.?me|default|password|example|123456")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_HOST = re.compile(r"\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\*\.[A-Za-z0-9.-]+")
_SQLITE, _MYSQL = ("sqlite",), ("mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql")


class SettingsError(Exception):
    """A setting that cannot be used; the message is one line that names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this installation runs. Each field is the setting of the same name in capitals."""

    environment: str
    debug: bool
    log_level: str
    host: str
    port: int
    database_url: str
    secret_key: str
    base_url: str
    allowed_hosts: tuple[str, ...]
    cors_origins: tuple[str, ...]
    trusted_proxies: int
    upload_dir: Path
    instance_dir: Path
    hold_minutes: int

    @property
    def is_production(self) -> bool:
        """Tell whether real customers depend on this process."""
        return self.environment == "production"

    @property
    def is_sqlite(self) -> bool:
        """Tell whether the database is the embedded one."""
        return self.database_url.startswith("sqlite")

    def __repr__(self) -> str:
        return f"Settings(environment={self.environment!r}, instance_dir={str(self.instance_dir)!r}, ...)"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process; makes the instance folder and, outside production, the secret key.

    Raises:
        SettingsError: a value cannot be used, or a key of the settings file is unknown.
    """
    environ = os.environ if environ is None else environ
    instance = Path(environ.get("INSTANCE_DIR") or ROOT / "instance").absolute()
    values = {**_from_file(instance / "slotkeeper.toml"), **_from_environment(environ), "instance_dir": instance}
    environment = _choice(
        "ENVIRONMENT", values.get("environment", "development"), ("development", "production", "test")
    )
    if environment == "production":
        _require_explicit(values)
    _make_folder(instance)
    port = _whole("PORT", values.get("port", 8000), 1, 65535)
    base_url = _base_url(values.get("base_url") or f"http://127.0.0.1:{port}", https=environment == "production")
    settings = Settings(
        environment=environment,
        debug=_flag("DEBUG", values.get("debug", False)),
        log_level=_choice("LOG_LEVEL", str(values.get("log_level", "INFO")).upper(), _LEVELS),
        host=_text("HOST", values.get("host", "127.0.0.1")),
        port=port,
        database_url=_database_url(values.get("database_url") or f"sqlite:///{instance / 'slotkeeper.sqlite3'}"),
        secret_key=_secret_key(values.get("secret_key"), instance),
        base_url=base_url,
        allowed_hosts=_allowed_hosts(values.get("allowed_hosts"), base_url, local=environment != "production"),
        cors_origins=_list("CORS_ORIGINS", values.get("cors_origins"), _origin),
        trusted_proxies=_whole("TRUSTED_PROXIES", values.get("trusted_proxies", 0), 0, 5),
        upload_dir=Path(_text("UPLOAD_DIR", values.get("upload_dir") or str(instance / "uploads"))).absolute(),
        instance_dir=instance,
        hold_minutes=_whole("HOLD_MINUTES", values.get("hold_minutes", 10), 1, 60),
    )
    if settings.is_production and settings.debug:
        raise SettingsError("DEBUG must be off in production: it shows the program's inside to visitors")
    return settings


def names() -> tuple[str, ...]:
    """Return every setting's name, as the environment spells it."""
    return tuple(field.name.upper() for field in fields(Settings))


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {name.lower(): environ[name] for name in names() if environ.get(name)}


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    try:
        values = _toml().loads(content)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: {error}") from None
    unknown = sorted(set(values) - {name.lower() for name in names()} | set(values) & {"instance_dir"})
    if unknown:
        raise SettingsError(f"{path}: {unknown[0]!r} is no setting: see docs/settings.md")
    return dict(values)


def _toml() -> Any:  # noqa: ANN401 - one of two modules with the same face
    """Return the TOML reader: part of Python from 3.11 on, and read only where there is a settings file."""
    from importlib import import_module  # noqa: PLC0415

    return import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")


def _require_explicit(values: Mapping[str, Any]) -> None:
    hints = {
        "secret_key": f"here is a fresh one: {secrets.token_urlsafe(KEY_BYTES)}",
        "database_url": "mysql://user:password@localhost/name, or sqlite:////absolute/path where one machine is enough",
        "base_url": "the address your customers see, such as https://book.example.org",
    }
    for name, hint in hints.items():
        if not values.get(name):
            raise SettingsError(f"{name.upper()} must be set in production: {hint}")


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"INSTANCE_DIR {path}: cannot be made: {error.strerror}") from None


def _secret_key(given: object, instance: Path) -> str:
    key = _text("SECRET_KEY", given) if given else _kept_key(instance / "secret_key")
    if _is_weak(key):
        where = "" if given else f" in {instance / 'secret_key'}"
        fresh = secrets.token_urlsafe(KEY_BYTES)
        raise SettingsError(f"SECRET_KEY{where} is weak: use at least {KEY_BYTES} random characters, such as {fresh}")
    return key


def _is_weak(key: str) -> bool:
    """Tell whether somebody may have made the key up: a random one may hold a word by chance, and much besides it."""
    rest = _WEAK.sub("", key)
    has_words = rest != key and len(rest) < KEY_BYTES - 8
    return len(key) < KEY_BYTES or len(set(rest)) < 10 or has_words  # noqa: PLR2004 - of 62 or so, 32 times


def _kept_key(path: Path) -> str:
    """Return the key in the instance folder; the first process to come makes it, whole and readable by its owner alone."""
    try:
        if not path.exists():
            _make_key(path)
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"SECRET_KEY cannot be kept in {path}: {error}") from None


def _make_key(path: Path) -> None:
    draft = path.with_name(f".secret_key.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(KEY_BYTES))
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise SettingsError(f"{name} must be text, not {value!r}")
    return value.strip()


def _choice(name: str, value: object, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise SettingsError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    return str(value)


def _flag(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in {"1", "0", "true", "false", "yes", "no", "on", "off"}:
        raise SettingsError(f"{name} must be true or false, not {value!r}")
    return text in {"1", "true", "yes", "on"}


def _whole(name: str, value: object, least: int, most: int) -> int:
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
        number = int(value)
    if number is None or not least <= number <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, not {value!r}")
    return number


def _list(name: str, value: object, check: Callable[[str, str], str]) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value or []
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise SettingsError(f"{name} must be a list, not {value!r}")
    return tuple(check(name, part.strip()) for part in parts if part.strip())


def _host(name: str, value: str) -> str:
    if not _HOST.fullmatch(value):
        raise SettingsError(
            f"{name}: {value!r} is no host name (no scheme, no port; *.example.org takes every name below)"
        )
    return value.lower()


def _origin(name: str, value: str) -> str:
    parts = _split(value)
    if parts is None or value != f"{parts.scheme}://{parts.netloc}":
        raise SettingsError(f"{name}: {value!r} is no origin: write https://www.example.org, without a path")
    return value.lower()


def _allowed_hosts(value: object, base_url: str, *, local: bool) -> tuple[str, ...]:
    own = urlsplit(base_url).hostname or ""
    hosts = {f"[{own}]" if ":" in own else own, *_list("ALLOWED_HOSTS", value, _host)}
    return tuple(sorted(hosts | ({"localhost", "127.0.0.1", "[::1]"} if local else set())))


def _base_url(value: object, *, https: bool) -> str:
    url = _text("BASE_URL", value).rstrip("/")
    parts = _split(url)
    if parts is None or parts.query or parts.fragment:
        raise SettingsError(f"BASE_URL must be an address such as https://book.example.org, not {value!r}")
    if https and parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise SettingsError(f"BASE_URL must start with https:// in production, not {value!r}")
    return url


def _split(url: str) -> SplitResult | None:
    """Return the parts of a web address whose host and port can be asked for, or None; names are ASCII, as in DNS."""
    with suppress(ValueError):
        parts = urlsplit(url)
        host = parts.netloc.removesuffix(f":{parts.port}")
        if parts.scheme in {"http", "https"} and _HOST.fullmatch(host) and "*" not in host:
            return parts
    return None


def _is_loopback(host: str) -> bool:
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


def _database_url(value: object) -> str:
    url = _text("DATABASE_URL", value)
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _SQLITE + _MYSQL:
        raise SettingsError("DATABASE_URL must start with sqlite:/// or mysql:// (or mariadb://)")
    if scheme in _MYSQL:
        _check_server(f"mysql://{rest}")
    if scheme in _SQLITE and (not rest.strip("/") or ":memory:" in rest):
        raise SettingsError("DATABASE_URL names no file: sqlite:///relative/path or sqlite:////absolute/path")
    return url
