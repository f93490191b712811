"""What an agent is told: one table of settings, read from a file with options over it, all faults at once.

Rule 1: a setting that nobody knows is a fault, and never passed over: it was meant to do something.
Rule 2: nothing here asks the API or HNS; what is wrong here never heals by waiting.
"""

from __future__ import annotations

import ipaddress
import os
import platform
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from cni_hns.dialects.pool_names import pool_names
from cni_hns.dialects.spelling import near

__all__ = [
    "MODES",
    "AgentSettings",
    "SettingsFault",
    "Source",
    "from_net_conf",
    "read_source",
    "settings_of",
    "template",
]

MODES = ("overlay", "l2bridge")
_LEVELS = ("debug", "info", "warning", "error")

# HNS takes no lower one for an overlay network; a VXLAN's identifier has 24 bits.
_LOWEST_VNI, _HIGHEST_VNI = 4096, (1 << 24) - 1
_HIGHEST_PORT = 65535
_LOWEST_MTU, _HIGHEST_MTU = 576, 65535
# A Node is an object of Kubernetes: its name is a DNS subdomain (RFC 1123).
_NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_NODE_NAME = 253
# The name is the CNI network's too (CNI SPEC, section 1).
_NETWORK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LARGEST_BYTES = 1 << 20
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.conflist")


class SettingsFault(Exception):
    """The settings cannot be used; `faults` has one line for each thing that is wrong, with its place."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


class AgentSettings(NamedTuple):
    """All that an agent is told. Prefixes and addresses are in their shortest spelling.

    `network` is the name of the HCN network and of the CNI network. `conf_dir` is "" where the container
    runtime's folder is meant, `data_dir` where the node's own is. `kubeconfig` is "" inside of the cluster,
    where `service_account` is the folder of the token, "" for the usual one. `health` is (host, port), or
    None for no health server. `mtu` 0 leaves it to HNS. `subnets` are the network's, where they are not the
    Node's podCIDRs: with `pools`, one for each address family, whose addresses are of one layer-2 network and
    need no routes.
    """

    node_name: str
    mode: str
    network: str
    cluster_cidrs: tuple[str, ...]
    service_cidrs: tuple[str, ...]
    vni: int = 4096
    vxlan_port: int = 4789
    adapter: str = ""
    mtu: int = 0
    subnets: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    dns_servers: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    conf_dir: str = ""
    conf_file: str = "10-cni-hns.conflist"
    data_dir: str = ""
    source_vip: bool = True
    flannel: bool = True
    kubeconfig: str = ""
    context: str = ""
    service_account: str = ""
    health: tuple[str, int] | None = ("127.0.0.1", 9741)
    idle_s: float = 60.0
    log_file: str = ""
    log_level: str = "info"
    plugin_log: str = ""


class Source(NamedTuple):
    """Settings as somebody wrote them, and what says so, for people: a file's name, or "the command line"."""

    whose: str
    document: Mapping[str, Any]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is no text")
    return value


def _node_name(value: Any) -> str:
    name = _text(value)
    if len(name) > _LONGEST_NODE_NAME or not _NODE_NAME.fullmatch(name):
        raise ValueError(
            f"{_shown(name)} cannot be the name of a Node: small letters, digits, '-' and '.' only; "
            "`kubectl get nodes` shows it"
        )
    return name


def _network_name(value: Any) -> str:
    if not _NETWORK_NAME.fullmatch(_text(value)):
        raise ValueError(
            f"{_shown(value)} cannot be the name of a network: it begins with a letter or a digit, and has "
            "letters, digits, '_', '.' and '-' only"
        )
    return _text(value)


def _file_name(value: Any) -> str:
    if not _FILE_NAME.fullmatch(_text(value)):
        raise ValueError(f"{_shown(value)} is no name of a file that ends in .conflist")
    return _text(value)


def _absolute(value: Any) -> str:
    path = _text(value)
    if path and not os.path.isabs(path):
        raise ValueError(f"{_shown(path)} is no absolute path")
    return path


def _one_of(words: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value in words:
            return str(value)
        meant = near(str(value), words)
        hint = f'; did you mean "{meant}"?' if meant else ""
        raise ValueError(f"{_shown(value)} is none of {', '.join(words)}{hint}")

    return read


def _whole(lowest: int, highest: int, why: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
        if not isinstance(number, int) or isinstance(number, bool):
            raise ValueError(f"{_shown(value)} is no whole number")
        if number and not lowest <= number <= highest:
            raise ValueError(f"{number} is not between {lowest} and {highest}: {why}")
        return number

    return read


def _seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    # Below a second the node would be looked at all the time.
    if isinstance(value, bool) or not (seconds == 0 or 1 <= seconds <= 86400):  # noqa: PLR2004 - a day
        raise ValueError(f"{_shown(value)} is no number of seconds from 1 to 86400, nor 0 for never")
    return seconds


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{_shown(value)} is neither true nor false")
    return value


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [one.strip() for one in value.split(",") if one.strip()]
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{_shown(value)} is no list")
    return list(value)


def _prefixes(value: Any) -> tuple[str, ...]:
    found = []
    for one in _listed(value):
        try:
            if "/" not in _text(one):
                raise ValueError("it has no length, as in 10.244.0.0/16")
            found.append(str(ipaddress.ip_network(one)))
        except ValueError as fault:
            raise ValueError(f"{_shown(one)} is no prefix of addresses: {fault}") from fault
    families = [one.count(":") > 0 for one in found]
    if len(set(families)) != len(families):
        raise ValueError("there is one prefix for IPv4 and one for IPv6 at the most")
    return tuple(found)


def _pools(value: Any) -> tuple[str, ...]:
    """ "" is none: so a later source takes away what an earlier one says."""
    return () if value in ("", []) else pool_names(value)


def _addresses(value: Any) -> tuple[str, ...]:
    found = []
    for one in _listed(value):
        try:
            found.append(str(ipaddress.ip_address(_text(one))))
        except ValueError as fault:
            raise ValueError(f"{_shown(one)} is no IP address") from fault
    return tuple(found)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, _listed(value)))


def _listens_at(value: Any) -> tuple[str, int] | None:
    """Only on this machine: what it tells is nobody else's, and nobody has to log in."""
    if value in ("", False):
        return None
    host, _, port = _text(value).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        is_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if not is_here or not port.isascii() or not port.isdigit() or int(port) > _HIGHEST_PORT:
        raise ValueError(f'{_shown(value)} is no loopback address with a port, as in "127.0.0.1:9741"')
    return host, int(port)


class _Setting(NamedTuple):
    """`path` in the file, the field of AgentSettings, how its value is read, and words for people."""

    path: str
    field: str
    read: Callable[[Any], Any]
    words: str


_VNI = _whole(_LOWEST_VNI, _HIGHEST_VNI, "an overlay network of HNS has a VNI from 4096")
_PORT = _whole(1, _HIGHEST_PORT, "it is a UDP port")
_MTU = _whole(_LOWEST_MTU, _HIGHEST_MTU, "of what an IP packet may be")
_SETTINGS = (
    _Setting("nodeName", "node_name", _node_name, "of this Node; else $NODE_NAME, else the machine's"),
    _Setting("mode", "mode", _one_of(MODES), "overlay (VXLAN) or l2bridge (host routes)"),
    _Setting("network.name", "network", _network_name, "of the HCN network, kube-proxy's KUBE_NETWORK"),
    _Setting("network.vni", "vni", _VNI, "overlay: the VXLAN's identifier"),
    _Setting("network.port", "vxlan_port", _PORT, "overlay: the VXLAN's UDP port"),
    _Setting("network.adapter", "adapter", _text, "the adapter that the network is put on; else HNS chooses"),
    _Setting("network.mtu", "mtu", _MTU, "of the pods; else HNS chooses"),
    _Setting("network.subnets", "subnets", _prefixes, "with a pool: of the layer-2 network that it lies in"),
    _Setting("clusterCIDRs", "cluster_cidrs", _prefixes, "all pods' addresses, as --cluster-cidr has them"),
    _Setting("serviceCIDRs", "service_cidrs", _prefixes, "all services' addresses"),
    _Setting("dns.servers", "dns_servers", _addresses, "the pods' name servers, the cluster's DNS service"),
    _Setting("dns.search", "dns_search", _texts, "the pods' search list"),
    _Setting("cni.folder", "conf_dir", _absolute, "of network configurations; else as containerd says"),
    _Setting("cni.file", "conf_file", _file_name, "the configuration's name in that folder"),
    _Setting("pool", "pools", _pools, "of the pods' addresses, not the podCIDRs; a list: one per family"),
    _Setting("dataDir", "data_dir", _absolute, "the folder of the ledger; else the node's own"),
    _Setting("sourceVIP", "source_vip", _flag, "overlay: make kube-proxy's source VIP"),
    _Setting("flannel", "flannel", _flag, "write flannel's annotations, which other nodes read"),
    _Setting("kubernetes.kubeconfig", "kubeconfig", _absolute, "how the API is reached; else as a pod does"),
    _Setting("kubernetes.context", "context", _text, "which context of that file; else its current one"),
    _Setting("kubernetes.serviceAccount", "service_account", _absolute, "the folder of the pod's token"),
    _Setting("health", "health", _listens_at, "where health and metrics are told; empty for nowhere"),
    _Setting("idle", "idle_s", _seconds, "seconds between two examinations of the node; 0 for never"),
    _Setting("log.file", "log_file", _absolute, "JSON lines of the agent; else none"),
    _Setting("log.level", "log_level", _one_of(_LEVELS), "debug, info, warning or error"),
    _Setting("log.plugin", "plugin_log", _absolute, "JSON lines of the plugin; else none"),
)
_BY_PATH = {one.path: one for one in _SETTINGS}
_GROUPS = {one.path.split(".")[0] for one in _SETTINGS if "." in one.path}


def settings_of(sources: Iterable[Source], defaults: Mapping[str, Any] | None = None) -> AgentSettings:
    """One agent's settings; what a later source says prevails. `defaults` are fields that nobody else says.

    Raises:
        SettingsFault: with every mistake of all sources.
    """
    faults: list[str] = []
    said: dict[str, Any] = {**(defaults or {})}
    for source in sources:
        for path, value in _leaves(source, faults):
            try:
                said[_BY_PATH[path].field] = _BY_PATH[path].read(value)
            except ValueError as fault:
                faults.append(f"{source.whose}: {path}: {fault}")
    said.setdefault("node_name", platform.node().lower())
    said.setdefault("mode", "overlay")
    said.setdefault("network", f"flannel.{said.get('vni', 4096)}" if said["mode"] == "overlay" else "cbr0")
    faults += _missing(said, faults)
    if faults:
        raise SettingsFault(faults)
    found = AgentSettings(**said)
    faults += _contradictions(found)
    if faults:
        raise SettingsFault(faults)
    return found


def _leaves(source: Source, faults: list[str]) -> Iterable[tuple[str, Any]]:
    """Each setting of the document by its path; what is none is a fault with its near miss."""
    found = []
    for key, value in source.document.items():
        if key in _GROUPS and isinstance(value, Mapping):
            inner = {f"{key}.{name}": each for name, each in value.items()}
        elif key in _GROUPS:
            faults.append(f"{source.whose}: {key}: {_shown(value)} is no object")
            continue
        else:
            inner = {str(key): value}
        for path, each in inner.items():
            if path in _BY_PATH:
                found += [(path, each)] if each is not None else []
            else:
                faults.append(f"{source.whose}: {path}: no such setting{_meant(path)}")
    return found


def _meant(path: str) -> str:
    top, _, name = path.rpartition(".")
    beside = [one.path for one in _SETTINGS if one.path.rpartition(".")[0] == top]
    known = [one.rpartition(".")[2] for one in beside] + ([] if top else sorted(_GROUPS))
    inside = [one.path for one in _SETTINGS if one.path.rpartition(".")[2].lower() == name.lower()]
    if inside:
        return f'; did you mean "{inside[0]}"?'
    close = near(name, known)
    if close:
        return f'; did you mean "{top}.{close}"?' if top else f'; did you mean "{close}"?'
    return ""


def _missing(said: Mapping[str, Any], faults: list[str]) -> Iterable[str]:
    needed = {
        "cluster_cidrs": "clusterCIDRs: missing: the addresses of all pods, kube-controller-manager's "
        "--cluster-cidr (kubeadm: podSubnet)",
        "service_cidrs": "serviceCIDRs: missing: the addresses of all services, kube-apiserver's "
        "--service-cluster-ip-range (kubeadm: serviceSubnet)",
    }
    for field, words in needed.items():
        path = next(one.path for one in _SETTINGS if one.field == field)
        if not said.get(field) and not any(f": {path}: " in one for one in faults):
            yield words


def _contradictions(said: AgentSettings) -> Iterable[str]:
    for pods in map(ipaddress.ip_network, said.cluster_cidrs):
        for services in map(ipaddress.ip_network, said.service_cidrs):
            if pods.version == services.version and pods.overlaps(services):
                yield f"serviceCIDRs: {services} overlaps {pods} of clusterCIDRs: no address can be both"
    if said.mode == "overlay" and not any(":" not in one for one in said.cluster_cidrs):
        yield "clusterCIDRs: no IPv4 prefix: an overlay network of HNS has IPv4 addresses only"
    if said.mode == "overlay" and not said.flannel:
        yield "flannel: false: on overlay the annotations are how other nodes know the way to this one"
    if said.pools and (said.mode == "overlay" or not said.subnets):
        yield (
            "pool: its addresses belong to no podCIDR, so that nobody has a route to them: it needs mode "
            "l2bridge and network.subnets, one layer-2 network that all nodes are in"
        )
    elif len(said.pools) > len(said.subnets):
        yield (
            "network.subnets: two pools are one of IPv4 and one of IPv6, and the network has a prefix of "
            f"only one of these: {said.subnets[0]}"
        )
    if said.subnets and not said.pools:
        yield "network.subnets: only with a pool; else the network has this Node's podCIDRs"
    if said.context and not said.kubeconfig:
        yield "kubernetes.context: there is no kubernetes.kubeconfig that it could be in"


def read_source(path: str) -> Source:
    """What the file says; YAML or JSON, which is YAML too.

    Raises:
        SettingsFault: it cannot be read, or is no object.
    """
    import yaml

    try:
        with open(path, "rb") as file:
            document = yaml.safe_load(file.read(_LARGEST_BYTES))
    except OSError as fault:
        raise SettingsFault([f'"{path}" cannot be read: {fault.strerror or fault}']) from fault
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        raise SettingsFault([f'"{path}" is neither YAML nor JSON: {" ".join(str(fault).split())}']) from fault
    if document is not None and not isinstance(document, Mapping):
        raise SettingsFault([f'"{path}" is no object: settings are written as `name: value`'])
    return Source(path, document or {})


def from_net_conf(whose: str, document: Mapping[str, Any]) -> Source:
    """The same settings as flannel's daemon has them in its `net-conf.json`.

    Source: https://github.com/flannel-io/flannel/blob/master/Documentation/configuration.md and backends.md

    Raises:
        SettingsFault: it is for a back end that is none of ours.
    """
    folded = {str(key).lower(): value for key, value in document.items()}
    backend = folded.get("backend")
    about = (
        {str(key).lower(): value for key, value in backend.items()} if isinstance(backend, Mapping) else {}
    )
    kind = str(about.get("type") or "udp").lower()
    modes = {"vxlan": "overlay", "host-gw": "l2bridge"}
    if kind not in modes:
        raise SettingsFault([f"{whose}: Backend.Type: {_shown(kind)} is none of vxlan, host-gw"])
    both = [folded.get("network"), folded.get("ipv6network") if folded.get("enableipv6") else None]
    network = {"vni": about.get("vni"), "port": about.get("port")} if kind == "vxlan" else {}
    return Source(
        whose, {"mode": modes[kind], "clusterCIDRs": [one for one in both if one], "network": network}
    )


def template() -> list[tuple[str, str]]:
    """Each setting's path in the file and what it is, for documentation."""
    return [(one.path, one.words) for one in _SETTINGS]


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
