"""One frozen value with every setting: read once, from the environment over ``instance/slotkeeper.toml``.

``docs/settings.md`` explains each; a test compares the two.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from app.runtime import checks, key_files
from app.runtime.checks import SettingsError
from app.runtime.file_checks import file_settings
from app.runtime.mail_checks import mail_settings
from app.runtime.memory_checks import memory_settings
from app.runtime.sms_checks import sms_settings
from app.runtime.webhook_checks import Network, webhook_settings

__all__ = ["ROOT", "Settings", "SettingsError", "load", "names"]

ROOT = Path(__file__).resolve().parents[2]
KEY_BYTES = 32
_WEAK = re.compile(r"(?i)secret|insecure|change.?me|default|password|example|123456")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


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
    manage_page: str
    allowed_hosts: tuple[str, ...]
    cors_origins: tuple[str, ...]
    trusted_proxies: int
    upload_dir: Path
    font_dir: Path
    max_file_mib: int
    max_booking_mib: int
    max_user_mib: int
    file_sending: str
    s3_endpoint: str
    s3_region: str
    s3_bucket: str
    s3_key_id: str
    s3_secret: str
    instance_dir: Path
    hold_minutes: int
    mail_url: str
    mail_from: str
    mail_hourly_budget: int
    sms_url: str
    sms_headers: str
    sms_body: str
    sms_daily_budget: int
    whatsapp_url: str
    whatsapp_headers: str
    whatsapp_body: str
    webhook_allowed_networks: tuple[Network, ...]
    sealing_key_file: Path
    hash_profile: str
    cron_secret: str
    retention_months: int
    memory_soft_mib: int | None
    memory_hard_mib: int | None
    memory_check_requests: int

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
    environment = checks.choice(
        "ENVIRONMENT", values.get("environment", "development"), ("development", "production", "test")
    )
    production = environment == "production"
    if production:
        _require_explicit(values)
    _make_folder(instance)
    port = checks.whole("PORT", values.get("port", 8000), 1, 65535)
    base_url = checks.base_url(values.get("base_url") or f"http://127.0.0.1:{port}", https=production)
    settings = Settings(
        environment=environment,
        debug=checks.flag("DEBUG", values.get("debug", False)),
        log_level=checks.choice("LOG_LEVEL", str(values.get("log_level", "INFO")).upper(), _LEVELS),
        host=checks.text("HOST", values.get("host", "127.0.0.1")),
        port=port,
        database_url=checks.database_url(values.get("database_url") or f"sqlite:///{instance / 'slotkeeper.sqlite3'}"),
        secret_key=_secret_key(values.get("secret_key"), instance),
        base_url=base_url,
        manage_page=checks.manage_page(values.get("manage_page", ""), https=production),
        allowed_hosts=checks.allowed_hosts(values.get("allowed_hosts"), base_url, local=not production),
        cors_origins=checks.listed("CORS_ORIGINS", values.get("cors_origins"), checks.origin),
        trusted_proxies=checks.whole("TRUSTED_PROXIES", values.get("trusted_proxies", 0), 0, 5),
        upload_dir=Path(checks.text("UPLOAD_DIR", values.get("upload_dir") or str(instance / "uploads"))).absolute(),
        **file_settings(values),
        font_dir=Path(checks.text("FONT_DIR", values.get("font_dir") or str(instance / "fonts"))).absolute(),
        instance_dir=instance,
        hold_minutes=checks.whole("HOLD_MINUTES", values.get("hold_minutes", 10), 1, 60),
        **mail_settings(values, base_url, production=production),
        **sms_settings(values, production=production),
        **webhook_settings(values),
        sealing_key_file=_inside(instance, "SEALING_KEY_FILE", values.get("sealing_key_file", "sealing_key")),
        hash_profile=checks.choice("HASH_PROFILE", values.get("hash_profile", "strong"), ("strong", "cheapest")),
        cron_secret=_cron_secret(values.get("cron_secret")),
        retention_months=checks.whole("RETENTION_MONTHS", values.get("retention_months", 0), 0, 1200),
        **memory_settings(values),
    )
    if production:
        _refuse_what_endangers(settings)
    return settings


def _inside(instance: Path, name: str, value: object) -> Path:
    return instance / checks.text(name, value)


def _refuse_what_endangers(settings: Settings) -> None:
    if settings.debug:
        raise SettingsError("DEBUG must be off in production: it shows the program's inside to visitors")
    if settings.hash_profile != "strong":
        raise SettingsError("HASH_PROFILE must be strong in production: the cheapest protects no password")


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
    key = checks.secret_text("SECRET_KEY", given) if given else _kept_key(instance / "secret_key")
    if _is_weak(key):
        where = "" if given else f" in {instance / 'secret_key'}"
        fresh = secrets.token_urlsafe(KEY_BYTES)
        raise SettingsError(f"SECRET_KEY{where} is weak: use at least {KEY_BYTES} random characters, such as {fresh}")
    return key


def _cron_secret(given: object) -> str:
    """Return what whoever calls ``POST /cron`` must know; empty is that nobody may."""
    secret = checks.secret_text("CRON_SECRET", given) if given else ""
    if secret and _is_weak(secret):
        fresh = secrets.token_urlsafe(KEY_BYTES)
        raise SettingsError(f"CRON_SECRET is weak: use at least {KEY_BYTES} random characters, such as {fresh}")
    return secret


def _is_weak(key: str) -> bool:
    """Tell whether somebody may have made the key up: a random one may hold a word by chance, and much besides it."""
    rest = _WEAK.sub("", key)
    return len(rest) < KEY_BYTES or len(set(rest)) < 10  # noqa: PLR2004 - a random one has 20 and more


def _kept_key(path: Path) -> str:
    """Return the key in the instance folder; the first process to come makes it, whole and readable by its owner alone."""
    try:
        if not path.exists():
            key_files.make(path, secrets.token_urlsafe(KEY_BYTES))
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"SECRET_KEY cannot be kept in {path}: {error}") from None
