"""flannel's annotations of a Node: how a node says where its pods are reached, and how ours says it.

Source: flannel's Kubernetes subnet manager and its vxlan and host-gw backends, for Linux and for Windows.
flannel leaves a Node out whose `kube-subnet-manager` is not "true", and one whose `public-ip` is no IPv4
address; where it carries IPv6 too, one without `public-ipv6` as well. It reads names of backends as they
stand, and VtepMAC in any spelling of Go's `net.ParseMAC`.
"""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any, NamedTuple

from cni_hns.cluster.macs import mac as one_spelling

__all__ = ["PREFIX", "Backend", "announced", "look", "read", "written"]

PREFIX = "flannel.alpha.coreos.com/"

VXLAN, HOST_GW, ALLOC = "vxlan", "host-gw", "alloc"

_MANAGED = PREFIX + "kube-subnet-manager"
_TYPE = PREFIX + "backend-type"
_LARGEST_VNI = (1 << 24) - 1


class _Family(NamedTuple):
    """The keys of one IP family."""

    version: int
    data: str
    public_ip: str
    overwrite: str


_IPV4 = _Family(4, PREFIX + "backend-data", PREFIX + "public-ip", PREFIX + "public-ip-overwrite")
_IPV6 = _Family(6, PREFIX + "backend-v6-data", PREFIX + "public-ipv6", PREFIX + "public-ipv6-overwrite")


class Backend(NamedTuple):
    """How a node's pods are reached; of each family what was said, empty or 0 where nothing was.

    `kind` is flannel's name ("vxlan", "host-gw", "alloc" or another). `vni` and `mac` (of the vxlan device;
    on Windows of the network's distributed router) are vxlan's.
    """

    kind: str
    public_ip: str = ""
    vni: int = 0
    mac: str = ""
    public_ipv6: str = ""
    vni_v6: int = 0
    mac_v6: str = ""


def read(annotations: object) -> Backend | None:
    """What the annotations say; None where they say nothing that can be used."""
    return look(annotations)[0]


def look(annotations: object) -> tuple[Backend | None, str]:
    """What the annotations say, or None and why not, in words that follow "its"."""
    if not isinstance(annotations, dict) or _TYPE not in annotations:
        return None, f"Node has no annotation {_TYPE} yet"
    if annotations.get(_MANAGED) != "true":
        return None, f'annotation {_MANAGED} is not "true"'
    kind = str(annotations[_TYPE])
    public_ip = _address(annotations, _IPV4)
    public_ipv6 = _address(annotations, _IPV6)
    if not public_ip and not public_ipv6:
        return None, f"annotation {_IPV4.public_ip} has no IP address"
    if kind != VXLAN:
        return Backend(kind, public_ip, public_ipv6=public_ipv6), ""
    (vni, mac, why), (vni_v6, mac_v6, why_v6) = _data(annotations, _IPV4), _data(annotations, _IPV6)
    if not mac and not mac_v6:
        return None, why or why_v6
    return Backend(kind, public_ip, vni, mac, public_ipv6, vni_v6, mac_v6), ""


def announced(annotations: object, own: str) -> str:
    """The address to announce of the own Node: what its operator wrote over it, else `own`."""
    family = _IPV6 if ":" in own else _IPV4
    given = annotations.get(family.overwrite) if isinstance(annotations, dict) else None
    return _of_version(given, family.version) or own


def written(backend: Backend) -> dict[str, str]:
    """The annotations that say this, as flannel itself writes them.

    A vxlan peer of flannel's on Linux sends to the MAC that stands here; it takes no other names of members.
    """
    keys = {_MANAGED: "true", _TYPE: backend.kind}
    families = (
        (_IPV4, backend.public_ip, backend.vni, backend.mac),
        (_IPV6, backend.public_ipv6, backend.vni_v6, backend.mac_v6),
    )
    for family, address, vni, mac in families:
        if not address:
            continue
        keys[family.public_ip] = address
        # A restarted flannel reads its own back by cutting the text at these very characters.
        data = json.dumps({"VNI": vni, "VtepMAC": one_spelling(mac)}, separators=(",", ":"))
        keys[family.data] = data if backend.kind == VXLAN else "null"
    return keys


def _address(annotations: dict[str, Any], family: _Family) -> str:
    """What the operator wrote over it comes first: flannel copies it only at its next start."""
    return _of_version(annotations.get(family.overwrite), family.version) or _of_version(
        annotations.get(family.public_ip), family.version
    )


def _of_version(text: object, version: int) -> str:
    try:
        address = ip_address(text) if isinstance(text, str) else None
    except ValueError:
        return ""
    usable = address is not None and address.version == version and not address.is_unspecified
    return str(address) if usable else ""


def _data(annotations: dict[str, Any], family: _Family) -> tuple[int, str, str]:
    """VNI and MAC; without them 0, "" and why."""
    try:
        data = json.loads(annotations.get(family.data, ""))
    except (ValueError, TypeError, RecursionError):
        return 0, "", f"annotation {family.data} is no JSON"
    if not isinstance(data, dict):
        return 0, "", f"annotation {family.data} has no VNI and no VtepMAC"
    # Go finds the members of a structure in any case.
    members = {str(name).lower(): value for name, value in data.items()}
    vni, mac = members.get("vni"), one_spelling(members.get("vtepmac"))
    if not isinstance(vni, int) or isinstance(vni, bool) or not 0 <= vni <= _LARGEST_VNI:
        return 0, "", f"annotation {family.data} has no VNI"
    if not mac:
        # flannel on Windows writes an empty one first, and the real one once its network is made.
        return 0, "", f"annotation {family.data} has no VtepMAC yet"
    return vni, mac, ""
