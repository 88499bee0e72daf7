"""The Pythons of this machine: those in reach by name, and those that pyenv keeps aside."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

MINORS = (10, 11, 12, 13)  # that the program runs on; 3.11 is the reference


@cache
def interpreter(minor: int) -> str:
    """Return a Python 3.*minor* that starts; skip the test where the machine has none."""
    for candidate in _candidates(minor):
        if _is(candidate, minor):
            return candidate
    pytest.skip(f"there is no Python 3.{minor} here: install python3.{minor}, or 'pyenv install 3.{minor}'")


def _candidates(minor: int) -> Iterator[str]:
    named = shutil.which(f"python3.{minor}")
    if named:
        yield named
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(root.glob(f"versions/3.{minor}.*/bin/python")))


def _is(candidate: str, minor: int) -> bool:
    """Tell whether a program is that Python; pyenv leaves programs of that name which only say how to choose one."""
    done = subprocess.run(
        [candidate, "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() == str(minor)
