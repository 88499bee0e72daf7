"""``flask backup`` and ``flask restore``: the whole installation as one file, and back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from app.cli.operator import clock, operator
from app.domain.errors import Conflict
from app.domain.times import rfc3339
from app.services import backup, backup_verify
from app.services.backup_manifest import INSIDE, Head, Manifest, Told
from app.services.backup_restore import Plan, holds_something, restore

_SURE = "replace"
_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


class _Backup(AppGroup):
    """A group whose first command need not be named: ``backup FILE`` is ``backup make FILE``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name in front where a file stands."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["make", *args]
        return super().parse_args(ctx, args)


group = _Backup("backup", help="The whole installation as one file: `backup FILE`, `backup verify FILE`.")


@group.command("make")
@_file
@click.option("--with-keys", is_flag=True, help="Also the keys and the settings file: keep such a backup like a key.")
def make(file: Path, *, with_keys: bool) -> None:
    """Write the database and the uploaded files into FILE (.tar, or .tar.gz); `backup FILE` does the same.

    It is a picture of one instant, and nobody has to stop for it. FILE is there when it is whole, and must not be there
    before. It holds personal data: its owner alone may read it.
    """
    with _bar("backing up") as told:
        head, manifest = backup.make(
            current_app.extensions["settings"], file, now=clock(), with_keys=with_keys, told=told
        )
    click.echo(f"wrote {file}, {file.stat().st_size} bytes: {_summary(head, manifest)}")
    _warn_of(head, manifest)


@group.command("verify")
@_file
def verify(file: Path) -> None:
    """Read FILE from end to end, and say whether it is whole and as it was written."""
    with _bar("verifying") as told:
        head, manifest = backup_verify.verify(file, told=told)
    click.echo(f"{file} is whole: {_summary(head, manifest)}, of {rfc3339(head.made_at)}, schema {head.schema}")


@click.command("restore")
@_file
@click.option("--replace", is_flag=True, help="Delete what is in the database; asks before it does.")
@click.option(
    "--with-keys", is_flag=True, help="Put the keys that are in the backup in the place of this installation's."
)
@with_appcontext
def restore_command(file: Path, *, replace: bool, with_keys: bool) -> None:
    """Bring the installation back from FILE into an empty database; stop the program's workers before.

    The backup may be of the other kind of database, and of an older version. FILE is looked over first; then all rows come
    back, or none.
    """
    if replace and holds_something():
        _ask()
    plan = Plan(file, replace=replace, with_keys=with_keys)
    with _bar("restoring") as told:
        settings = current_app.extensions["settings"]
        head, manifest, notes = restore(settings, plan, by=operator(), now=clock(), told=told)
    click.echo(f"restored {_summary(head, manifest)}, of {rfc3339(head.made_at)}")
    for note in notes:
        click.echo(f"note: {note}", err=True)


def _ask() -> None:
    said = click.prompt(
        f"Everything in the database will be deleted. Write '{_SURE}' to go on", default="", show_default=False
    )
    if said != _SURE:
        raise Conflict("Nothing was changed.")


def _summary(head: Head, manifest: Manifest) -> str:
    inside = f", {manifest.files} files with {manifest.file_bytes} bytes" if head.files == INSIDE else ""
    return f"{sum(manifest.rows.values())} rows of {len(manifest.rows)} tables{inside}"


def _warn_of(head: Head, manifest: Manifest) -> None:
    if head.files != INSIDE:
        click.echo(f"note: uploaded files are not in it; they stay in the {head.files}", err=True)
    if manifest.missing:
        click.echo(f"note: {manifest.missing} files are not in the store; `doctor` names them", err=True)
    if head.keys:
        click.echo(f"warning: it holds {', '.join(head.keys)}: whoever has it has everything", err=True)
    elif head.sealing_key:
        click.echo("note: the sealing key is not in it: keep a copy apart, or say --with-keys", err=True)


@contextmanager
def _bar(label: str) -> Iterator[Told]:
    """Show a bar to somebody who waits at a terminal."""
    if not sys.stderr.isatty():
        yield lambda _more, _of: None
        return
    bar: Any
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def told(more: int, of: int) -> None:
            bar.length = max(of, 1)
            bar.update(more)

        yield told
