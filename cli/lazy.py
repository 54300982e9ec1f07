"""A group of commands that are imported when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

import rich_click as click

from voxgen.errors import nearest


class LazyGroup(click.RichGroup):
    """A group that knows its commands by the modules that hold them; a group of one's own sets `lazy`."""

    lazy: ClassVar[Mapping[str, str]] = {}
    """Name of a command -> module beside this one, whose `command` it is."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Names of the commands, in the order of the table."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in self.lazy:
            return None
        return import_module(f".{self.lazy[cmd_name]}", __package__).command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments begin with, or say which is the nearest."""
        name = args[0]
        if not name.startswith("-") and name not in self.lazy:
            hint = nearest(name, self.lazy)
            ctx.fail(f"no command {name!r}{hint}\nthere are: {', '.join(self.lazy)}")
        return super().resolve_command(ctx, args)
