"""What no reader would see in the hundredth file: chance, comparisons, counters, clocks, and reads that write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.parsing import parsed
from tests.house.reading_routes import writing_reads
from tests.house.secure_rules import Finding, chance, clocks, comparisons, counters

ROOT = Path(__file__).resolve().parents[2]
# file and name -> why it may; a reason that nothing needs any more is an error as well
CHANCE = {
    "persistence/session.py: random": "a jitter between tries: whoever foretells it gains nothing",
    "services/outbox_marks.py: random": "as above, between tries of a message",
}
COMPARED = {
    "services/idempotency.py: body_hash": "the hash of the caller's own body, which it knows",
}
CLOCKED: dict[str, str] = {}
COUNTED: dict[str, str] = {
    "persistence/outbox_desk.py: attempts": "what is sent again by hand begins anew",
    "persistence/webhook_deliveries.py: attempts": "what is sent again by hand begins anew",
}
WRITING: dict[str, str] = {}  # view -> why a read of it may write


def _sources() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "app").rglob("*.py")):
        yield path.relative_to(ROOT / "app").as_posix(), path.read_text(encoding="utf-8")


def _findings(rule: str, file: str, text: str) -> list[Finding]:
    tree = parsed(text)
    room = file.partition("/")[0]
    if rule == "chance":
        return list(chance(tree))
    if rule == "comparisons":
        return list(comparisons(tree, columns=room == "persistence"))
    if rule == "counters":
        return list(counters(tree)) if room in {"persistence", "services"} else []
    return list(clocks(tree)) if room in {"domain", "services", "persistence"} else []


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [("chance", CHANCE), ("comparisons", COMPARED), ("counters", COUNTED), ("clocks", CLOCKED)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_program_keeps_the_rule(rule: str, allowed: dict[str, str]) -> None:
    found = [(file, line, what) for file, text in _sources() for line, what in _findings(rule, file, text)]
    named = {f"{file}: {what.partition(' ')[0]}" for file, _, what in found}
    assert sorted(named - set(allowed)) == [], found
    assert sorted(set(allowed) - named) == []


@pytest.mark.long
def test_no_read_reaches_a_transaction() -> None:
    sources = {"app." + file.removesuffix(".py").replace("/", "."): text for file, text in _sources()}
    assert sorted(writing_reads(sources)) == sorted(WRITING)


BAD = [
    ("chance", "cli/x.py", "import random"),
    ("chance", "domain/x.py", "from random import choice"),
    ("chance", "web/x.py", "import random as secrets"),
    ("comparisons", "services/x.py", "token == given"),
    ("comparisons", "services/x.py", "given != row.code_hash"),
    ("comparisons", "web/x.py", "request.headers['X-CSRF-Token'] == csrf"),
    ("comparisons", "services/x.py", "hmac.new(key, text).hexdigest() == mac"),
    ("comparisons", "domain/x.py", "digest(token) == stored"),
    ("comparisons", "cli/x.py", "kept['password'] == typed"),
    ("comparisons", "persistence/x.py", "row.token_hash == token_hash"),
    ("comparisons", "services/x.py", "sessions.c.token_hash == token_hash"),
    ("counters", "persistence/x.py", "update(codes).values(attempts=3)"),
    ("counters", "persistence/x.py", "update(codes).values(attempts=bindparam('attempts'))"),
    ("counters", "persistence/x.py", "update(throttles).where(a).values(count=row.count + 1)"),
    ("counters", "persistence/x.py", "update(throttles).values({'count': counted + 1})"),
    ("counters", "persistence/x.py", "session.execute(_SET, {'version': before.version + 1})"),
    ("counters", "services/x.py", "session.execute(_COUNT, {'attempts': row.attempts + 1})"),
    ("counters", "persistence/x.py", "text('UPDATE throttles SET count = :count WHERE key_hash = :key')"),
    ("clocks", "domain/x.py", "datetime.now(timezone.utc)"),
    ("clocks", "services/x.py", "datetime.datetime.utcnow()"),
    ("clocks", "persistence/x.py", "default=datetime.now"),
    ("clocks", "services/x.py", "time.time()"),
    ("clocks", "services/x.py", "from time import time"),
    ("clocks", "domain/x.py", "date.today()"),
    ("clocks", "persistence/x.py", "select(func.now())"),
]
GOOD = [
    ("chance", "services/x.py", "import secrets"),
    ("chance", "gateways/x.py", "from nacl.utils import random"),
    ("chance", "services/x.py", "from . import random_words"),
    ("comparisons", "services/x.py", "hmac.compare_digest(token, given)"),
    ("comparisons", "services/x.py", "token is None or tokens == 3"),
    ("comparisons", "services/x.py", "hash_profile == wanted"),
    ("comparisons", "services/x.py", "code == 'NoSuchBucket'"),
    ("comparisons", "persistence/x.py", "holds.c.token_hash == bindparam('token_hash')"),
    ("comparisons", "persistence/x.py", "_C.code_mac == bindparam('mac')"),
    ("counters", "persistence/x.py", "update(codes).values(attempts=_C.attempts + 1)"),
    ("counters", "persistence/x.py", "update(codes).values(attempts=case((_C.began < a, 0), else_=_C.attempts))"),
    ("counters", "persistence/x.py", "insert(throttles).values(count=1)"),
    ("counters", "services/x.py", "replace(booking, version=before.version + 1)"),
    ("counters", "web/x.py", "{'count': counted + 1}"),
    ("counters", "persistence/x.py", "text('UPDATE throttles SET count = count + 1 WHERE key_hash = :key')"),
    ("clocks", "web/x.py", "datetime.now(timezone.utc)"),
    ("clocks", "persistence/x.py", "time.sleep(1)"),
    ("clocks", "services/x.py", "time.monotonic()"),
]


@pytest.mark.parametrize(("rule", "file", "text"), BAD)
def test_a_rule_sees_what_breaks_it(rule: str, file: str, text: str) -> None:
    assert _findings(rule, file, text)


@pytest.mark.parametrize(("rule", "file", "text"), GOOD)
def test_a_rule_lets_pass_what_keeps_it(rule: str, file: str, text: str) -> None:
    assert _findings(rule, file, text) == []


ROUTES = 'Route(ANYONE, "{method}", "/x/<id:x>", "things.read", 200)'
VIEWS = {
    "with a use case": "from app.services import things\ndef read(x):\n    return things.touch(x)",
    "with a use case under another name": "from app.services.things import touch as look\ndef read(x):\n    return look(x)",
    "through a neighbour": "from app.services import things\ndef read(x):\n    return _view(x)\ndef _view(x):\n    return things.touch(x)",
    "through a service that calls one": "from app.services import things\ndef read(x):\n    return things.see(x)",
    "with a transaction by its module": "from app.persistence import session\ndef read(x):\n    return session.transaction()",
    "with a transaction of its own": "from app.persistence.session import transaction\ndef read(x):\n    with transaction():\n        pass",
}
SERVICE = "@use_case\ndef touch(x):\n    ...\ndef see(x):\n    return touch(x)\ndef look(x):\n    return x"


def _reads(view: str, method: str = "GET") -> list[str]:
    routes = ROUTES.format(method=method)
    return writing_reads({"app.web.routes": routes, "app.web.things": view, "app.services.things": SERVICE})


@pytest.mark.parametrize("how", VIEWS)
def test_a_read_that_writes_is_seen(how: str) -> None:
    assert _reads(VIEWS[how]) == ["things.read"]
    assert _reads(VIEWS[how], "POST") == []


def test_a_read_that_reads_is_let_pass() -> None:
    assert _reads("from app.services import things\ndef read(x):\n    return things.look(x)") == []


def test_a_read_whose_view_is_not_there_is_not_passed_over() -> None:
    with pytest.raises(KeyError, match="read"):
        _reads("def write(x):\n    ...")


def test_a_row_that_cannot_be_read_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        writing_reads({"app.web.routes": 'Route(ANYONE, method="GET", rule="/", view="things.read")'})
