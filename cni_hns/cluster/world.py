"""What an agent works with: its settings, ways to this node's HNS and to the API, and who is told."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.deadline import Deadline
from cni_hns.log import Log
from cni_hns.node.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.binding.libraries import Libraries, Machine
    from cni_hns.cluster.api.client import Api
    from cni_hns.cluster.settings import AgentSettings
    from cni_hns.survey.configuration import ConfigurationSeen

    Connect = Callable[[], tuple[Libraries, Machine]]

__all__ = ["World"]

_MACHINE_S = 10.0
_LOG_BYTES = 10_000_000


class World(NamedTuple):
    """`connect` opens this node's HNS. `say` is told each thing that changed, a line for people.

    `folder` is the data folder, which `of` finds. `runtime` looks at what the container runtime loads.
    """

    settings: AgentSettings
    folder: str
    connect: Connect
    api: Api
    log: Log
    say: Callable[[str], None]
    runtime: Callable[[], ConfigurationSeen] | None = None

    @classmethod
    def of(
        cls,
        settings: AgentSettings,
        connect: Connect,
        api: Api,
        say: Callable[[str], None],
        runtime: Callable[[], ConfigurationSeen] | None = None,
    ) -> World:
        """With this node's own data folder, where the settings name none.

        Raises: CniError: there is no HNS on this machine.
        """
        log = _log(settings)
        folder = settings.data_dir
        if not folder:
            with closing(Node(connect, log, Deadline(_MACHINE_S))) as node:
                folder = node.machine.state_folder()
        return cls(settings, folder, connect, api, log, say, runtime)

    def node(self, timeout_s: float) -> Node:
        """This node, for one thread that closes it; one that hangs in a call is left as it is."""
        return Node(self.connect, _log(self.settings), Deadline(timeout_s), self.folder)


def _log(settings: AgentSettings) -> Log:
    """One for each thread: it knows the call that is under way."""
    log = Log(stderr=False)
    log.configure(settings.log_file or None, settings.log_level, _LOG_BYTES)
    log.bind(verb="agent", node=settings.node_name)
    return log
