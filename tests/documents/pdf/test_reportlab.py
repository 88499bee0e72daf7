"""What ReportLab must keep doing: its encoder of QR codes, which is all that is used of it.

When this fails after an upgrade, the module named beside it has to change, or the upgrade has to wait.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.documents.pdf import qr

ROOT = Path(__file__).resolve().parents[3]
LOADED = "import sys, app.documents.{}; print(*sorted(sys.modules))"


def test_the_qr_encoder_loads_without_its_package() -> None:
    """qr.py."""
    code = qr._ENCODER.QRCode(None, qr._ENCODER.QRErrorCorrectLevel.M)
    code.addData(qr._ENCODER.QR8bitByte(b"x"))
    code.make()
    assert code.getModuleCount() == 21
    assert code.isDark(0, 0)
    assert not code.isDark(7, 7)


def loaded(module: str) -> set[str]:
    command = [sys.executable, "-c", LOADED.format(module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    return set(done.stdout.split())


def test_documents_load_no_other_part_of_reportlab_and_no_shaper() -> None:
    """pdf/__init__.py: the whole of it is 4 MiB, of which pictures are two; the shaper takes 6."""
    modules = loaded("confirmation")
    assert {name for name in modules if name.startswith("reportlab")} == {"reportlab"}
    assert {"PIL", "uharfbuzz"} & modules == set()


def test_a_report_of_english_words_loads_no_shaper() -> None:
    program = "bookings_report; from app.documents.languages import printable; printable('en', None)"
    modules = loaded(program)
    assert "uharfbuzz" not in modules
