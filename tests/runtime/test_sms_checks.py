"""What is refused stands in test_settings.py, with every other setting."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.runtime.sms_checks import BODY, fill, headers, sms_body, sms_headers, sms_url


@pytest.mark.parametrize(
    "body", [BODY, "To={to}&Body={text}", "{to}={to}&x={text}", '{"m": [{"n": "{to}", "t": "Hall: {text}"}]}']
)
def test_the_body_may_be_json_or_a_form(body: str) -> None:
    assert sms_body(body) == body


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x", "https://api.example.org:8443/v1?key=a%20b", "none:", "file:/tmp"]
)
def test_text_messages_go_where_the_setting_says(url: str) -> None:
    assert sms_url(url) == url


def test_the_headers_of_a_provider_are_read_one_by_one() -> None:
    text = sms_headers("Authorization: Basic dXNlcjpwYXNzd29yZA== |X-Channel:otp")
    assert headers(text) == {"Authorization": "Basic dXNlcjpwYXNzd29yZA==", "X-Channel": "otp"}
    assert headers("") == {}


@given(to=some.text(max_size=30), text=some.text(max_size=200))
def test_whatever_is_sent_stays_one_value_of_the_request(to: str, text: str) -> None:
    filled = json.loads(fill('{"a": [{"to": "{to}"}], "text": "Hall: {text}"}', to=to, text=text))
    assert filled == {"a": [{"to": to}], "text": f"Hall: {text}"}
    pairs = parse_qsl(fill("To={to}&Body={text}&x=1", to=to, text=text), keep_blank_values=True)
    assert pairs == [("To", to), ("Body", text), ("x", "1")]
