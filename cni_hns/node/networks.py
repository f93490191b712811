"""The HCN network of an attachment: the one remembered, else the one of that name, else a new one.

Rule 1: a network is missing only when HNS says so; any other failure of a look-up creates nothing.
Rule 2: an existing network is never changed; where it differs from the configuration, the error shows both.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from cni_hns.binding.errors import AlreadyExists, NotFound, ServiceError
from cni_hns.cni.errors import INVALID_CONFIG, TRY_AGAIN, CniError
from cni_hns.hcn.views import NetworkView
from cni_hns.node.resolved import ResolvedNetwork
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.dialects.plan import AttachmentPlan, NetworkPlan
    from cni_hns.hcn.client import Opened
    from cni_hns.node.node import Node

__all__ = [
    "NetworkVanished",
    "configured_name",
    "find",
    "find_or_make",
    "ids_of",
    "inspect",
    "remember",
    "resolve",
]

# Beside the remembered document, the run of HNS that showed it: after a boot the host may be elsewhere.
_SHOWN_BY = "HnsStart"
# Losing a creation race costs one more look; only a network that comes and goes needs more.
_RACES = 5
_LOOKS = 10
_PAUSE_S = 0.1
# Beside "already exists", what HNS has answered to the second of two that create one network: the name is
# in use, the adapter has a switch by now, a creation is under way. Creating it again helps, but for the
# adapter's.
_PARAMETER_INCORRECT = 0x80070057
_OTHERS_ARE_AT_IT = frozenset({0x80070034, 0x80004005, _PARAMETER_INCORRECT})


class NetworkVanished(CniError):
    """The network was there when it was looked up, and is gone before anything was made on it."""

    def __init__(self, view: NetworkView) -> None:
        super().__init__(
            TRY_AGAIN,
            f'HCN network "{view.name}" ({view.id}) was deleted by someone else at this moment',
            "nothing is left of this call; try again once whatever rebuilds the network is done",
        )


def resolve(plan: AttachmentPlan, node: Node, rehearse: Callable[[NetworkView], object]) -> ResolvedNetwork:
    """The HCN network to create endpoints on, made if the configuration says so.

    Making one may interrupt the node's own network: `rehearse` gets it as it will be, and raises what would
    make the caller fail on it.

    Raises:
        CniError: code 7 where there is none, or one that does not fit; 11 where it vanishes under our hands.
        ServiceError: HNS failed.
    """
    found = _knowing_the_host(_fitting(find_or_make(plan, node, rehearse), plan, node), plan, node)
    _say_what_is_otherwise(plan, found, node)
    return found


def find_or_make(
    plan: AttachmentPlan, node: Node, rehearse: Callable[[NetworkView], object]
) -> ResolvedNetwork:
    """The network of this name as it is, whether it fits or not, else a new one, as `resolve` makes it.

    Raises: CniError, ServiceError: as `resolve`.
    """
    refusal: ServiceError | None = None
    for _ in range(_RACES):
        found = find(plan.network, node)
        if found is None:
            try:
                found = _create(plan, node, rehearse)
            except ServiceError as fault:
                refusal = fault
                found = _made_by_another(plan.network, node, fault)
        if found is not None:
            return found
        if _is_late(node):
            break
        node.pause(_PAUSE_S)
    if refusal is not None and not isinstance(refusal, AlreadyExists):
        raise refusal
    raise CniError(
        TRY_AGAIN,
        f'HCN network "{plan.network.name}" is being made or removed by someone else',
        "HNS says that it exists and does not list it; try again in a few seconds",
    )


def _knowing_the_host(found: ResolvedNetwork, plan: AttachmentPlan, node: Node) -> ResolvedNetwork:
    if found.view.management_ip:
        return found
    from cni_hns.node.host_address import known_if_any

    try:
        return known_if_any(found, plan, node)
    except BaseException:
        found.opened.close()
        raise


def inspect(plan: AttachmentPlan, node: Node) -> NetworkView | None:
    """The network that `resolve` would find, None where it would make it; nothing is made.

    Raises:
        CniError, ServiceError: as `resolve`.
    """
    found = find(plan.network, node)
    if found is not None:
        fitting = _fitting(found, plan, node)
        fitting.opened.close()
        return fitting.view
    if plan.network.create is None:
        raise _missing(plan)
    return None


def remember(found: ResolvedNetwork, plan: NetworkPlan, node: Node) -> None:
    """Keep what HNS showed, unless it is what was kept; part of a transaction."""
    if not found.remembered:
        document = {**found.view.to_document(), _SHOWN_BY: node.machine.hns_start()}
        node.ledger.remember_network(plan.name, found.view.id, document)


def find(plan: NetworkPlan, node: Node) -> ResolvedNetwork | None:
    """The network remembered under this name, else the one that HNS lists; None where HNS has none."""
    ledger = node.ledger_if_any
    known = ledger.network(plan.name) if ledger is not None else None
    if known is not None:
        try:
            opened = node.hcn.networks.open(known.hcn_id)
            if not node.machine.is_hns_start(known.document.get(_SHOWN_BY, "")):
                return _read(opened)
            return ResolvedNetwork(opened, NetworkView.of(known.document), remembered=True)
        except NotFound:
            node.log.event(f'HCN network "{plan.name}" ({known.hcn_id}) is gone; looking for it by name')
    for network_id in node.hcn.networks.ids(Name=plan.name):
        try:
            return _read(node.hcn.networks.open(network_id))
        except NotFound:
            continue
    return None


def ids_of(config: dict[str, object], node: Node) -> list[str]:
    """The HCN network of this configuration: the one remembered and those that HNS lists under its name."""
    name = configured_name(config)
    known = node.ledger.network(name)
    listed = node.hcn.networks.ids(Name=name)
    return listed if known is None else [known.hcn_id, *listed]


def configured_name(config: dict[str, object]) -> str:
    """`network.name` of our own dialect, else the configuration's name.

    Read leniently: DEL must not need a whole plan.
    """
    network = config.get("network")
    name = network.get("name") if isinstance(network, dict) else None
    if isinstance(name, str) and name:
        from cni_hns.dialects.recognise import is_native

        if is_native(config):
            return name
    return str(config.get("name", ""))


def _create(plan: AttachmentPlan, node: Node, rehearse: Callable[[NetworkView], object]) -> ResolvedNetwork:
    """The network, newly made."""
    document = plan.network.create
    if document is None:
        raise _missing(plan)
    rehearse(NetworkView.of(document))
    try:
        opened = node.hcn.networks.create(document)
    except ServiceError as fault:
        fault.add_note(f"asked for: {_asked_for(document)}")
        raise
    node.log.event(f'HCN network "{plan.network.name}" was created', id=opened.id)
    return _read(opened)


def _made_by_another(plan: NetworkPlan, node: Node, refusal: ServiceError) -> ResolvedNetwork | None:
    """The network that is there after all: whoever else made it at this moment, HNS has many words for that.

    None where making it may be tried once more. Raises: the refusal, where it was one of something else.
    """
    may_be_a_race = isinstance(refusal, AlreadyExists) or refusal.hresult in _OTHERS_ARE_AT_IT
    for _ in range(_LOOKS if may_be_a_race else 1):
        try:
            found = find(plan, node)
        except ServiceError as fault:
            refusal.add_note(f"whether it is there now could not be looked up: {fault}")
            raise refusal from None
        if found is not None:
            node.log.event(f'HCN network "{plan.name}" was made by another creator: {refusal}')
            return found
        if _is_late(node):
            break
        node.pause(_PAUSE_S)
    if refusal.hresult == _PARAMETER_INCORRECT or not may_be_a_race:
        raise refusal
    return None


def _is_late(node: Node) -> bool:
    """What is left of the time is for the verb's own work."""
    return node.deadline.left_s() < node.deadline.timeout_s / 2


def _asked_for(document: dict[str, Any]) -> str:
    """What HNS names none of when it refuses: the kind of network, its adapter, its subnets."""
    settings = [one["Settings"] for one in document.get("Policies") or [] if one["Type"] == "NetAdapterName"]
    adapters = [f'adapter "{one["NetworkAdapterName"]}"' for one in settings] or ["no adapter named"]
    subnets = [
        one["IpAddressPrefix"] for ipam in document.get("Ipams") or [] for one in ipam.get("Subnets") or []
    ]
    return ", ".join([document["Type"], *adapters, " and ".join(subnets) or "no subnet"])


def _missing(plan: AttachmentPlan) -> CniError:
    return CniError(
        INVALID_CONFIG,
        f'HCN network "{plan.network.name}" does not exist on this node',
        f"create it (`cni-hns network create`), {_written_otherwise(plan)}",
    )


def _written_otherwise(plan: AttachmentPlan) -> str:
    """What of a missing network the configuration could say, by the keys that it has."""
    if not plan.peer:
        return "correct network.name, or set network.create to true"
    if plan.peer.startswith("win-"):
        return f"or correct name: {plan.peer} joins a network that is there"
    vsid = " and a NetworkPolicy of type VSID" if plan.network.mode == "overlay" else ""
    return (
        f"correct name, or give ipam.subnet{vsid}, by which {plan.peer} makes it unless enableDualStack is "
        "set; `cni-hns config check` says what else keeps it from being made"
    )


def _read(opened: Opened) -> ResolvedNetwork:
    try:
        return ResolvedNetwork(opened, NetworkView.of(opened.query()), remembered=False)
    except BaseException:
        opened.close()
        raise


def _fitting(found: ResolvedNetwork, plan: AttachmentPlan, node: Node) -> ResolvedNetwork:
    """`found`, if the plan fits it; what was remembered is read again before it is held against anybody."""
    try:
        if found.remembered and _misfits(plan, found.view):
            found = found._replace(view=NetworkView.of(found.opened.query()), remembered=False)
        misfits = _misfits(plan, found.view)
        if misfits:
            raise CniError(INVALID_CONFIG, misfits[0], "; ".join(misfits[1:]))
        if _lacks_management_address(plan, found.view):
            from cni_hns.node.host_address import waited_for

            found = waited_for(found, node)
    except BaseException:
        found.opened.close()
        raise
    return found


def _lacks_management_address(plan: AttachmentPlan, view: NetworkView) -> bool:
    if not plan.provider_address or view.management_ip:
        return False
    from cni_hns.dialects.endpoint import needs_management_address

    return needs_management_address(plan, view)


def _misfits(plan: AttachmentPlan, view: NetworkView) -> list[str]:
    """Every way in which the network is not the configured one, both sides in each sentence."""
    name = f'HCN network "{view.name}" ({view.id})'
    accepts = [accepted.lower() for accepted in plan.network.accepts]
    if accepts and view.type.lower() not in accepts:
        kind = "name another network" if plan.peer else "correct network.mode, name another network"
        return [
            f"{name} is of type {view.type}, the configuration asks for {' or '.join(plan.network.accepts)}",
            f"{kind}, or delete the one that is there",
        ]
    there = ", ".join(subnet.prefix for subnet in view.subnets) or "none"
    misfits = [
        f"{name} has the subnets {there}; {what} lies in none of them"
        for what, first, last in _wanted_spans(plan)
        if not _covered(first, last, view)
    ]
    if not plan.peer:
        misfits += [
            f"{name} has the subnets {there}; the configured next hop {hop} lies in none of them"
            for hop in _hops_out_of_reach(plan, view)
        ]
    misfits += [
        f"{name} has gateway {subnet.gateway} in {subnet.prefix}, the configuration says {wanted.gateway}"
        for wanted in plan.network.subnets
        for subnet in view.subnets
        if subnet.prefix == wanted.prefix
        and wanted.gateway
        and subnet.gateway
        and subnet.gateway != wanted.gateway
    ]
    if misfits:
        misfits.append("correct the configuration, name another network, or delete the one that is there")
    return misfits


def _wanted_spans(plan: AttachmentPlan) -> list[tuple[str, str, str]]:
    """(words, first, last) of what has to lie in the network's subnets.

    Of a range that is its addresses: its own prefix may be a wider one. A peer's subnet is that of a network
    to create; without an IPAM plugin it tells which subnet the gateway is of, too.
    """
    found = []
    if not plan.peer or plan.ipam.kind == "hns":
        for subnet in plan.network.subnets:
            prefix = ip_network(subnet.prefix)
            words = f"the configured subnet {prefix}"
            found.append((words, str(prefix.network_address), str(prefix.broadcast_address)))
    return found + [
        (f"the ipam range {one.first}-{one.last} of {one.subnet}", one.first, one.last)
        for ranges in plan.ipam.range_sets
        for one in ranges
    ]


def _covered(first: str, last: str, view: NetworkView) -> bool:
    ends = ip_address(first), ip_address(last)
    subnets = [ip_network(one.prefix, strict=False) for one in view.subnets]
    return any(all(end in subnet for end in ends) for subnet in subnets)


def _hops_out_of_reach(plan: AttachmentPlan, view: NetworkView) -> list[str]:
    """Next hops of the configuration that are no pod's neighbours on this network."""
    routes = [route.get("NextHop") for route in plan.routes] + [route.get("gw") for route in plan.ipam.routes]
    hops = [str(hop) for hop in (*plan.gateways, *plan.spare_gateways, *routes) if hop]
    if not hops:
        return []
    from cni_hns.dialects.placement import out_of_reach

    return out_of_reach(view, hops)


def _say_what_is_otherwise(plan: AttachmentPlan, found: ResolvedNetwork, node: Node) -> None:
    """What a peer would not look at, of a network that was just read: what is remembered was said before."""
    if not plan.peer or found.remembered:
        return
    view = found.view
    name = f'HCN network "{view.name}" ({view.id})'
    if view.type.lower() != plan.network.hcn_type.lower():
        node.log.event(
            f"{name} is of type {view.type}; {plan.peer} would make one of {plan.network.hcn_type}, "
            "and takes the one that is there",
            "warning",
        )
    for hop in _hops_out_of_reach(plan, view):
        node.log.event(f"gateway {hop} lies in no subnet of {name} and is not used", "warning")
