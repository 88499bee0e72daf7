"""The description of the interface: built from the route table and the Structs into one file, which is served as it is."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response

FILE = Path(__file__).with_name("openapi.json")


def read() -> Response:
    """Read this description."""
    return Response(FILE.read_bytes(), mimetype="application/json", headers={"Cache-Control": "no-cache"})


def init_app(app: Flask) -> None:
    """Add the command that writes the file."""
