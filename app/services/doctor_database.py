"""The database: reachable, at this program's schema, and set up so that what is acknowledged is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from zoneinfo import ZoneInfoNotFoundError

from app.domain.findings import Finding, fail, ok, warn
from app.persistence import health, schema
from app.persistence.engine import POOL_SIZE, RECYCLE_SECONDS
from app.persistence.offers import zone_of
from app.persistence.session import Session

LEAST_GROUP_CONCAT_BYTES = 1024 * 1024  # a year of one resource's occupancies is about 300 KiB
DEFAULT_WORKERS = 4  # the most that gunicorn_config.py chooses by itself
_DURABLE = {"2", "3"}  # FULL and EXTRA
_MY_CNF = "ask your host, or set it in my.cnf"
Progress = Callable[[str], None]


def examine(session: Session, environ: Mapping[str, str], progress: Progress) -> Iterator[Finding]:
    """Yield what there is to say of the database; of its schema first."""
    if session.engine.dialect.name == "sqlite":
        yield ok("database", f"SQLite {health.sqlite_version(session)}")
        yield _schema(session)
        yield from _sqlite(session, progress)
    else:
        variables = health.mysql_variables(session)
        yield ok("database", f"{variables.get('version_comment', '')} {variables['version']}".strip())
        yield _schema(session)
        yield from _mysql(variables, workers_of(environ))
        yield _engines(session)
    yield from _zones(session)


def _schema(session: Session) -> Finding:
    revision = schema.current(session)
    if revision == schema.HEAD:
        return ok("schema", f"at {revision}, as this program needs")
    newer = revision is not None and revision > schema.HEAD
    remedy = "install the newer program" if newer else "run 'flask --app app db upgrade'"
    return fail("schema", f"at {revision or 'none'}; this program needs {schema.HEAD}", remedy)


def _sqlite(session: Session, progress: Progress) -> Iterator[Finding]:
    flags = health.sqlite_flags(session)
    wrong = {
        "journal_mode": flags["journal_mode"] != "wal",
        "synchronous": flags["synchronous"] not in _DURABLE,
        "foreign_keys": flags["foreign_keys"] != "1",
    }
    for name in (name for name, is_wrong in wrong.items() if is_wrong):
        remedy = "put the file on a local disk: network shares know no WAL" if name == "journal_mode" else "report this"
        yield fail("flags", f"{name} is {flags[name]}", remedy)
    if not any(wrong.values()):
        yield ok("flags", "journal_mode=WAL, synchronous=FULL, foreign_keys=ON")
    progress("reading the whole database file ...")
    faults = health.sqlite_faults(session)
    for fault in faults:
        yield fail("integrity", fault, "restore a backup")
    if not faults:
        yield ok("integrity", "the file is whole")


def _mysql(variables: Mapping[str, str], workers: int) -> Iterator[Finding]:
    yield _durability(variables)
    yield _isolation(variables)
    yield _strictness(variables)
    yield _group_concat(variables)
    yield _connections(variables, workers)
    yield _patience(variables)


def _durability(variables: Mapping[str, str]) -> Finding:
    value = variables["innodb_flush_log_at_trx_commit"]
    if value == "1":
        return ok("durability", "innodb_flush_log_at_trx_commit=1")
    detail = f"innodb_flush_log_at_trx_commit={value}: a power cut takes acknowledged bookings with it"
    return fail("durability", detail, f"it must be 1: {_MY_CNF}")


def _isolation(variables: Mapping[str, str]) -> Finding:
    value = variables.get("transaction_isolation") or variables.get("tx_isolation", "unknown")
    if value == "READ-COMMITTED":
        return ok("isolation", "READ-COMMITTED in our sessions")
    return fail("isolation", f"{value} in our sessions: a look after the lock would be an old one", "report this")


def _strictness(variables: Mapping[str, str]) -> Finding:
    if "STRICT_ALL_TABLES" in variables["sql_mode"]:
        return ok("sql_mode", "strict in our sessions")
    return fail("sql_mode", f"{variables['sql_mode'] or 'empty'}: what is too long would be cut", "report this")


def _group_concat(variables: Mapping[str, str]) -> Finding:
    value = int(variables["group_concat_max_len"])
    if value >= LEAST_GROUP_CONCAT_BYTES:
        return ok("group_concat", f"up to {value // 1024} KiB in our sessions")
    return fail("group_concat", f"group_concat_max_len={value}: slots of full calendars would fail", "report this")


def _connections(variables: Mapping[str, str], workers: int) -> Finding:
    """Compare what all workers may open with what the server, or this user's quota, grants."""
    limits = [int(variables[name]) for name in ("max_connections", "max_user_connections") if variables.get(name)]
    most, needed = min(limit for limit in limits if limit), workers * 2 * POOL_SIZE
    if needed <= most:
        return ok("connections", f"{workers} workers want up to {needed} of {most}")
    detail = f"{workers} workers want up to {needed}, {most} are granted: at peaks visitors are told to come back"
    return warn("connections", detail, f"set WEB_CONCURRENCY to {max(most // (2 * POOL_SIZE), 1)}, or ask for more")


def _patience(variables: Mapping[str, str]) -> Finding:
    value = int(variables["wait_timeout"])
    if value > RECYCLE_SECONDS:
        return ok("wait_timeout", f"{value} s; connections are renewed after {RECYCLE_SECONDS}")
    detail = f"{value} s: the server hangs up before we renew a connection, after {RECYCLE_SECONDS} s"
    return warn("wait_timeout", detail, f"60 or more saves a reconnect: {_MY_CNF}")


def _engines(session: Session) -> Finding:
    others = health.list_other_engines(session)
    if not others:
        return ok("engine", "all tables are InnoDB")
    return fail("engine", f"not InnoDB: {', '.join(others)}", f"ALTER TABLE {others[0]} ENGINE=InnoDB, and so on")


def _zones(session: Session) -> Iterator[Finding]:
    """Load the zone of every venue, where there are tables to read them from."""
    if schema.current(session) != schema.HEAD:
        return
    missing = []
    names = health.list_zones(session)
    for name in names:
        try:
            zone_of(name)
        except (ZoneInfoNotFoundError, ValueError):
            missing.append(name)
    if missing:
        remedy = "pip install -r requirements.txt brings tzdata"
        yield fail("zones", f"no time zone data for {', '.join(missing)}", remedy)
    else:
        yield ok("zones", f"time zone data is there for {', '.join(names) or 'no venue yet'}")


def workers_of(environ: Mapping[str, str]) -> int:
    """Return how many workers there are to be: WEB_CONCURRENCY, or the most that are chosen without it."""
    wish = environ.get("WEB_CONCURRENCY", "")
    return int(wish) if wish.isascii() and wish.isdigit() else DEFAULT_WORKERS
