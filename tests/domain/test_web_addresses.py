"""Addresses of other people's servers, taken apart or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.web_addresses import WebAddress, parse_web_address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org", WebAddress("https", "example.org", 443, "/")),
        ("https://EXAMPLE.org:8443/a/b?c=d&e", WebAddress("https", "example.org", 8443, "/a/b?c=d&e")),
        ("http://10.0.0.1/x", WebAddress("http", "10.0.0.1", 80, "/x")),
        ("https://[2001:db8::1]:444/", WebAddress("https", "2001:db8::1", 444, "/")),
        ("https://xn--bcher-kva.example/?", WebAddress("https", "xn--bcher-kva.example", 443, "/")),
        ("https://my_host.internal:1/%20", WebAddress("https", "my_host.internal", 1, "/%20")),
    ],
)
def test_an_address_is_taken_apart(url: str, expected: WebAddress) -> None:
    assert parse_web_address(url) == expected


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org", "file:///etc/passwd", "https://", "https:///path", "https://user@example.org/",
     "https://user:pw@example.org/", "https://example.org@evil.example/", "https://example.org#x", "https://example.org/#",
     "https://exa mple.org/", "https://example.org/\r\nHost: x", "https://example.org\\@evil.example/", "https://ex\u00e4mple.org/",
     "https://example.org:0/", "https://example.org:65536/", "https://example.org:x/", "https://example.org:/", "https://a..b/",
     "https://-a.example/", "https://[::1/", "https://[::1]x/", "https://*.example.org/", "https://" + "a" * 254 + "/",
     "https://example.org/" + "a" * 500, "javascript:alert(1)", "//example.org/"],
)  # fmt: skip
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^The address "):
        parse_web_address(url)


@given(st.text(max_size=60), st.sampled_from(["", "https://", "http://", "https://a.example", "https://[::1]"]))
def test_whatever_is_written_is_taken_apart_or_refused_in_a_sentence(text: str, before: str) -> None:
    try:
        found = parse_web_address(before + text)
    except ValueError as error:
        assert str(error).startswith("The address ")  # noqa: PT017 - one of two outcomes
    else:
        assert found.scheme in {"http", "https"}
        assert found.target.startswith("/")
        assert not set(found.host) & set("@/?#\\ \r\n[]")
