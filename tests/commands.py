"""All commands of the program, as click has them."""

from __future__ import annotations

import click

from cni_hns.cli.app import cli

__all__ = ["COMMANDS", "context_of"]


def context_of(command: click.Command, name: str = "") -> click.Context:
    """As the program has it: a command keeps the option of its help that its first context asked for."""
    return click.Context(command, info_name=name, **cli.context_settings)


def _found(command: click.Command, path: tuple[str, ...]) -> dict[tuple[str, ...], click.Command]:
    found = {path: command}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, name
            found |= _found(inner, (*path, name))
    return found


COMMANDS: dict[tuple[str, ...], click.Command] = _found(cli, ())
"""Every command and group by its path, such as ("network", "create"); () is the program itself."""
