"""The bill of materials: valid CycloneDX, of exactly what is pinned for production, and as fresh as the pins."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

from scripts import sbom
from tests.house.test_wheels import newest, pins

COMMITTED = sbom.ROOT / "sbom.json"
REFERENCE = (3, 11)


@pytest.fixture(scope="module")
def text() -> str:
    """The bill of the environment that runs the tests."""
    return sbom.written(sbom.bill(sbom.asked()))


@pytest.fixture(scope="module")
def document(text: str) -> Any:
    return json.loads(text)


def test_it_is_valid(text: str) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"type": "library"', '"type": "books"', 1)) is not None


def test_it_lists_exactly_what_is_pinned_for_production(document: Any) -> None:
    listed = {one["purl"] for one in document["components"] if one["type"] == "library"}
    wanted = pins(sys.version_info[1])
    assert listed == {f"pkg:pypi/{_of_purl(pin.name)}@{newest(pin)}" for pin in wanted.values()}


def _of_purl(name: str) -> str:
    return name.lower().replace("_", "-")


def test_every_part_states_a_licence_and_every_font_a_hash(document: Any) -> None:
    assert [one["name"] for one in document["components"] if not one.get("licenses")] == []
    fonts = {one["name"] for one in document["components"] if one.get("hashes")}
    assert fonts == {path.name for path in (sbom.ROOT / "app").rglob("*.ttf")}


def test_everything_is_reached_from_the_program(document: Any) -> None:
    needs = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    assert set(_below("slotkeeper", needs)) == {one["bom-ref"] for one in document["components"]}


def _below(ref: str, needs: dict[str, list[str]]) -> Iterator[str]:
    for one in needs[ref]:
        yield one
        yield from _below(one, needs)


def test_an_extra_that_nobody_asked_for_is_not_listed() -> None:
    plain, asked = (sbom.closure([Requirement(text)]) for text in ("gunicorn", "gunicorn[gevent]"))
    assert (set(plain), "gevent" in asked) == ({"gunicorn"}, True)


def test_it_names_nothing_of_the_machine(text: str) -> None:
    assert re.findall(r"(?:file:|localhost|/(?:home|root|tmp|opt|work)/)\S*", text) == []
    assert set(re.findall(r"https?://([^/\"]+)", text)) <= {"cyclonedx.org"}
    assert not {"timestamp", "serialNumber"} & set(re.findall(r'"(\w+)":', text))


@pytest.mark.skipif(sys.version_info[:2] != REFERENCE, reason="sbom.json is of Python 3.11, and this is another")
def test_the_one_in_the_repository_is_fresh(text: str) -> None:
    assert COMMITTED.read_text(encoding="utf-8") == text, "stale: run 'python -m scripts.sbom sbom.json' on Python 3.11"
