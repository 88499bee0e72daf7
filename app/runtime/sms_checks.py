"""What the settings of text messages, by SMS and by WhatsApp, may say. They hold keys: no refusal repeats a value.

The gateway reads the same values through the same functions, so that what was accepted at the start is what is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from app.runtime.checks import HOST, SettingsError, folder_of, is_loopback, secret_text, whole

KINDS = "none:, console:, file:/absolute/folder or the https:// address of your provider"
BODY = '{"to": "{to}", "text": "{text}"}'
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)")
_OURS = {"host", "connection", "content-length", "content-type", "transfer-encoding"}
_GAP = re.compile(r"\{(to|text)\}")
_PROBE = {"to": "+4930 1/2&3=4", "text": 'Say "{to}" \\ now %41'}


def sms_settings(values: Mapping[str, Any], *, production: bool) -> dict[str, Any]:
    """Return the fields of the settings that say how text messages leave; outside production those by SMS are only shown."""
    return {
        **_gateway_settings("SMS", values, "none:" if production else "console:"),
        **_gateway_settings("WHATSAPP", values, "none:"),
        "sms_daily_budget": whole("SMS_DAILY_BUDGET", values.get("sms_daily_budget", 100), 0, 100_000),
    }


def _gateway_settings(way: str, values: Mapping[str, Any], otherwise: str) -> dict[str, Any]:
    """Return the three fields of a *way* that messages leave: SMS or WHATSAPP."""
    name = way.lower()
    return {
        f"{name}_url": text_url(values.get(f"{name}_url", otherwise), way),
        f"{name}_headers": text_headers(values.get(f"{name}_headers", ""), way),
        f"{name}_body": text_body(values.get(f"{name}_body", BODY), way),
    }


def text_url(value: object, way: str = "SMS") -> str:
    """Return the address that text messages go to."""
    setting = f"{way}_URL"
    url = secret_text(setting, value)
    if url.startswith("file:"):
        folder_of(setting, url)
    elif url.startswith(("https://", "http://")):
        _check_provider(url, way)
    elif url not in {"none:", "console:"}:
        raise SettingsError(f"{setting} must be {KINDS}")
    return url


def _check_provider(url: str, way: str) -> None:
    place = ""
    with suppress(ValueError):
        parts = urlsplit(url)
        place = parts.netloc.removesuffix(f":{parts.port}")
    if not HOST.fullmatch(place) or "*" in place or not url.isascii() or " " in url or parts.fragment:
        raise SettingsError(
            f"{way}_URL is no address of a provider: https://api.example.org/messages; "
            f"user and password go into {way}_HEADERS"
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SettingsError(f"{way}_URL must start with https://: numbers and codes are private")


def text_headers(value: object, way: str = "SMS") -> str:
    """Return the headers that the provider wants, as one line."""
    if value == "":
        return ""
    text = secret_text(f"{way}_HEADERS", value)
    headers(text, way)
    return text


def headers(text: str, way: str = "SMS") -> dict[str, str]:
    """Return the headers in ``Name: value | Name: value``."""
    found: dict[str, str] = {}
    for number, part in enumerate(text.split("|") if text else [], 1):
        match = _HEADER.fullmatch(part.strip())
        if match is None:
            raise SettingsError(
                f"{way}_HEADERS: header {number} is not of the form Name: value (| stands between headers)"
            )
        if match[1].lower() in _OURS:
            raise SettingsError(f"{way}_HEADERS: header {number}, {match[1]}, is set by the program: leave it out")
        found[match[1]] = match[2]
    return found


def text_body(value: object, way: str = "SMS") -> str:
    """Return the template of what is sent to the provider."""
    template = secret_text(f"{way}_BODY", value)
    if {match[1] for match in _GAP.finditer(template)} != {"to", "text"}:
        raise SettingsError(f"{way}_BODY must have both {{to}} and {{text}}")
    if not (_is_good_json(template) if is_json(template) else _is_good_form(template)):
        raise SettingsError(
            f'{way}_BODY must be JSON, {{"to": "{{to}}", "text": "{{text}}"}} with both in quotes, '
            "or a form: To={to}&Body={text}"
        )
    return template


def is_json(template: str) -> bool:
    """Tell which of the two forms the body has."""
    return template.startswith("{") and not template.startswith(("{to}", "{text}"))


def fill(template: str, *, to: str, text: str) -> str:
    """Return the body with both put in, each so written that it stays one value."""
    values = {"to": to, "text": text}
    if is_json(template):
        return _GAP.sub(lambda gap: json.dumps(values[gap[1]])[1:-1], template)
    return _GAP.sub(lambda gap: quote(values[gap[1]], safe=""), template)


def _is_good_json(template: str) -> bool:
    with suppress(ValueError, RecursionError):
        return isinstance(json.loads(fill(template, **_PROBE)), dict)
    return False


def _is_good_form(template: str) -> bool:
    pairs: list[tuple[str, str]] = []
    with suppress(ValueError):
        pairs = parse_qsl(fill(template, **_PROBE), keep_blank_values=True, strict_parsing=True)
    values = " ".join(value for _, value in pairs)
    return template.isascii() and " " not in template and all(probe in values for probe in _PROBE.values())
