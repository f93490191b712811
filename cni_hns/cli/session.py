"""What a command works with, and the options that several commands share."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cni_hns.binding.patience import Patience
from cni_hns.cli.configurations import plugin_configuration
from cni_hns.cli.failure import Failure
from cni_hns.cli.output import print_notes
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

# How long an operator's command waits for a ledger that others write, and for one call of HNS.
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

    @property
    def connect(self) -> Connect:
        """What opens this node's HNS, for those who make nodes of their own."""
        return self._connect

    def systems(self, timeout_s: float) -> ComputeSystems:
        """The compute systems; a call to HCS that does not come back in this time ends the process."""
        return self.node.systems(Patience(timeout_s, _give_up))

    def node_apart(self, folder: str | None = None, timeout_s: float = _TIMEOUT_S) -> Node:
        """A node for one thread alone, which closes it; one that hangs in a call is left as it is."""
        return Node(self._connect, Log(stderr=False), Deadline(timeout_s), folder)

    def ledger_path(self, data_dir: str | None, config: str | None) -> str:
        """Where the ledger in this folder, of this configuration, or of this node lies."""
        return os.path.join(data_dir or _data_dir_of(config) or self._state_folder(), "ledger.db")

    def node_with_ledger(self, data_dir: str | None, config: str | None, *, may_begin: bool = False) -> Node:
        """The node with the ledger in this folder, of this configuration, or of this node.

        Raises:
            Failure: there is no ledger where there should be one; never with `may_begin`, for a command that
                makes it.
        """
        path = self.ledger_path(data_dir, config)
        if not may_begin:
            self._see_that_it_may_be_missing(path, data_dir)
        return self._node(os.path.dirname(path))

    def _see_that_it_may_be_missing(self, path: str, data_dir: str | None) -> None:
        """Before its first pod a node has none. A folder that was named has one, and so has a machine without
        an HNS to look at instead.
        """
        if not _is_missing(path):
            return
        if data_dir is not None:
            raise Failure(f'there is no ledger in "{data_dir}": looked for "{path}"')
        no_hns = self._no_hns()
        if no_hns is not None:
            raise Failure(f'{no_hns}; and there is no ledger either: looked for "{path}"')

    def _no_hns(self) -> CniError | None:
        try:
            self.node.machine.state_folder()
        except CniError as fault:
            if fault.code != NO_HNS:
                raise
            return fault
        return None

    def network_of(self, config: str) -> str:
        """The network that this configuration names."""
        return str(plugin_configuration(config).get("name") or "")

    def _node(self, data_dir: str | None) -> Node:
        patience = Patience(_TIMEOUT_S, _give_up)
        node = Node(self._connect, self._log, Deadline(_TIMEOUT_S), data_dir, patience)
        self._nodes.append(node)
        return node

    def _state_folder(self) -> str:
        if self._no_hns() is None:
            return self.node.machine.state_folder()
        # No HNS, no node: what a ledger of this user would be by the XDG base directory specification.
        return os.path.join(
            os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "cni-hns"
        )

    def ledger(self, data_dir: str | None, config: str | None) -> Ledger | None:
        """That ledger, open; None if there is none yet.

        Raises:
            Failure: as for `node_with_ledger`.
        """
        self._see_that_it_may_be_missing(self.ledger_path(data_dir, config), data_dir)
        return self.ledger_if_any(data_dir, config)

    def ledger_if_any(self, data_dir: str | None, config: str | None) -> Ledger | None:
        """The same for a command that asks for ledgers nobody has named: None wherever there is none."""
        from cni_hns.ledger import open_ledger

        path = self.ledger_path(data_dir, config)
        self._ledger = open_ledger(path, self.node.deadline, create=False)
        return self._ledger

    def note_missing_ledger(self, data_dir: str | None, config: str | None) -> None:
        """Say on stderr where there is none yet: no failure on a node before its first pod."""
        path = self.ledger_path(data_dir, config)
        print_notes([f'there is no ledger yet at "{path}": no pod has been added on this node'])

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
    is_hcs = call.startswith("Hcs")
    service, words = ("vmcompute", "the Host Compute Service") if is_hcs else ("hns", "HNS")
    log = (
        "Microsoft-Windows-Hyper-V-Compute-Admin"
        if is_hcs
        else "Microsoft-Windows-Host-Network-Service-Admin"
    )
    sys.stderr.write(
        f"cni-hns: {call} has not come back for {seconds:.0f} s: {words} hangs. Next: `cni-hns status`, "
        f"`Get-Service {service}` and the event log {log}, and try again.\n"
    )
    sys.stderr.flush()
    os._exit(1)


def _is_missing(path: str) -> bool:
    """Whether it is known not to be there: a folder that cannot be read is no proof."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _data_dir_of(config: str | None) -> str | None:
    if config is None:
        return None
    folder: str | None = fold(plugin_configuration(config)).get("datadir")
    try:
        check_data_dir({"dataDir": folder})
    except CniError as fault:
        raise Failure(f'"{config}": {fault}') from fault
    return folder
