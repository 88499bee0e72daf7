"""``flask cpanel``: the files that a shared host with cPanel needs beside the program."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click
from flask.cli import AppGroup

from app.cli.output import print_json
from app.domain.findings import Finding
from app.runtime.settings import ROOT
from app.services import cpanel
from app.services.cpanel_files import Change, Site

_WIDEST = 11  # of the names of checks

group = AppGroup("cpanel", help="The files that a host with cPanel needs beside the program: init, check.")
_docroot = click.option(
    "--docroot",
    type=click.Path(path_type=Path),
    default=lambda: Path.home() / "public_html",
    show_default="~/public_html",
    help="The folder that the web server shows at your address.",
)


@group.command("init", with_appcontext=False)
@_docroot
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--force", is_flag=True, help="Also replace a passenger_wsgi.py of somebody else's; a copy is kept.")
def init(docroot: Path, *, dry_run: bool, force: bool) -> None:
    """Write passenger_wsgi.py, our lines of .htaccess and a maintenance page, and print the lines for cron.

    What is as it should be stays, so that it may be run again and again: after each edit in the panel, and after an update.
    """
    site = _site(docroot)
    wanted = cpanel.plan(site, force=force)
    if dry_run:
        click.echo("\n".join(cpanel.diff(change) for change in wanted), nl=False)
    elif wanted:
        cpanel.apply(site, wanted)
    _tell(wanted, dry_run=dry_run)
    click.echo('\nFor "Cron Jobs" in the panel, if they are not there yet:')
    for line in cpanel.cron_lines(site):
        click.echo(line)


@group.command("check", with_appcontext=False)
@_docroot
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for monitors.")
@click.pass_context
def check(ctx: click.Context, docroot: Path, *, as_json: bool) -> None:
    """Look at those files, and say what to do; exit 1 where one is wrong."""
    findings = [*cpanel.examine(_site(docroot))]
    levels = Counter(finding.level for finding in findings)
    if as_json:
        checks = [asdict(finding) for finding in findings]
        print_json({"ok": not levels["FAIL"], "warnings": levels["WARN"], "failures": levels["FAIL"], "checks": checks})
    else:
        for finding in findings:
            click.echo(_line(finding))
    ctx.exit(1 if levels["FAIL"] else 0)


def _tell(wanted: list[Change], *, dry_run: bool) -> None:
    if not wanted:
        click.echo("all files are as they should be")
        return
    for change in wanted if not dry_run else ():
        click.echo(f"{'made' if change.before is None else 'changed'} {change.path}")
    click.echo("nothing was written" if dry_run else "restart wished for: the new files count within 10 seconds")


def _site(docroot: Path) -> Site:
    return Site(ROOT, docroot.absolute(), sys.executable)


def _line(finding: Finding) -> str:
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    return f"{finding.level:<4}  {finding.check:<{_WIDEST}}  {finding.detail}{remedy}"
