"""The WSGI edge: routes as data, access, parse -> one call -> reply. Imports services, domain, and persistence for reads."""

from __future__ import annotations

from flask import Flask

from app.web import afterwards, compression, cookies, edge, errors, governor, headers, openapi, routes, tus, warmup


def init_app(app: Flask, *, warm: bool) -> None:
    """Give the application its routes, its refusals, its headers and its outermost layer."""
    routes.init_app(app, warm=warm)
    errors.init_app(app)
    compression.init_app(app)
    cookies.init_app(app)
    governor.init_app(app)  # before it: what is registered first looks last, when the messages have left
    afterwards.init_app(app)
    tus.init_app(app)
    headers.init_app(app)
    openapi.init_app(app)
    edge.init_app(app)
    if warm:
        warmup.run(app)
