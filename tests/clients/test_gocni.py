"""go-cni, the library through which containerd calls plugins, set up as containerd's CRI does it on Windows.

The client (tests/clients/gocni) does one action to all pods at the same time. What the CRI does besides is
done here: it makes a pod's namespace before, and deletes it afterwards.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from cni_hns.hcn.views import EndpointView
from tests.behaviour.scene import dual, policies_of
from tests.clients.host import Host
from tests.harness import ROOT, container_id, l2bridge

UNREACHABLE = 0x800706BA

CAPABILITIES = dict.fromkeys(["portMappings", "dns", "bandwidth", "io.kubernetes.cri.pod-annotations"], True)


class Pod(NamedTuple):
    """What the CRI knows of a sandbox."""

    id: str
    netns: str
    name: str
    more: dict[str, Any]

    @property
    def words(self) -> dict[str, Any]:
        """The pod in a request of the client."""
        known = {"id": self.id, "netns": self.netns, "name": self.name, "namespace": "shop", "uid": "8b0f-1"}
        return {**known, "annotations": {"example.com/tier": "web"}, **self.more}

    @property
    def without_netns(self) -> Pod:
        """The same pod when its namespace is gone."""
        return self._replace(netns="")


class Cri:
    """The part of the CRI that calls plugins, on one host."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.node = host.node

    def configure(self, **changes: Any) -> None:
        self.host.configure(l2bridge(**{"capabilities": CAPABILITIES, **changes}))

    def pod(self, name: str = "web-0", **more: Any) -> Pod:
        """A pod with its namespace, before its network."""
        return Pod(container_id(), self.node.namespace(), name, more)

    def ask(self, action: str, *pods: Pod) -> dict[str, Any]:
        """One action to all these pods at once; the client's report."""
        request = {
            "action": action,
            "confDir": self.host.path(self.host.net_d),
            "binDir": self.host.cni_path,
            "pods": [pod.words for pod in pods],
        }
        program = self.host.lane.program("gocni", windows=self.host.windows)
        ran = self.host.run(program, stdin=json.dumps(request).encode())
        assert ran.exit_code == 0, ran
        return ran.document

    def each(self, action: str, *pods: Pod) -> list[dict[str, Any]]:
        """The same where the library itself is ready; what became of each pod, none of which failed."""
        report = self.ask(action, *pods)
        assert report["error"] == ""
        found: list[dict[str, Any]] = report["pods"]
        assert [one["error"] for one in found] == [""] * len(pods)
        return found

    def refused(self, action: str, pod: Pod) -> str:
        """The error of an action that fails for this pod."""
        (found,) = self.ask(action, pod)["pods"]
        assert found["error"]
        error: str = found["error"]
        return error

    def removed(self, *pods: Pod, late: bool = False) -> None:
        """As StopPodSandbox and then RemovePodSandbox do it: the second call finds no namespace."""
        self.each("remove", *pods)
        for pod in pods:
            assert self.node.in_namespace(pod.netns) == set()
            self.node.hcn.namespaces.delete(pod.netns)
        self.each("remove", *(pod.without_netns for pod in pods))
        self.host.assert_clean(late=late)


@pytest.fixture
def cri(host: Host) -> Cri:
    return Cri(host)


def endpoint_of(cri: Cri, pod: Pod) -> EndpointView:
    (found,) = cri.node.in_namespace(pod.netns)
    return cri.node.endpoint(found)


@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0", "1.1.0"])
def test_a_pod_lives_and_goes(cri: Cri, version: str) -> None:
    cri.configure(cniVersion=version)
    assert cri.ask("status")["error"] == ""
    pod = cri.pod()
    (told,) = cri.each("setup", pod)
    endpoint = endpoint_of(cri, pod)
    assert endpoint.addresses == [(told["ip"], 24)]
    assert told["additional"] == []
    assert [lease.address for lease in cri.node.leases()] == [told["ip"]]
    if version >= "0.4.0":  # libcni refuses to CHECK what is older
        cri.each("check", pod)
    cri.removed(pod)
    assert cri.ask("status")["error"] == ""


def test_what_containerd_brings_with_it_works(cri: Cri) -> None:
    """The configuration of Microsoft's nat plugin, as in containerd's own for Windows."""
    cri.host.install_plugin("nat")
    cri.host.configure(json.loads((ROOT / "conf" / "wcn-nat.conf").read_text(encoding="utf-8")))
    pod = cri.pod(portMappings=[{"hostPort": 8080, "containerPort": 80, "protocol": "TCP"}])
    (told,) = cri.each("setup", pod)
    assert endpoint_of(cri, pod).addresses == [(told["ip"], 20)]
    cri.removed(pod)


def test_capabilities_reach_the_endpoint(cri: Cri) -> None:
    cri.configure()
    mappings = [
        {"hostPort": 8080, "containerPort": 80, "protocol": "TCP"},
        {"hostPort": 5353, "containerPort": 53, "protocol": "UDP"},
        {"hostPort": 0, "containerPort": 443, "protocol": "TCP"},
    ]
    dns = {"servers": ["10.96.0.53"], "searches": ["shop.svc.example", "svc.example"], "options": ["ndots:5"]}
    pod = cri.pod(portMappings=mappings, dns=dns, egressRate=8_000_000)
    cri.each("setup", pod)
    endpoint = endpoint_of(cri, pod)
    mapped = [
        (one["Protocol"], one["ExternalPort"], one["InternalPort"])
        for one in policies_of(endpoint, "PortMapping")
    ]
    assert sorted(mapped) == [(6, 8080, 80), (17, 5353, 53)]
    assert endpoint.dns["ServerList"] == ["10.96.0.53"]
    assert endpoint.dns["Search"] == ["shop.svc.example", "svc.example"]
    assert policies_of(endpoint, "QOS") == [{"MaximumOutgoingBandwidthInBytes": 1_000_000}]
    cri.each("check", pod)
    cri.removed(pod)


def test_the_pods_first_address_is_ipv4(cri: Cri) -> None:
    cri.host.configure(dual(capabilities=CAPABILITIES))
    pod = cri.pod()
    (told,) = cri.each("setup", pod)
    addresses = [address for address, _ in endpoint_of(cri, pod).addresses]
    assert [told["ip"], *told["additional"]] == addresses
    assert ":" not in addresses[0]
    assert ":" in addresses[1]
    cri.removed(pod)


def test_eight_pods_come_and_go_at_once(cri: Cri) -> None:
    cri.configure()
    pods = [cri.pod(f"web-{number}", egressRate=8_000_000) for number in range(8)]
    told = {one["id"]: one["ip"] for one in cri.each("setup", *pods)}
    assert len(set(told.values())) == 8
    assert {pod.id: endpoint_of(cri, pod).addresses for pod in pods} == {
        pod.id: [(told[pod.id], 24)] for pod in pods
    }
    assert len(cri.node.endpoints()) == 8
    cri.each("check", *pods)
    cri.removed(*pods)


def test_a_pod_whose_namespace_is_gone_is_removed(cri: Cri) -> None:
    """The address must not stay taken, although the plugin is told nothing but the pod's id."""
    cri.configure()
    pod, kept = cri.pod("gone"), cri.pod("kept")
    told = cri.each("setup", pod, kept)
    cri.node.simulator.remove(pod.netns)
    cri.each("remove", pod.without_netns)
    assert [lease.address for lease in cri.node.leases()] == [told[1]["ip"]]
    assert [one.namespace for one in cri.node.endpoints()] == [kept.netns]
    cri.removed(kept)


@pytest.mark.parametrize("hresult", [0x80004005, UNREACHABLE], ids=["refused", "unreachable"])
@pytest.mark.parametrize("gone", [False, True], ids=["with a namespace", "without one"])
def test_a_removal_that_failed_is_not_taken_as_done(cri: Cri, hresult: int, gone: bool) -> None:
    """The library overlooks errors with certain words; ours has none of them where something is left."""
    cri.configure()
    pod = cri.pod()
    cri.each("setup", pod)
    asked = pod.without_netns if gone else pod
    cri.node.simulator.inject(function="HcnDeleteEndpoint", hresult=hresult, count=0)
    assert f"0x{hresult:08X}" in cri.refused("remove", asked)
    cri.node.simulator.clear_faults()
    assert len(cri.node.endpoints()) == 1
    cri.each("remove", asked)
    cri.removed(pod, late=hresult == UNREACHABLE)


def test_a_pod_in_no_namespace_is_refused_and_leaves_nothing(cri: Cri) -> None:
    cri.configure()
    pod = cri.pod()
    cri.node.simulator.remove(pod.netns)
    error = cri.refused("setup", pod)
    assert pod.netns in error
    assert "does not exist" in error
    cri.each("remove", pod.without_netns)
    cri.host.assert_clean()


def test_a_pod_whose_plugin_was_killed_is_removed(cri: Cri) -> None:
    cri.configure()
    pods = [cri.pod(f"web-{number}") for number in range(3)]
    cri.node.simulator.inject(function="HcnCreateEndpoint", nth=2, die="after")
    report = cri.ask("setup", *pods)["pods"]
    (failed,) = [one["id"] for one in report if one["error"]]
    cri.node.simulator.clear_faults()
    cri.each("remove", *(pod for pod in pods if pod.id == failed))
    alive = [pod for pod in pods if pod.id != failed]
    cri.each("check", *alive)
    assert {one.namespace for one in cri.node.endpoints()} == {pod.netns for pod in alive}
    cri.each("remove", *alive)
    cri.node.assert_nothing_owned()
    cri.node.simulator.forget_leaks()


class TestStatus:
    """What the CRI asks before it calls the node's network ready."""

    def test_tells_that_hns_is_down(self, cri: Cri) -> None:
        cri.configure()
        cri.node.simulator.inject(hresult=0x800706BA, count=0)
        assert "0x800706BA" in cri.ask("status")["error"]
        cri.node.simulator.clear_faults()
        assert cri.ask("status")["error"] == ""

    def test_is_not_asked_of_an_older_configuration(self, cri: Cri) -> None:
        cri.configure(cniVersion="1.0.0")
        cri.node.simulator.inject(hresult=0x800706BA, count=0)
        assert cri.ask("status")["error"] == ""
        cri.node.simulator.clear_faults()
