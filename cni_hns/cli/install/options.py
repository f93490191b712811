"""The options that `install` and `uninstall` share: the folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["place_options"]

_Command = TypeVar("_Command", bound="Callable[..., Any]")


def place_options(command: _Command) -> _Command:
    """`--bin-dir`, `--conf-dir` and `--containerd-config`."""
    for option in (
        click.option(
            "--containerd-config", metavar="FILE", help="containerd's config.toml (default: its usual place)."
        ),
        click.option(
            "--conf-dir", metavar="DIR", help="Folder of the CNI configurations (default: containerd's)."
        ),
        click.option("--bin-dir", metavar="DIR", help="Folder of the CNI plugins (default: containerd's)."),
    ):
        command = option(command)
    return command
