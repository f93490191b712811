"""Policies as the peers' configurations spell them, in the form HCN reads.

Two generations are in circulation, often in one file: flat ones of HNS V1 (`Type` beside its keys) and
those of HCN (`Type` and `Settings`). HNS reads only the second under containerd and drops unknown keys in
silence, so every key is renamed here or said to be unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.hcn.models.policies import ENDPOINT_POLICIES, NETWORK_POLICIES, SUBNET_POLICIES, Table
from cni_hns.typed import Any

from . import fields
from .policy_settings import known_members

__all__ = ["V1_TYPES", "translate_policy"]

# What a peer writes as EndpointPolicy and as NetworkPolicy; HCN has the last ones at the network's subnets.
_TABLES: dict[str, Table] = {
    "endpoint": ENDPOINT_POLICIES,
    "network": {**NETWORK_POLICIES, **SUBNET_POLICIES},
}
_OTHER = {"endpoint": "NetworkPolicy", "network": "EndpointPolicy"}

# V1 and misspelt type names that are in use; type names that differ in letter case only need no entry.
V1_TYPES = {"route": "SDNRoute", "nat": "PortMapping", "pa": "ProviderAddress", "proxy": "L4Proxy"}
# V1's words for which HCN has none, with what to do instead.
_NOT_IN_HCN = {
    "elb": "a load balancer is no policy of an endpoint for HCN; kube-proxy makes them",
    "vnet": "HCN has ProviderAddress for it",
}
_ISOLATION = "isolation"

# Names that V1 gave to the same setting, by HCN type.
_RENAMED = {
    "OutBoundNAT": {"exceptionlist": "Exceptions", "vip": "VirtualIP"},
    "ProviderAddress": {"pa": "ProviderAddress"},
    "ACL": {"protocol": "Protocols", "localport": "LocalPorts", "remoteport": "RemotePorts"},
    "VLAN": {"vlan": "IsolationId"},
    "VSID": {"vsid": "IsolationId"},
}
_PROTOCOLS = {"tcp": 6, "6": 6, "udp": 17, "17": 17}
_NUMBERED_PROTOCOL = ("PortMapping", "L4Proxy")
# NatFlags of the HCN schema, for what V1 says in words.
_EXTERNAL_PORT_RESERVED = 4

# Settings that are texts for HCN and were numbers for V1, or look like numbers to an author.
_NUMBERS_AS_TEXT = {
    "ACL": ("Protocols", "LocalPorts", "RemotePorts"),
    "NetworkACL": ("Protocols", "LocalPorts", "RemotePorts"),
    "L4Proxy": ("Port",),
    "L4WFPPROXY": ("InboundProxyPort", "OutboundProxyPort"),
}


def translate_policy(value: Mapping[str, Any], level: str) -> tuple[dict[str, Any] | None, list[str]]:
    """(the policy in HCN form or None where it asks for nothing, remarks)

    `level` is "endpoint" or "network", whose policies may be those of its subnets too.
    Raises: ValueError for what is no policy that HCN knows, without repeating the values of its settings.
    """
    entry = fields.fold(value)
    written = entry.pop("type", None)
    if not isinstance(written, str) or not written:
        raise ValueError("the policy has no Type")
    settings = _settings(entry)
    kind = _kind(_isolated(settings) if written.lower() == _ISOLATION else written, level)
    remarks = [] if kind == written else [f"{fields.shown(written)} is {kind} for HCN"]
    named, unknown = _renamed(kind, settings, level)
    if unknown:
        remarks.append(f"{kind}: HNS has no setting {', '.join(sorted(unknown))}; passed over")
    if kind == "SDNRoute" and not named.get("DestinationPrefix"):
        return None, [*remarks, "SDNRoute without a destination asks for nothing; left out"]
    if kind == "ProviderAddress" and not named.get("ProviderAddress"):
        return None, [*remarks, "ProviderAddress without an address asks for nothing; left out"]
    return {"Type": kind, "Settings": _typed(kind, named)}, remarks


def _kind(written: str, level: str) -> str:
    folded = written.lower()
    wanted = V1_TYPES.get(folded, folded).lower()
    for kind in _TABLES[level]:
        if kind.lower() == wanted:
            return kind
    raise ValueError(
        f"{fields.shown(written)} is no {level} policy of HCN; {_instead(folded, wanted, level)}"
    )


def _instead(folded: str, wanted: str, level: str) -> str:
    if folded in _NOT_IN_HCN:
        return _NOT_IN_HCN[folded]
    (other,) = set(_TABLES) - {level}
    if wanted in (kind.lower() for kind in _TABLES[other]):
        return f"it is one of the {other}: call it {_OTHER[level]}"
    return f"known are {', '.join(_TABLES[level])}"


def _isolated(settings: Mapping[str, Any]) -> str:
    """Isolation is V1's policy for a VLAN, a virtual subnet or both; HCN has one policy for each."""
    kinds = [kind for kind in ("VLAN", "VSID") if settings.get(kind.lower())]
    if len(kinds) == 1:
        return kinds[0]
    raise ValueError('"Isolation" is no policy of HCN; write VLAN and VSID, one policy for each')


def _settings(entry: dict[str, Any]) -> dict[str, Any]:
    """The settings of either generation, their keys folded."""
    inner = entry.pop("settings", None)
    if inner is None:
        return entry
    if not isinstance(inner, Mapping):
        raise ValueError(f"Settings is expected to be an object, not {fields.kind_of(inner)}")
    return {**entry, **fields.fold(inner)}


def _renamed(kind: str, settings: dict[str, Any], level: str) -> tuple[dict[str, Any], list[str]]:
    """(the settings under HCN's names, the names that HCN does not have)"""
    model = _TABLES[level][kind]
    settings = _with_flags(settings) if kind == "PortMapping" else settings
    own = {name.lower(): name for name in model.member_names()}
    known = {**own, **_RENAMED.get(kind, {})}
    named: dict[str, Any] = {}
    for key, value in settings.items():
        if key in known and not (value is None or value == ""):
            named.setdefault(known[key], value)
    unknown = [key for key in settings if key not in known]
    kept, below = known_members(model, named)
    return kept, [*unknown, *below]


def _with_flags(settings: dict[str, Any]) -> dict[str, Any]:
    """What V1 says of a mapped port in a word HCN says by a flag."""
    reserved = settings.get("externalportreserved")
    if not isinstance(reserved, bool):
        return settings
    rest = {key: value for key, value in settings.items() if key != "externalportreserved"}
    flags = rest.get("flags") or 0
    return {**rest, "flags": flags | _EXTERNAL_PORT_RESERVED} if reserved and isinstance(flags, int) else rest


def _typed(kind: str, named: dict[str, Any]) -> dict[str, Any]:
    """The settings with the JSON types that HCN wants where V1 had others."""
    found = dict(named)
    if kind in _NUMBERED_PROTOCOL and isinstance(found.get("Protocol"), str):
        found["Protocol"] = _PROTOCOLS.get(found["Protocol"].lower(), found["Protocol"])
    for key in _NUMBERS_AS_TEXT.get(kind, ()):
        if isinstance(found.get(key), int) and not isinstance(found[key], bool):
            found[key] = str(found[key])
    for key in ("Exceptions", "Destinations", "ExceptionList"):
        if isinstance(found.get(key), list):
            found[key] = [each for each in found[key] if each not in (None, "")]
    return {key: value for key, value in found.items() if value != []}
