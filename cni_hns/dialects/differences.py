"""Where this plugin does otherwise than the peer whose configuration it reads, whatever is written in it.

What depends on the configuration's own words the translation remarks; here is what holds for every one that
asks for the thing at all.
"""

from __future__ import annotations

from collections.abc import Callable

from cni_hns.typed import NamedTuple

from .plan import AttachmentPlan

__all__ = ["differences"]

_EVERY_PEER = ("win-bridge", "win-overlay", "wcn")


class _Difference(NamedTuple):
    dialects: tuple[str, ...]
    concerns: Callable[[AttachmentPlan], bool]
    words: str


def _always(_: AttachmentPlan) -> bool:
    return True


def _maps_ports(plan: AttachmentPlan) -> bool:
    return "portMappings" in plan.capabilities


_DIFFERENCES = (
    _Difference(
        ("win-bridge",),
        lambda plan: plan.gateway_rule == "bridge" and plan.ipam.kind == "builtin",
        "no pod gets the third address of the subnet, which is the gateway; host-local hands it out",
    ),
    _Difference(
        ("win-overlay",),
        _maps_ports,
        "port mappings are applied, which win-overlay drops: a pod would miss them",
    ),
    _Difference(
        ("win-bridge", "win-overlay"),
        lambda plan: len(plan.ipam.range_sets) > 1 or plan.ipam.kind == "delegate",
        "IPAM's address of the other family is applied; the peer uses the first address and drops the rest",
    ),
    _Difference(
        _EVERY_PEER,
        _always,
        "a policy that this HNS is too old for is an error at the ADD; the peer sends it all the same",
    ),
    _Difference(
        _EVERY_PEER,
        _always,
        "an HCN network without the pods' range is an error; the peer makes a pod without a route",
    ),
    _Difference(_EVERY_PEER, _always, "CHECK looks at what is there; the peer's looks at nothing"),
)


def differences(dialect: str, plan: AttachmentPlan) -> list[str]:
    """A sentence each; none for a native configuration."""
    return [each.words for each in _DIFFERENCES if dialect in each.dialects and each.concerns(plan)]
