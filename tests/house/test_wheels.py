"""What requirements.txt and constraints.txt name can be installed where shared hosts are: wheels alone, on old systems as well.

pip resolves as it would on such a host, and installs nothing. It knows the host by its tags: a wheel for a glibc of 2.17 fits every
newer one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.house.interpreters import MINORS, interpreter

ROOT = Path(__file__).resolve().parents[2]
OLDEST, USUAL = 17, 28  # glibc 2.17: RHEL and CloudLinux 7; 2.28: their 8
LEGACY = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
PATIENCE_SECONDS = 300
OPTIONS = (
    "-q", "--dry-run", "--report=-", "--ignore-installed", "--target=not-made", "--implementation=cp", "--only-binary=:all:",
    "--no-input", "--disable-pip-version-check", "--retries=1", "-r", "requirements.txt",
)  # fmt: skip


def pins(minor: int) -> dict[str, Requirement]:
    """Return what the two files name for a Python, by name."""
    text = (ROOT / "requirements.txt").read_text("utf-8") + (ROOT / "constraints.txt").read_text("utf-8")
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    named = [Requirement(line) for line in lines if line and not line.startswith("-")]
    environment = {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.0"}
    return {canonicalize_name(one.name): one for one in named if not one.marker or one.marker.evaluate(environment)}


def newest(pin: Requirement) -> Version:
    """Return the one version, or the upper of two, that a line names."""
    return max(Version(one.version) for one in pin.specifier)


def tags(glibc: int) -> list[str]:
    """Return the names of the systems whose wheels a machine with that glibc takes, best first."""
    names = [name for minor in range(glibc, 4, -1) for name in (f"manylinux_2_{minor}", LEGACY.get(minor)) if name]
    return [f"{name}_x86_64" for name in names]


def resolved(minor: int, glibc: int) -> dict[str, tuple[Version, str]]:
    """Return what pip would install there: for each name the version and its file."""
    platforms = [f"--platform={tag}" for tag in tags(glibc)]
    done = _pip("--python", interpreter(minor), "install", *OPTIONS, f"--python-version=3.{minor}", *platforms)
    if "connection broken" in done.stderr and "from versions: none" in done.stderr:
        pytest.skip("no package index is in reach: this test asks the one that pip is set up for")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["install"]
    return {canonicalize_name(one["metadata"]["name"]): _chosen(one) for one in found}


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pip", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS,
    )  # fmt: skip


def _chosen(one: dict[str, Any]) -> tuple[Version, str]:
    return Version(one["metadata"]["version"]), one["download_info"]["url"].rpartition("/")[2]


@pytest.mark.long
@pytest.mark.parametrize("minor", MINORS)
def test_a_usual_host_gets_wheels_of_exactly_what_is_pinned(minor: int) -> None:
    found = resolved(minor, USUAL)
    assert {name: version for name, (version, _) in found.items()} == {
        name: newest(pin) for name, pin in pins(minor).items()
    }
    assert [file for _, file in found.values() if not file.endswith(".whl")] == []


@pytest.mark.long
@pytest.mark.parametrize("minor", MINORS)
def test_an_old_host_gets_wheels_and_older_ones_where_two_versions_are_named(minor: int) -> None:
    found, named = resolved(minor, OLDEST), pins(minor)
    assert found.keys() == named.keys()
    older = {name for name, (version, _) in found.items() if version < newest(named[name])}
    assert older == {name for name, pin in named.items() if len(pin.specifier) > 1}
    assert [file for _, file in found.values() if not file.endswith(".whl")] == []


@pytest.mark.parametrize(("first_lines", "answer"), [(2, "No matching distribution"), (1, "not a gzip file")])
def test_a_panel_that_is_told_nothing_but_the_file_starts_no_compiler(
    first_lines: int, answer: str, tmp_path: Path
) -> None:
    (tmp_path / "sources-1.0.tar.gz").write_bytes(b"no archive, which is found out by whoever wants to compile it")
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()[:first_lines]
    file = tmp_path / "requirements.txt"
    file.write_text("\n".join([*lines, "sources==1.0"]))
    done = _pip("install", "--dry-run", "--no-index", f"--find-links={tmp_path}", "-r", str(file))
    assert done.returncode != 0
    assert answer in done.stderr


@pytest.mark.parametrize("minor", MINORS)
def test_every_line_names_one_version_or_two(minor: int) -> None:
    shapes = {tuple(sorted(one.operator for one in pin.specifier)) for pin in pins(minor).values()}
    assert shapes == {("==",), ("<=", ">=")}
