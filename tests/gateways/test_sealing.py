from __future__ import annotations

import base64
import os
import stat
import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.gateways.sealing import KEY_BYTES, SealBroken, Sealer, SealingKeyError, load_sealer
from app.runtime.settings import ROOT

KEY = bytes(range(KEY_BYTES))
SEALER = Sealer(KEY)
ALPHABET = string.ascii_letters + string.digits + "-_=+/."
TOTP = b"JBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    load_sealer.cache_clear()


def refused(sealed: str, bound_to: str = "user:7", sealer: Sealer = SEALER) -> bool:
    with pytest.raises(SealBroken) as caught:
        sealer.open(sealed, bound_to=bound_to)
    return caught.value.__cause__ is None


def key_refusal(path: Path) -> str:
    with pytest.raises(SealingKeyError) as caught:
        load_sealer(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"SEALING_KEY_FILE {path}")
    return message


@given(some.binary(max_size=300), some.text(max_size=40))
def test_what_was_sealed_can_be_opened_where_it_belongs(plain: bytes, owner: str) -> None:
    sealed = SEALER.seal(plain, bound_to=owner)
    assert sealed.isascii()
    assert sealed.startswith("v1.")
    assert SEALER.open(sealed, bound_to=owner) == plain
    assert refused(sealed, f"{owner}x")


def test_the_same_value_is_sealed_differently_each_time_and_is_not_in_it() -> None:
    sealed = {SEALER.seal(TOTP, bound_to="user:7") for _ in range(50)}
    assert len(sealed) == 50
    assert not any(TOTP in base64.urlsafe_b64decode(text[3:]) for text in sealed)


def test_a_change_of_any_one_character_is_noticed() -> None:
    sealed = SEALER.seal(TOTP, bound_to="user:7")
    for at, letter in enumerate(sealed):
        for other in {*ALPHABET} - {letter}:
            assert refused(sealed[:at] + other + sealed[at + 1 :])


def test_a_value_cut_short_or_made_longer_is_noticed() -> None:
    sealed = SEALER.seal(TOTP, bound_to="user:7")
    for length in range(len(sealed)):
        assert refused(sealed[:length])
    for more in ("A", "=", "\n", " ", "AAAA"):
        assert refused(sealed + more)


def test_another_key_opens_nothing() -> None:
    sealed = SEALER.seal(TOTP, bound_to="user:7")
    assert refused(sealed, sealer=Sealer(bytes(KEY_BYTES)))
    assert Sealer(KEY).open(sealed, bound_to="user:7") == TOTP


@pytest.mark.parametrize(
    "garbage", ["", "v1.", "v2.AAAA", "JBSWY3DPEHPK3PXP", "v1.\u00fc", "v1.!!!!", "v1." + "A" * 1000, "\ud800"]
)
def test_what_was_never_sealed_is_refused(garbage: str) -> None:
    assert refused(garbage)


def test_a_sealer_does_not_print_its_key() -> None:
    assert repr(SEALER) == "Sealer(...)"


def test_the_key_is_made_at_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "sealing_key"
    sealed = load_sealer(path).seal(TOTP, bound_to="user:7")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(base64.b64decode(path.read_text(), validate=False)) == KEY_BYTES
    assert [found.name for found in tmp_path.iterdir()] == ["sealing_key"]
    load_sealer.cache_clear()
    assert load_sealer(path).open(sealed, bound_to="user:7") == TOTP


def test_the_key_is_read_once(tmp_path: Path) -> None:
    assert load_sealer(tmp_path / "key") is load_sealer(tmp_path / "key")
    assert load_sealer(tmp_path / "key") is not load_sealer(tmp_path / "other")


# One program is imported, and forks before any process has asked: they come closer together than six that import first.
AT_ONCE = """
import os, pathlib, sys
from app.gateways.sealing import load_sealer
gate, opener = os.pipe()
for _ in range(6):
    if not os.fork():
        os.close(opener)
        os.read(gate, 1)  # ends for all of them in the same moment
        sealed = load_sealer(pathlib.Path(sys.argv[1])).seal(b"x", bound_to="me")
        os.write(1, f"{sealed}\\n".encode())
        os._exit(0)
os.close(opener)
ended = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(6)]
sys.exit(ended != [0] * 6)
"""


def test_processes_that_come_at_once_share_one_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", AT_ONCE, str(tmp_path / "key")]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    sealed = subprocess.check_output(command, env=environ, text=True, timeout=30).split()
    assert [load_sealer(tmp_path / "key").open(text, bound_to="me") for text in sealed] == [b"x"] * 6
    assert [found.name for found in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 32,
        KEY,
        base64.b64encode(KEY[:-1]),
        base64.b64encode(KEY + b"x"),
        base64.b64encode(KEY) * 9,
        b"not base64!",
    ],
)
def test_a_file_that_holds_no_key_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    assert "holds no key" in key_refusal(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o610])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    load_sealer(tmp_path / "key")
    load_sealer.cache_clear()
    (tmp_path / "key").chmod(mode)
    assert "chmod 600" in key_refusal(tmp_path / "key")


def test_a_key_that_cannot_be_read_or_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    assert "directory" in key_refusal(tmp_path / "folder")
    assert "No such file" in key_refusal(tmp_path / "nowhere" / "key")
    (tmp_path / "file").write_text("")
    assert "Not a directory" in key_refusal(tmp_path / "file" / "key")


def test_a_refusal_is_not_remembered(tmp_path: Path) -> None:
    assert key_refusal(tmp_path / "later" / "key")
    (tmp_path / "later").mkdir()
    assert load_sealer(tmp_path / "later" / "key")
