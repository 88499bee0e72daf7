from __future__ import annotations

import os
import re
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.runtime.settings import ROOT, Settings, SettingsError, load

KEY = "q4Zt8Lw1Xv6Nb3Ks9Rf2Yh7Jd5Mc0PgA"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": KEY,
    "DATABASE_URL": "mysql://slot:pw@localhost/slot",
    "BASE_URL": "https://book.example.org",
}


def settings(folder: Path, **environ: str) -> Settings:
    return load({"INSTANCE_DIR": str(folder), **environ})


def refusal(folder: Path, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        settings(folder, **environ)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_with_nothing_set_it_runs_on_sqlite_for_this_machine(tmp_path: Path) -> None:
    found = settings(tmp_path / "instance")
    assert found.database_url == f"sqlite:///{tmp_path}/instance/slotkeeper.sqlite3"
    assert found.host == "127.0.0.1"
    assert found.base_url == "http://127.0.0.1:8000"
    assert found.allowed_hosts == ("127.0.0.1", "[::1]", "localhost")
    assert stat.S_IMODE((tmp_path / "instance").stat().st_mode) == 0o700


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = settings(tmp_path).secret_key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert settings(tmp_path).secret_key == first
    assert len(first) >= 43
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.system
def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    code = "from app.runtime.settings import load; print(load().secret_key)"
    environ = {**os.environ, "INSTANCE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    started = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert len({process.communicate()[0] for process in started}) == 1
    assert [process.returncode for process in started] == [0] * 6


def test_no_random_key_is_taken_for_a_weak_one(tmp_path: Path) -> None:
    for _ in range(2000):
        assert settings(tmp_path, SECRET_KEY=secrets.token_urlsafe(32))
    assert settings(tmp_path, SECRET_KEY=secrets.token_hex(32))
    unlucky = KEY[:20] + "sEcReT" + KEY[20:]
    assert settings(tmp_path, SECRET_KEY=unlucky).secret_key == unlucky


def test_there_is_no_secret_of_cron_unless_it_is_set(tmp_path: Path) -> None:
    assert settings(tmp_path).cron_secret == ""
    assert settings(tmp_path, CRON_SECRET=KEY).cron_secret == KEY


def test_a_key_that_cannot_be_kept_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_bytes(b"\xff" * 50)
    assert refusal(tmp_path).startswith("SECRET_KEY")
    (tmp_path / "secret_key").write_text("")
    assert str(tmp_path / "secret_key") in refusal(tmp_path)
    (tmp_path / "secret_key").unlink()
    (tmp_path / "secret_key").mkdir()
    assert refusal(tmp_path).startswith("SECRET_KEY")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "prod"),
        ("DEBUG", "maybe"),
        ("LOG_LEVEL", "LOUD"),
        ("HOST", " "),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "80a"),
        ("PORT", "9" * 400),
        ("PORT", "-1"),
        ("DATABASE_URL", "postgres://x/y"),
        ("MANAGE_PAGE", "https://www.example.org/booking"),
        ("MANAGE_PAGE", "https://www.example.org/{ref}/{ref}/{token}"),
        ("MANAGE_PAGE", "https://www.example.org/{ref}/{token}/{secret}"),
        ("MANAGE_PAGE", "javascript:alert({ref}{token})"),
        ("MANAGE_PAGE", "//example.org/{ref}/{token}"),
        ("DATABASE_URL", "mysql://localhost"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "mysql://u:p@host:notaport/db"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://u:p@[::1/db"),
        ("DATABASE_URL", "mysql://u:p#s@host/db"),
        ("CRON_SECRET", "short"),
        ("CRON_SECRET", "a" * 64),
        ("CRON_SECRET", "change-me-change-me-change-me-change-me"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 64),
        ("SECRET_KEY", "abcdefghijklmnopqrstuvwxyz0123456789"),
        ("SECRET_KEY", "django-insecure-password-for-example-use"),
        ("SECRET_KEY", "change-me-change-me-change-me-change-me"),
        ("SECRET_KEY", "abcabcabcabcabcabcabcabcabcabcabcabcabc"),
        ("BASE_URL", "book.example.org"),
        ("BASE_URL", "https://user@book.example.org"),
        ("BASE_URL", "https://book.example.org/?x=1"),
        ("BASE_URL", "javascript:alert(1)"),
        ("BASE_URL", "http://[::1"),
        ("BASE_URL", "https://book.example.org:port"),
        ("BASE_URL", "https://book.example.org:99999"),
        ("BASE_URL", "https://book example.org"),
        ("BASE_URL", "https://b\u00fccher.example"),
        ("BASE_URL", "https://*.example.org"),
        ("BASE_URL", "https://book.example.org\nx"),
        ("ALLOWED_HOSTS", "https://book.example.org"),
        ("ALLOWED_HOSTS", "book.example.org:80"),
        ("ALLOWED_HOSTS", "*"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "www.example.org"),
        ("CORS_ORIGINS", "https://www.example.org/"),
        ("CORS_ORIGINS", "https://[x"),
        ("CORS_ORIGINS", "https://www.example.org:443"),
        ("CORS_ORIGINS", "https://user@www.example.org"),
        ("CORS_ORIGINS", "https://www.example.org:port"),
        ("CORS_ORIGINS", "https://www.example.org,null"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "6"),
        ("HOLD_MINUTES", "0"),
        ("RETENTION_MONTHS", "-1"),
        ("RETENTION_MONTHS", "1.5"),
        ("HOLD_MINUTES", "61"),
        ("MAIL_URL", "mail.example.org"),
        ("MAIL_URL", "console"),
        ("MAIL_URL", "none:"),
        ("MAIL_URL", "https://mail.example.org"),
        ("MAIL_URL", "file:mail"),
        ("MAIL_URL", "file:"),
        ("MAIL_URL", "file://host/folder"),
        ("MAIL_URL", "smtp://"),
        ("MAIL_URL", "smtp://:25"),
        ("MAIL_URL", "smtp://mail.example.org:port"),
        ("MAIL_URL", "smtp://mail.example.org:99999"),
        ("MAIL_URL", "smtp://mail.example.org/x"),
        ("MAIL_URL", "smtp://mail.example.org?x=1"),
        ("MAIL_URL", "smtp://[::1"),
        ("MAIL_URL", "smtp://*.example.org"),
        ("MAIL_URL", "smtp://m\u00e4il.example.org"),
        ("MAIL_URL", "smtp://user@mail.example.org"),
        ("MAIL_URL", "smtp://:hunter2@mail.example.org"),
        ("MAIL_URL", "smtp://user:hunter2%0A@mail.example.org"),
        ("MAIL_URL", "smtp://user:hunter2%C3%BC@mail.example.org"),
        ("MAIL_URL", "smtp://user:hunter2/3@mail.example.org"),
        ("MAIL_URL", "smtp://user:hunter2#3@mail.example.org"),
        ("MAIL_URL", "smtp://user:hunter2\n@mail.example.org"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "@example.org"),
        ("MAIL_FROM", "a@b@example.org"),
        ("MAIL_FROM", "a..b@example.org"),
        ("MAIL_FROM", "Hall no-reply@example.org"),
        ("MAIL_FROM", "Hall <no-reply@example.org"),
        ("MAIL_FROM", "Hall <no-reply@example.org> x"),
        ("MAIL_FROM", "a@example.org, b@example.org"),
        ("MAIL_FROM", "a@example.org\nBcc: b@example.org"),
        ("MAIL_FROM", "j\u00f6rg@example.org"),
        ("SMS_URL", "api.example.org"),
        ("SMS_URL", "http://api.example.org/hunter2"),
        ("SMS_URL", "https://user:hunter2@api.example.org/"),
        ("SMS_URL", "https://"),
        ("SMS_URL", "https://api.example.org:port/hunter2"),
        ("SMS_URL", "https://api.example.org/hunter2 x"),
        ("SMS_URL", "https://api.example.org/#hunter2"),
        ("SMS_URL", "https://api.example.org/\u00fc"),
        ("SMS_URL", "ftp://api.example.org"),
        ("SMS_URL", "file:sms"),
        ("SMS_HEADERS", "hunter2"),
        ("SMS_HEADERS", "Authorization: hunter2 |"),
        ("SMS_HEADERS", "Bad Name: hunter2"),
        ("SMS_HEADERS", "X: hunter2\r\nY: z"),
        ("SMS_HEADERS", "X: hunter2\u00fc"),
        ("SMS_HEADERS", "Content-Length: 7"),
        ("SMS_HEADERS", "host: hunter2"),
        ("SMS_BODY", "hunter2"),
        ("SMS_BODY", "to={to}&key=hunter2"),
        ("SMS_BODY", "{to}{text}"),
        ("SMS_BODY", '{"to": {to}, "text": "{text}", "key": "hunter2"}'),
        ("SMS_BODY", '{"to": "{to}", "text": "{text}", "key": "hunter2"'),
        ("SMS_BODY", '["{to}", "{text}"]'),
        ("SMS_BODY", "to={to}&text={text}&key=hunter2 x"),
        ("SMS_BODY", "to={to}&text={text}&hunter2"),
        ("SMS_BODY", "{to}=to&{text}=hunter2"),
        ("SMS_BODY", '{"a":' * 10_000 + '"{to}{text}"'),
        ("SMS_DAILY_BUDGET", "-1"),
        ("SMS_DAILY_BUDGET", "100001"),
        ("SEALING_KEY_FILE", " "),
        ("HASH_PROFILE", "weak"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    message = refusal(tmp_path, **{name: value})
    assert message.startswith(name)
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://slot:hunter2\n@host/db"),
        ("SECRET_KEY", "hunter2\n"),
        ("CRON_SECRET", "hunter2\n"),
        ("SMS_URL", "\thttps://hunter2"),
    ],
)
def test_a_secret_with_a_stray_control_character_is_not_shown(tmp_path: Path, name: str, value: str) -> None:
    assert "hunter2" not in refusal(tmp_path, **{name: "x" + value})


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "BASE_URL"])
def test_production_makes_nothing_up(tmp_path: Path, name: str) -> None:
    environ = {key: value for key, value in PRODUCTION.items() if key != name}
    assert refusal(tmp_path, **environ).startswith(name)
    assert settings(tmp_path, **PRODUCTION).is_production


def test_production_does_not_take_the_key_of_a_trial(tmp_path: Path) -> None:
    settings(tmp_path)
    assert (tmp_path / "secret_key").exists()
    assert refusal(tmp_path, **{k: v for k, v in PRODUCTION.items() if k != "SECRET_KEY"}).startswith("SECRET_KEY")


@pytest.mark.parametrize(
    ("name", "value"),
    [("DEBUG", "1"), ("BASE_URL", "http://book.example.org"), ("SECRET_KEY", "weak"), ("HASH_PROFILE", "cheapest")],
)
def test_production_refuses_what_endangers_it(tmp_path: Path, name: str, value: str) -> None:
    assert refusal(tmp_path, **{**PRODUCTION, name: value}).startswith(name)


def test_production_answers_to_its_own_name_alone(tmp_path: Path) -> None:
    assert settings(tmp_path, **PRODUCTION).allowed_hosts == ("book.example.org",)


def test_an_address_may_have_a_port_and_a_folder(tmp_path: Path) -> None:
    found = settings(tmp_path, BASE_URL="https://[2001:db8::1]:8443/book/", CORS_ORIGINS="http://localhost:5173")
    assert found.base_url == "https://[2001:db8::1]:8443/book"
    assert "[2001:db8::1]" in found.allowed_hosts
    assert found.cors_origins == ("http://localhost:5173",)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "slotkeeper.toml").write_text(
        'port = 8100\nlog_level = "ERROR"\ncors_origins = ["https://a.example"]\n'
    )
    found = settings(tmp_path, PORT="8200")
    assert (found.port, found.log_level, found.cors_origins) == (8200, "ERROR", ("https://a.example",))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("prot = 1", "prot"),
        ('"a\\nb" = 1', "no setting"),
        ("PORT = 1", "PORT"),
        ("port = " + "[" * 100_000, "slotkeeper.toml"),
        ("secret_key = 1", "SECRET_KEY"),
        ("[port]\nx = 1", "PORT"),
        ("port = true", "PORT"),
        ('port = ["1"]', "PORT"),
        ("instance_dir = '/x'", "instance_dir"),
        ("port =", "slotkeeper.toml"),
        ("cors_origins = 1", "CORS_ORIGINS"),
        ("cors_origins = [1]", "CORS_ORIGINS"),
        ("mail_url = 1", "MAIL_URL"),
        ("mail_url = ''", "MAIL_URL"),
        ("mail_from = []", "MAIL_FROM"),
        ("sms_headers = ['X: y']", "SMS_HEADERS"),
        ("sms_body = {to = '{to}', text = '{text}'}", "SMS_BODY"),
        ("sealing_key_file = 1", "SEALING_KEY_FILE"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path, content: str, word: str) -> None:
    (tmp_path / "slotkeeper.toml").write_text(content)
    assert word in refusal(tmp_path)


def test_a_file_that_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "slotkeeper.toml").write_bytes(b"\xff\xfe")
    assert "slotkeeper.toml" in refusal(tmp_path)


def test_settings_do_not_print_their_secrets(tmp_path: Path) -> None:
    found = settings(tmp_path, SECRET_KEY=KEY)
    assert not re.search(f"{KEY}|slotkeeper.sqlite3", repr(found))


def test_a_trial_shows_its_messages_and_production_sends_mail_as_its_host_does(tmp_path: Path) -> None:
    trial, live = settings(tmp_path), settings(tmp_path, **PRODUCTION)
    assert (trial.mail_url, trial.sms_url, trial.mail_from) == ("console:", "console:", "no-reply@localhost")
    assert (live.mail_url, live.sms_url) == ("smtp://localhost:25", "none:")
    assert live.mail_from == "no-reply@book.example.org"
    assert (live.sms_headers, live.sms_daily_budget, live.hash_profile) == ("", 100, "strong")


def test_the_sealing_key_is_not_made_before_there_is_something_to_seal(tmp_path: Path) -> None:
    found = settings(tmp_path / "instance")
    assert found.sealing_key_file == tmp_path / "instance/sealing_key"
    assert not found.sealing_key_file.exists()
    assert settings(tmp_path, SEALING_KEY_FILE="keys/one").sealing_key_file == tmp_path / "keys/one"
    assert settings(tmp_path, SEALING_KEY_FILE="/etc/slotkeeper.key").sealing_key_file == Path("/etc/slotkeeper.key")
