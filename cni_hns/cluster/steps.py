"""From a Node of the API to a node that pods can be added to: the steps, in their order.

Rule 1: each step looks first and does what is missing. So any may be killed, and the next run goes on.
Rule 2: what the API does not say removes nothing. What this Node was told last holds until it is told more.
Rule 3: the configuration is written last. Where an ADD would give a pod a wrong address, it refuses ADDs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.binding.errors import ServiceError
from cni_hns.cluster import conflist, flannel, host_endpoint, network, remaking, source_vip
from cni_hns.cluster.api.faults import ApiFault, Away
from cni_hns.cluster.known import NODES
from cni_hns.cluster.network_faults import HeldByPods, NetworkFault, Unfitting
from cni_hns.cluster.routes import on_host, overlay
from cni_hns.cluster.routes.note import Note
from cni_hns.cluster.routes.removal import gone
from cni_hns.cluster.routes.wanted import ways
from cni_hns.cluster.wanted import NetworkWanted
from cni_hns.cni.errors import CniError
from cni_hns.dialects.findings import ConfigFault
from cni_hns.ledger import LedgerBusy, LedgerFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cni_hns.cluster.known import Known
    from cni_hns.cluster.members import Member
    from cni_hns.cluster.network import ClusterNetwork
    from cni_hns.cluster.routes.route import Changes
    from cni_hns.cluster.routes.wanted import Waiting
    from cni_hns.cluster.settings import AgentSettings
    from cni_hns.cluster.state import Memory
    from cni_hns.cluster.world import World
    from cni_hns.node.node import Node

__all__ = ["STEPS", "Round", "Told", "take", "wanted_of"]

DONE, WAITING, FAILED = "done", "waiting", "failed"


class Told(NamedTuple):
    """What a step came to. `state` is done, waiting (for somebody else) or failed.

    `event` is the reason of the Event that an operator has to see, "" where nobody has to.
    """

    step: str
    state: str
    words: str
    event: str = ""

    @property
    def line(self) -> str:
        return f"{self.step}: {self.state}: {self.words}"


class Round:
    """One run of all steps: what it works with, and what the steps so far have found."""

    def __init__(self, world: World, known: Known, memory: Memory, node: Node) -> None:
        self.settings = world.settings
        self.api = world.api
        self.folder = world.folder
        self.known = known
        self.memory = memory
        self.node = node
        self.pod_cidrs: tuple[str, ...] = ()
        self.network: ClusterNetwork | None = None
        self.host_addresses: tuple[str, ...] = ()
        self.waiting: list[Waiting] = []
        self.routes_wanted = 0
        self.routes_there = 0
        self.ready = False
        self.told: list[Told] = []

    def is_done(self, step: str) -> bool:
        """Whether this step of the run has come to its end, or is not one of this node's."""
        return all(one.state == DONE for one in self.told if one.step == step)

    @property
    def needed_network(self) -> ClusterNetwork:
        """For the steps that come only after it is there."""
        assert self.network is not None  # noqa: S101 - the table of steps says so
        return self.network


class _Waits(Exception):
    """Somebody else has to do something first."""

    def __init__(self, words: str, event: str = "") -> None:
        super().__init__(words)
        self.event = event


class _Failed(Exception):
    """What a step did was not all of it."""

    def __init__(self, words: str, event: str = "") -> None:
        super().__init__(words)
        self.event = event


class Step(NamedTuple):
    """`needs` are steps that must be done before it is tried; `concerns` says whether this node has it."""

    name: str
    needs: tuple[str, ...]
    do: Callable[[Round], str]
    concerns: Callable[[AgentSettings], bool] = lambda _: True


def take(round_: Round, stopping: Callable[[], bool] = lambda: False) -> Iterator[Told]:
    """Each step that this node has, in order; one whose needs are not met waits for them."""
    for step in STEPS:
        if stopping():
            return
        if step.concerns(round_.settings):
            told = _taken(step, round_)
            round_.told.append(told)
            yield told


def _taken(step: Step, round_: Round) -> Told:
    unmet = [one for one in step.needs if not round_.is_done(one)]
    if unmet:
        return Told(step.name, WAITING, f"for the step {', '.join(unmet)}")
    try:
        return Told(step.name, DONE, step.do(round_))
    except _Waits as fault:
        return Told(step.name, WAITING, str(fault), fault.event)
    except _Failed as fault:
        return Told(step.name, FAILED, str(fault), fault.event)
    except Away as fault:
        return Told(step.name, WAITING, str(fault))
    except _KNOWN as fault:
        words = " ".join(str(fault).split())
        return Told(step.name, FAILED, words, _EVENTS.get(type(fault), _event_of(step)))


_KNOWN = (
    *(ApiFault, NetworkFault, ServiceError, CniError, ConfigFault),
    *(LedgerFault, LedgerBusy, OSError),
)
_EVENTS: dict[type[BaseException], str] = {
    Unfitting: "NetworkUnfitting",
    HeldByPods: "NetworkHeldByPods",
}


def _event_of(step: Step) -> str:
    return "".join(part.capitalize() for part in step.name.split("-")) + "Failed"


def wanted_of(settings: AgentSettings) -> NetworkWanted:
    """What the settings say of the network."""
    return NetworkWanted(
        mode=settings.mode,
        name=settings.network,
        adapter=settings.adapter,
        vsid=settings.vni,
        vxlan_port=settings.vxlan_port,
        cluster_cidrs=settings.cluster_cidrs,
        service_cidrs=settings.service_cidrs,
        dns_servers=settings.dns_servers,
        dns_search=settings.dns_search,
        mtu=settings.mtu,
        pools=settings.pools,
        # Each node's would be at the same address of the one network: the gateway is that network's router.
        host_endpoint=not settings.pools,
        data_dir=settings.data_dir,
        log_file=settings.plugin_log,
    )


def _own_node(round_: Round) -> str:
    """Which podCIDRs this Node has: what was told last holds while the Node is missing, or the API away."""
    known, memory, name = round_.known, round_.memory, round_.settings.node_name
    if round_.settings.pools:
        round_.pod_cidrs = round_.settings.subnets
        names = " and ".join(round_.settings.pools)
        return f"its pods are in {', '.join(round_.pod_cidrs)}, by the pool {names}"
    listed = ", ".join(memory.pod_cidrs)
    if known.own is not None and known.own.pod_cidrs:
        round_.pod_cidrs = known.own.pod_cidrs
        round_.memory = memory._replace(pod_cidrs=known.own.pod_cidrs, node_uid=known.own.uid)
        return f"podCIDR {', '.join(known.own.pod_cidrs)}"
    if known.own is not None:
        raise _Waits(
            f'Node "{name}" has no podCIDR yet. Next: see that kube-controller-manager runs with '
            "--allocate-node-cidrs, and has a range left",
            "NoPodCIDR",
        )
    if not memory.pod_cidrs and known.whole:
        raise _Waits(f'there is no Node "{name}". Next: see `kubectl get nodes`, and set nodeName')
    if not memory.pod_cidrs:
        raise _Waits("the API has told nothing of this Node yet")
    round_.pod_cidrs = memory.pod_cidrs
    if known.whole:
        return f'podCIDR {listed} is kept: the API has no Node "{name}" now, and that removes nothing'
    return f"podCIDR {listed}, as the API told before it went away"


def _network(round_: Round) -> str:
    settings, node, wanted = round_.settings, round_.node, wanted_of(round_.settings)
    try:
        round_.network = network.ensure(wanted, round_.pod_cidrs, node)
    except Unfitting as fault:
        if not fault.is_ours:
            raise
        folder, file_name = settings.conf_dir, settings.conf_file
        remaking.make_way(fault, wanted, round_.pod_cidrs, node, folder=folder, file_name=file_name)
        round_.network = network.ensure(wanted, round_.pod_cidrs, node)
    found = round_.network
    return f'HCN network "{found.name}" ({found.id}), {", ".join(found.prefixes)}'


def _source_vip(round_: Round) -> str:
    return f"{source_vip.ensure(round_.needed_network, round_.node)} is kube-proxy's"


def _gateway(round_: Round) -> str:
    round_.host_addresses = host_endpoint.ensure(round_.needed_network, round_.node)
    return f"{', '.join(round_.host_addresses)} is the host's"


def _routes(round_: Round) -> str:
    settings, known, there = round_.settings, round_.known, round_.needed_network
    proven = gone(known.members, settings.node_name, whole=known.whole)
    if settings.mode == "overlay":
        found = ways(
            known.members, settings.node_name, settings.mode, there.vsid, own_prefixes=there.prefixes
        )
        with round_.node.hcn.networks.open(there.id) as opened:
            changes = overlay.bring(opened, found.routes, proven, pod_ranges=settings.cluster_cidrs)
    else:
        table = round_.node.machine.route_table()
        rows = table.routes()
        found = ways(
            known.members,
            settings.node_name,
            settings.mode,
            0,
            own_prefixes=there.prefixes,
            on_link=on_host.on_link(rows),
        )
        on_host.forward(table, (there.management_ip, *round_.host_addresses))
        note = Note(round_.folder, round_.node.machine.boot_id())
        changes = on_host.bring(table, found.routes, proven, note=note, there=rows)
    return _routes_told(round_, found.waiting, len(found.routes), changes)


def _routes_told(round_: Round, waiting: list[Waiting], wanted: int, changes: Changes) -> str:
    left = [*changes.refused, *changes.foreign]
    round_.waiting = waiting
    round_.routes_wanted = wanted
    round_.routes_there = wanted - len({one.route.prefix for one in left})
    if left:
        raise _Failed(
            f"{round_.routes_there} of {wanted} are there: " + "; ".join(one.why for one in left[:3]),
            "RoutesFailed",
        )
    passed = f"; {len(waiting)} nodes are not reached yet" if waiting else ""
    return f"{wanted} to other nodes{passed}"


def _annotations(round_: Round) -> str:
    """How other nodes reach this one's pods."""
    settings, known, there = round_.settings, round_.known, round_.needed_network
    if known.own is None:
        raise _Waits(f'there is no Node "{settings.node_name}" to write to now')
    kind = flannel.VXLAN if settings.mode == "overlay" else flannel.HOST_GW
    address = flannel.announced(dict(known.annotations), there.management_ip)
    backend = flannel.Backend(
        kind, address, there.vsid, there.dr_mac, public_ipv6=_ipv6_hop(round_, known.own)
    )
    needed = flannel.written(backend)
    if all(known.annotations.get(name) == value for name, value in needed.items()):
        return f"{kind} by {address}"
    round_.api.patch(NODES, settings.node_name, {"metadata": {"annotations": needed}})
    return f"{kind} by {address}"


def _ipv6_hop(round_: Round, own: Member) -> str:
    """Where other nodes send IPv6: a flannel that carries it passes over a Node that does not say so."""
    if not any(":" in one for one in round_.needed_network.prefixes):
        return ""
    there = next((one for one in own.addresses if ":" in one), "")
    return flannel.announced(dict(round_.known.annotations), there) if there else ""


def _configuration(round_: Round) -> str:
    """Written once all before it is done; one that is there stays while only the API is away."""
    settings, node = round_.settings, round_.node
    listed = conflist.document(wanted_of(settings), round_.needed_network)
    undone = [one.step for one in round_.told if one.state != DONE and one.step != "routes"]
    is_there = conflist.is_written(settings.conf_dir, settings.conf_file)
    if undone and not is_there:
        raise _Waits(f"for the step {', '.join(undone)}: it is written last")
    reason = conflist.not_ready(listed, node)
    if reason:
        raise _Failed(f"an ADD would fail: {' '.join(reason.split())}", "NotReady")
    conflist.write(settings.conf_dir, settings.conf_file, listed)
    round_.ready = True
    path = f'"{settings.conf_file}" in "{settings.conf_dir}"'
    earlier = conflist.before_it(settings.conf_dir, settings.conf_file)
    if earlier:
        round_.ready = False
        raise _Failed(
            f"{path} is written, and containerd loads {earlier[0]} instead: the first by name. Next: move "
            "that file away, or give cni.file an earlier name",
            "ConfigurationNotFirst",
        )
    return path


STEPS: tuple[Step, ...] = (
    Step("node", (), _own_node),
    Step("network", ("node",), _network),
    Step("source-vip", ("network",), _source_vip, lambda one: one.mode == "overlay" and one.source_vip),
    Step("gateway", ("network",), _gateway, lambda one: one.mode == "l2bridge" and not one.pools),
    Step("routes", ("network", "gateway"), _routes, lambda one: not one.pools),
    Step("annotations", ("network",), _annotations, lambda one: one.flannel and not one.pools),
    Step("configuration", ("network",), _configuration),
)
