"""What a command works with, and the options that several commands share."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cni_hns.cli.configurations import plugin_configuration
from cni_hns.cli.failure import Failure
from cni_hns.cni.errors import NO_HNS, CniError
from cni_hns.cni.settings import check_data_dir
from cni_hns.deadline import Deadline
from cni_hns.dialects.fields import fold
from cni_hns.log import Log
from cni_hns.node.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.binding.libraries import Libraries, Machine
    from cni_hns.hcn.client import Hcn
    from cni_hns.hcs.client import ComputeSystems
    from cni_hns.ledger import Ledger

    Connect = Callable[[], tuple[Libraries, Machine]]

__all__ = ["Session", "in_this_session", "json_option", "ledger_options"]

_Command = TypeVar("_Command", bound="Callable[..., Any]")

# How long an operator's command waits for a ledger that others write.
_TIMEOUT_S = 60.0


class Session:
    """This node's HNS and ledger, each opened when a command first asks for it."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._log = Log()
        self._log.configure(None)
        self._nodes: list[Node] = []
        self.node = self._node(None)
        self._ledger: Ledger | None = None

    @property
    def hcn(self) -> Hcn:
        return self.node.hcn

    def systems(self, timeout_s: float) -> ComputeSystems:
        """The compute systems; a call to HCS that does not come back in this time ends the process."""
        from cni_hns.binding.operations import Patience

        return self.node.systems(Patience(timeout_s, _give_up))

    def ledger_path(self, data_dir: str | None, config: str | None) -> str:
        """Where the ledger in this folder, of this configuration, or of this node lies."""
        return os.path.join(data_dir or _data_dir_of(config) or self._state_folder(), "ledger.db")

    def node_with_ledger(self, data_dir: str | None, config: str | None) -> Node:
        """The node with the ledger in this folder, of this configuration, or of this node."""
        return self._node(os.path.dirname(self.ledger_path(data_dir, config)))

    def _node(self, data_dir: str | None) -> Node:
        node = Node(self._connect, self._log, Deadline(_TIMEOUT_S), data_dir)
        self._nodes.append(node)
        return node

    def _state_folder(self) -> str:
        try:
            return self.node.machine.state_folder()
        except CniError as fault:
            if fault.code != NO_HNS:
                raise
        # No HNS, no node: what a ledger of this user would be by the XDG base directory specification.
        return os.path.join(
            os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "cni-hns"
        )

    def ledger(self, data_dir: str | None, config: str | None) -> Ledger | None:
        """That ledger, open; None if there is none."""
        from cni_hns.ledger import open_ledger

        self._ledger = open_ledger(self.ledger_path(data_dir, config), self.node.deadline, create=False)
        return self._ledger

    def another(self) -> Session:
        """This node's HNS and ledger, opened anew; who asks for it closes it."""
        return Session(self._connect)

    def close(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
        for node in self._nodes:
            node.close()


in_this_session = click.make_pass_decorator(Session)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def ledger_options(command: _Command) -> _Command:
    """`--data-dir` and `--config`: where the ledger lies."""
    by_folder = click.option("--data-dir", metavar="DIR", help="Folder of the ledger (default: this node's).")
    by_file = click.option(
        "--config", "config", metavar="FILE", help="Network configuration whose dataDir holds the ledger."
    )
    return by_folder(by_file(command))


def _give_up(call: str, seconds: float) -> None:
    """At once: the thread that hangs in the call cannot be ended, and what it works with not be freed."""
    sys.stderr.write(
        f"cni-hns: {call} has not come back for {seconds:.0f} s: the Host Compute Service hangs. Next: see "
        "`Get-Service vmcompute` and the event log Microsoft-Windows-Hyper-V-Compute-Admin, and try again.\n"
    )
    sys.stderr.flush()
    os._exit(1)


def _data_dir_of(config: str | None) -> str | None:
    if config is None:
        return None
    folder: str | None = fold(plugin_configuration(config)).get("datadir")
    try:
        check_data_dir({"dataDir": folder})
    except CniError as fault:
        raise Failure(f'"{config}": {fault}') from fault
    return folder
