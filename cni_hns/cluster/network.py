"""The node's own HCN network: found and taken as it is, or made, and whole when this returns.

Rule 1: a network that does not fit is never changed; the fault names each difference.
Rule 2: what was made is noted in the ledger before and after: so that a killed agent knows its own network.
Rule 3: a fitting network gets one thing that it may lack, the HostRoute policy, by which the host reaches its
pods. It takes nothing from anybody, and flannel adds it to every network that it finds, too.

The network is persistent, where flannel's is not (EnableNonPersistent): a restart of HNS then leaves network,
endpoints and routes, and the pods keep their connections. What is stale after a boot, this agent sees.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.binding.reading import member
from cni_hns.cluster.network_faults import NotWhole, TooOld, Unfitting
from cni_hns.cluster.patience import Waiting
from cni_hns.cluster.wanted import plan_of, prefixes_of
from cni_hns.hcn.documents import add_policies
from cni_hns.hcn.gates import in_words, minimum, supported
from cni_hns.hcn.views import NetworkView
from cni_hns.node import networks
from cni_hns.node.features import hns_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cni_hns.cluster.wanted import NetworkWanted
    from cni_hns.dialects.plan import AttachmentPlan
    from cni_hns.hcn.client import Opened
    from cni_hns.node.node import Node

__all__ = ["ClusterNetwork", "ensure", "forget", "is_made_here", "prefixes"]

# flannel waits as long for each of the two, and 45 s for the interface that the host's address moves to.
_ADDRESS_S = 45.0
_POLICY_S = 5.0
_INTERFACE_S = 45.0

_DUAL_STACK, _LOOPBACK = "IPv6DualStack", "DSR"
_ALWAYS = {"overlay": ("HostRoute", "RemoteSubnetRoute"), "l2bridge": ("HostRoute",)}


class ClusterNetwork(NamedTuple):
    """The network. `management_ip` is the host's address on it; `dr_mac` and `vsid` are an overlay's.

    `prefixes` are the podCIDRs that it has. `dr_mac` is the MAC of the router that every pod of the network
    has: what other nodes' routes to this node name. `can_loop_back`: pods of this HNS reach themselves
    through a service (loopbackDSR).
    """

    id: str
    name: str
    mode: str
    prefixes: tuple[str, ...]
    management_ip: str
    dr_mac: str = ""
    vsid: int = 0
    can_loop_back: bool = True


def ensure(
    wanted: NetworkWanted, pod_cidrs: Sequence[str], node: Node, waiting: Waiting | None = None
) -> ClusterNetwork:
    """The node's network for these podCIDRs, there and whole.

    Making it takes the node's own connections for some seconds: HNS moves the adapter to a new switch.

    Raises:
        NetworkFault: of the kinds that `network_faults` lists.
        ServiceError, CniError, LedgerFault: HNS or the ledger failed; the next call goes on from there.
    """
    own = prefixes(wanted, pod_cidrs, node)
    can_loop_back = supported(_LOOPBACK, *hns_version(node))
    if wanted.loopback_dsr and not can_loop_back:
        node.log.event(f"loopbackDSR is left out: it needs HNS {minimum(_LOOPBACK)}", "warning")
        wanted = wanted._replace(loopback_dsr=False)
    plan = plan_of(wanted, own, create=True)
    _require([*_ALWAYS[wanted.mode], *plan.requires], node)
    found = networks.find(plan.network, node)
    if found is None:
        _note(node, wanted.name, "", own)
        found = networks.find_or_make(plan, node, lambda _: None)
    with found:
        document = found.opened.query()
        _refuse_unfitting(document, plan, wanted, node)
        _note(node, wanted.name, found.opened.id, own, only_if_ours=document)
        _add_host_route(found.opened, document)
        whole = _whole(found.opened, wanted, own, node, waiting or Waiting())
        return whole._replace(can_loop_back=can_loop_back)


def prefixes(wanted: NetworkWanted, pod_cidrs: Sequence[str], node: Node) -> tuple[str, ...]:
    """Of the podCIDRs those that the network of this node has; what is left out is logged.

    Raises: NetworkFault; ServiceError: HNS did not tell its version.
    """
    dual_stack = supported(_DUAL_STACK, *hns_version(node))
    found = prefixes_of(wanted, pod_cidrs, dual_stack=dual_stack)
    left_out = [one for one in pod_cidrs if one not in found]
    if left_out:
        why = "this HNS has IPv4 only" if wanted.mode == "l2bridge" and not dual_stack else wanted.mode
        node.log.event(f"podCIDR {', '.join(left_out)} is left out of the network: {why}")
    return found


def is_made_here(node: Node, name: str, document: dict[str, Any]) -> bool:
    """Whether an agent made the network, by what the ledger notes.

    HNS's word for its owner is no proof: an ADD and `cni-hns network create` write the same one.
    """
    view = NetworkView.of(document)
    noted = node.ledger.fact(_fact(name)) or {}
    if noted.get("id"):
        return bool(noted["id"] == view.id)
    return bool(noted) and noted.get("prefixes") == sorted(one.prefix for one in view.subnets)


def forget(node: Node, name: str) -> None:
    """The network is gone: the next one of this name may be anybody's."""
    node.ledger.forget_fact(_fact(name))


def _require(features: list[str], node: Node) -> None:
    major, minor = hns_version(node)
    lacking = [one for one in features if not supported(one, major, minor)]
    if lacking:
        listed = ", ".join(f"{in_words(one)} (needs HNS {minimum(one)})" for one in lacking)
        raise TooOld(
            f"the HNS of this node is version {major}.{minor} and cannot do: {listed}",
            "update Windows on this node, or leave it out of the settings",
        )


def _fact(name: str) -> str:
    return f"cluster network {name}"


def _note(
    node: Node, name: str, network_id: str, own: Sequence[str], *, only_if_ours: dict[str, Any] | None = None
) -> None:
    """Before it is made (without an ID), and once it is there."""
    if only_if_ours is not None and not is_made_here(node, name, only_if_ours):
        return
    noted = {"id": network_id, "prefixes": sorted(own)}
    if node.ledger.fact(_fact(name)) != noted:
        node.ledger.keep_fact(_fact(name), noted)


def _refuse_unfitting(
    document: dict[str, Any], plan: AttachmentPlan, wanted: NetworkWanted, node: Node
) -> None:
    differences = list(_differences(document, plan, wanted))
    if differences:
        view = NetworkView.of(document)
        is_ours = is_made_here(node, wanted.name, document)
        raise Unfitting(view.name, view.id, differences, is_ours=is_ours)


def _differences(document: dict[str, Any], plan: AttachmentPlan, wanted: NetworkWanted) -> Iterator[str]:
    view = NetworkView.of(document)
    if view.type.lower() != plan.network.hcn_type.lower():
        yield f"its type is {view.type}, this node needs {plan.network.hcn_type}"
    there = {str(ip_network(one.prefix, strict=False)): one.gateway for one in view.subnets}
    needed = {one.prefix: one.gateway for one in plan.network.subnets}
    if set(there) != set(needed):
        yield (
            f"its subnets are {', '.join(sorted(there)) or 'none'}, the podCIDRs of this node are "
            f"{', '.join(sorted(needed))}"
        )
    for prefix in sorted(set(there) & set(needed)):
        if there[prefix] and there[prefix] != needed[prefix]:
            yield f"the gateway of {prefix} is {there[prefix]}, this node needs {needed[prefix]}"
    if wanted.mode == "overlay":
        yield from _other_numbers("virtual subnet id", _numbers(document), wanted.vsid)
        ports = {_setting(one, "Port") for one in _of_type(view.policies, "VxlanPort")}
        yield from _other_numbers("VXLAN port", ports or {4789}, wanted.vxlan_port)
    adapters = {str(_setting(one, "NetworkAdapterName")) for one in _of_type(view.policies, "NetAdapterName")}
    if wanted.adapter and adapters and wanted.adapter.lower() not in {one.lower() for one in adapters}:
        yield f'its adapter is "{", ".join(adapters)}", the settings say "{wanted.adapter}"'


def _other_numbers(words: str, there: set[Any], needed: int) -> Iterator[str]:
    if there != {needed}:
        listed = ", ".join(str(one) for one in sorted(there, key=str)) or "none"
        yield f"its {words} is {listed}, the settings say {needed}"


def _numbers(document: dict[str, Any]) -> set[Any]:
    """The virtual subnet ids of its subnets."""
    return {
        _setting(policy, "IsolationId")
        for ipam in member(document, "Ipams") or []
        for subnet in member(ipam, "Subnets") or []
        for policy in _of_type(member(subnet, "Policies") or [], "VSID")
    }


def _of_type(policies: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in policies if str(member(one, "Type")).lower() == kind.lower()]


def _setting(policy: dict[str, Any], name: str) -> Any:
    settings = member(policy, "Settings")
    return member(settings, name) if isinstance(settings, dict) else None


def _add_host_route(opened: Opened, document: dict[str, Any]) -> None:
    if not _of_type(NetworkView.of(document).policies, "HostRoute"):
        opened.modify(add_policies([{"Type": "HostRoute", "Settings": {}}]))


def _whole(
    opened: Opened, wanted: NetworkWanted, own: tuple[str, ...], node: Node, waiting: Waiting
) -> ClusterNetwork:
    """HNS finishes a network some time after it has made it, one part after the other."""

    def not_whole(what: str, waited_s: float, more: str = "") -> NotWhole:
        return NotWhole(wanted.name, opened.id, what, waited_s, more)

    address = waiting.until(lambda: _management_ip(opened, node), _ADDRESS_S)
    if not address:
        raise not_whole("address of the host (ManagementIP)", _ADDRESS_S)
    dr_mac = ""
    if wanted.mode == "overlay":
        dr_mac = waiting.until(lambda: _dr_mac(opened), _POLICY_S) or ""
        if not dr_mac:
            raise not_whole("MAC of its router (policy DrMacAddress)", _POLICY_S)
    looks = _Interfaces(node, address)
    if not waiting.until(looks.has_it, _INTERFACE_S):
        raise not_whole(f"interface of the host with its address {address}", _INTERFACE_S, looks.fault)
    vsid = wanted.vsid if wanted.mode == "overlay" else 0
    return ClusterNetwork(opened.id, wanted.name, wanted.mode, own, address, dr_mac, vsid)


def _management_ip(opened: Opened, node: Node) -> str:
    """V2 tells it on overlay networks, V1 on all."""
    return NetworkView.of(opened.query()).management_ip or node.hns.management_address(opened.id)


def _dr_mac(opened: Opened) -> str:
    found = _of_type(NetworkView.of(opened.query()).policies, "DrMacAddress")
    return str(_setting(found[0], "Address") or "") if found else ""


class _Interfaces:
    """The host's interfaces, asked until one that is up has the address."""

    def __init__(self, node: Node, address: str) -> None:
        self._node = node
        self._address = address
        self.fault = ""

    def has_it(self) -> bool:
        try:
            found = self._node.machine.host().interfaces()
        except OSError as fault:
            self.fault = str(fault)
            return False
        return any(
            one.is_up and self._address in [text.partition("/")[0] for text in one.addresses] for one in found
        )
