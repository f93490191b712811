"""Plans: what goes into the ledger comes out the same, and a digest stands for one configuration only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni_hns.dialects.compile import compile_plan, digest
from cni_hns.dialects.findings import ConfigFault
from cni_hns.dialects.plan import AttachmentPlan, IpamPlan, NetworkPlan, RangePlan, SubnetPlan

from .configurations import BRIDGE, DHCP, DUAL, OVERLAY, changed, plan_of

TEXTS = st.text(max_size=20)
OBJECTS = st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(), st.booleans(), st.lists(TEXTS)), max_size=4)
RANGES = st.builds(RangePlan, TEXTS, TEXTS, TEXTS, st.none() | TEXTS)
NETWORKS = st.builds(
    NetworkPlan,
    TEXTS,
    TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=3),
    st.none() | OBJECTS,
    st.lists(st.builds(SubnetPlan, TEXTS, st.none() | TEXTS), max_size=3),
)
IPAMS = st.builds(
    IpamPlan,
    TEXTS,
    TEXTS,
    st.lists(st.lists(RANGES, max_size=3), max_size=3),
    st.lists(OBJECTS, max_size=2),
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.lists(TEXTS, max_size=3),
    st.booleans(),
)
PLANS = st.builds(
    AttachmentPlan,
    peer=TEXTS,
    network=NETWORKS,
    ipam=IPAMS,
    policies=st.lists(OBJECTS, max_size=2),
    dns=OBJECTS,
    routes=st.lists(OBJECTS, max_size=2),
    gateway_rule=TEXTS,
    gateways=st.lists(TEXTS, max_size=2),
    spare_gateways=st.lists(TEXTS, max_size=2),
    nat_exceptions=st.none() | st.lists(TEXTS, max_size=2),
    nat_settings=OBJECTS,
    nat_except_network=st.booleans(),
    loopback_dsr=st.booleans(),
    port_mapping_acl=st.booleans(),
    search_in_pod_namespace=st.booleans(),
    mtu=st.none() | st.integers(),
    mac_prefix=st.none() | TEXTS,
    provider_address=st.booleans(),
    capabilities=st.lists(TEXTS, max_size=2),
    requires=st.lists(TEXTS, max_size=2),
    remarks=st.lists(TEXTS, max_size=2),
)


@given(PLANS)
def test_a_plan_comes_back_from_json_as_it_was(plan: AttachmentPlan) -> None:
    assert AttachmentPlan.of(json.loads(json.dumps(plan.to_document()))) == plan


@pytest.mark.parametrize(
    "config", [BRIDGE, DUAL, OVERLAY, DHCP], ids=["l2bridge", "dual stack", "overlay", "dhcp"]
)
def test_a_compiled_plan_comes_back_from_json_as_it_was(config: dict[str, Any]) -> None:
    plan = compile_plan(config)
    assert AttachmentPlan.of(json.loads(json.dumps(plan.to_document()))) == plan


OF_THE_CALL = {
    "runtimeConfig": {"mac": "0e:00:00:00:00:01"},
    "args": {"cni": {"ips": ["10.1.0.9"]}},
    "prevResult": {"cniVersion": "1.1.0"},
    "cni.dev/valid-attachments": [{"containerID": "a", "ifname": "eth0"}],
    "cni.dev/attachments": None,
    "RuntimeConfig": {"x": 1},
}


@pytest.mark.parametrize("key", OF_THE_CALL)
def test_what_comes_with_the_call_is_in_neither_digest_nor_plan(key: str) -> None:
    config = {**BRIDGE, key: OF_THE_CALL[key]}
    assert digest(config) == digest(BRIDGE)
    assert compile_plan(config) == compile_plan(BRIDGE)


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-10, 10), st.floats(allow_nan=False), st.text(max_size=8)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["network", "ipam", "policies", "dns", "x", "mtu"]), VALUES, max_size=4
)


def _exact(document: object) -> str:
    return json.dumps(document)


@given(DOCUMENTS, DOCUMENTS)
def test_documents_that_differ_have_different_digests(one: dict[str, Any], other: dict[str, Any]) -> None:
    """1, 1.0 and true are equal in Python and different in JSON: their digests differ as well."""
    assert (digest(one) == digest(other)) == (_exact(one) == _exact(other))


FAULTY = {
    "an unknown key": ("network", {**BRIDGE["network"], "gatway": "10.1.0.1"}),
    "a boolean for a number": ("mtu", True),
    "a float for a number": ("mtu", 1400.0),
    "a bad prefix": ("outboundNat", {"exceptions": ["10.0.0.1/8"]}),
    "a misspelt key": ("netwrok", {}),
    "another name": ("name", "a/b"),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_kept_plan_is_never_found_for_a_configuration_that_the_models_refuse(fault: str) -> None:
    key, value = FAULTY[fault]
    config = {**changed(BRIDGE, mtu=1400), key: value}
    with pytest.raises(ConfigFault):
        compile_plan(config)
    assert digest(config) != digest(changed(BRIDGE, mtu=1400))


def test_the_order_of_two_spellings_of_a_key_is_content() -> None:
    one = {"type": "win-bridge", "name": "x", "ipMasqNetwork": "10.1.0.0/16", "ipmasqnetwork": "10.2.0.0/16"}
    other = {
        "type": "win-bridge",
        "name": "x",
        "ipmasqnetwork": "10.2.0.0/16",
        "ipMasqNetwork": "10.1.0.0/16",
    }
    assert compile_plan(one).nat_exceptions != compile_plan(other).nat_exceptions
    assert digest(one) != digest(other)


def test_the_programs_own_name_is_part_of_the_digest() -> None:
    assert digest(BRIDGE, "win-bridge.exe") != digest(BRIDGE)


def test_capabilities_that_are_declared_true_are_kept() -> None:
    plan = plan_of(BRIDGE, capabilities={"dns": True, "portMappings": False, "bandwidth": True})
    assert plan.capabilities == ["bandwidth", "dns"]
