"""The address of a server that somebody else has named, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

MAX_URL = 500
_USUAL_PORTS = {"https": 443, "http": 80}
# A name in ASCII, as DNS has it, or an IPv6 address in brackets. Underscores occur in names of internal hosts.
_HOST = re.compile(r"\[[0-9a-fA-F:.]{2,45}\]|(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_WRITTEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Where a request goes: ``host`` without brackets, ``target`` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def is_secure(self) -> bool:
        """Tell whether what is sent there is encrypted."""
        return self.scheme == "https"

    @property
    def usual_port(self) -> int:
        """Return the port that the scheme stands for, which a Host header leaves out."""
        return _USUAL_PORTS[self.scheme]


def parse_web_address(url: str) -> WebAddress:
    """Return the parts of an address that begins with https:// or http://.

    Raises:
        ValueError: it is none, is too long, or has a user, a password or a fragment; the text is a sentence.
    """
    if len(url) > MAX_URL:
        raise ValueError(f"The address is longer than {MAX_URL} characters.")
    if not _WRITTEN.fullmatch(url) or "\\" in url:
        raise ValueError(
            "The address holds spaces or letters outside ASCII: write them as %20, and the host as xn--..."
        )
    parts = _split(url)
    if parts.scheme not in _USUAL_PORTS:
        raise ValueError("The address must begin with https://.")
    if "@" in parts.netloc or "#" in url:
        raise ValueError("The address must have no user, no password and no # part.")
    port = _port(parts.netloc)
    host = parts.netloc.removesuffix(f":{port}") if port else parts.netloc
    if not _HOST.fullmatch(host) or ".." in host:
        raise ValueError("The address has no host that can be found.")
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return WebAddress(parts.scheme, host.strip("[]").lower(), int(port or _USUAL_PORTS[parts.scheme]), target)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # a bracket too many or too few
        raise ValueError("The address has no host that can be found.") from None


def _port(netloc: str) -> str:
    """Return the digits of the port; empty where none is named."""
    found = re.search(r":([0-9]{1,5})$", netloc)
    if found is None:
        return ""
    if not 1 <= int(found[1]) <= 65535:  # noqa: PLR2004 - the ports there are
        raise ValueError("The address has a port that is none.")
    return found[1]
