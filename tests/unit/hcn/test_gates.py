"""Ranges of versions: what a lower line got later, a higher one may lack."""

from __future__ import annotations

import pytest

from cni_hns.hcn.gates import FEATURES, minimum, supported


@pytest.mark.parametrize(
    ("feature", "versions", "others"),
    [
        ("V2", ["9.2", "9.99", "10.0", "15.4"], ["9.1", "8.9", "5.1"]),
        ("RemoteSubnetRoute", ["9.2"], ["9.1"]),
        ("HostRoute", ["9.2"], ["9.1"]),
        ("DSR", ["9.3", "9.9", "10.2", "13.0"], ["9.2", "10.0", "10.1"]),
        ("Slash32EndpointPrefixes", ["9.3", "10.4", "11.0"], ["9.2", "10.3"]),
        ("VxlanPort", ["10.3", "11.0"], ["9.9", "10.2"]),
        ("AclSupportForProtocol252", ["11.0", "13.3"], ["9.9", "10.9"]),
        (
            "L4Proxy",
            ["9.5", "9.6", "10.5", "11.11", "12.1", "13.1", "14.0"],
            ["9.4", "10.4", "11.10", "12.0", "13.0"],
        ),
        ("IPv6DualStack", ["11.10", "13.3"], ["11.9", "10.99"]),
        ("SessionAffinity", ["12.0"], ["11.99"]),
        ("SetPolicy", ["13.0"], ["12.9"]),
        ("L4WfpProxy", ["13.2", "14.0"], ["13.1"]),
        ("TierAcl", ["14.0"], ["13.9"]),
        ("NetworkACL", ["15.0"], ["14.9"]),
        ("NestedIpSet", ["15.0"], ["14.9"]),
        ("DisableHostPort", ["15.1", "16.0"], ["15.0"]),
        ("ModifyLoadBalancer", ["15.5", "16.0"], ["15.4", "14.9"]),
        ("Accelnet", ["15.4"], ["15.3"]),
        ("InterfaceParameters", ["11.10", "13.3", "15.4"], ["9.2", "10.3"]),
    ],
)
def test_a_feature_is_there_in_its_ranges_only(feature: str, versions: list[str], others: list[str]) -> None:
    def has(version: str) -> bool:
        major, _, minor = version.partition(".")
        return supported(feature, int(major), int(minor))

    assert [version for version in versions if not has(version)] == []
    assert [version for version in others if has(version)] == []


def test_a_feature_that_is_none_is_no_silent_no() -> None:
    with pytest.raises(KeyError):
        supported("Teleport", 15, 0)


@pytest.mark.parametrize(
    ("feature", "words"),
    [("V2", "9.2 or later"), ("DSR", "9.3 to 9.x, 10.2 or later")],
)
def test_the_versions_that_have_it_are_said_in_words(feature: str, words: str) -> None:
    assert minimum(feature) == words


def test_every_feature_can_be_said_in_words() -> None:
    assert all(minimum(feature) for feature in FEATURES)
