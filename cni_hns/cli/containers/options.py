"""What the commands about containers have in common on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["id_argument", "timeout_option"]

_Command = TypeVar("_Command", bound="Callable[..., Any]")

id_argument = click.argument("system_id", metavar="ID")


def timeout_option(
    default_s: float = 30.0, words: str = "How long each call to HCS may take."
) -> Callable[[_Command], _Command]:
    """`--timeout`: when a service that hangs is given up."""
    return click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(min=0.0),
        default=default_s,
        show_default=True,
        metavar="SECONDS",
        help=words,
    )
