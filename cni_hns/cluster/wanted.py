"""What an operator wants of the node's own network, and the configuration of this plugin that says the same.

Rule: the HCN network is made from the configuration that its pods are added with, by the same code. So what
the agent makes is what an ADD asks for, and both have one name, which kube-proxy is given as KUBE_NETWORK.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.cluster.network_faults import NetworkFault
from cni_hns.dialects.compile import ConfigFault, compile_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cni_hns.dialects.plan import AttachmentPlan

__all__ = ["NetworkWanted", "configuration", "default_name", "plan_of", "prefixes_of"]

_VXLAN_PORT = 4789
_VSID = 4096
_MODES = ("overlay", "l2bridge")


class NetworkWanted(NamedTuple):
    """`mode`: overlay, or l2bridge with routes between the nodes (flannel's vxlan and host-gw).

    `name` is that of the HCN network and of the configuration. `vsid` is flannel's VNI, `vxlan_port` its
    Port. `cluster_cidrs` are the pods of all nodes, `service_cidrs` the cluster IPs: no NAT on the way there.
    `pools`: addresses come from these cluster-wide pools, one for each address family; none: from the node's
    podCIDRs. `data_dir` and `log_file` are written into the configuration where they are given.
    `host_endpoint`: on l2bridge the host has an endpoint of its own, which is the pods' gateway; without it
    their gateway is the first address.
    """

    mode: str
    name: str
    adapter: str = ""
    vsid: int = _VSID
    vxlan_port: int = _VXLAN_PORT
    cluster_cidrs: tuple[str, ...] = ()
    service_cidrs: tuple[str, ...] = ()
    dns_servers: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    mtu: int = 0
    loopback_dsr: bool = True
    pools: tuple[str, ...] = ()
    data_dir: str = ""
    log_file: str = ""
    host_endpoint: bool = True

    @property
    def has_host_endpoint(self) -> bool:
        return self.mode == "l2bridge" and self.host_endpoint


def default_name(mode: str, vsid: int = _VSID) -> str:
    """What flannel calls its network of this kind: kube-proxy's installers look for these names."""
    return f"flannel.{vsid}" if mode == "overlay" else "cbr0"


def prefixes_of(wanted: NetworkWanted, pod_cidrs: Sequence[str], *, dual_stack: bool) -> tuple[str, ...]:
    """Of the node's podCIDRs those that its network can have: IPv6 beside IPv4 on l2bridge only.

    `dual_stack`: this HNS can do it.
    Raises: NetworkFault: none is left, or one is no prefix.
    """
    try:
        parsed = [ip_network(one) for one in pod_cidrs]
    except ValueError as fault:
        raise NetworkFault(f"the node's podCIDR cannot be read: {fault}", "correct spec.podCIDRs") from fault
    fourth = [str(one) for one in parsed if one.version == 4]  # noqa: PLR2004 - IPv4
    sixth = [str(one) for one in parsed if one.version != 4]  # noqa: PLR2004
    if not fourth:
        raise NetworkFault(
            f"the node has no IPv4 podCIDR ({', '.join(pod_cidrs) or 'none at all'}), "
            "and HNS has IPv6 beside IPv4 only",
            "give the cluster an IPv4 range: --cluster-cidr of kube-controller-manager",
        )
    return (fourth[0], *(sixth[:1] if wanted.mode == "l2bridge" and dual_stack else ()))


def configuration(wanted: NetworkWanted, prefixes: Sequence[str], *, create: bool) -> dict[str, Any]:
    """This plugin's object. `create`: with all that a new network needs; else for the file of the pods.

    A file that let an ADD make the network would have it made without routes, and in the middle of an ADD.
    """
    reached = _of({_version(one) for one in prefixes}, (*wanted.cluster_cidrs, *wanted.service_cidrs))
    own = [one for one in prefixes if not _lies_in(one, reached)]
    plugin: dict[str, Any] = {
        "type": "cni-hns",
        "capabilities": {"portMappings": True, "dns": True, "bandwidth": True, "ips": True, "mac": True},
        "network": _network(wanted, prefixes, create=create),
        "ipam": _ipam(wanted, prefixes),
        "dns": _dns(wanted),
        "gatewayFrom": "bridge" if wanted.has_host_endpoint else "",
        "outboundNat": {"exceptions": [*own, *reached]},
        # To the back ends of services packets are sent as to pods: encapsulated.
        "policies": [_to_services(one) for one in _of({4}, wanted.service_cidrs)],
        "loopbackDSR": wanted.loopback_dsr,
        "mtu": wanted.mtu,
        "dataDir": wanted.data_dir,
        "log": {"file": wanted.log_file} if wanted.log_file else {},
    }
    return {key: value for key, value in plugin.items() if value}


def plan_of(wanted: NetworkWanted, prefixes: Sequence[str], *, create: bool) -> AttachmentPlan:
    """The compiled plan.

    Raises: NetworkFault: with everything that is wrong with the settings.
    """
    if wanted.mode not in _MODES:
        raise NetworkFault(f'the mode "{wanted.mode}" is none of {", ".join(_MODES)}', "correct the settings")
    document = configuration(wanted, prefixes, create=create)
    try:
        return compile_plan({"cniVersion": "1.0.0", "name": wanted.name, **document})
    except ConfigFault as fault:
        raise NetworkFault(f"the settings of the network are wrong: {fault}", "correct them") from fault


def _network(wanted: NetworkWanted, prefixes: Sequence[str], *, create: bool) -> dict[str, Any]:
    network: dict[str, Any] = {
        "mode": wanted.mode,
        "subnets": [{"prefix": one, "gateway": str(ip_network(one).network_address + 1)} for one in prefixes],
    }
    if not create:
        return network
    is_overlay = wanted.mode == "overlay"
    port = {"Type": "VxlanPort", "Settings": {"Port": wanted.vxlan_port}}
    more: dict[str, Any] = {
        "create": True,
        "adapter": wanted.adapter,
        "vsid": wanted.vsid if is_overlay else 0,
        "policies": [port] if is_overlay and wanted.vxlan_port != _VXLAN_PORT else [],
    }
    return {**network, **{key: value for key, value in more.items() if value}}


def _ipam(wanted: NetworkWanted, prefixes: Sequence[str]) -> dict[str, Any]:
    if wanted.pools:
        one, *more = wanted.pools
        return {"type": "cni-hns", "pool": [one, *more] if more else one}
    return {"type": "cni-hns", "ranges": [[{"subnet": one}] for one in prefixes]}


def _dns(wanted: NetworkWanted) -> dict[str, Any]:
    found = {"nameservers": list(wanted.dns_servers), "search": list(wanted.dns_search)}
    return {key: value for key, value in found.items() if value}


def _to_services(prefix: str) -> dict[str, Any]:
    return {"Type": "SDNRoute", "Settings": {"DestinationPrefix": prefix, "NeedEncap": True}}


def _of(versions: Iterable[int], cidrs: Iterable[str]) -> list[str]:
    """Those of these families, each once; what is no prefix stays, for the check of the configuration."""
    return [one for one in dict.fromkeys(cidrs) if _version(one) in (*versions, 0)]


def _lies_in(prefix: str, cidrs: Iterable[str]) -> bool:
    alike = [one for one in cidrs if _version(one) == _version(prefix)]
    first, length = ip_network(prefix).network_address, ip_network(prefix).prefixlen
    around = [ip_network(one) for one in alike]
    return any(first in one and one.prefixlen <= length for one in around)


def _version(cidr: str) -> int:
    try:
        return ip_network(cidr).version
    except ValueError:
        return 0
