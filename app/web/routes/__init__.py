"""Every route in one table: who may call it, its method, its rule, its view, and what its answers promise.

A file for each part of the house; ``TABLE`` is all of them.
"""

from __future__ import annotations

from flask import Blueprint, Flask
from werkzeug.routing import BaseConverter

from app.web.lazy import LazyRule, LazyView
from app.web.routes.accounts import ACCOUNTS
from app.web.routes.catalogue import CATALOGUE
from app.web.routes.customers import CUSTOMERS
from app.web.routes.desk import DESK
from app.web.routes.files import FILES
from app.web.routes.imports import IMPORTS
from app.web.routes.operations import OPERATIONS
from app.web.routes.outbox import OUTBOX
from app.web.routes.papers import PAPERS
from app.web.routes.people import PEOPLE
from app.web.routes.public import PUBLIC
from app.web.routes.reports import REPORTS
from app.web.routes.route import Route
from app.web.routes.system import SYSTEM
from app.web.routes.templates import TEMPLATES
from app.web.routes.webhooks import WEBHOOKS

__all__ = ["API", "DAILY", "TABLE", "Route", "init_app"]

API = "/api/v1"
VISITORS = (*PUBLIC, *FILES, *PAPERS, *ACCOUNTS)
VENUES = (*DESK, *CUSTOMERS, *CATALOGUE, *REPORTS, *IMPORTS)
INSTALLATION = (*PEOPLE, *TEMPLATES, *OUTBOX, *WEBHOOKS, *SYSTEM)

TABLE = (("api", API, (*VISITORS, *VENUES, *INSTALLATION)), ("operations", "", OPERATIONS))
# Imported before a server forks: what visitors ask for who do not sign in; web/warmup.py says why no others.
DAILY = ("slots", "bookings", "holds", "catalogue", "operations")


class IdConverter(BaseConverter):
    """A key: up to 18 digits, so that no path makes a number too large for a column."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """Return the key."""
        return int(value)


class WordConverter(BaseConverter):
    """A reference or token: ASCII letters, digits, - and _, as many as either has."""

    regex = "[A-Za-z0-9_-]{1,64}"


class TopicConverter(BaseConverter):
    """What a message is about: two words with a dot between them."""

    regex = "[a-z]{1,20}\\.[a-z_]{1,40}"


def init_app(app: Flask, *, warm: bool) -> None:
    """Register each row of the table on the blueprint of its prefix."""
    app.url_rule_class = LazyRule
    app.url_map.converters.update(id=IdConverter, word=WordConverter, topic=TopicConverter)
    app.url_map.merge_slashes = False  # a redirect for // would be an answer nobody asked for
    for name, prefix, rows in TABLE:
        blueprint = Blueprint(name, __name__, url_prefix=prefix or None)
        for row in rows:
            view = LazyView(row)
            blueprint.add_url_rule(row.rule, row.endpoint, view, methods=[row.method])
            if warm and row.view.partition(".")[0] in DAILY:
                view.load()
        app.register_blueprint(blueprint)
