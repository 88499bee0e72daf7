"""``flask users``, as an operator types it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from click import unstyle
from click.testing import Result
from flask import Flask
from flask.cli import FlaskGroup
from pyotp import TOTP

from app.cli import enrolments
from app.cli import users as commands
from app.cli.qr import terminal_qr
from app.domain.accounts import Target
from app.domain.errors import InvalidCredentials
from app.persistence import session
from app.persistence import users as stored
from app.runtime.settings import Settings
from app.services import passwords, totp
from app.services.sessions import SignedIn
from tests.services.door import NOW, Door, app_of

Shell = Callable[..., Result]
GOOD = "kalte Suppe 77"
ADMIN = ("users", "create", "--role", "admin", "--name", "Ada", "--email", "ada@example.org", "--password-stdin")
STAFF = ("users", "create", "--role", "staff", "--name", "Bob", "--email", "bob@example.org", "--password-stdin")
BOB = Target("email", "bob@example.org")


@pytest.fixture
def shell(app: Flask) -> Shell:
    """Return a function that runs a command line of the whole program, on a database of each kind."""
    group = FlaskGroup(create_app=lambda: app, add_default_commands=False)

    def run(*args: str, input: str | bytes | None = None) -> Result:  # noqa: A002 - click's name for it
        return app.test_cli_runner().invoke(group, [*args], input=input)

    return run


@pytest.fixture
def hall(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a shell on the demo hall, where it is always the same second."""
    monkeypatch.setattr(commands, "clock", lambda: NOW)
    assert shell("demo", "load").exit_code == 0
    return shell


@pytest.fixture
def door(hall: Shell, settings: Settings) -> Door:
    """Return the front door of the hall."""
    assert hall
    return Door(session.engine(), settings)


def _done(result: Result) -> str:
    assert result.exit_code == 0, result.stderr
    return result.stdout


def _refused(result: Result) -> str:
    """Return the one line that says why."""
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.output
    assert result.stderr.startswith("error: ")
    return result.stderr.removeprefix("error: ").rstrip("\n")


def _made(hall: Shell, *command: str, password: str = GOOD) -> dict[str, object]:
    found: dict[str, object] = json.loads(_done(hall(*command, "--json", input=f"{password}\n")))
    return found


def _secret(said: str) -> str:
    found = re.search(r"^Secret: ([A-Z2-7 ]+)$", said, re.MULTILINE)
    assert found, said
    return found[1].replace(" ", "")


def _sign_in(door: Door, target: Target, password: str = GOOD) -> SignedIn:
    signed_in = door.enter_password(password, target)
    session.remove()
    return signed_in


def _sessions_of(door: Door, user_id: int) -> int:
    return sum(row.user_id == user_id for row in door.rows("sessions"))


def test_the_secret_that_is_printed_opens_the_account(hall: Shell, door: Door) -> None:
    said = _done(hall(*ADMIN, input=f"{GOOD}\n"))
    half = _sign_in(door, Target("email", "ada@example.org"))
    assert half.session.stage == "totp"
    code = TOTP(_secret(said)).at(NOW)
    full, _ = totp.enter(door.settings, half.session, code, door.visitor(), now=NOW)
    assert (full.session.stage, full.session.user.role) == ("full", "admin")


def test_each_recovery_code_that_is_printed_opens_the_account_once(hall: Shell, door: Door) -> None:
    said = _done(hall(*ADMIN, input=f"{GOOD}\n"))
    codes = re.findall(r"^  ([A-Z2-7-]{27})$", said, re.MULTILINE)
    assert len({*codes}) == totp.RECOVERY_CODES
    for code in codes:
        live = _sign_in(door, Target("email", "ada@example.org")).session
        full, _ = totp.enter_with_recovery_code(door.settings, live, code, door.visitor(), now=NOW)
        assert full.session.stage == "full"
        with pytest.raises(InvalidCredentials):
            totp.enter_with_recovery_code(door.settings, full.session, code, door.visitor(), now=NOW)


def test_json_has_all_that_is_told_once(hall: Shell) -> None:
    made = _made(hall, *ADMIN)
    assert made["user"]["email"] == "ada@example.org"  # type: ignore[index]
    uri, secret = str(made["otpauth_uri"]), str(made["totp_secret"])
    assert app_of(uri).secret == secret
    assert len(made["recovery_codes"]) == totp.RECOVERY_CODES  # type: ignore[arg-type]
    assert "password" not in made


def test_a_password_is_made_up_and_told_once(hall: Shell, door: Door) -> None:
    made = _made(hall, *STAFF[:-1], "--scope", "demo-hall", "--generate-password")
    assert re.fullmatch(r"([a-z2-9]{5}-){3}[a-z2-9]{5}", str(made["password"]))
    assert _sign_in(door, BOB, str(made["password"])).session.stage == "totp"
    assert str(made["password"]) not in _done(hall("users", "show", "bob@example.org"))


def test_a_customer_needs_neither_password_nor_second_factor(hall: Shell) -> None:
    result = hall("users", "create", "--role", "customer", "--name", "Cy", "--phone", "+49 170 1234567")
    assert _done(result) == "created +491701234567 (customer, id 1)\n"
    shown = json.loads(_done(hall("users", "show", "+491701234567", "--json")))
    assert (shown["has_password"], shown["has_totp"], shown["scopes"]) == (False, False, [])


def test_a_customer_may_have_a_password(hall: Shell, door: Door) -> None:
    command = ("users", "create", "--role", "customer", "--name", "Bob", "--email", "Bob@Example.org")
    assert "Secret" not in _done(hall(*command, "--password-stdin", input=f"{GOOD}\r\n"))
    assert _sign_in(door, BOB).session.stage == "full"


@pytest.mark.parametrize(
    ("path", "scopes"),
    [("demo-hall", [(1, None)]), ("demo-hall/room-2", [(1, "room-2")])],
)
def test_staff_works_for_a_venue_or_a_resource(
    hall: Shell, door: Door, path: str, scopes: list[tuple[int, str | None]]
) -> None:
    _done(hall(*STAFF, "--scope", path, "--scope", path, input=f"{GOOD}\n"))
    slugs = {row.id: row.slug for row in door.rows("resources")}
    rows = [(row.venue_id, slugs.get(row.resource_id)) for row in door.rows("user_scopes")]
    assert rows == scopes
    assert json.loads(_done(hall("users", "show", "1", "--json")))["scopes"] == [path]


@pytest.mark.parametrize(
    ("options", "password", "reason"),
    [
        (("--scope", "barn"), GOOD, "There is no venue barn"),
        (("--scope", "demo-hall/attic"), GOOD, "There is no resource attic in demo-hall"),
        (("--scope", "demo-hall/"), GOOD, "--scope: 'demo-hall/' is no scope"),
        (("--scope", "/room-1"), GOOD, "--scope: '/room-1' is no scope"),
        ((), GOOD, "scopes: "),
        (("--scope", "demo-hall"), "password1", "password: The password is one that is tried first"),
        (("--scope", "demo-hall"), "short", "password: The password must have at least 8"),
        (("--scope", "demo-hall"), "", "password: Nothing came on stdin"),
        (("--scope", "demo-hall", "--email", "bob@nowhere"), GOOD, "email: That is no e-mail address"),
        (("--scope", "demo-hall", "--email", ""), GOOD, "email: "),
        (("--scope", "demo-hall", "--name", " "), GOOD, "name: "),
        (("--scope", "demo-hall", "--phone", "ring me"), GOOD, "phone: "),
        (("--role", "admin", "--scope", "demo-hall"), GOOD, "scopes: "),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_leaves_nothing(
    hall: Shell, door: Door, options: tuple[str, ...], password: str, reason: str
) -> None:
    audited = door.actions()
    assert _refused(hall(*STAFF, *options, input=f"{password}\n")).startswith(reason)
    assert (door.rows("users"), door.actions()) == ([], audited)


def test_a_password_that_is_no_text_is_refused(hall: Shell) -> None:
    assert "no text in UTF-8" in _refused(hall(*ADMIN, input=b"\xff\xfe\xff\xfe secret\n"))


def test_an_address_belongs_to_one_account(hall: Shell, door: Door) -> None:
    _made(hall, *ADMIN)
    assert _refused(hall(*ADMIN, input=f"{GOOD}\n")).startswith("Another account has that address.")
    assert len(door.rows("users")) == 1


def test_without_a_terminal_a_password_must_come_from_somewhere(hall: Shell) -> None:
    assert _refused(hall(*ADMIN[:-1])).endswith("use --password-stdin or --generate-password.")
    both = hall(*ADMIN, "--generate-password", input=f"{GOOD}\n")
    assert (both.exit_code, "exclude each other" in both.stderr) == (2, True)


def test_the_code_to_scan_is_drawn_and_its_address_printed(
    hall: Shell, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    _done(hall(*ADMIN, input=f"{GOOD}\n"))
    said = _done(hall("users", "reset-totp", "1"))
    uri = totp.provisioning_uri(door.settings, stored.get_user(session.reading(), 1).user, _secret(said))
    assert unstyle(terminal_qr(uri)) in said
    assert f"Address: {uri}\n" in said
    monkeypatch.setattr(enrolments, "has_room", lambda: False)
    narrow = _done(hall("users", "reset-totp", "1"))
    assert "Address: otpauth://totp/" in narrow
    assert not set(narrow) & set("\u2580\u2584\u2588")


def test_an_address_too_long_for_a_code_is_printed_alone(hall: Shell) -> None:
    label = "x" * 63
    address = f"{'+' * 60}@{label}.{label}.{'y' * 50}.org"  # a plus sign takes three bytes in an address
    said = _done(hall(*ADMIN, "--email", address, input=f"{GOOD}\n"))
    assert "Address: otpauth://totp/" in said
    assert not set(said) & set("\u2580\u2584\u2588")


def test_the_list_shows_who_there_is(hall: Shell) -> None:
    _made(hall, *ADMIN)
    _done(hall("users", "create", "--role", "customer", "--name", "Cy", "--phone", "+491701234567"))
    assert _done(hall("users", "list")).splitlines() == [
        "id  role      name  email            phone          active  password  totp",
        "1   admin     Ada   ada@example.org                 yes     yes       yes",
        "2   customer  Cy                     +491701234567  yes     no        no",
    ]
    assert [user["id"] for user in json.loads(_done(hall("users", "list", "--json")))] == [1, 2]


def test_the_list_can_be_narrowed_and_says_when_it_is_cut(hall: Shell) -> None:
    _made(hall, *ADMIN)
    _made(hall, *STAFF, "--scope", "demo-hall")

    def ids(*options: str) -> list[int]:
        return [user["id"] for user in json.loads(_done(hall("users", "list", "--json", *options)))]

    assert (ids("--role", "staff"), ids("--role", "customer"), ids("--email", "ADA@example.org")) == ([2], [], [1])
    cut = hall("users", "list", "--limit", "1")
    assert (len(cut.stdout.splitlines()), cut.stderr.partition(":")[0]) == (2, "there are more than these 1")
    assert hall("users", "list", "--limit", "2").stderr == ""
    assert hall("users", "list", "--role", "king").exit_code == 2


@pytest.mark.parametrize("who", ["bob@example.org", " BOB@Example.org", "1", "+49 170 7654321"])
def test_an_account_is_named_by_each_of_its_addresses_or_its_id(hall: Shell, who: str) -> None:
    _made(hall, *STAFF, "--scope", "demo-hall/room-1", "--phone", "+491707654321")
    fields = dict(line.split(maxsplit=1) for line in _done(hall("users", "show", who)).splitlines() if " " in line)
    assert (fields["id"], fields["scopes"], fields["email"]) == ("1", "demo-hall/room-1", "bob@example.org")


@pytest.mark.parametrize(
    "command",
    [
        ("show",), ("disable",), ("enable",), ("role", "customer"), ("reset-password", "--generate-password"),
        ("reset-totp",), ("revoke-sessions",),
    ],
)  # fmt: skip
def test_an_unknown_account_is_one_line(hall: Shell, command: tuple[str, ...]) -> None:
    for who in ("no@example.org", "77", "+491709999999"):
        said = _refused(hall("users", command[0], who, *command[1:]))
        assert said == f"There is no account {who}: see 'users list'."
    for who in ("9" * 30, "ada"):
        said = _refused(hall("users", command[0], who, *command[1:]))
        assert said == f"{who!r} is no e-mail address, telephone number or id: see 'users list'."


def test_disabling_ends_the_sessions_and_keeps_the_account_out(hall: Shell, door: Door) -> None:
    _made(hall, *STAFF, "--scope", "demo-hall")
    _sign_in(door, BOB)
    assert _sessions_of(door, 1) == 1
    assert _done(hall("users", "disable", "bob@example.org")) == (
        "disabled bob@example.org (staff, id 1); its sessions have ended\n"
    )
    assert _sessions_of(door, 1) == 0
    with pytest.raises(InvalidCredentials):
        _sign_in(door, BOB)
    assert _refused(hall("users", "disable", "1")) == "The account is disabled already."
    assert _done(hall("users", "enable", "1")) == "enabled bob@example.org (staff, id 1)\n"
    assert _sign_in(door, BOB).session.stage == "totp"
    assert _refused(hall("users", "enable", "1")) == "The account is active already."


def test_a_role_brings_its_scopes_and_ends_the_sessions(hall: Shell, door: Door) -> None:
    _made(hall, *STAFF, "--scope", "demo-hall")
    _sign_in(door, BOB)
    said = _done(hall("users", "role", "1", "staff", "--scope", "demo-hall/studio", "--scope", "demo-hall/hall"))
    assert said == (
        "changed bob@example.org (staff, id 1), who works for demo-hall/studio, demo-hall/hall; its sessions have ended\n"
    )
    assert _sessions_of(door, 1) == 0
    assert json.loads(_done(hall("users", "show", "1", "--json")))["scopes"] == ["demo-hall/studio", "demo-hall/hall"]
    assert _done(hall("users", "role", "1", "admin")).startswith("changed bob@example.org (admin, id 1);")
    assert door.rows("user_scopes") == []


def test_a_role_that_cannot_be_given_is_refused_and_changes_nothing(hall: Shell, door: Door) -> None:
    _done(hall("users", "create", "--role", "customer", "--name", "Bob", "--email", "bob@example.org"))
    before = door.rows("users")
    assert _refused(hall("users", "role", "1", "staff")).startswith("scopes: ")
    assert _refused(hall("users", "role", "1", "staff", "--scope", "barn")).startswith("There is no venue barn")
    assert _refused(hall("users", "role", "1", "admin")).startswith("role: Staff and admins need")
    assert hall("users", "role", "1", "king").exit_code == 2
    assert door.rows("users") == before


def test_a_customer_who_becomes_staff_is_told_of_the_second_factor(hall: Shell, door: Door) -> None:
    command = ("users", "create", "--role", "customer", "--name", "Bob", "--email", "bob@example.org")
    _done(hall(*command, "--password-stdin", input=f"{GOOD}\n"))
    assert "the next sign-in asks to set up an authenticator app" in _done(hall("users", "role", "1", "admin"))
    assert _sign_in(door, BOB).session.stage == "enrol"


def test_a_new_password_replaces_the_old_ends_the_sessions_and_is_told_to_its_owner(hall: Shell, door: Door) -> None:
    _made(hall, *STAFF, "--scope", "demo-hall")
    _sign_in(door, BOB)
    said = _done(hall("users", "reset-password", "1", "--password-stdin", input="warme Suppe 78\n"))
    assert said == "set the password of bob@example.org (staff, id 1); its sessions have ended\n"
    assert _sessions_of(door, 1) == 0
    assert door.topics(to="bob@example.org") == ["account.password_changed"]
    with pytest.raises(InvalidCredentials):
        _sign_in(door, BOB)
    assert _sign_in(door, BOB, "warme Suppe 78").session.stage == "totp"


def test_a_new_password_is_refused_like_a_first_one(hall: Shell, door: Door) -> None:
    _made(hall, *STAFF, "--scope", "demo-hall")
    assert _refused(hall("users", "reset-password", "1", "--password-stdin", input="password1\n")).startswith(
        "password: "
    )
    assert _refused(hall("users", "reset-password", "1")).startswith("password: There is no terminal")
    assert _sign_in(door, BOB).session.stage == "totp"


def test_a_new_password_may_be_made_up(hall: Shell, door: Door) -> None:
    _made(hall, *STAFF, "--scope", "demo-hall")
    said = _done(hall("users", "reset-password", "1", "--generate-password")).splitlines()
    assert said[1].startswith("Password (shown this once): ")
    assert _sign_in(door, BOB, said[1].rpartition(" ")[2]).session.stage == "totp"


def test_another_second_factor_replaces_the_lost_one(hall: Shell, door: Door) -> None:
    old = app_of(str(_made(hall, *STAFF, "--scope", "demo-hall")["otpauth_uri"]))
    half = _sign_in(door, BOB)
    new = json.loads(_done(hall("users", "reset-totp", "bob@example.org", "--json")))
    assert _sessions_of(door, 1) == 0
    assert door.topics(to="bob@example.org") == ["account.totp_changed"]
    half = _sign_in(door, BOB)
    with pytest.raises(InvalidCredentials):
        totp.enter(door.settings, half.session, old.at(NOW), door.visitor(), now=NOW)
    full, _ = totp.enter(door.settings, half.session, TOTP(new["totp_secret"]).at(NOW), door.visitor(), now=NOW)
    assert full.session.stage == "full"


def test_revoking_ends_the_sessions_of_that_account_alone(hall: Shell, door: Door) -> None:
    _made(hall, *STAFF, "--scope", "demo-hall")
    _made(hall, *ADMIN)
    door.enter_password(GOOD, BOB, "one")
    door.enter_password(GOOD, BOB, "another")
    door.enter_password(GOOD, Target("email", "ada@example.org"), "hers")
    session.remove()
    assert _done(hall("users", "revoke-sessions", "1")) == "ended 2 sessions of bob@example.org (staff, id 1)\n"
    assert (_sessions_of(door, 1), _sessions_of(door, 2)) == (0, 1)
    assert _sign_in(door, BOB).session.stage == "totp"


@pytest.mark.parametrize(
    "command", [("reset-totp",), ("reset-password", "--generate-password"), ("enable",), ("role", "customer")]
)
def test_an_account_that_was_deleted_gets_nothing_back(hall: Shell, door: Door, command: tuple[str, ...]) -> None:
    _made(hall, *STAFF, "--scope", "demo-hall")
    with session.transaction() as writing:
        stored.erase(writing, 1, now=NOW + timedelta(hours=1))
    before = door.rows("users")
    assert _refused(hall("users", command[0], "1", *command[1:])) == "The account was deleted."
    assert door.rows("users") == before


def test_no_secret_is_in_the_audit_log_in_the_log_or_readable_in_the_database(
    hall: Shell, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = _made(hall, *STAFF[:-1], "--scope", "demo-hall", "--generate-password")
    again = json.loads(_done(hall("users", "reset-totp", "1", "--json")))
    _done(hall("users", "reset-password", "1", "--password-stdin", input=f"{GOOD}\n"))
    codes = [code for told in (made, again) for code in told["recovery_codes"]]
    secrets = [made["password"], GOOD, made["totp_secret"], again["totp_secret"], *codes]
    secrets += [code.replace("-", "") for code in codes]
    kept = [str(row) for name in ("audit_log", "users", "recovery_codes", "outbox") for row in door.rows(name)]
    assert len(kept) > 20
    logged = [record.getMessage() + str(record.__dict__) for record in caplog.records]
    assert [secret for secret in secrets if secret in "\n".join([*kept, *logged])] == []


def test_each_change_is_audited_as_the_operators(hall: Shell, door: Door) -> None:
    _made(hall, *STAFF, "--scope", "demo-hall")
    for command in (
        ("disable",), ("enable",), ("role", "admin"), ("reset-password", "--generate-password"), ("reset-totp",),
        ("revoke-sessions",),
    ):  # fmt: skip
        _done(hall("users", command[0], "1", *command[1:]))
    rows = [row for row in door.rows("audit_log") if row.object == "user:1"]
    assert {row.actor.partition(":")[0] for row in rows} == {"operator"}
    assert [row.action for row in rows] == [
        "user.created", "user.disabled", "user.enabled", "user.role_changed", "user.password_set", "totp.renewed",
        "session.ended_all",
    ]  # fmt: skip


def test_the_password_is_kept_as_a_hash_of_the_profile(hall: Shell, door: Door) -> None:
    _made(hall, *ADMIN)
    (row,) = door.rows("users")
    assert passwords.verify_password(GOOD, row.password_hash, door.settings.hash_profile)
