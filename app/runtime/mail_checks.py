"""What the settings of mail may say. They hold a password: no refusal repeats a value.

The gateway reads the same values through the same functions, so that what was accepted at the start is what is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from app.runtime.checks import HOST, SettingsError, folder_of, is_loopback, secret_text, whole

KINDS = "console:, file:/absolute/folder, smtp://user:password@host:587 or smtps://user:password@host"
LOCAL = "smtp://localhost:25"  # what a cPanel host has
_SENDER = re.compile(r"(?:(?P<name>[^<>@\"\\]*)<(?P<boxed>[^<>\s]+)>|(?P<bare>[^<>\s]+))")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over: ``security`` is plain (this machine alone), starttls or tls."""

    host: str
    port: int
    security: str
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mail is from; the name may be empty."""

    name: str
    address: str


def mail_settings(values: Mapping[str, Any], base_url: str, *, production: bool) -> dict[str, Any]:
    """Return the fields of the settings that say how mail leaves; outside production it is only shown."""
    host = urlsplit(base_url).hostname or ""
    return {
        "mail_url": mail_url(values.get("mail_url", LOCAL if production else "console:")),
        "mail_from": mail_from(values.get("mail_from", _default_sender(host))),
        "mail_hourly_budget": whole("MAIL_HOURLY_BUDGET", values.get("mail_hourly_budget", 90), 0, 1_000_000),
    }


def mail_url(value: object) -> str:
    """Return the address that mail goes to."""
    url = secret_text("MAIL_URL", value)
    if url.startswith("file:"):
        folder_of("MAIL_URL", url)
    elif url.startswith(("smtp://", "smtps://")):
        mail_server(url)
    elif url != "console:":
        raise SettingsError(f"MAIL_URL must be {KINDS}")
    return url


def mail_server(url: str) -> MailServer:
    """Return the server that an ``smtp:`` or ``smtps:`` address names."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise SettingsError(
            "MAIL_URL has a host or port that cannot be read: smtp://user:password@host:587, "
            "with signs such as @ : / # in user and password written as %40 %3A %2F %23"
        ) from None
    login, _, place = parts.netloc.rpartition("@")
    host = parts.hostname or ""
    if not HOST.fullmatch(place.removesuffix(f":{parts.port}")) or "*" in host:
        raise SettingsError("MAIL_URL names no mail server: smtp://user:password@host:587")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise SettingsError("MAIL_URL has something after its host: write / ? # in a password as %2F %3F %23")
    if login and not (parts.username and parts.password):
        raise SettingsError("MAIL_URL must give both user and password, or neither: smtp://user:password@host:587")
    security = "tls" if parts.scheme == "smtps" else "plain" if is_loopback(host) else "starttls"
    return MailServer(host, port, security, _login(parts.username), _login(parts.password))


def _login(text: str | None) -> str:
    plain = unquote(text or "")
    if plain and not (plain.isascii() and plain.isprintable()):
        raise SettingsError("MAIL_URL has a user or password with signs outside ASCII, which mail servers do not take")
    return plain


def _default_sender(host: str) -> str:
    """Return the address that mail comes from when nobody said: no mail address ends in a number."""
    return "no-reply@localhost" if not re.search(r"[a-z-]", host) or ":" in host else f"no-reply@{host}"


def mail_from(value: object) -> str:
    """Return the sender of mail: an address, or a name and an address."""
    text = secret_text("MAIL_FROM", value)
    sender(text)
    return text


def sender(text: str) -> Sender:
    """Return the name and the address in ``no-reply@example.org`` or ``Town Hall <no-reply@example.org>``."""
    match = _SENDER.fullmatch(text)
    address = match and (match["boxed"] or match["bare"])
    if not match or not address or not _ADDRESS.fullmatch(address) or ".." in f".{address.replace('@', '.')}":
        raise SettingsError("MAIL_FROM must be an address: no-reply@example.org, or Town Hall <no-reply@example.org>")
    return Sender((match["name"] or "").strip(), address)
