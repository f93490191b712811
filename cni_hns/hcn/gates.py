"""What an HNS of some version can do.

Rule: a feature has ranges of versions, never one lowest version: fixes are carried back to older lines, so
that a lower version may have what a higher one lacks.
The ranges are those by which Microsoft's own client (hcsshim) decides. What it does not decide follows from
the schema version that has it, and from the first HNS known of the Windows that has this schema: 11.10 for
2.6 (Windows Server, version 2004), 13.0 for 2.11 (Windows Server 2022), 15.0 for 2.14 (Windows 11).
https://learn.microsoft.com/virtualization/api/hcn/HNS_Schema
"""

from __future__ import annotations

from cni_hns.typed import Final, NamedTuple

__all__ = ["FEATURES", "in_words", "minimum", "supported"]

_LAST: Final = 0xFFFFFFFF


class _Range(NamedTuple):
    """From `low` to `high`, both included, as (major, minor)."""

    low: tuple[int, int]
    high: tuple[int, int] = (_LAST, _LAST)


def _line(major: int, minor: int) -> _Range:
    """From this version to the end of its major line."""
    return _Range((major, minor), (major, _LAST))


def _since(major: int, minor: int) -> _Range:
    return _Range((major, minor))


FEATURES: Final[dict[str, tuple[_Range, ...]]] = {
    "V2": (_since(9, 2),),
    "RemoteSubnetRoute": (_since(9, 2),),
    "HostRoute": (_since(9, 2),),
    "DSR": (_line(9, 3), _since(10, 2)),
    "Slash32EndpointPrefixes": (_line(9, 3), _since(10, 4)),
    "VxlanPort": (_since(10, 3),),
    "AclSupportForProtocol252": (_since(11, 0),),
    "L4Proxy": (_line(9, 5), _line(10, 5), _line(11, 11), _line(12, 1), _since(13, 1)),
    "IPv6DualStack": (_since(11, 10),),
    "SessionAffinity": (_since(12, 0),),
    "SetPolicy": (_since(13, 0),),
    "L4WfpProxy": (_since(13, 2),),
    "TierAcl": (_since(14, 0),),
    "NetworkACL": (_since(15, 0),),
    "NestedIpSet": (_since(15, 0),),
    "DisableHostPort": (_since(15, 1),),
    # 15.4 takes the call and does not apply it (kubernetes/kubernetes issue 131466).
    "ModifyLoadBalancer": (_line(15, 5), _since(16, 0)),
    "Accelnet": (_since(15, 4),),
    "Encryption": (_since(11, 10),),  # schema 2.1
    "EndpointVlan": (_since(11, 10),),  # schema 2.4
    "InterfaceParameters": (_since(11, 10),),  # schema 2.4
    "Iov": (_since(13, 0),),  # schema 2.9
    "AclPass": (_since(13, 0),),  # schema 2.10
    "L4WfpProxyExceptions": (_since(15, 0),),  # schema 2.14
}

# What an operator wrote that needs the feature.
_IN_WORDS: Final[dict[str, str]] = {
    "V2": "HCN (V2)",
    "RemoteSubnetRoute": "network policy RemoteSubnetRoute",
    "HostRoute": "network policy HostRoute",
    "DSR": "loopbackDSR, or policy OutBoundNAT with Destinations",
    "VxlanPort": "network policy VxlanPort",
    "AclSupportForProtocol252": "policy ACL with protocol 252",
    "L4Proxy": "policy L4Proxy",
    "IPv6DualStack": "both IPv4 and IPv6",
    "SetPolicy": "network policy SetPolicy",
    "L4WfpProxy": "policy L4WFPPROXY",
    "TierAcl": "policy TierAcl",
    "NetworkACL": "network policy NetworkACL",
    "NestedIpSet": "network policy SetPolicy with PolicyType NESTEDIPSET",
    "DisableHostPort": "network flag DisableHostPort",
    "Encryption": "policy Encryption",
    "EndpointVlan": "policy VLAN of an endpoint",
    "InterfaceParameters": "mtu, or policy InterfaceParameters",
    "Iov": "policy Iov",
    "AclPass": "policy ACL with Action Pass",
    "L4WfpProxyExceptions": "policy L4WFPPROXY with exceptions",
}


def supported(feature: str, major: int, minor: int) -> bool:
    """Whether an HNS of this version has the feature. Raises: KeyError for a feature that is none."""
    return any(one.low <= (major, minor) <= one.high for one in FEATURES[feature])


def in_words(feature: str) -> str:
    """The feature as a configuration asks for it: "policy ACL with protocol 252"."""
    return _IN_WORDS.get(feature, feature)


def minimum(feature: str) -> str:
    """The versions that have the feature, in words: "9.3 to 9.x, 10.2 or later"."""
    return ", ".join(
        f"{one.low[0]}.{one.low[1]} to {one.low[0]}.x"
        if one.high[0] != _LAST
        else f"{one.low[0]}.{one.low[1]} or later"
        for one in FEATURES[feature]
    )
