"""PDFs read back by other programs: pypdf for text and structure, qpdf for the rules of the format."""

from __future__ import annotations

import importlib
import io
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

_IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


def missing(what: str, install: str) -> None:
    """Skip a test for what this machine lacks; where CI runs, that is a failure."""
    (pytest.fail if _IN_CI else pytest.skip)(f"{what} is not here: {install}")


def module(name: str) -> Any:
    """Return a module of the tests' own requirements."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return missing(name, f"pip install {name}")


def reader(data: bytes) -> Any:
    """Return pypdf's view of a file, in its strict mode."""
    return module("pypdf").PdfReader(io.BytesIO(data), strict=True)


def texts(data: bytes) -> list[str]:
    """Return the text of each page."""
    return [page.extract_text() for page in reader(data).pages]


def words(data: bytes) -> list[str]:
    """Return the words of each page in reading order, one blank between them, whatever lines they stand on."""
    return [" ".join(text.split()) for text in texts(data)]


def contents(data: bytes) -> bytes:
    """Return the drawing operators of all pages."""
    return b"\n".join(page.get_contents().get_data() for page in reader(data).pages)


def to_unicode(data: bytes) -> bytes:
    """Return the maps by which the fonts of the first page turn glyphs back into text."""
    fonts = reader(data).pages[0]["/Resources"]["/Font"].values()
    return b"\n".join(font.get_object()["/ToUnicode"].get_object().get_data() for font in fonts)


def problems(data: bytes, tmp_path: Path) -> str:
    """Return what qpdf finds wrong with a file, or nothing."""
    program = shutil.which("qpdf")
    if program is None:
        missing("qpdf", "apt-get install qpdf")
    file = tmp_path / "checked.pdf"
    file.write_bytes(data)
    done = subprocess.run([str(program), "--check", str(file)], capture_output=True, text=True, timeout=60, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr
