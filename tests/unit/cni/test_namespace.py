from __future__ import annotations

import pytest

from cni_hns.cni.errors import BAD_VARIABLE, CniError
from cni_hns.cni.namespace import docker_netns, namespace_fault, namespace_guid

GUID = "5f0c3b1e-0000-1111-2222-33334444abcd"


@pytest.mark.parametrize(
    "netns",
    [
        pytest.param(GUID, id="bare"),
        pytest.param(GUID.upper(), id="upper case"),
        pytest.param("{" + GUID + "}", id="braces"),
        pytest.param("Z:\\tmp\\work\\" + GUID, id="the path that cnitool makes on Windows"),
        pytest.param("/var/run/netns/" + GUID, id="path with slashes"),
        pytest.param("C:\\a/b\\" + GUID.upper(), id="mixed separators"),
        pytest.param("/var/run/netns/cni-" + GUID, id="containerd's file on Linux"),
        pytest.param("/run/containerd/netns/cni-" + GUID, id="containerd's file in its own state folder"),
    ],
)
def test_a_guid_is_found(netns: str) -> None:
    assert namespace_guid(netns) == GUID
    assert namespace_fault(netns) is None


@pytest.mark.parametrize(
    "netns",
    [
        pytest.param("", id="empty"),
        pytest.param("blue", id="a name"),
        pytest.param("/var/run/netns/blue", id="a path without a GUID"),
        pytest.param("/var/run/netns/pod-" + GUID, id="another word before the GUID"),
        pytest.param("/var/run/netns/cni-" + GUID + "-1", id="more after the GUID"),
        pytest.param("/var/run/netns/cni-cni-" + GUID, id="containerd's word twice"),
        pytest.param("/var/run/netns/cni-{" + GUID + "}", id="containerd's word and braces"),
        pytest.param("/var/run/netns/cni-" + GUID.upper(), id="containerd's word and upper case"),
        pytest.param("/var/run/netns/CNI-" + GUID, id="containerd's word in upper case"),
        pytest.param("/var/run/pods/cni-" + GUID, id="containerd's word in another folder"),
        pytest.param("cni-" + GUID, id="containerd's word without a path"),
        pytest.param("netns/cni-" + GUID, id="a relative path"),
        pytest.param("/var/run/netns/cni-" + GUID + "\n", id="containerd's file and a newline"),
        pytest.param("C:\\var\\run\\netns\\cni-" + GUID, id="containerd's Linux file on Windows"),
        pytest.param(
            "/var/run/netns/cni-00000000-0000-0000-0000-000000000000", id="the zero GUID of containerd"
        ),
        pytest.param(GUID + "/", id="nothing after the last separator"),
        pytest.param("/" + GUID + "/x", id="GUID in the middle of a path"),
        pytest.param("container:" + GUID, id="another container's"),
        pytest.param(GUID.replace("-", ""), id="no hyphens"),
        pytest.param("{" + GUID, id="one brace"),
        pytest.param(GUID + "\n", id="newline at the end"),
        pytest.param("00000000-0000-0000-0000-000000000000", id="the zero GUID"),
    ],
)
def test_nothing_else_is_guessed_at(netns: str) -> None:
    with pytest.raises(CniError) as caught:
        namespace_guid(netns)
    assert caught.value.code == BAD_VARIABLE
    assert "CNI_NETNS" in caught.value.msg
    assert "netns/cni-" in caught.value.msg
    assert "\n" not in caught.value.msg


SANDBOX = "0123456789abcdef" * 4


@pytest.mark.parametrize("netns", ["none", f"container:{SANDBOX}", "container:a"])
def test_a_container_as_docker_names_it_is_a_place_for_hns_v1_only(netns: str) -> None:
    assert docker_netns(netns) == netns
    assert namespace_fault(netns) is None
    fault = namespace_fault(netns, hns_v1=False)
    assert fault is not None
    assert "container:<id>" not in fault


@pytest.mark.parametrize(
    "netns",
    [
        pytest.param("", id="empty"),
        pytest.param("None", id="another case"),
        pytest.param("container:", id="no id"),
        pytest.param("container", id="no colon"),
        pytest.param("Container:" + SANDBOX, id="another case of the word"),
        pytest.param("container:a/b", id="an id with a slash"),
        pytest.param("container:" + "a" * 254, id="an id that is too long"),
        pytest.param("x/container:" + SANDBOX, id="more before it"),
        pytest.param("container:" + SANDBOX + "\n", id="a newline"),
        pytest.param(GUID, id="a namespace"),
    ],
)
def test_nothing_else_is_one(netns: str) -> None:
    assert docker_netns(netns) is None


def test_what_is_no_place_at_all_is_told_both_kinds() -> None:
    fault = namespace_fault("host")
    assert fault is not None
    assert "GUID" in fault
    assert "container:<id>" in fault
