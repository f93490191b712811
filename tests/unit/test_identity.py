from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni_hns.identity import (
    ZERO_GUID,
    KubernetesPod,
    attachment_of,
    earlier_endpoint_ids,
    endpoint_id,
    endpoint_name,
    guid,
    is_endpoint_of,
    is_ours,
    is_pod_word,
    next_endpoint_id,
    shared_with,
)

identifiers = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,20}", fullmatch=True)
PARTS = ("net", "pod", "eth0")
GUID = "5f0c3b1e-0000-1111-2222-33334444abcd"


def test_the_id_never_changes() -> None:
    """Endpoints of running pods are found through it: another value is a leak on every node that updates."""
    assert endpoint_id("net", "pod", "eth0") == "7cd960ac-5ad8-57cd-9da6-4ab76f6c91eb"


@given(identifiers, identifiers, st.sampled_from(["eth0", "eth1", "net1"]))
def test_it_is_the_version_5_uuid_of_the_three_parts(network: str, container_id: str, ifname: str) -> None:
    name_space = uuid.UUID("6f1c5c7b-9a0f-5d0e-8a8f-0d2b64c1e7a3")
    expected = uuid.uuid5(name_space, f"{network}/{container_id}/{ifname}")
    assert endpoint_id(network, container_id, ifname) == str(expected)


@given(st.lists(st.tuples(identifiers, identifiers, identifiers), min_size=2, max_size=2, unique=True))
def test_no_two_attachments_share_one(attachments: list[tuple[str, str, str]]) -> None:
    one, other = attachments
    assert endpoint_id(*one) != endpoint_id(*other)


def test_the_name_is_spelt_as_the_peers_spell_theirs() -> None:
    assert endpoint_name("l2bridge", "a1b2") == "a1b2_l2bridge"


@given(identifiers, identifiers, st.integers(0, 9))
def test_an_endpoint_of_ours_is_known_by_its_name_and_id(
    network: str, container_id: str, number: int
) -> None:
    endpoint = endpoint_id(network, container_id, f"eth{number}")
    name = endpoint_name(network, container_id)
    assert is_ours(endpoint.upper(), name, network) == (container_id, f"eth{number}")


@pytest.mark.parametrize(
    ("endpoint", "name", "network"),
    [
        pytest.param(GUID, "pod_net", "net", id="a peer's, with an ID that HNS chose"),
        pytest.param(endpoint_id("net", "pod", "eth0"), "pod_other", "net", id="another network's name"),
        pytest.param(endpoint_id("net", "pod", "eth0"), "pod_net", "other", id="another network"),
        pytest.param(endpoint_id("net", "pod", "eth0"), "pod", "net", id="no network in the name"),
        pytest.param(endpoint_id("net", "", "eth0"), "_net", "net", id="no container id"),
        pytest.param(endpoint_id("net", "pod", "eth0"), "pod_net_x", "net", id="more after the network"),
        pytest.param(endpoint_id("net", "pod", "eth10"), "pod_net", "net", id="an ifname that is not tried"),
    ],
)
def test_every_other_endpoint_is_not(endpoint: str, name: str, network: str) -> None:
    assert is_ours(endpoint, name, network) is None


@given(identifiers, identifiers, st.sampled_from(["net1", "eth10", "a_b", "_"]), st.integers(0, 7))
def test_whatever_the_ifname_ours_is_known_as_ours_in_each_generation(
    network: str, container_id: str, ifname: str, generation: int
) -> None:
    endpoint = endpoint_id(network, container_id, ifname, generation)
    name = endpoint_name(network, container_id, ifname)
    assert is_ours(endpoint, name, network) == (container_id, ifname)
    assert attachment_of(endpoint.upper(), name) == (network, container_id, ifname)


@given(identifiers, identifiers, st.integers(0, 9))
def test_the_usual_ifnames_share_the_peers_name(network: str, container_id: str, number: int) -> None:
    name = endpoint_name(network, container_id, f"eth{number}")
    assert name == f"{container_id}_{network}"
    found = attachment_of(endpoint_id(network, container_id, f"eth{number}"), name)
    assert found == (network, container_id, f"eth{number}")


@pytest.mark.parametrize(
    ("network", "container_id", "ifname"),
    [
        pytest.param("x_y", "a", "eth0", id="in the network"),
        pytest.param("y", "a_x", "eth0", id="in the container id"),
        pytest.param("a_y", "a_y", "a_y", id="in all of them, and all alike"),
        pytest.param("y", "a_y", "y", id="the network between, twice"),
    ],
)
def test_underscores_mislead_nobody(network: str, container_id: str, ifname: str) -> None:
    endpoint = endpoint_id(network, container_id, ifname)
    name = endpoint_name(network, container_id, ifname)
    assert attachment_of(endpoint, name) == (network, container_id, ifname)
    assert is_ours(endpoint, name, network) == (container_id, ifname)


def test_the_endpoint_of_another_attachment_is_not_ours_under_its_name() -> None:
    assert attachment_of(endpoint_id("y", "a_x", "eth0"), endpoint_name("other", "a_x")) is None
    assert attachment_of(GUID, "a_x_y") is None
    assert attachment_of(GUID, "") is None


def test_a_generation_follows_the_other_and_the_last_one_the_first() -> None:
    seen = [endpoint_id(*PARTS)]
    for _ in range(8):
        seen.append(next_endpoint_id(seen[-1], *PARTS))
    assert len(set(seen[:8])) == 8
    assert seen[8] == seen[0]
    assert all(is_endpoint_of(one, *PARTS) for one in seen)
    assert not is_endpoint_of(endpoint_id(*PARTS, 8), *PARTS)


def test_behind_an_id_of_no_generation_comes_one_that_is_not_the_usual() -> None:
    assert next_endpoint_id(GUID, *PARTS) == endpoint_id(*PARTS, 1)


def test_the_generations_before_one_are_told() -> None:
    assert earlier_endpoint_ids(endpoint_id(*PARTS), *PARTS) == []
    assert earlier_endpoint_ids(endpoint_id(*PARTS, 2), *PARTS) == [
        endpoint_id(*PARTS),
        endpoint_id(*PARTS, 1),
    ]
    assert earlier_endpoint_ids(GUID, *PARTS) == []


def test_a_network_s_name_may_be_part_of_the_container_id() -> None:
    assert is_ours(endpoint_id("net", "a_net_b", "eth0"), "a_net_b_net", "net") == ("a_net_b", "eth0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(GUID, GUID, id="bare"),
        pytest.param(GUID.upper(), GUID, id="upper case"),
        pytest.param("{" + GUID.upper() + "}", GUID, id="braces"),
        pytest.param(ZERO_GUID, ZERO_GUID, id="zero"),
        pytest.param("", None, id="empty"),
        pytest.param("{}", None, id="only braces"),
        pytest.param("{" + GUID, None, id="one brace"),
        pytest.param("{{" + GUID + "}}", None, id="two pairs of braces"),
        pytest.param(GUID.replace("-", ""), None, id="no hyphens"),
        pytest.param(GUID + "\n", None, id="newline at the end"),
        pytest.param(" " + GUID, None, id="space before"),
        pytest.param(GUID[:-1] + "g", None, id="no hexadecimal digit"),
        pytest.param(GUID[:-1] + "٣", None, id="a digit of another script"),
    ],
)
def test_guid(text: str, expected: str | None) -> None:
    assert guid(text) == expected


@given(st.text("0aFg-{}", max_size=40) | st.from_regex(r"[0-9a-f]{7,9}(-[0-9A-F]{3,5}){3}-[0-9a-g]{11,13}"))
def test_guid_takes_what_the_pattern_says(text: str) -> None:
    bare = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    pattern = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    assert guid(text) == (bare.lower() if re.fullmatch(pattern, bare) else None)


@pytest.mark.parametrize(
    ("netns", "sandbox"),
    [
        (None, None),
        ("", None),
        ("none", None),
        ("container:abc", "abc"),
        ("container:", ""),
        ("container:a:b", "a:b"),
        ("xcontainer:abc", None),
    ],
)
def test_whose_endpoint_a_docker_netns_means(netns: str | None, sandbox: str | None) -> None:
    assert shared_with(netns) == sandbox


@pytest.mark.parametrize(
    "text", ["web-0", "kube-system", "a", "x" * 253, "WIN-1.example_2", "5bf388ff-c21c-48c4-8334"]
)
def test_names_of_kubernetes_are_words(text: str) -> None:
    assert is_pod_word(text)


@pytest.mark.parametrize("text", ["", "x" * 254, "a b", "a/b", "a\n", "\x1b[m", "é", "a;b", "\u202eb", '"'])
def test_what_could_forge_a_line_is_no_name(text: str) -> None:
    assert not is_pod_word(text)


def test_a_pod_is_called_as_kubectl_calls_it() -> None:
    assert KubernetesPod("shop", "web-0", "uid").full_name == "shop/web-0"
    assert KubernetesPod("", "host").full_name == "host"
    assert KubernetesPod("shop").full_name == ""
