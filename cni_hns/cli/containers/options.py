"""What the commands about containers have in common on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["id_argument", "timeout_option"]

_Command = TypeVar("_Command", bound="Callable[..., Any]")

# What HCS is given to enumerate its systems: a name that is none of its ids is no reason to wait long.
_LOOK_S = 10.0
_FULL_ID = 64


def system_named(context: click.Context, _: click.Parameter, text: str | None) -> str | None:
    """The id of the system that is meant by an id, its beginning, an address or a pod's name.

    Raises:
        Failure: it fits several.
    """
    from cni_hns.cli.session import Session

    session = context.find_object(Session)
    if text is None or session is None or len(text) == _FULL_ID:
        return text
    from cni_hns.binding.errors import ServiceError
    from cni_hns.cli.lookup import of_pods, pods_named, the_one
    from cni_hns.cni.errors import CniError

    try:
        ids = {one.id for one in session.systems(_LOOK_S).enumerate(None, _LOOK_S)}
    except (CniError, ServiceError):
        # The command that follows says so better.
        return text
    found = [text] if text in ids else [one for one in ids if one.lower().startswith(text.lower())]
    found = found or [one.id for one in pods_named(of_pods(session)(), text) if one.id in ids]
    return the_one("container", text, found) or text


id_argument = click.argument("system_id", metavar="ID", callback=system_named)


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
