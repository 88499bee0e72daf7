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
        ("DATABASE_URL", "mysql://localhost"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "mysql://u:p@host:notaport/db"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://u:p@[::1/db"),
        ("DATABASE_URL", "mysql://u:p#s@host/db"),
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
        ("HOLD_MINUTES", "61"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    assert refusal(tmp_path, **{name: value}).startswith(name)


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
    ("name", "value"), [("DEBUG", "1"), ("BASE_URL", "http://book.example.org"), ("SECRET_KEY", "weak")]
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
