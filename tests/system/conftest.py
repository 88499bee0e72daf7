"""Everything in this folder starts real servers."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, so that ``-m "not system"`` is the fast part."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.system)
