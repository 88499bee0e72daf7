from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateways import loopback


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine, which nobody trusts yet."""
    return loopback.make_certificate(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1")


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, in a system that trusts it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate
