"""The pages for people keep up with the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.domain.duties import DUTIES
from app.runtime.settings import names

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_setting_is_explained_and_every_explained_one_exists() -> None:
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \|", (ROOT / "docs/settings.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(names())


def test_every_duty_is_explained_and_every_explained_one_exists() -> None:
    text = (
        (ROOT / "docs/operating.md").read_text(encoding="utf-8").partition("| duty | when due")[2].partition("\n\n")[0]
    )
    told = [name for row in re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(told) == sorted(duty.name for duty in DUTIES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_names_both_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "scripts/start.sh" in text
    assert "scripts/test.sh" in text
