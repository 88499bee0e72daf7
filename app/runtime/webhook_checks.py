"""What the setting of networks may say that webhooks reach beside the internet."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from app.runtime.checks import SettingsError, listed

Network = IPv4Network | IPv6Network


def webhook_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the settings that are about webhooks."""
    texts = listed("WEBHOOK_ALLOWED_NETWORKS", values.get("webhook_allowed_networks"), _network)
    return {"webhook_allowed_networks": tuple(map(ip_network, texts))}


def _network(name: str, text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        raise SettingsError(f"{name}: {text!r} is no network such as 10.1.0.0/16: {error}") from None
    return text
