"""The route table: every row names a policy and a handler that can be read, and is described as it is."""

from __future__ import annotations

import inspect
import json
from importlib import import_module

import pytest
from flask import Flask

from app.domain.permissions import KEY_SCOPES
from app.web import openapi
from app.web.access import POLICIES
from app.web.lazy import LazyRule, LazyView
from app.web.openapi_build import build
from app.web.routes import DAILY, TABLE, Route

ROWS = [(prefix, row) for _, prefix, rows in TABLE for row in rows]


@pytest.mark.parametrize(("prefix", "row"), ROWS, ids=[row.endpoint for _, row in ROWS])
def test_a_row_names_a_policy_and_a_documented_handler(prefix: str, row: Route) -> None:
    assert row.policy in POLICIES
    assert prefix in {"", "/api/v1"}
    module, _, name = row.view.partition(".")
    handler = getattr(import_module(f"app.web.{module}"), name)
    assert (inspect.getdoc(handler) or "").partition("\n")[0].endswith(".")
    lines, _ = inspect.getsourcelines(handler)
    assert len(lines) <= 20, f"{row.view}: parse, one call, reply"


def test_endpoints_and_places_are_unique() -> None:
    assert len({row.endpoint for _, row in ROWS}) == len(ROWS)
    assert len({(row.method, prefix + row.rule) for prefix, row in ROWS}) == len(ROWS)


def test_flask_knows_the_table_and_nothing_else(app: Flask) -> None:
    served = {(rule.rule, method) for rule in app.url_map.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}}
    assert served == {(prefix + row.rule, row.method) for prefix, row in ROWS}
    assert all(isinstance(rule, LazyRule) for rule in app.url_map.iter_rules())
    assert all(isinstance(view, LazyView) for view in app.view_functions.values())


def test_nothing_that_changes_state_is_a_get() -> None:
    words = ("read", "list", "get", "explain", "export", "health", "readiness")
    reads = {row.view for _, row in ROWS if row.method == "GET"}
    assert {view for view in reads if not view.partition(".")[2].startswith(words)} == set()
    changes = {row.view for _, row in ROWS if row.method != "GET"}
    assert {view for view in changes if view.partition(".")[2].startswith(words)} == set()


def test_whatever_an_api_key_may_call_names_a_scope_that_there_is() -> None:
    assert {row.scope for _, row in ROWS} <= {*KEY_SCOPES, ""}
    assert set(KEY_SCOPES) <= {row.scope for _, row in ROWS}, "a scope that opens nothing"


def test_the_daily_views_exist() -> None:
    assert set(DAILY) <= {row.view.partition(".")[0] for _, row in ROWS}


def test_the_description_is_what_the_code_says() -> None:
    assert openapi.FILE.read_text(encoding="utf-8") == build(), "stale: run 'flask --app app openapi'"


def test_every_reference_in_the_description_leads_somewhere() -> None:
    document = json.loads(build())
    kinds = ("schemas", "responses", "headers")
    named = {f"#/components/{kind}/{name}" for kind in kinds for name in document["components"][kind]}
    references: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            references.update(str(v) for k, v in node.items() if k == "$ref")
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)
    assert references == named
