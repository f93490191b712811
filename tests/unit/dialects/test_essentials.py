"""What DEL and GC read: whatever the configuration, an answer and never an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni_hns.dialects.essentials import IpamSource, ipam_source


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param({}, IpamSource("hns", "", None, []), id="no ipam"),
        pytest.param({"ipam": {"type": ""}}, IpamSource("hns", "", None, []), id="empty type"),
        pytest.param({"ipam": {"type": 5}}, IpamSource("hns", "", None, []), id="a number for a type"),
        pytest.param({"ipam": "x"}, IpamSource("hns", "", None, []), id="text for ipam"),
        pytest.param({"ipam": {"type": "cni-hns"}}, IpamSource("builtin", "cni-hns", None, []), id="cni-hns"),
        pytest.param(
            {"IPAM": {"Type": "Host-Local.exe"}},
            IpamSource("builtin", "host-local", "", []),
            id="host-local in any case",
        ),
        pytest.param(
            {"ipam": {"type": "host-local", "DataDir": "/x"}},
            IpamSource("builtin", "host-local", "/x", []),
            id="dataDir",
        ),
        pytest.param(
            {"ipam": {"type": "host-local", "dataDir": "x"}},
            IpamSource("builtin", "host-local", "", []),
            id="unusable dataDir",
        ),
        pytest.param(
            {"ipam": {"type": "cni-hns", "dataDir": "/x"}},
            IpamSource("builtin", "cni-hns", None, ["/x"]),
            id="a folder that is only read",
        ),
        pytest.param(
            {"type": "sdnbridge", "ipam": {"type": "host-local", "dataDir": "/x"}},
            IpamSource("builtin", "host-local", "", ["/x"]),
            id="sdnbridge keeps dataDir from host-local",
        ),
        pytest.param(
            {
                "type": "sdnbridge",
                "optionalFlags": {"enableDualStack": True},
                "ipam": {"type": "host-local", "dataDir": "/x"},
            },
            IpamSource("builtin", "host-local", "/x", []),
            id="with dual stack it does not",
        ),
        pytest.param(
            {"ipam": {"type": "host-local", "delegate": True}},
            IpamSource("delegate", "host-local", None, []),
            id="delegated",
        ),
        pytest.param(
            {"ipam": {"type": "azure-vnet-ipam"}},
            IpamSource("delegate", "azure-vnet-ipam", None, []),
            id="other",
        ),
    ],
)
def test_who_gave_the_address(config: dict[str, Any], expected: IpamSource) -> None:
    assert ipam_source(config) == expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "dataDir", "delegate"]), inner)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["ipam", "IPAM", "name"]), VALUES))
def test_no_configuration_is_an_exception(config: dict[str, Any]) -> None:
    assert ipam_source(config).kind in ("builtin", "delegate", "hns")
