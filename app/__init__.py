"""Slotkeeper: venues, rooms, staff and equipment that customers book by time slot, over JSON.

``create_app`` is the table of contents; each room's ``__init__`` says what is in it.
"""

from __future__ import annotations

from flask import Flask

from app import cli, persistence, web
from app.cli.errors import plain_start
from app.runtime import logs, shutdown, startup
from app.runtime.settings import Settings, load


def create_app(settings: Settings | None = None, *, warm: bool = False) -> Flask:
    """Return the WSGI application; *warm* imports the daily views first, for a server that forks afterwards.

    Raises:
        SettingsError: a setting cannot be used; one line says which and why.
    """
    with plain_start(), startup.quiet_collector():
        settings = settings or load()
        startup.check_server(settings)
        logs.configure(settings.log_level)
        shutdown.heed_sigterm()
        app = Flask("app", static_folder=None, instance_path=str(settings.instance_dir))
        app.extensions["settings"] = settings
        persistence.init_app(app)
        web.init_app(app, warm=warm)
        cli.init_app(app)
    return app
