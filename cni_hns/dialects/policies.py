"""HCN policies of a configuration: each held alone against its typed model, outbound NAT brought together.

HNS refuses a whole endpoint with a code that names no field, and drops settings it does not know in
silence. So each policy is checked here, by itself, and a message names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cni_hns.cni.settings import has_control_characters
from cni_hns.hcn.models.policies import ENDPOINT_POLICIES, NETWORK_POLICIES, SUBNET_POLICIES
from cni_hns.typed import Any, NamedTuple

from . import fields
from .findings import Finding
from .models import OutboundNat
from .quoting import quoted
from .reading import faults_of, unknown_key, without_nulls
from .spelling import near

__all__ = [
    "ONE_OF_A_KIND",
    "EndpointPolicies",
    "features_of",
    "read_endpoint_policies",
    "read_network_policies",
    "setting_names",
    "type_names",
]

_TABLES = {"endpoint": ENDPOINT_POLICIES, "network": {**NETWORK_POLICIES, **SUBNET_POLICIES}}

# Types that an older HNS does not have, by the name of the feature (cni_hns.hcn.gates).
_FEATURES = {
    "L4Proxy": "L4Proxy",
    "L4WFPPROXY": "L4WfpProxy",
    "TierAcl": "TierAcl",
    "InterfaceParameters": "InterfaceParameters",
    "SetPolicy": "SetPolicy",
    "NetworkACL": "NetworkACL",
    "VxlanPort": "VxlanPort",
    "RemoteSubnetRoute": "RemoteSubnetRoute",
    "HostRoute": "HostRoute",
}
ONE_OF_A_KIND = ("InterfaceParameters", "QOS", "ProviderAddress", "EncapOverhead")
_HIGHEST_PORT = 65535
_VXLAN_PROTOCOL = "252"
_ANY = "*"

_Faults = list[tuple[str, str]]


class EndpointPolicies(NamedTuple):
    """The policies to send as they are; what the OutBoundNAT ones come to (see AttachmentPlan) is apart."""

    policies: list[dict[str, Any]]
    nat_exceptions: list[str] | None
    nat_settings: dict[str, Any]
    requires: list[str]
    remarks: list[str]
    findings: list[Finding]

    def has(self, kind: str) -> bool:
        return any(policy["Type"] == kind for policy in self.policies)


def type_names(level: str) -> dict[str, str]:
    """The policy types of "endpoint" or "network", by their names in lower case."""
    return {name.lower(): name for name in _TABLES[level]}


def setting_names(kind: str, level: str) -> dict[str, str]:
    """The settings of a type, by their names in lower case."""
    return {name.lower(): name for name in _TABLES[level][kind].member_names()}


def read_network_policies(policies: list[Any], path: str) -> tuple[list[dict[str, Any]], list[Finding]]:
    """(the policies of an HCN network as HNS spells them, what is wrong with them)."""
    found, findings = _read(policies, "network", path)
    for index, policy in enumerate(found):
        if policy is not None and policy["Type"] in SUBNET_POLICIES:
            findings.append(
                Finding(
                    f"{path}[{index}].Type", f"{policy['Type']} is a policy of a subnet: use network.vsid"
                )
            )
    return [policy for policy in found if policy is not None], findings


def read_endpoint_policies(policies: list[Any], path: str, nat: OutboundNat | None) -> EndpointPolicies:
    """The endpoint policies, the OutBoundNAT ones merged with the configuration's `outboundNat`."""
    found, findings = _read(policies, "endpoint", path)
    sound = [(index, policy) for index, policy in enumerate(found) if policy is not None]
    for kind in ONE_OF_A_KIND:
        places = [index for index, policy in sound if policy["Type"] == kind]
        findings += [
            Finding(f"{path}[{index}]", f"a second {kind} policy; HNS takes one for an endpoint")
            for index in places[1:]
        ]
    exceptions, settings, faults = _outbound_nat(sound, path, nat)
    merged = [policy for _, policy in sound if _is_general_nat(policy)]
    several = len(merged) > (1 if nat is None else 0)
    return EndpointPolicies(
        policies=[policy for _, policy in sound if not _is_general_nat(policy)],
        nat_exceptions=exceptions,
        nat_settings=settings,
        requires=features_of([policy for _, policy in sound]),
        remarks=["several OutBoundNAT policies are sent as one"] if several else [],
        findings=[*findings, *faults],
    )


def _is_general_nat(policy: dict[str, Any]) -> bool:
    """OutBoundNAT of everything but exceptions; one with destinations is for these only."""
    return policy["Type"] == "OutBoundNAT" and not policy["Settings"].get("Destinations")


def _outbound_nat(
    policies: list[tuple[int, dict[str, Any]]], path: str, nat: OutboundNat | None
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


def features_of(policies: list[dict[str, Any]]) -> list[str]:
    """What an HNS must have for these policies, by the names of `cni_hns.hcn.gates`."""
    found = [_FEATURES[policy["Type"]] for policy in policies if policy["Type"] in _FEATURES]
    acls = [policy["Settings"] for policy in policies if policy["Type"] == "ACL"]
    if any(_VXLAN_PROTOCOL in str(acl.get("Protocols", "")).split(",") for acl in acls):
        found.append("AclSupportForProtocol252")
    if any(policy["Type"] == "OutBoundNAT" and policy["Settings"].get("Destinations") for policy in policies):
        found.append("DSR")
    return found


def _read(policies: list[Any], level: str, path: str) -> tuple[list[dict[str, Any] | None], list[Finding]]:
    """Each policy in HNS's spelling, None where it is faulty."""
    found: list[dict[str, Any] | None] = []
    findings: list[Finding] = []
    for index, value in enumerate(policies):
        policy, faults = _policy(value, level, f"{path}[{index}]")
        found.append(None if faults else policy)
        findings += faults
    return found, findings


def _policy(value: Any, level: str, path: str) -> tuple[dict[str, Any] | None, list[Finding]]:
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
        return None, [*findings, Finding(f"{path}.Type", _unknown_type(kind, list(table)))]
    settings, faults = _settings(
        kind, table[kind], without_nulls(value.get("Settings", {})), f"{path}.Settings"
    )
    return {"Type": kind, "Settings": settings}, findings + faults


def _unknown_type(kind: object, known: list[str]) -> str:
    if not isinstance(kind, str):
        return f"missing; known are {', '.join(known)}"
    guess = near(kind, known)
    return f"{fields.shown(kind)} is unknown; " + (
        f"did you mean {guess}?" if guess else f"known are {', '.join(known)}"
    )


def _settings(kind: str, model: Any, value: Any, path: str) -> tuple[dict[str, Any], list[Finding]]:
    """The settings in the schema's spelling. Values must have the schema's JSON types: HNS converts none."""
    if not isinstance(value, Mapping):
        return {}, [Finding(path, f"an object is expected, not {fields.kind_of(value)}")]
    known = model.member_names()
    folded = {name.lower() for name in known}
    findings = [
        Finding(f"{path}.{key}", unknown_key(key, known)) for key in value if key.lower() not in folded
    ]
    read, faults = faults_of(model, _frozen(value), path, strict=True)
    findings += faults
    settings: dict[str, Any] = read.to_document() if read is not None else {}
    findings += [Finding(place, "has a control character") for place in _unprintable(settings, path)]
    findings += [
        Finding(f"{path}.{name}", "missing") for name in model.needed if name not in settings and not faults
    ]
    findings += [Finding(f"{path}.{key}", message) for key, message in _CHECKS.get(kind, _nothing)(settings)]
    return settings, findings


def _unprintable(value: Any, path: str) -> list[str]:
    """The places of texts, and of keys, with control characters; HNS would cut them off at a NUL."""
    if isinstance(value, str):
        return [path] if has_control_characters(value) else []
    if isinstance(value, Mapping):
        inside = [(f"{path}.{key}", each) for key, each in value.items()]
        own = [path] if any(has_control_characters(key) for key in value) else []
    elif isinstance(value, list | tuple):
        inside = [(f"{path}[{index}]", each) for index, each in enumerate(value)]
        own = []
    else:
        return []
    return own + [place for below, each in inside for place in _unprintable(each, below)]


def _frozen(value: Any) -> Any:
    """JSON's lists as the models hold them: a strict reading takes no list for a tuple."""
    if isinstance(value, Mapping):
        return {key: _frozen(each) for key, each in value.items()}
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


def _nothing(_settings: dict[str, Any]) -> _Faults:
    return []


def _collected(settings: dict[str, Any], key: str, parse: Callable[[object], object]) -> _Faults:
    """What `parse` says against the value, or against each item of a list."""
    value = settings.get(key)
    places = (
        [(f"{key}[{index}]", each) for index, each in enumerate(value)]
        if isinstance(value, list)
        else [(key, value)]
    )
    faults = []
    for place, each in places:
        try:
            if each not in (None, ""):
                parse(each)
        except ValueError as fault:
            faults.append((place, _said(fault, each)))
    return faults


def _said(fault: ValueError, value: object) -> str:
    """What is wrong with the value, which a message on a policy shows as far as `quoted` lets it."""
    text = value.strip() if isinstance(value, str) else value
    return str(fault).replace(fields.shown(text), quoted(text))


def _prefix_or_address(value: object) -> object:
    return fields.network(value) if "/" in str(value) else fields.address(value)


def _nat(settings: dict[str, Any]) -> _Faults:
    return [
        *_collected(settings, "Exceptions", _prefix_or_address),
        *_collected(settings, "Destinations", _prefix_or_address),
    ]


def _route(settings: dict[str, Any]) -> _Faults:
    if settings.get("DestinationPrefix") == "":
        return [("DestinationPrefix", "missing")]
    return _collected(settings, "DestinationPrefix", fields.network)


def _port_mapping(settings: dict[str, Any]) -> _Faults:
    faults = [
        (key, "a port from 1 to 65535 is expected")
        for key in ("InternalPort", "ExternalPort")
        if settings.get(key) == 0
    ]
    if settings.get("Protocol") not in (None, 6, 17):
        faults.append(("Protocol", "HNS maps ports of TCP (6) and UDP (17) only"))
    return faults


def _acl(settings: dict[str, Any]) -> _Faults:
    faults = [
        (key, f"{quoted(settings[key])} is not one of {', '.join(words)}")
        for key, words in _ACL_WORDS.items()
        if key in settings and settings[key] not in words
    ]
    for key in ("LocalAddresses", "RemoteAddresses"):
        faults += _collected({key: str(settings.get(key, "")).split(",")}, key, _address_or_set)
    for key in ("LocalPorts", "RemotePorts", "Protocols"):
        faults += _collected({key: str(settings.get(key, "")).split(",")}, key, _numbers)
    return [(key.partition("[")[0], message) for key, message in faults]


_ACL_WORDS = {
    "Action": ("Allow", "Block", "Pass"),
    "Direction": ("In", "Out"),
    "RuleType": ("Host", "Switch"),
}


def _address_or_set(value: object) -> object:
    """A SetPolicy is named by an identifier of the author's choice, * is any; a placeholder is neither."""
    text = str(value).strip()
    if text == _ANY:
        return text
    if "/" in text or text.replace(".", "").isdigit():
        return _prefix_or_address(text)
    if not all(char.isalnum() or char in "-_.:{}" for char in text) or text.startswith("{{"):
        raise ValueError(f"{fields.shown(text)} is neither an address, a prefix, nor the id of a SetPolicy")
    return text


def _numbers(value: object) -> object:
    text = str(value).strip()
    first, dash, last = text.partition("-")
    if not all(
        part.isascii() and part.isdigit() and int(part) <= _HIGHEST_PORT
        for part in ([first, last] if dash else [first])
    ):
        raise ValueError(f"{fields.shown(text)} is neither a number nor a range of numbers")
    return text


def _isolation(settings: dict[str, Any]) -> _Faults:
    return [] if settings.get("IsolationId", 1) else [("IsolationId", "a number above 0 is expected")]


_CHECKS: dict[str, Callable[[dict[str, Any]], _Faults]] = {
    "OutBoundNAT": _nat,
    "SDNRoute": _route,
    "RemoteSubnetRoute": _route,
    "PortMapping": _port_mapping,
    "ACL": _acl,
    "NetworkACL": _acl,
    "VLAN": _isolation,
    "VSID": _isolation,
}
