"""The options that every list has, and the redrawing of one."""

from __future__ import annotations

import contextlib
import functools
import io
import sys
import time
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cni_hns.cli.output import FORMATS, SHAPE, is_terminal, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cli.session import Session

__all__ = ["list_options", "watch_option"]

_Command = TypeVar("_Command", bound="Callable[..., Any]")

_USUAL_INTERVAL_S = 2.0


def list_options(command: _Command) -> _Command:
    """`-o`, `--json`, `-q` and `--no-trunc`, as kubectl and docker have them.

    The command gets `as_json`; `output.print_list` knows the others.
    """
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def watch_option(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """`--watch [SECONDS]`: what the command prints is drawn again and again, on a terminal."""

    @click.option(
        "--watch",
        "interval_s",
        is_flag=False,
        flag_value=_USUAL_INTERVAL_S,
        type=click.FloatRange(min=0.1),
        metavar="[SECONDS]",
        help="Draw it again every 2 seconds, or so many, until Ctrl-C.",
    )
    @functools.wraps(command)
    def watched(session: Session, *, interval_s: float | None, **options: Any) -> int | None:
        if interval_s is None:
            return command(session, **options)
        if options["as_json"] or not is_terminal():
            raise click.UsageError("--watch draws on a terminal: leave it out in a pipe and with JSON")
        while True:
            _draw(command, session, interval_s, options)
            time.sleep(interval_s)

    return watched


class _Frame(io.StringIO):
    """What is drawn at once. It stands for the terminal, which says how wide it is."""

    def __init__(self, terminal: Any) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._terminal.fileno())


def _draw(
    command: Callable[..., int | None], session: Session, interval_s: float, options: dict[str, Any]
) -> None:
    """Look and draw with a session of its own: what it opens ages, and has a deadline."""
    frame = _Frame(sys.stdout)
    # Notes belong to the frame too: else they would stand where the next one is drawn.
    with (
        contextlib.closing(session.another()) as fresh,
        contextlib.redirect_stdout(frame),
        contextlib.redirect_stderr(frame),
    ):
        command(fresh, **options)
    click.clear()
    path = click.get_current_context().command_path
    click.echo(f"{path}, every {interval_s:g} s (Ctrl-C ends it), {time.strftime('%H:%M:%S')}\n")
    click.echo(frame.getvalue(), nl=False)


def _keep(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value:
        context.meta[SHAPE] = shape_of(context)._replace(**{str(option.name): value})


def _is_json(context: click.Context, _: click.Parameter, flag: bool) -> bool:
    asked = shape_of(context)
    if flag and asked.format not in ("", "json"):
        raise click.UsageError(f"--json and --output {asked.format} are two formats: give one of them")
    as_json = flag or asked.format == "json"
    if asked.quiet and (as_json or asked.format):
        raise click.UsageError("--quiet prints ids: it has no format")
    return as_json


def _shaping(*names: str, help: str, **settings: Any) -> Callable[[_Command], _Command]:  # noqa: A002 - click's
    """An option that `output.shape` tells of, read before `--json` is."""
    return click.option(*names, expose_value=False, is_eager=True, callback=_keep, help=help, **settings)


_OPTIONS = (
    _shaping("-o", "--output", "format", type=click.Choice(FORMATS), help="More columns, JSON, or names."),
    _shaping("-q", "--quiet", is_flag=True, help="Only the ids, a line each."),
    _shaping("--no-trunc", "whole", is_flag=True, help="A row is one line, however narrow the terminal."),
    click.option("--json", "as_json", is_flag=True, callback=_is_json, help="JSON for programs, as -o json."),
)
