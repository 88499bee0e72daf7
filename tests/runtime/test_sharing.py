"""What a process does before it forks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.runtime import sharing

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, ssl, decimal, sqlite3
from app.runtime import sharing

def of_files():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssFile"))

before = of_files()
sharing.prepare_to_fork()
after = of_files()
works = sqlite3.connect(":memory:").execute("SELECT 6 * 7").fetchone()[0] == int(decimal.Decimal("42"))
print(json.dumps([before, after, works and ssl.RAND_status()]))
"""
SMAPS = """\
1000-3000 r-xp 00000000 08:01 77 /lib/code.so
Rss:                   8 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
3000-4000 r--p 00002000 08:01 77 /lib/relocated.so
Anonymous:             4 kB
4000-5000 rw-p 00003000 08:01 77 /lib/data.so
Anonymous:             0 kB
5000-6000 r--p 00000000 00:00 0
Anonymous:             0 kB
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
Anonymous:             0 kB
a000-b000 r--p 00000000 08:01 78 /a name with blanks
Anonymous:             0 kB
"""


def test_only_what_stands_in_a_file_word_for_word_is_let_go_of() -> None:
    assert list(sharing._unchanged_files(SMAPS)) == [(0x1000, 0x3000), (0xA000, 0xB000)]


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Linux's books of memory")
def test_the_program_goes_on_with_fewer_pages_of_its_libraries() -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, check=True)
    before, after, works = json.loads(done.stdout)
    assert works
    assert after < before / 2
