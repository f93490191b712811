"""HCN policies of a configuration: each held alone against its typed model, outbound NAT brought together.

HNS refuses a whole endpoint with a code that names no field, and drops settings it does not know in
silence. So each policy is checked here, by itself, and a message names it.
"""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.hcn.models.policies import ENDPOINT_POLICIES, NETWORK_POLICIES, SUBNET_POLICIES
from cni_hns.typed import Any, NamedTuple

from . import fields
from .findings import Finding
from .models import OutboundNat
from .old_policies import V1_TYPES
from .policy_settings import read_settings
from .quoting import masked, quoted
from .reading import unknown_key, without_nulls
from .spelling import near

__all__ = [
    "EndpointPolicies",
    "PlacedPolicy",
    "checked_policies",
    "features_of",
    "read_endpoint_policies",
    "says_one_thing",
]

_TABLES = {"endpoint": ENDPOINT_POLICIES, "network": NETWORK_POLICIES, "subnet": SUBNET_POLICIES}
# Where a policy of each level is written.
_CONTAINERS = {"endpoint": "policies", "network": "network.policies", "subnet": "network.subnets[i].policies"}
_OF_WHAT = {"endpoint": "an endpoint", "network": "an HCN network", "subnet": "a subnet"}

# Types that an older HNS does not have, by the name of the feature (cni_hns.hcn.gates).
_FEATURES = {
    "endpoint": {
        "L4Proxy": "L4Proxy",
        "L4WFPPROXY": "L4WfpProxy",
        "TierAcl": "TierAcl",
        "InterfaceParameters": "InterfaceParameters",
        "Encryption": "Encryption",
        "VLAN": "EndpointVlan",
        "Iov": "Iov",
    },
    "network": {
        "L4Proxy": "L4Proxy",
        "SetPolicy": "SetPolicy",
        "NetworkACL": "NetworkACL",
        "VxlanPort": "VxlanPort",
        "RemoteSubnetRoute": "RemoteSubnetRoute",
        "HostRoute": "HostRoute",
    },
    "subnet": {},
}
_ONE_OF_A_KIND = {
    "endpoint": ("InterfaceParameters", "QOS", "ProviderAddress", "EncapOverhead", "PortName", "VLAN", "Iov"),
    "network": (
        "NetAdapterName",
        "InterfaceConstraint",
        "ProviderAddress",
        "SourceMacAddress",
        "DrMacAddress",
        "AutomaticDNS",
        "VxlanPort",
    ),
    "subnet": ("VLAN", "VSID"),
}
# What tells two policies of a kind apart, where HNS takes one for each.
_TOLD_APART_BY = {"SetPolicy": "Id", "RemoteSubnetRoute": "DestinationPrefix"}
_VXLAN_PROTOCOL = "252"

Policy = dict[str, Any]


class PlacedPolicy(NamedTuple):
    """A sound policy as HNS spells it, and where in its list it stands."""

    at: int
    policy: Policy


class EndpointPolicies(NamedTuple):
    """The policies to send as they are; what the OutBoundNAT ones come to (see AttachmentPlan) is apart."""

    policies: list[Policy]
    nat_exceptions: list[str] | None
    nat_settings: dict[str, Any]
    requires: list[str]
    remarks: list[str]
    findings: list[Finding]

    def has(self, kind: str) -> bool:
        return any(policy["Type"] == kind for policy in self.policies)


def checked_policies(policies: list[Any], level: str, path: str) -> tuple[list[PlacedPolicy], list[Finding]]:
    """(the sound ones of the policies, what is wrong with each and between them).

    `level` is "endpoint", "network" or "subnet".
    """
    sound: list[PlacedPolicy] = []
    findings: list[Finding] = []
    for index, value in enumerate(policies):
        policy, faults = _policy(value, level, f"{path}[{index}]")
        findings += faults
        if policy is not None and not faults:
            sound.append(PlacedPolicy(index, policy))
    return sound, [*findings, *_repeated(sound, level, path)]


def read_endpoint_policies(policies: list[Any], path: str, nat: OutboundNat | None) -> EndpointPolicies:
    """The endpoint policies, the OutBoundNAT ones merged with the configuration's `outboundNat`."""
    sound, findings = checked_policies(policies, "endpoint", path)
    exceptions, settings, faults = _outbound_nat(sound, path, nat)
    merged = [policy for _, policy in sound if _is_general_nat(policy)]
    several = len(merged) > (1 if nat is None else 0)
    return EndpointPolicies(
        policies=[policy for _, policy in sound if not _is_general_nat(policy)],
        nat_exceptions=exceptions,
        nat_settings=settings,
        requires=features_of([policy for _, policy in sound], "endpoint"),
        remarks=["several OutBoundNAT policies are sent as one"] if several else [],
        findings=[*findings, *faults],
    )


def says_one_thing(kind: str, *levels: str) -> bool:
    """Whether two equal policies of this type, at one of the levels, are a fault."""
    return kind in _TOLD_APART_BY or any(kind in _ONE_OF_A_KIND[level] for level in levels)


def _repeated(policies: list[PlacedPolicy], level: str, path: str) -> list[Finding]:
    found = []
    held: set[tuple[str, str]] = set()
    for index, policy in policies:
        kind = policy["Type"]
        name = _TOLD_APART_BY.get(kind)
        if not says_one_thing(kind, level):
            continue
        value = str(policy["Settings"].get(name, "")) if name else ""
        if (kind, value) in held:
            words = f"a second {kind} policy; HNS takes one for "
            of_what = (
                masked(f"{words}the {name} {quoted(value)}", f"{words}the {name} {fields.shown(value)}")
                if name
                else words + _OF_WHAT[level]
            )
            found.append(Finding(f"{path}[{index}]", of_what))
        held.add((kind, value))
    return found


def _is_general_nat(policy: Policy) -> bool:
    """OutBoundNAT of everything but exceptions; one with destinations is for these only."""
    return policy["Type"] == "OutBoundNAT" and not policy["Settings"].get("Destinations")


def _outbound_nat(
    policies: list[PlacedPolicy], path: str, nat: OutboundNat | None
) -> tuple[list[str] | None, dict[str, Any], list[Finding]]:
    general = [(index, policy["Settings"]) for index, policy in policies if _is_general_nat(policy)]
    if nat is None and not general:
        return None, {}, []
    exceptions = [str(prefix) for prefix in nat.exceptions] if nat else []
    settings: dict[str, Any] = {}
    findings = []
    for index, each in general:
        exceptions += each.get("Exceptions", [])
        for key, value in each.items():
            if key != "Exceptions" and settings.setdefault(key, value) != value:
                message = (
                    "another OutBoundNAT policy says otherwise, and HNS takes one for each address family"
                )
                findings.append(Finding(f"{path}[{index}].Settings.{key}", message))
    return list(dict.fromkeys(exceptions)), settings, findings


def features_of(policies: list[Policy], level: str) -> list[str]:
    """What an HNS must have for these policies, by the names of `cni_hns.hcn.gates`."""
    return [
        feature for policy in policies for feature in _features(policy["Type"], policy["Settings"], level)
    ]


def _features(kind: str, settings: dict[str, Any], level: str) -> list[str]:
    found = [_FEATURES[level][kind]] if kind in _FEATURES[level] else []
    if kind == "ACL" and _VXLAN_PROTOCOL in str(settings.get("Protocols", "")).split(","):
        found.append("AclSupportForProtocol252")
    if kind == "ACL" and settings.get("Action") == "Pass":
        found.append("AclPass")
    if kind == "OutBoundNAT" and settings.get("Destinations"):
        found.append("DSR")
    if kind == "L4WFPPROXY" and (settings.get("InboundExceptions") or settings.get("OutboundExceptions")):
        found.append("L4WfpProxyExceptions")
    if kind == "SetPolicy" and settings.get("PolicyType") == "NESTEDIPSET":
        found.append("NestedIpSet")
    return found


def _policy(value: Any, level: str, path: str) -> tuple[Policy | None, list[Finding]]:
    if not isinstance(value, Mapping):
        return None, [
            Finding(path, f"an object with Type and Settings is expected, not {fields.kind_of(value)}")
        ]
    findings = [
        Finding(f"{path}.{key}", unknown_key(key, ["Type", "Settings"]))
        for key in value
        if key not in ("Type", "Settings")
    ]
    kind, table = value.get("Type"), _TABLES[level]
    if not isinstance(kind, str) or kind not in table:
        return None, [*findings, Finding(f"{path}.Type", _unknown_type(kind, level))]
    settings, faults = read_settings(
        kind, table[kind], without_nulls(value.get("Settings", {})), f"{path}.Settings"
    )
    return {"Type": kind, "Settings": settings}, findings + faults


def _unknown_type(kind: object, level: str) -> str:
    known = list(_TABLES[level])
    if not isinstance(kind, str):
        return f"missing; known are {', '.join(known)}"
    if kind.lower() in V1_TYPES:
        return f"{fields.shown(kind)} is HNS V1's name; write {V1_TYPES[kind.lower()]}"
    elsewhere = [other for other, table in _TABLES.items() if kind in table]
    if elsewhere:
        places = " or ".join(f"{_OF_WHAT[other]} (in {_CONTAINERS[other]})" for other in elsewhere)
        return f"{kind} is a policy of {places}, not of {_OF_WHAT[level]}"
    guess = near(kind, known)
    return f"{fields.shown(kind)} is unknown; " + (
        f"did you mean {guess}?" if guess else f"known are {', '.join(known)}"
    )
