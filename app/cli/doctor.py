"""``flask doctor``: is this installation well, and what to do where it is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

import click
from flask import current_app
from flask.cli import with_appcontext

from app.cli.operator import clock
from app.cli.output import print_json, say_progress
from app.domain.findings import Finding
from app.services import doctor_mail
from app.services.doctor import examine, group_of

_WIDEST = 15  # of the names of checks


@click.command()
@click.option("--fix", is_flag=True, help="Put right file modes and passenger_wsgi.py; nothing else is written.")
@click.option(
    "--mail-to", default="", metavar="ADDRESS", help="Send one test mail there, by the way that all mail goes."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for monitors.")
@click.pass_context
@with_appcontext
def command(ctx: click.Context, *, fix: bool, mail_to: str, as_json: bool) -> None:
    """Check this installation: settings, host, database, cron and messages, every calendar for overlaps, and files.

    One line each, OK, WARN or FAIL, with what to do; exit 1 where one fails, and 0 where there are only warnings.
    """
    findings: list[Finding] = []
    for finding in _examine(mail_to, fix=fix):
        if not as_json:
            _print(finding, findings)
        findings.append(finding)
    levels = Counter(finding.level for finding in findings)
    if as_json:
        checks = [{"group": group_of(finding), **asdict(finding)} for finding in findings]
        print_json({"ok": not levels["FAIL"], "warnings": levels["WARN"], "failures": levels["FAIL"], "checks": checks})
    else:
        click.echo(f"\n{levels['OK']} well, {levels['WARN']} to look at, {levels['FAIL']} wrong")
    ctx.exit(1 if levels["FAIL"] else 0)


def _examine(mail_to: str, *, fix: bool) -> Iterator[Finding]:
    settings = current_app.extensions["settings"]
    yield from examine(settings, now=clock(), fix=fix, progress=say_progress, clock=clock)
    if mail_to:
        yield doctor_mail.examine(settings, mail_to)


def _print(finding: Finding, before: list[Finding]) -> None:
    """Print a finding, below the heading of its group where that is another than before."""
    group = group_of(finding)
    if not before or group_of(before[-1]) != group:
        click.echo(f"\n{group}" if before else group)
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    click.echo(f"{finding.level:<4}  {finding.check:<{_WIDEST}}  {finding.detail}{remedy}")
