"""A test mail goes the way of all mail, and what is wrong with that way is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.runtime.settings import Settings, load
from app.services import doctor_mail


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(load({"INSTANCE_DIR": str(tmp_path / "instance")}), mail_url=f"file:{tmp_path}/mail")


def test_a_mail_is_handed_over(settings: Settings, tmp_path: Path) -> None:
    finding = doctor_mail.examine(settings, "Ada@example.org")
    assert (finding.check, finding.level) == ("mail", "OK")
    (letter,) = (tmp_path / "mail").glob("*.eml")
    text = letter.read_text(encoding="utf-8")
    assert "To: ada@example.org" in text
    assert "flask doctor --mail-to" in text


def test_an_address_that_is_none_is_told(settings: Settings, tmp_path: Path) -> None:
    finding = doctor_mail.examine(settings, "ada\nBcc: all@example.org")
    assert finding.level == "FAIL"
    assert not (tmp_path / "mail").exists()


def test_a_server_that_does_not_answer_is_told_without_its_password(settings: Settings) -> None:
    settings = replace(settings, mail_url="smtp://ada:gEh31m@127.0.0.1:9")
    finding = doctor_mail.examine(settings, "ada@example.org")
    assert (finding.level, finding.remedy) == ("FAIL", "correct MAIL_URL or MAIL_FROM")
    assert "gEh31m" not in finding.detail
