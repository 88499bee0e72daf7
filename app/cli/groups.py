"""Commands that are loaded when they are first used: a web process pays one line for each."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

import click

from app.cli.errors import plain_errors


class LazyGroup(click.Command):
    """Stands for the command or group of that name until somebody calls it; *target* is ``module:object``."""

    def __init__(self, name: str, target: str, about: str) -> None:
        super().__init__(name, help=about, short_help=about)
        self._target = target

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - as click has it
    ) -> click.Context:
        """Return the context of the real command; what that refuses is told in one line."""
        with plain_errors():
            command = self._load()
            context = command.make_context(info_name, args, parent, **extra)
        context.command = cast("click.Command", _Told(command))
        return context

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        """Run the real command where this one is the whole program."""
        return ctx.command.invoke(ctx)

    def _load(self) -> click.Command:
        module, _, attribute = self._target.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self._target} is no command")
        return command


class _Told:
    """A command like the one it wraps, but for how it fails."""

    def __init__(self, command: click.Command) -> None:
        self._command = command

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the command has
        return getattr(self._command, name)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """Run the command; turn what it refuses into lines."""
        with plain_errors():
            return self._command.invoke(ctx)
