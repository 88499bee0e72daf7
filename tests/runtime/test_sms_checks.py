"""What is refused stands in test_settings.py, with every other setting."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.runtime.checks import SettingsError
from app.runtime.sms_checks import BODY, fill, headers, sms_settings, text_body, text_headers, text_url


@pytest.mark.parametrize(
    "body", [BODY, "To={to}&Body={text}", "{to}={to}&x={text}", '{"m": [{"n": "{to}", "t": "Hall: {text}"}]}']
)
def test_the_body_may_be_json_or_a_form(body: str) -> None:
    assert text_body(body) == body


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x", "https://api.example.org:8443/v1?key=a%20b", "none:", "file:/tmp"]
)
def test_text_messages_go_where_the_setting_says(url: str) -> None:
    assert text_url(url) == url


def test_the_headers_of_a_provider_are_read_one_by_one() -> None:
    text = text_headers("Authorization: Basic dXNlcjpwYXNzd29yZA== |X-Channel:otp")
    assert headers(text) == {"Authorization": "Basic dXNlcjpwYXNzd29yZA==", "X-Channel": "otp"}
    assert headers("") == {}


@given(to=some.text(max_size=30), text=some.text(max_size=200))
def test_whatever_is_sent_stays_one_value_of_the_request(to: str, text: str) -> None:
    filled = json.loads(fill('{"a": [{"to": "{to}"}], "text": "Hall: {text}"}', to=to, text=text))
    assert filled == {"a": [{"to": to}], "text": f"Hall: {text}"}
    pairs = parse_qsl(fill("To={to}&Body={text}&x=1", to=to, text=text), keep_blank_values=True)
    assert pairs == [("To", to), ("Body", text), ("x", "1")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "api.example.org/hunter2"),
        ("url", "http://api.example.org/hunter2"),
        ("url", "https://user:hunter2@api.example.org/"),
        ("url", "file:whatsapp"),
        ("headers", "hunter2"),
        ("headers", "host: hunter2"),
        ("body", "to={to}&key=hunter2"),
        ("body", '{"to": {to}, "text": "{text}", "key": "hunter2"}'),
    ],
)
def test_what_whatsapp_is_refused_for_names_its_own_setting_and_repeats_nothing(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"WHATSAPP_{name.upper()}") as caught:
        sms_settings({f"whatsapp_{name}": value}, production=True)
    assert "hunter2" not in str(caught.value)
    assert "SMS_" not in str(caught.value)


@pytest.mark.parametrize("production", [True, False])
def test_whatsapp_is_nobodys_until_it_is_set_up(production: bool) -> None:  # noqa: FBT001 - both
    found = sms_settings({}, production=production)
    assert (found["whatsapp_url"], found["whatsapp_headers"], found["whatsapp_body"]) == ("none:", "", BODY)
