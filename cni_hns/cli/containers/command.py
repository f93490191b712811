"""`cni-hns container`: the compute systems of this node: containers, and the virtual machines of some."""

from __future__ import annotations

import click

from cni_hns.cli.containers.changing import kill, pause, resume, set_, start, stop
from cni_hns.cli.containers.creating import create
from cni_hns.cli.containers.executing import exec_
from cni_hns.cli.containers.listening import events
from cni_hns.cli.containers.looking import list_, ps, show, stats

__all__ = ["container"]


@click.group()
def container() -> None:
    """Containers, and the virtual machines of Hyper-V isolated ones, as HCS has them."""


for _command in (list_, show, ps, stats, events, create, start, stop, kill, pause, resume, set_, exec_):
    container.add_command(_command)
