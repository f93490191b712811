"""cnitool 1.3.0, as released, drives our plugin: every sample through all verbs, and what a user of it meets.

cnitool makes its last argument an absolute path and hashes that for the container's ID: it is always started
in the same folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cni_hns.hcn.documents import remove_endpoint
from tests.behaviour.scene import network, plant, policies_of
from tests.clients.host import Host, Ran
from tests.harness import ROOT, l2bridge

SAMPLES = sorted(path.name for path in (ROOT / "conf").glob("*.conf*"))
# What peers that join a network find there: its mode, subnet and gateway.
THERE_BEFORE = {
    "win-bridge.conf": ("l2bridge", "10.93.4.0/24", "10.93.4.1"),
    "win-bridge-v1.conf": ("l2bridge", "10.93.4.0/24", "10.93.4.1"),
    "win-overlay.conf": ("overlay", "10.94.4.0/24", "10.94.4.1"),
}
# libcni refuses to CHECK what is of an older version.
WITHOUT_CHECK = {"sdnoverlay.conf"}


def succeeded(ran: Ran) -> Ran:
    assert ran.exit_code == 0, ran
    return ran


def refused(ran: Ran, *words: str) -> Ran:
    """It failed, as cnitool fails: exit code 1 and our text on stderr."""
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert [word for word in words if word not in ran.stderr] == [], ran.stderr
    return ran


class Pod:
    """A namespace on a host, and the network "pods" for it."""

    def __init__(self, host: Host, **changes: Any) -> None:
        self.host = host
        self.namespace = host.node.namespace()
        self.network = host.configure(l2bridge(**changes))

    def __call__(self, verb: str, **more: Any) -> Ran:
        return self.host.cnitool(verb, self.network, self.namespace, **more)

    def added(self, **more: Any) -> Ran:
        return succeeded(self("add", **more))

    def deleted(self, **more: Any) -> None:
        """DEL, DEL again, and nothing is left."""
        succeeded(self("del", **more))
        succeeded(self("del", **more))
        self.host.assert_clean()


@pytest.fixture
def pod(host: Host) -> Pod:
    return Pod(host)


@pytest.mark.parametrize("file", SAMPLES)
def test_a_sample_serves_every_verb(host: Host, file: str) -> None:
    text = (ROOT / "conf" / file).read_text(encoding="utf-8")
    document = json.loads(text)
    (host.net_d / file).write_text(text, encoding="utf-8")
    plugin = document.get("plugins", [document])[0]
    if plugin["type"] != "cni-hns":
        host.install_plugin(plugin["type"])
    if file in THERE_BEFORE:
        mode, *subnet = THERE_BEFORE[file]
        plant(host.node, mode, (subnet[0], subnet[1]), name=document["name"])
    name, namespace = document["name"], host.node.namespace()

    succeeded(host.cnitool("status", name, namespace))
    result = succeeded(host.cnitool("add", name, namespace)).document
    (endpoint,) = host.node.endpoints()
    assert endpoint.namespace == namespace
    if "ips" in result:
        given = [one["address"] for one in result["ips"]]
        assert given == [f"{address}/{prefix}" for address, prefix in endpoint.addresses]
    checked = host.cnitool("check", name, namespace)
    if file in WITHOUT_CHECK:
        refused(checked, "does not support the CHECK command")
    else:
        assert checked == (0, "", "")
    for _ in range(2):
        assert host.cnitool("del", name, namespace) == (0, "", "")
    host.assert_clean()
    assert host.node.in_namespace(namespace) == set()
    assert host.cnitool("gc", name, namespace) == (0, "", "")
    assert host.cnitool("status", name, namespace) == (0, "", "")


class TestTheNamespace:
    """CNI_NETNS arrives as a path whose last part is the namespace's GUID."""

    @pytest.mark.parametrize("written", ["{}", "{{{}}}", "some/where/{}"], ids=["bare", "braces", "a folder"])
    def test_is_found_at_the_end_of_the_path(self, pod: Pod, written: str) -> None:
        argument = written.format(pod.namespace.upper())
        result = succeeded(pod.host.cnitool("add", pod.network, argument)).document
        (endpoint,) = pod.host.node.endpoints()
        assert endpoint.namespace == pod.namespace
        (interface,) = result["interfaces"]
        assert interface["sandbox"].endswith(pod.namespace.upper() + ("}" if "{" in argument else ""))
        assert interface["sandbox"].startswith(pod.host.path(pod.host.folder).rstrip("\\"))
        succeeded(pod.host.cnitool("check", pod.network, argument))
        succeeded(pod.host.cnitool("del", pod.network, argument))
        pod.host.assert_clean()

    @pytest.mark.parametrize(
        "written", ["pod1", "x{}", "{}.bak", "{}/"], ids=["a name", "before", "after", "/"]
    )
    def test_is_not_guessed_at(self, pod: Pod, written: str) -> None:
        argument = written.format(pod.namespace)
        if argument.endswith("/"):
            argument += "mnt"
        refused(pod.host.cnitool("add", pod.network, argument), "CNI_NETNS", "must be the GUID")
        succeeded(pod.host.cnitool("del", pod.network, argument))
        pod.host.assert_clean()

    def test_that_does_not_exist_is_told(self, pod: Pod) -> None:
        missing = "5f0c3b1e-0000-1111-2222-333344445555"
        refused(pod.host.cnitool("add", pod.network, missing), missing, "does not exist")
        pod.host.assert_clean()

    def test_that_is_gone_stops_no_del(self, pod: Pod) -> None:
        pod.added()
        pod.host.node.simulator.remove(pod.namespace)
        pod.deleted()


class TestArguments:
    """CNI_ARGS and CAP_ARGS."""

    K8S = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_UID=8b0f"

    def test_those_of_kubernetes_are_taken(self, pod: Pod) -> None:
        pod.added(args=self.K8S)
        succeeded(pod("check", args=self.K8S))
        pod.deleted(args=self.K8S)

    def test_an_address_is_asked_for(self, pod: Pod) -> None:
        assert pod.added(args=f"{self.K8S};IP=10.88.0.40").addresses == ["10.88.0.40/24"]

    def test_an_unknown_one_is_told_by_its_name(self, pod: Pod) -> None:
        refused(pod("add", args="COLOUR=blue"), "CNI_ARGS", "COLOUR")
        pod.deleted(args="COLOUR=blue")

    def test_capabilities_reach_the_endpoint(self, host: Host) -> None:
        declared = dict.fromkeys(["portMappings", "dns", "bandwidth", "ips", "mac"], True)
        pod = Pod(host, capabilities=declared)
        asked = {
            "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}],
            "dns": {"servers": ["10.96.0.53"], "searches": ["pod.example"], "options": []},
            "bandwidth": {"egressRate": 8_000_000, "egressBurst": 1_000_000},
            "ips": ["10.88.0.77/24"],
            "mac": "02:11:22:33:44:55",
        }
        result = pod.added(capabilities=asked)
        (endpoint,) = host.node.endpoints()
        assert result.addresses == ["10.88.0.77/24"]
        assert endpoint.addresses == [("10.88.0.77", 24)]
        assert endpoint.mac == "02-11-22-33-44-55"
        assert endpoint.dns["ServerList"] == ["10.96.0.53"]
        (mapped,) = policies_of(endpoint, "PortMapping")
        assert (mapped["ExternalPort"], mapped["InternalPort"]) == (8080, 80)
        (limited,) = policies_of(endpoint, "QOS")
        assert limited == {"MaximumOutgoingBandwidthInBytes": 1_000_000}
        succeeded(pod("check", capabilities=asked))
        pod.deleted(capabilities=asked)

    def test_ranges_of_the_runtime_go_first(self, host: Host) -> None:
        pod = Pod(host, capabilities={"ipRanges": True}, ipam={"type": "cni-hns"})
        asked = {"ipRanges": [[{"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.200"}]]}
        assert pod.added(capabilities=asked).addresses == ["10.88.0.200/24"]

    def test_what_was_not_declared_does_not_arrive(self, pod: Pod) -> None:
        pod.added(capabilities={"mac": "02:11:22:33:44:55"})
        (endpoint,) = pod.host.node.endpoints()
        assert endpoint.mac != "02-11-22-33-44-55"

    def test_what_hns_cannot_limit_is_refused(self, host: Host) -> None:
        pod = Pod(host, capabilities={"bandwidth": True})
        limit = {"bandwidth": {"ingressRate": 1_000_000, "ingressBurst": 1_000_000}}
        refused(pod("add", capabilities=limit), "ingress")
        host.assert_clean()

    def test_another_ifname_is_another_attachment(self, pod: Pod) -> None:
        names = [pod.added(ifname=name).document["interfaces"][0]["name"] for name in ("eth0", "eth1")]
        assert names == ["eth0", "eth1"]
        assert len(pod.host.node.endpoints()) == 2
        succeeded(pod("del", ifname="eth0"))
        succeeded(pod("check", ifname="eth1"))
        succeeded(pod("del", ifname="eth1"))
        pod.host.assert_clean()


class TestWrongConfigurations:
    """cnitool ends with 1 and shows our words: each fault with its path."""

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            pytest.param({"network": {"mode": "bridge"}}, ["network.mode", "bridge"], id="mode"),
            pytest.param({"netwrok": {}}, ["netwrok", "network"], id="a key misspelt"),
            pytest.param(
                {"ipam": {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/33"}]]}, "mtu": -1},
                ["ipam.ranges[0][0].subnet", "mtu"],
                id="two faults at once",
            ),
            pytest.param({"cniVersion": "7.1.0"}, ["7.1.0"], id="version"),
            pytest.param({"network": network("l2bridge", adapter="Wi-Fi 9")}, ["Wi-Fi 9"], id="adapter"),
        ],
    )
    def test_are_told(self, host: Host, changes: dict[str, Any], words: list[str]) -> None:
        pod = Pod(host, **changes)
        refused(pod("add"), *words)
        assert host.node.endpoints() == []
        assert (host.node.rows(), host.node.leases()) == ([], [])

    def test_do_not_stop_a_del(self, pod: Pod) -> None:
        pod.added()
        pod.host.configure(l2bridge(network={"mode": "bridge"}, mtu=-1))
        pod.deleted()

    def test_are_told_by_status(self, host: Host) -> None:
        pod = Pod(host, network={"mode": "l2bridge", "name": "not-there"})
        refused(pod("status"), "not-there")
        refused(pod("add"), "not-there")


class TestCheck:
    """It fails when something was changed behind our back, and says what."""

    def test_finds_an_endpoint_that_was_deleted(self, pod: Pod) -> None:
        pod.added()
        (endpoint,) = pod.host.node.endpoints()
        pod.host.node.hcn.endpoints.delete(endpoint.id)
        refused(pod("check"), endpoint.id, "does not exist")
        pod.deleted()

    def test_finds_an_endpoint_that_left_its_namespace(self, pod: Pod) -> None:
        pod.added()
        (endpoint,) = pod.host.node.endpoints()
        with pod.host.node.hcn.namespaces.open(pod.namespace) as namespace:
            namespace.modify(remove_endpoint(endpoint.id))
        refused(pod("check"), endpoint.id, pod.namespace)
        pod.deleted()

    def test_finds_a_lease_that_was_lost(self, pod: Pod) -> None:
        pod.added()
        pod.host.node.drop_leases()
        refused(pod("check"), "10.88.0.2", "no lease")
        pod.deleted()

    def test_of_what_was_never_added_fails(self, pod: Pod) -> None:
        assert pod("check").exit_code == 1


class TestAdd:
    """What a user of cnitool does twice, and what is killed."""

    def test_again_gives_the_same_and_makes_nothing(self, pod: Pod) -> None:
        first = pod.added()
        assert pod.added() == first
        assert len(pod.host.node.endpoints()) == 1
        pod.deleted()

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_that_was_killed_leaves_nothing_after_a_del(self, pod: Pod, moment: str) -> None:
        fault = pod.host.node.simulator.inject(function="HcnCreateEndpoint", die=moment)
        assert pod("add").exit_code == 1
        assert pod.host.node.simulator.fired(fault) == 1
        succeeded(pod("del"))
        pod.host.node.assert_nothing_owned()
        pod.host.node.simulator.forget_leaks()

    def test_that_hns_refuses_is_told_with_its_code(self, pod: Pod) -> None:
        pod.host.node.simulator.inject(function="HcnCreateEndpoint", hresult=0x803B0015)
        refused(pod("add"), "0x803B0015")
        pod.host.assert_clean()


class TestGc:
    """cnitool names no valid attachment: what is left of this network goes, and nothing else."""

    def test_takes_what_the_runtime_has_forgotten(self, pod: Pod) -> None:
        """libcni deletes what it knows itself; here it lost its file, so that only our GC can."""
        pod.added()
        (known,) = pod.host.cached_results()
        known.unlink()
        succeeded(pod("gc"))
        pod.host.assert_clean()
        assert pod.host.node.in_namespace(pod.namespace) == set()

    def test_takes_what_the_runtime_knows(self, pod: Pod) -> None:
        pod.added()
        succeeded(pod("gc"))
        pod.host.assert_clean()

    def test_takes_nothing_of_others(self, pod: Pod) -> None:
        host = pod.host
        other = host.configure(l2bridge(name="other", network=network("l2bridge", name="pods")))
        neighbour = host.node.namespace()
        kept = succeeded(host.cnitool("add", other, neighbour))
        pod.added()
        foreign = host.node.foreign("of-another-program", "10.88.0.99")
        for known in host.cached_results():
            known.unlink()
        succeeded(pod("gc"))
        (row,) = host.node.rows()
        assert row.key.network == "other"
        assert {one.id for one in host.node.endpoints()} == {row.endpoint_id, foreign}
        assert [lease.address for lease in host.node.leases()] == [kept.addresses[0].partition("/")[0]]

    def test_is_left_out_where_the_list_says_so(self, host: Host) -> None:
        plugin = {key: value for key, value in l2bridge().items() if key not in ("name", "cniVersion")}
        name = host.configure({"cniVersion": "1.1.0", "name": "pods", "disableGC": True, "plugins": [plugin]})
        namespace = host.node.namespace()
        succeeded(host.cnitool("add", name, namespace))
        succeeded(host.cnitool("gc", name, namespace))
        succeeded(host.cnitool("check", name, namespace))


class TestStatus:
    def test_tells_that_hns_is_down(self, pod: Pod) -> None:
        pod.host.node.simulator.inject(count=0, hresult=0x800706BA)
        refused(pod("status"), "0x800706BA")
        pod.host.node.simulator.clear_faults()
        succeeded(pod("status"))

    def test_changes_nothing(self, pod: Pod) -> None:
        succeeded(pod("status"))
        assert pod.host.node.hcn.networks.ids(Name="pods") == []
        assert not Path(pod.host.node.ledger_path).exists()


class TestVersions:
    """A result has the configuration's version, and its shape."""

    @pytest.mark.parametrize("version", ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"])
    def test_lists_of_every_version_are_served(self, host: Host, version: str) -> None:
        plugin = {key: value for key, value in l2bridge().items() if key not in ("name", "cniVersion")}
        host.configure({"cniVersion": version, "name": "pods", "plugins": [plugin]})
        self._served(host, version)

    @pytest.mark.parametrize("version", ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"])
    def test_single_configurations_of_every_version_are_served(self, host: Host, version: str) -> None:
        host.configure(l2bridge(cniVersion=version))
        self._served(host, version)

    def test_the_highest_of_several_is_taken(self, host: Host) -> None:
        plugin = {key: value for key, value in l2bridge().items() if key not in ("name", "cniVersion")}
        versions = {"cniVersion": "0.4.0", "cniVersions": ["0.3.1", "1.1.0", "0.4.0"]}
        host.configure({**versions, "name": "pods", "plugins": [plugin]})
        self._served(host, "1.1.0")

    @staticmethod
    def _served(host: Host, version: str) -> None:
        namespace = host.node.namespace()
        result = succeeded(host.cnitool("add", "pods", namespace)).document
        assert result["cniVersion"] == version
        if version < "0.3.0":
            assert result["ip4"]["ip"] == "10.88.0.2/24"
        else:
            (address,) = result["ips"]
            assert address.get("version") == ("4" if version < "1.0.0" else None)
        for verb, since in (("check", "0.4.0"), ("status", "0.1.0"), ("gc", "0.1.0")):
            ran = host.cnitool(verb, "pods", namespace)
            if version < since:
                refused(ran, "does not support the CHECK command")
            else:
                succeeded(ran)
        for _ in range(2):
            succeeded(host.cnitool("del", "pods", namespace))
        host.assert_clean()
