"""The networks that webhooks may reach beside the internet."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from app.runtime.settings import Settings, SettingsError, load


def loaded(folder: Path, **environ: str) -> Settings:
    return load({"ENVIRONMENT": "test", "INSTANCE_DIR": str(folder), **environ})


def test_none_are_allowed_unless_they_are_named(tmp_path: Path) -> None:
    assert loaded(tmp_path).webhook_allowed_networks == ()


def test_networks_are_listed_with_commas(tmp_path: Path) -> None:
    found = loaded(tmp_path, WEBHOOK_ALLOWED_NETWORKS="10.1.0.0/16, 192.168.0.7,fd00::/8")
    assert found.webhook_allowed_networks == tuple(map(ip_network, ("10.1.0.0/16", "192.168.0.7/32", "fd00::/8")))


@pytest.mark.parametrize("text", ["10.1.0.1/16", "localhost", "10.0.0.0/33", "10.0.0.0-10.0.0.9", "*"])
def test_what_is_no_network_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"^WEBHOOK_ALLOWED_NETWORKS: .* is no network"):
        loaded(tmp_path, WEBHOOK_ALLOWED_NETWORKS=text)
