"""What keeps a node from having its network, each with the next step.

NetworkFault          the node has no network for its pods now; the words say why
    TooOld            this HNS cannot do what is asked for
    Unfitting         a network of this name is there, and is another one
    NotWhole          HNS has not finished the network in the time that there was
    HeldByPods        the network cannot be made anew: pods are on it
    NoSourceVip       kube-proxy's address cannot be had
    Occupied          the file of the configuration is somebody else's
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HeldByPods", "NetworkFault", "NoSourceVip", "NotWhole", "Occupied", "TooOld", "Unfitting"]


class NetworkFault(Exception):
    """`what` failed, on which object and why; `next_step` says what to do."""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(f"{what}; next: {next_step}")
        self.what = what
        self.next_step = next_step


class TooOld(NetworkFault):
    """Nothing was made."""


class Unfitting(NetworkFault):
    """Nothing was changed.

    `differences` is a sentence for each. `is_ours`: this agent made the network, so that it may be made anew
    once no pod is on it (`remaking`). `network_id` and `name` are those of the network that is there.
    """

    def __init__(self, name: str, network_id: str, differences: Sequence[str], *, is_ours: bool) -> None:
        subject = f'HCN network "{name}" ({network_id})'
        if is_ours:
            what = f"{subject} is not the one that this node needs now"
            step = "drain this node: once no pod is on the network, the agent makes it anew"
        else:
            what = f"{subject} was made by somebody else and does not fit; it is left as it is"
            step = f'give the agent another network name, or delete it: `cni-hns network delete "{name}"`'
        super().__init__(f"{what}: {'; '.join(differences)}", step)
        self.name = name
        self.network_id = network_id
        self.differences = tuple(differences)
        self.is_ours = is_ours


class NotWhole(NetworkFault):
    """The network stays: the next look may find it whole. `waited_for` is what had not come."""

    def __init__(self, name: str, network_id: str, waited_for: str, waited_s: float, more: str = "") -> None:
        super().__init__(
            f'HCN network "{name}" ({network_id}) has no {waited_for} after {waited_s:.0f} s'
            + (f" ({more})" if more else ""),
            "nothing, if it comes within minutes: the agent looks again. Else see that the adapter has an "
            "address (`ipconfig /all`) and that HNS is well (`cni-hns status`)",
        )
        self.waited_for = waited_for


class HeldByPods(NetworkFault):
    """`holders`: a line for each pod or endpoint."""

    def __init__(self, name: str, holders: Sequence[str]) -> None:
        listed = ", ".join(holders)
        super().__init__(
            f'HCN network "{name}" is not made anew: on it are {listed}',
            "drain this node (`kubectl drain`); what stays then: `cni-hns gc`",
        )
        self.holders = tuple(holders)


class NoSourceVip(NetworkFault):
    """Nothing is reserved that was not before."""


class Occupied(NetworkFault):
    """The file was not touched."""
