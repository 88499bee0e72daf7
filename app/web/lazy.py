"""Late imports, all of them: a view's module is loaded at its first request, and a rule's URL builder at its first use."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from threading import RLock
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec
from flask import Response
from sqlalchemy.exc import DBAPIError
from werkzeug.routing import Rule

from app.persistence import session
from app.web.access import admit

if TYPE_CHECKING:
    from app.web.routes import Route

Builder = Callable[..., Any]


class LazyRule(Rule):
    """A rule that compiles its URL builders when a URL is first built: they cost ten times what matching does."""

    def _compile_builder(self, append_unknown: bool = True) -> Builder:  # noqa: FBT001, FBT002 - werkzeug's signature
        compiled: list[Builder] = []
        compile_now = super()._compile_builder

        def build(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands in for generated code
            if not compiled:
                compiled.append(compile_now(append_unknown))
            return compiled[0](*args, **kwargs)

        return build


class LazyView:
    """A route's handler behind its decoding and encoding; the handler's annotations say what it takes.

    A parameter ``body`` or ``query`` is a ``msgspec.Struct``, decoded strictly. The handler returns a Struct, a Struct
    with headers, None, or a whole ``Response``. A route that ``takes`` media types reads its body itself (``bodies``).
    """

    # msgspec learns a Struct in steps, and crashes the process when another thread uses what is half learnt.
    _loading = RLock()

    def __init__(self, route: Route) -> None:
        """Keep the row; import nothing."""
        self.route = route
        self.__name__ = route.endpoint
        self._handler: Callable[..., Any] | None = None
        self._takes: dict[str, Callable[[], object]] = {}
        self._refuse_body: Callable[[], object] = lambda: None  # by a route that changes something and takes none

    def load(self) -> Callable[..., Any]:
        """Return the handler, imported once, with its decoders made."""
        with self._loading:
            if self._handler is None:
                module, _, name = self.route.view.partition(".")
                handler: Callable[..., Any] = getattr(import_module(f"app.web.{module}"), name)
                inputs = import_module("app.web.inputs")
                hints = get_type_hints(handler)
                decoders = {"body": inputs.body_of, "query": inputs.query_of}
                self._takes = {name: decoder(hints[name]) for name, decoder in decoders.items() if name in hints}
                if self.route.method != "GET" and "body" not in hints and not self.route.takes:
                    self._refuse_body = inputs.body_of(inputs.NoBody)
                self._handler = handler
        return self._handler

    def __call__(self, **path: Any) -> Response:  # noqa: ANN401 - what the rule's converters give
        """Answer one request, if its caller may make it."""
        admit(self.route)
        handler = self._handler or self.load()
        answer = self._answer(handler, path)
        if isinstance(answer, Response):
            return answer
        value, headers = answer if isinstance(answer, tuple) else (answer, None)
        if value is None:
            return _nothing(self.route.status, headers)
        return Response(
            msgspec.json.encode(value), status=self.route.status, headers=headers, mimetype="application/json"
        )

    def _answer(self, handler: Callable[..., Any], path: dict[str, Any]) -> Any:  # noqa: ANN401 - what the handler gives
        """Call the handler; a read whose idle connection turns out to be dead is made once more, on another."""
        self._refuse_body()
        inputs = {name: take() for name, take in self._takes.items()}
        try:
            return handler(**path, **inputs)
        except DBAPIError as error:
            if self.route.method != "GET" or not session.is_dropped(error):
                raise
            session.remove()
            return handler(**path, **inputs)


def _nothing(status: int, headers: dict[str, str] | None) -> Response:
    """Return an answer without a body, which is of no type."""
    response = Response(status=status, headers=headers)
    del response.headers["Content-Type"]
    return response
