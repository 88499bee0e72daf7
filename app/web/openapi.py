"""The description of the interface: built from the route table and the Structs into one file, which is served as it is."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import click
from flask import Flask, Response, request

FILE = Path(__file__).with_name("openapi.json")


def read() -> Response:
    """Read this description."""
    content, tag = _content()
    headers = {"ETag": f'W/"{tag}"', "Cache-Control": "no-cache"}
    if request.if_none_match.contains_weak(tag):
        return Response(status=304, headers=headers)
    return Response(content, mimetype="application/json", headers=headers)


@lru_cache(maxsize=1)
def _content() -> tuple[bytes, str]:
    content = FILE.read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:24]


@click.command("openapi")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the file is not what the code says.")
def write(check: bool) -> None:  # noqa: FBT001 - a flag of a command
    """Write app/web/openapi.json from the routes and the Structs."""
    text: str = import_module("app.web.openapi_build").build()
    if check:
        if not FILE.is_file() or FILE.read_text(encoding="utf-8") != text:
            raise click.ClickException("app/web/openapi.json is stale: run 'flask --app app openapi'")
        return
    FILE.write_text(text, encoding="utf-8")
    click.echo(f"{FILE.name}: {len(text)} characters")


def init_app(app: Flask) -> None:
    """Add the command that writes the file."""
    app.cli.add_command(write)
