"""How the node is at this moment, as metrics: addresses, attachments, findings, versions."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns import __version__
from cni_hns.diagnosis.exposition import Family, Sample
from cni_hns.dialects.compile import compile_plan
from cni_hns.dialects.file_plugins import plugins_of
from cni_hns.dialects.findings import ConfigFault
from cni_hns.dialects.plan import SubnetPlan
from cni_hns.doctor.examine import examine, kinds
from cni_hns.doctor.picture import Picture
from cni_hns.ipam.pools import ranges_in
from cni_hns.ipam.ranges import range_sets_of
from cni_hns.ledger.addresses import address_key
from cni_hns.ledger.blocks import HELD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cni_hns.diagnosis.sources import Sources
    from cni_hns.ipam.ranges import RangeSet
    from cni_hns.ledger import Lease
    from cni_hns.ledger.blocks import Block
    from cni_hns.survey.seen import Seen

__all__ = ["QUESTIONS", "configured_in", "families_of"]

QUESTIONS = (
    *("networks", "endpoints", "namespaces", "loadBalancers", "systems"),
    *("hnsVersion", "windowsBuild", "leases", "blocks"),
)
"""What of the sources is asked for these metrics."""

# Where only the HCN network knows its subnets.
_ANYWHERE = (SubnetPlan("0.0.0.0/0", None), SubnetPlan("::/0", None))

_SERVICES = {
    "hns": ("networks", "endpoints", "namespaces", "loadBalancers"),
    "hcs": ("systems",),
    "ledger": ("leases", "blocks"),
}


def families_of(
    sources: Sources, seen: Seen, configured: Mapping[str, Configured], ledger_path: str
) -> list[Family]:
    """All of them. `configured` is what each network's configuration says of addresses, by its name."""
    leases = sources.documents("leases")
    ranges = {
        network: [*one.range_sets, *_of_pools(one, network, sources.documents("blocks") or ())]
        for network, one in configured.items()
    }
    return [
        _info(sources),
        Family(
            "cni_hns_source_up",
            "gauge",
            "Whether HNS, HCS and the ledger answered.",
            [
                Sample({"source": name}, int(all(sources.outcomes[one].answered for one in questions)))
                for name, questions in _SERVICES.items()
            ],
        ),
        Family(
            "cni_hns_addresses",
            "gauge",
            "Addresses of each network: held, set aside for a time, and free in its configured ranges.",
            _addresses(leases, ranges),
        ),
        Family(
            "cni_hns_attachments",
            "gauge",
            "Attachments in the ledger, by network and phase.",
            _attachments(seen),
        ),
        Family("cni_hns_doctor_findings", "gauge", "What cni-hns doctor finds, by kind.", _findings(seen)),
        Family("cni_hns_ledger_bytes", "gauge", "The size of the ledger with its log.", _size(ledger_path)),
    ]


class Configured(NamedTuple):
    """What a configuration says of addresses: range sets, or pools of which this node has blocks."""

    range_sets: list[RangeSet]
    pools: tuple[str, ...] = ()
    subnets: tuple[SubnetPlan, ...] = ()


def configured_in(documents: Iterable[dict[str, Any]]) -> dict[str, Configured]:
    """By the network's name; a configuration that cannot be used has none."""
    found: dict[str, Configured] = {}
    for document in documents:
        for plugin in plugins_of(document):
            config = {**plugin.config, "name": document.get("name")}
            try:
                plan = compile_plan(config)
            except ConfigFault:
                continue
            if plan.ipam.kind == "builtin":
                excluded = [*plan.ipam.reserved, *plan.gateways]
                sets = range_sets_of(plan.ipam.range_sets, excluded)
                name = str(document.get("name"))
                found[name] = Configured(sets, plan.ipam.pools, tuple(plan.network.subnets))
    return found


def _of_pools(one: Configured, network: str, blocks: Sequence[Block]) -> list[RangeSet]:
    """The blocks that give addresses, a set for each pool; an empty one where this node has none."""
    subnets = one.subnets or _ANYWHERE
    ours = [block for block in blocks if block.network == network and block.state == HELD]
    return range_sets_of(
        [ranges_in([block for block in ours if block.pool == pool], subnets) for pool in one.pools],
        in_order=True,
    )


def _info(sources: Sources) -> Family:
    hns, build = sources.documents("hnsVersion"), sources.documents("windowsBuild")
    labels = {
        "version": __version__,
        "hns": ".".join(map(str, hns or ())),
        "windows_build": str(build or ""),
    }
    return Family("cni_hns_info", "gauge", "Versions; the value is 1.", [Sample(labels, 1)])


def _addresses(leases: Sequence[Lease] | None, ranges: Mapping[str, list[RangeSet]]) -> list[Sample]:
    """Nothing where the ledger did not answer: no number would be true."""
    if leases is None:
        return []
    held = Counter(one.network for one in leases if one.state == "held")
    aside = Counter(one.network for one in leases if one.state != "held")
    samples = []
    for network in sorted({*held, *aside, *ranges}):
        samples += [
            Sample({"network": network, "state": "held"}, held[network]),
            Sample({"network": network, "state": "set-aside"}, aside[network]),
        ]
        if network in ranges:
            free = _free(ranges[network], [one for one in leases if one.network == network])
            samples.append(Sample({"network": network, "state": "free"}, free))
    return samples


def _free(range_sets: Sequence[RangeSet], leases: Sequence[Lease]) -> int:
    """How many more pods get an address: that of the set that is used up first."""
    taken = [address_key(one.address) for one in leases]
    return min((max(0, one.size - _inside(one, taken)) for one in range_sets), default=0)


def _inside(one: RangeSet, taken: Sequence[int]) -> int:
    return sum(one.range_of(address) is not None and address not in one.left_out for address in taken)


def _attachments(seen: Seen) -> list[Sample]:
    found = Counter((row.key.network, row.phase) for row in seen.rows or ())
    return [
        Sample({"network": network, "phase": phase}, number)
        for (network, phase), number in sorted(found.items())
    ]


def _findings(seen: Seen) -> list[Sample]:
    """Each kind there is, also those of which there is none."""
    if seen.is_blind:
        return []
    found = Counter(one.kind for one in examine(Picture.of(seen)))
    return [
        Sample({"kind": name, "severity": kind.severity}, found[name])
        for name, kind in sorted(kinds().items())
    ]


def _size(path: str) -> list[Sample]:
    sizes = [os.path.getsize(one) for one in (path, f"{path}-wal") if os.path.isfile(one)]
    return [Sample({}, sum(sizes))] if sizes else []
