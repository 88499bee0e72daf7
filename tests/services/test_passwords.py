"""Passwords as they are kept: the cost is what it says, and the same for accounts that are not there."""

from __future__ import annotations

import logging

import argon2
import pytest
from argon2 import PasswordHasher, Type
from sqlalchemy import text

from app.domain.errors import Busy, Invalid
from app.persistence import session
from app.runtime import workers
from app.services import passwords

GOOD = "a fox on the roof"


class Watched(PasswordHasher):
    """A hasher that notes with which parameters it verifies and hashes."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1, hash_len=16)
        self.hashed: list[str] = []
        self.verified: list[argon2.Parameters] = []

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.hashed.append(str(password))
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override] # noqa: A002
        self.verified.append(argon2.extract_parameters(str(hash)))
        return super().verify(hash, password)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """The hasher of a profile "watched"."""
    hasher = Watched()
    monkeypatch.setitem(passwords._HASHERS, "watched", hasher)
    passwords._nobodys_hash.cache_clear()
    return hasher


def test_a_strong_hash_takes_12_mib_and_three_rounds_of_argon2id() -> None:
    kept = passwords.hash_password(GOOD, "strong")
    parameters = argon2.extract_parameters(kept)
    assert kept.startswith("$argon2id$v=19$m=12288,t=3,p=1$")
    assert (parameters.type, parameters.salt_len, parameters.hash_len) == (Type.ID, 16, 32)
    assert passwords.verify_password(GOOD, kept, "strong")


def test_the_hash_of_nobody_takes_as_much() -> None:
    nobody = passwords._nobodys_hash("strong")
    assert argon2.extract_parameters(nobody) == argon2.extract_parameters(passwords.hash_password(GOOD, "strong"))
    assert not passwords.verify_password(GOOD, nobody, "strong")
    assert passwords._nobodys_hash("strong") == nobody


def test_a_password_is_recognised_and_another_is_not() -> None:
    kept = passwords.hash_password(GOOD, "cheapest")
    assert passwords.verify_password(GOOD, kept, "cheapest")
    assert not passwords.verify_password(f"{GOOD} ", kept, "cheapest")
    assert not passwords.verify_password(GOOD.upper(), kept, "cheapest")


def test_the_same_password_is_kept_differently_each_time() -> None:
    assert passwords.hash_password(GOOD, "cheapest") != passwords.hash_password(GOOD, "cheapest")


def test_a_password_is_recognised_whichever_way_its_accents_are_typed() -> None:
    kept = passwords.hash_password(passwords.check_new_password("cafe\u0301 au lait"), "cheapest")
    assert passwords.verify_password("café au lait", kept, "cheapest")
    assert passwords.verify_password("cafe\u0301 au lait", kept, "cheapest")


@pytest.mark.parametrize("password", [GOOD, "", "x" * 1_000_000, "with\0NUL", "half a pair \ud83e"])
@pytest.mark.parametrize("is_known", [True, False], ids=["known account", "unknown account"])
def test_every_sign_in_costs_one_verification_of_the_same_parameters(
    watched: Watched, password: str, caplog: pytest.LogCaptureFixture, *, is_known: bool
) -> None:
    kept = passwords.hash_password("the one that is right", "watched") if is_known else None
    watched.hashed.clear()
    assert not passwords.verify_password(password, kept, "watched")
    assert watched.verified == [watched._parameters]
    assert watched.hashed == []
    assert caplog.records == []  # the one for nobody is no broken one, which would cost nothing


def test_no_password_opens_an_account_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = passwords.hash_password(GOOD, "cheapest")
    monkeypatch.setattr(passwords, "_nobodys_hash", lambda _profile: kept)
    assert not passwords.verify_password(GOOD, None, "cheapest")


def test_a_text_that_cannot_be_a_password_opens_nothing() -> None:
    kept = passwords.hash_password("", "cheapest")
    assert not passwords.verify_password("x" * 1000, kept, "cheapest")
    assert not passwords.verify_password("\0", kept, "cheapest")


@pytest.mark.parametrize(
    "broken",
    ["", "plain text", "$argon2id$v=19$m=8,t=1,p=1$", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$!!", "$argon2id$ü"],
)
def test_a_broken_hash_opens_nothing_and_is_logged_without_itself(
    broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "slotkeeper"):
        assert not passwords.verify_password(GOOD, broken, "cheapest")
    (record,) = caplog.records
    assert record.getMessage() == "password_hash_broken"
    assert set(record.fields) == {"reason"}  # type: ignore[attr-defined]
    assert GOOD not in str(record.__dict__)


def test_a_hash_that_cannot_be_read_needs_no_other() -> None:
    assert not passwords.needs_rehash("plain text", "cheapest")


def test_a_wrong_password_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    assert not passwords.verify_password("another", passwords.hash_password(GOOD, "cheapest"), "cheapest")
    assert caplog.records == []


def test_a_hash_of_other_parameters_needs_another() -> None:
    kept = passwords.hash_password(GOOD, "cheapest")
    assert passwords.needs_rehash(kept, "strong")
    assert not passwords.needs_rehash(kept, "cheapest")
    assert not passwords.needs_rehash(passwords.hash_password(GOOD, "strong"), "strong")


def test_a_hash_of_other_parameters_is_still_recognised() -> None:
    assert passwords.verify_password(GOOD, passwords.hash_password(GOOD, "cheapest"), "strong")


def test_hashing_and_verifying_go_through_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[object] = []
    run = workers.run

    def note(function: object, *args: object) -> object:
        jobs.append(getattr(function, "__name__", function))
        return run(function, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "run", note)
    kept = passwords.hash_password(GOOD, "cheapest")
    assert passwords.verify_password(GOOD, kept, "cheapest")
    assert not passwords.verify_password(GOOD, None, "cheapest")
    assert jobs == ["hash", "_matches", "_matches"]


@pytest.mark.usefixtures("app")
def test_nobody_holds_a_database_connection_while_waiting_for_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, held = session.engine().pool, []
    monkeypatch.setattr(workers, "run", lambda *_call: held.append(pool.checkedout()))  # type: ignore[attr-defined]
    for job in (
        lambda: passwords.verify_password(GOOD, None, "cheapest"),
        lambda: passwords.hash_password(GOOD, "cheapest"),
    ):
        session.reading().execute(text("SELECT 1"))
        held.append(pool.checkedout())  # type: ignore[attr-defined]
        job()
    assert held == [1, 0, 1, 0]


@pytest.mark.usefixtures("app")
def test_nobody_may_wait_for_the_worker_inside_a_transaction() -> None:
    with pytest.raises(session.NestedTransactionError), session.transaction():
        passwords.hash_password(GOOD, "cheapest")


def test_a_full_worker_is_told_as_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_call: object) -> None:
        raise workers.PoolFull

    monkeypatch.setattr(workers, "run", full)
    with pytest.raises(Busy, match="try again"):
        passwords.hash_password(GOOD, "cheapest")
    with pytest.raises(Busy, match="try again"):
        passwords.verify_password(GOOD, None, "cheapest")


@pytest.mark.parametrize(
    "common", ["password", "PASSWORD1", "iloveyou", "qwertyuiop", "1q2w3e4r5t", "12345678", "webster1"]
)
def test_a_common_password_is_refused_in_any_case(common: str) -> None:
    with pytest.raises(Invalid) as caught:
        passwords.check_new_password(common, field="new_password")
    (error,) = caught.value.errors
    assert (error.field, error.code) == ("new_password", "too_common")


def test_a_password_off_the_list_is_returned() -> None:
    assert passwords.check_new_password(GOOD) == GOOD
    assert passwords.check_new_password("omelessp") == "omelessp"  # a part of an entry is no entry


def test_the_list_has_3000_entries_in_the_form_in_which_they_are_looked_up() -> None:
    entries = passwords._COMMON.read_text(encoding="utf-8").splitlines()
    assert len(entries) == len(set(entries)) == 3000
    assert [entry for entry in entries if len(entry) < 8 or entry != entry.lower() or not entry.isascii()] == []
    assert {"123456789", "password", "sunshine"} <= set(entries[:100])
