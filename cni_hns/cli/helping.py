"""`cni-hns help`."""

from __future__ import annotations

import click

__all__ = ["help_"]


@click.command("help")
@click.argument("path", metavar="[COMMAND]...", nargs=-1)
@click.pass_context
def help_(context: click.Context, path: tuple[str, ...]) -> None:
    """Show the help of the program, or of a command."""
    context = context.find_root()
    for word in path:
        if not isinstance(context.command, click.Group):
            raise click.UsageError(f'"{context.command_path}" has no commands of its own', context)
        name, command, _ = context.command.resolve_command(context, [word])
        assert command is not None  # noqa: S101 - else it has raised
        context = click.Context(command, info_name=name, parent=context)
    click.echo(context.get_help())
