"""`cni-hns container`: the compute systems of this node: containers, and the virtual machines of some."""

from __future__ import annotations

import click

from cni_hns.cli.containers.changing import kill, pause, resume, set_, start, stop
from cni_hns.cli.containers.creating import create
from cni_hns.cli.containers.executing import exec_
from cni_hns.cli.containers.listening import events
from cni_hns.cli.containers.looking import list_, ps, show, stats
from cni_hns.cli.groups import Commands

__all__ = ["container"]


@click.group(cls=Commands)
def container() -> None:
    """Containers and virtual machines, as HCS has them.

    A Hyper-V isolated container lives in a virtual machine, which HCS lists too. ID is a container's id or
    its beginning; a pod's address or name means its sandbox.
    """


for _command in (list_, show, ps, stats, events, create, start, stop, kill, pause, resume, set_, exec_):
    container.add_command(_command)
