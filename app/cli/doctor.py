"""``flask doctor``: is this installation well, and what to do where it is not."""

from __future__ import annotations

from collections import Counter

import click
from flask import current_app
from flask.cli import with_appcontext

from app.cli.operator import clock
from app.cli.output import print_json, say_progress
from app.domain.findings import Finding
from app.services.doctor import examine

_WIDEST = 15  # of the names of checks


@click.command()
@click.option("--fix", is_flag=True, help="Put right file modes and passenger_wsgi.py; nothing else is written.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
@with_appcontext
def command(ctx: click.Context, *, fix: bool, as_json: bool) -> None:
    """Check this installation: settings, files, disk, Python, Passenger, database, and every calendar for overlaps.

    One line each, OK, WARN or FAIL, with what to do; exit 1 where one fails.
    """
    findings = []
    for finding in examine(current_app.extensions["settings"], now=clock(), fix=fix, progress=say_progress):
        findings.append(finding)
        if not as_json:
            click.echo(_line(finding))
    levels = Counter(finding.level for finding in findings)
    if as_json:
        print_json({"ok": not levels["FAIL"], "checks": findings})
    else:
        click.echo(f"{levels['OK']} well, {levels['WARN']} to look at, {levels['FAIL']} wrong")
    ctx.exit(1 if levels["FAIL"] else 0)


def _line(finding: Finding) -> str:
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    return f"{finding.level:<4}  {finding.check:<{_WIDEST}}  {finding.detail}{remedy}"
