"""What an HNS of some version can do.

Rule: a feature has ranges of versions, never one lowest version: fixes are carried back to older lines, so
that a lower version may have what a higher one lacks.
The ranges are those by which Microsoft's own client (hcsshim) decides.
"""

from __future__ import annotations

from cni_hns.typed import Final, NamedTuple

__all__ = ["FEATURES", "minimum", "supported"]

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
    # Schema 2.4, between 2.0 (Windows Server 2019) and 2.6 (Windows Server, version 2004: HNS 11.10).
    "InterfaceParameters": (_since(11, 10),),
}


def supported(feature: str, major: int, minor: int) -> bool:
    """Whether an HNS of this version has the feature. Raises: KeyError for a feature that is none."""
    return any(one.low <= (major, minor) <= one.high for one in FEATURES[feature])


def minimum(feature: str) -> str:
    """The versions that have the feature, in words: "9.3 to 9.x, 10.2 or later"."""
    return ", ".join(
        f"{one.low[0]}.{one.low[1]} to {one.low[0]}.x"
        if one.high[0] != _LAST
        else f"{one.low[0]}.{one.low[1]} or later"
        for one in FEATURES[feature]
    )
