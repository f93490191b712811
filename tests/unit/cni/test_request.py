from __future__ import annotations

from typing import Any

import pytest

from cni_hns.cni.errors import BAD_VARIABLE, DECODE_FAILURE, INVALID_CONFIG, CniError
from cni_hns.cni.request import Request, read_request
from cni_hns.cni.result import IpConfig
from cni_hns.cni.variables import Variables

NETNS = "5f0c3b1e-0000-1111-2222-333344445555"
GOOD = {"cniVersion": "1.1.0", "name": "net", "type": "cni-hns"}
PREVIOUS = {"cniVersion": "0.2.0", "ip4": {"ip": "10.0.0.2/24"}}


def request(command: str, document: dict[str, Any], args: str = "", netns: str = NETNS) -> Request:
    return read_request(Variables(command, "pod", netns, "eth0", args, []), b"raw", document)


def test_a_request_holds_what_came_in() -> None:
    read = request("ADD", GOOD, "IP=10.0.0.9")
    assert (read.version, read.name, read.config, read.raw) == ("1.1.0", "net", GOOD, b"raw")
    assert read.arguments == {"IP": "10.0.0.9"}
    assert read.prev_result is None


@pytest.mark.parametrize("command", ["ADD", "CHECK"])
def test_prev_result_is_read_in_its_own_version(command: str) -> None:
    previous = request(command, GOOD | {"prevResult": PREVIOUS}).prev_result
    assert previous is not None
    assert previous.ips == [IpConfig("10.0.0.2/24")]


@pytest.mark.parametrize("command", ["DEL", "GC", "STATUS"])
def test_other_verbs_have_none(command: str) -> None:
    assert request(command, GOOD | {"prevResult": 7}).prev_result is None


@pytest.mark.parametrize("command", ["ADD", "CHECK"])
def test_a_null_prev_result_is_none(command: str) -> None:
    assert request(command, GOOD | {"prevResult": None}).prev_result is None


@pytest.mark.parametrize("command", ["ADD", "CHECK"])
def test_one_that_cannot_be_read_is_refused(command: str) -> None:
    with pytest.raises(CniError) as caught:
        request(command, GOOD | {"prevResult": {"ips": 1}})
    assert caught.value.code == DECODE_FAILURE


def test_del_does_without_usable_netns_and_arguments() -> None:
    read = request("DEL", GOOD, "x;IP=y", netns="blue")
    assert read.arguments == {}
    assert read.variables.netns == "blue"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param({}, INVALID_CONFIG, id="the configuration's checks come first"),
        pytest.param(GOOD | {"prevResult": 7}, BAD_VARIABLE, id="then the variables"),
    ],
)
def test_the_order_of_checks(document: dict[str, Any], code: int) -> None:
    with pytest.raises(CniError) as caught:
        request("ADD", document, netns="blue")
    assert caught.value.code == code
