"""Which HNS version knows what.

Ranges, never a plain "from": a feature can be back-ported to an older line and absent from the line after it.
The feature ranges are those that Microsoft's hcsshim tests for; the schema versions are those of the page
"Host Compute Network schema", each with the Windows release that brought it.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FEATURES", "RELEASES", "Release", "Version", "has_feature", "schema_of"]

Version = tuple[int, int]

_EVER: Version = (0xFFFF, 0xFFFF)


def _line(major: int, first_minor: int) -> tuple[Version, Version]:
    """From this minor version on, to the end of the same major line."""
    return (major, first_minor), (major, 0xFFFF)


def _from(major: int, minor: int) -> tuple[Version, Version]:
    return (major, minor), _EVER


FEATURES: dict[str, tuple[tuple[Version, Version], ...]] = {
    "AclV1": (_from(7, 2),),
    "V2": (_from(9, 2),),
    "RemoteSubnetRoute": (_from(9, 2),),
    "HostRoute": (_from(9, 2),),
    "DirectServerReturn": (_line(9, 3), _from(10, 2)),
    "HostPrefix": (_line(9, 3), _from(10, 4)),
    "VxlanPort": (_from(10, 3),),
    "AclProtocol252": (_from(11, 0),),
    "L4Proxy": (_line(9, 5), _line(10, 5), _line(11, 11), _line(12, 1), _from(13, 1)),
    "DualStack": (_from(11, 10),),
    "SessionAffinity": (_from(12, 0),),
    "SetPolicy": (_from(13, 0),),
    "L4WfpProxy": (_from(13, 2),),
    "TierAcl": (_from(14, 0),),
    "NetworkAcl": (_from(15, 0),),
    "NestedIpSet": (_from(15, 0),),
    "DisableHostPort": (_from(15, 1),),
    # 15.4 takes the call and does not apply it: kubernetes reported it, hnslib corrected its range.
    "ModifyLoadBalancerCall": (_from(15, 4),),
    "ModifyLoadBalancer": (_line(15, 5), _from(16, 0)),
    "Accelnet": (_from(15, 4),),
    # Windows Server 2022 refuses what 2019 took: host bits in a NAT exception (reported to hcsshim).
    "StrictPrefixes": (_from(13, 0),),
    # Windows Server 2025 refuses a route without a next hop (reported to windows-container-networking).
    "NextHopRequired": (_from(15, 4),),
    # Several WinNAT prefixes on one host came with Windows Server 2019.
    "SeveralNatPrefixes": (_from(9, 0),),
    # A NAT network is not there after a reboot from Windows Server 2019 on.
    "NatForgottenAtBoot": (_from(9, 0),),
    # Windows Server 2019 cannot attach an endpoint that another container used (reported to buildkit).
    "AttachAgain": (_from(10, 0),),
}

# HNS version from which a Windows release offers this schema version.
_SCHEMAS: tuple[tuple[Version, Version], ...] = (
    ((15, 4), (2, 16)),
    ((14, 0), (2, 14)),
    ((13, 0), (2, 11)),
    ((11, 0), (2, 6)),
    ((10, 0), (2, 2)),
    ((0, 0), (2, 0)),
)


class Release(NamedTuple):
    """Where an HNS version was seen, and what is known of it besides its features."""

    windows: str
    known: str


# Microsoft publishes no such list: these were told by users, in dumps of objects (`Version`) and in logs.
RELEASES: dict[Version, Release] = {
    (5, 1): Release("Windows Server 1709", "no V2; an error record names no code"),
    (7, 2): Release("Windows Server 1803", "no V2; ACLs through V1"),
    (9, 2): Release("Windows Server 2019, as shipped", "the first with V2"),
    (9, 3): Release(
        "Windows Server 2019, updated since August 2020",
        "a prefix that is none is taken, and the container's start fails; an endpoint that was used cannot "
        "be attached again; the first delete of a load balancer may fail",
    ),
    (10, 3): Release("Windows 10 1903 and 1909", ""),
    (11, 10): Release("Windows 10 2004", "dual stack"),
    (13, 3): Release("Windows Server 2022", "prefixes in a NAT's exceptions are checked"),
    (15, 0): Release("Windows 11", ""),
    (15, 4): Release(
        "Windows Server 2025, as shipped",
        "a changed load balancer is answered with success and stays as it was; a route needs a next hop",
    ),
    (16, 0): Release(
        "Windows Server 2025, updated",
        "seen in one report; a changed load balancer is changed, all else is taken to be as in 15.4",
    ),
}


def has_feature(feature: str, version: Version) -> bool:
    """Whether this HNS version has the feature."""
    return any(first <= version <= last for first, last in FEATURES[feature])


def schema_of(version: Version) -> Version:
    """The newest HCN schema that this HNS version speaks."""
    return next(schema for first, schema in _SCHEMAS if version >= first)
