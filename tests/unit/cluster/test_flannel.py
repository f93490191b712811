"""flannel's annotations, as flannel writes and reads them."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.cluster import flannel
from cni_hns.cluster.flannel import Backend

MAC = "0e:2a:0a:f4:01:01"
ON_LINUX = {
    "flannel.alpha.coreos.com/backend-data": '{"VNI":4096,"VtepMAC":"0e:2a:0a:f4:01:01"}',
    "flannel.alpha.coreos.com/backend-type": "vxlan",
    "flannel.alpha.coreos.com/kube-subnet-manager": "true",
    "flannel.alpha.coreos.com/public-ip": "192.0.2.21",
    "node.alpha.kubernetes.io/ttl": "0",
}
VXLAN = Backend("vxlan", "192.0.2.21", 4096, MAC)
HOST_GW = {
    "flannel.alpha.coreos.com/backend-data": "null",
    "flannel.alpha.coreos.com/backend-type": "host-gw",
    "flannel.alpha.coreos.com/kube-subnet-manager": "true",
    "flannel.alpha.coreos.com/public-ip": "192.0.2.21",
}


def changed(**values: str | None) -> dict[str, str]:
    """The annotations of a Linux node, with these values (None: without the key)."""
    given = {flannel.PREFIX + name.replace("_", "-"): value for name, value in values.items()}
    return {name: text for name, text in {**ON_LINUX, **given}.items() if text is not None}


def test_a_linux_node_is_read() -> None:
    assert flannel.read(ON_LINUX) == VXLAN


def test_both_families_are_read() -> None:
    data = '{"VNI":4096,"VtepMAC":"0e:2a:0a:f4:01:02"}'
    found = flannel.read(changed(public_ipv6="2001:db8::21", backend_v6_data=data))
    expected = VXLAN._replace(public_ipv6="2001:db8::21", vni_v6=4096, mac_v6="0e:2a:0a:f4:01:02")
    assert found == expected


def test_host_gw_has_no_data() -> None:
    assert flannel.read(HOST_GW) == Backend("host-gw", "192.0.2.21")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"VNI":4096,"VtepMAC":"0E-2A-0A-F4-01-01"}', id="hyphens, as Windows spells a MAC"),
        pytest.param('{ "vni": 4096, "vtepMac": "0e2a.0af4.0101" }', id="members in another case, dots"),
        pytest.param('{"VNI":4096,"VtepMAC":"0e:2a:0a:f4:01:01","More":1}', id="a member that is newer"),
    ],
)
def test_other_spellings_mean_the_same(text: str) -> None:
    assert flannel.read(changed(backend_data=text)) == VXLAN


@pytest.mark.parametrize(
    ("annotations", "why"),
    [
        pytest.param(None, "no annotation", id="no annotations"),
        pytest.param({"kubernetes.io/hostname": "x"}, "backend-type yet", id="a node that has just joined"),
        pytest.param(changed(kube_subnet_manager=None), "kube-subnet-manager", id="not managed"),
        pytest.param(changed(kube_subnet_manager="false"), "kube-subnet-manager", id="managed no more"),
        pytest.param(changed(public_ip=None), "public-ip", id="no address"),
        pytest.param(changed(public_ip="node-1"), "public-ip", id="a name in place of an address"),
        pytest.param(changed(public_ip="0.0.0.0"), "public-ip", id="an address that leads nowhere"),  # noqa: S104 - no socket
        pytest.param(changed(backend_data=None), "no JSON", id="no data"),
        pytest.param(changed(backend_data='{"VNI":4096'), "no JSON", id="half of the data"),
        pytest.param(changed(backend_data="[" * 100_000), "no JSON", id="data that is far too deep"),
        pytest.param(changed(backend_data="null"), "no VNI", id="null"),
        pytest.param(changed(backend_data='{"VtepMAC":"0e:2a:0a:f4:01:01"}'), "no VNI", id="no VNI"),
        pytest.param(changed(backend_data='{"VNI":true,"VtepMAC":"x"}'), "no VNI", id="a VNI that is none"),
        pytest.param(
            changed(backend_data='{"VNI":4096,"VtepMAC":""}'), "VtepMAC yet", id="flannel's first write"
        ),
        pytest.param(
            changed(backend_data='{"VNI":4096,"VtepMAC":"00:00:00:00:00:00"}'), "VtepMAC", id="a MAC of zeros"
        ),
    ],
)
def test_what_cannot_be_used_is_none_and_says_why(annotations: Any, why: str) -> None:
    backend, words = flannel.look(annotations)
    assert backend is None
    assert why in words
    assert flannel.read(annotations) is None


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        pytest.param(VXLAN, {key: ON_LINUX[key] for key in ON_LINUX if "flannel" in key}, id="vxlan"),
        pytest.param(Backend("host-gw", "192.0.2.21"), HOST_GW, id="host-gw"),
    ],
)
def test_written_is_what_flannel_writes_to_the_byte(backend: Backend, expected: dict[str, str]) -> None:
    assert flannel.written(backend) == expected


@pytest.mark.parametrize(
    "backend",
    [
        VXLAN,
        VXLAN._replace(public_ipv6="2001:db8::21", vni_v6=4096, mac_v6=MAC),
        Backend("host-gw", "192.0.2.21", public_ipv6="2001:db8::21"),
        Backend("alloc", "192.0.2.21"),
    ],
)
def test_what_is_written_is_read_back(backend: Backend) -> None:
    assert flannel.read(flannel.written(backend)) == backend


def test_the_routers_mac_is_written_as_go_reads_it_however_hns_spells_it() -> None:
    text = flannel.written(VXLAN._replace(mac="00-15-5D-7E-01-F3"))[flannel.PREFIX + "backend-data"]
    assert text == '{"VNI":4096,"VtepMAC":"00:15:5d:7e:01:f3"}'


def test_what_the_operator_wrote_over_the_address_comes_first() -> None:
    annotations = changed(public_ip_overwrite="198.51.100.7")
    backend = flannel.read(annotations)
    assert backend is not None
    assert backend.public_ip == "198.51.100.7"
    assert flannel.announced(annotations, "192.0.2.21") == "198.51.100.7"


@pytest.mark.parametrize("overwrite", ["", "no address", "2001:db8::1"])
def test_an_overwrite_that_is_no_address_of_the_family_is_left_out(overwrite: str) -> None:
    annotations = changed(public_ip_overwrite=overwrite)
    assert flannel.read(annotations) == VXLAN
    assert flannel.announced(annotations, "192.0.2.21") == "192.0.2.21"
    assert flannel.announced(None, "192.0.2.21") == "192.0.2.21"
