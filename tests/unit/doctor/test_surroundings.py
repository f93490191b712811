"""What `doctor` finds about networks, policies, ports, configuration and machine, each staged on a node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cni_hns import __version__
from cni_hns.binding.host import Disk
from cni_hns.doctor.checks import machine, policies
from cni_hns.doctor.examine import AREAS, examine
from cni_hns.doctor.finding import Finding
from cni_hns.doctor.picture import Picture
from cni_hns.hcn.views import LoadBalancerView
from cni_hns.simulator.machine import SimulatedMachine
from cni_hns.survey.seen import Seen
from cni_hns.survey.surroundings import HostSeen
from tests.behaviour.pod import Pod
from tests.behaviour.scene import configured, plant
from tests.behaviour.test_networks import SAMPLES, Life, Sample
from tests.harness import SimulatedNode, l2bridge
from tests.unit.doctor.staged import Staged

LIST = {"cniVersion": "1.0.0", "name": "pods"}
NODE = "192.0.2.10"
OTHER = "192.0.2.11"


def _without_the_right(folder: Path) -> list[str]:
    """Nobody may write in the folder; who may do everything lacks that right in what these words start."""
    folder.chmod(0o500)
    (folder / "ledger.db").chmod(0o400)
    return ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else ["env"]


def _on_a_read_only_disk(folder: Path) -> list[str]:
    """In a mount namespace, which an ordinary user may make too."""
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    mount = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    return [*unshare, "sh", "-c", mount, "sh", str(folder)]


@pytest.fixture
def staged(node: SimulatedNode, tmp_path: Path) -> Staged:
    return Staged(node, tmp_path)


def _newest(samples: list[Sample]) -> list[Sample]:
    return list({sample.file: sample for sample in samples}.values())


class TestAHealthyNode:
    @pytest.mark.parametrize("sample", _newest(SAMPLES), ids=lambda sample: sample.file.name)
    def test_of_every_sample_has_no_finding(self, staged: Staged, sample: Sample) -> None:
        life = Life(staged.node, sample)
        life.added()
        staged.node.simulator.start_container(life.namespace, life.container)
        name = str(sample.config["type"])
        staged.put(name)
        staged.configure("10-pods.conf", {**LIST, **sample.config, "name": life.config["name"]})
        assert staged.examined() == []

    def test_without_anything_has_no_finding(self, staged: Staged) -> None:
        assert staged.examined() == []

    def test_of_which_nothing_was_read_has_no_finding(self) -> None:
        assert examine(Picture.of(Seen())) == []
        assert examine(Picture.of(Seen(), HostSeen())) == []


class TestNetworks:
    def test_no_address_of_the_host(self, staged: Staged) -> None:
        staged.node.simulator.set_options(management_address_after_calls=10**6)
        plant(staged.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        assert staged.examined() == [], "it does no harm where no pod is"
        namespace = _pod_of_another(staged.node)
        found = staged.one("management-address-missing")
        assert found.pods == (namespace,)
        assert found.subject == 'HCN network "pods"'

    def test_no_address_of_the_host_yet(self, staged: Staged) -> None:
        """HNS shows it some time after its start."""
        staged.node.simulator.set_options(management_address_after_calls=10**6, hns_uptime_s=20)
        plant(staged.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        _pod_of_another(staged.node)
        assert "management-address-missing" not in {one.kind for one in staged.examined()}

    def test_an_address_that_the_host_gave_itself(self, staged: Staged) -> None:
        staged.node.simulator.adapters = [
            {"name": "Ethernet", "kind": "physical", "address": "169.254.7.9", "dns": [], "suffix": ""}
        ]
        staged.add()
        assert "169.254.7.9" in staged.one("management-address-self-assigned").cause

    def test_a_gateway_outside_its_subnet(self, staged: Staged) -> None:
        plant(staged.node, "l2bridge", ("10.88.0.0/24", "10.99.0.1"))
        found = staged.one("gateway-outside-subnet")
        assert (found.severity, "10.99.0.1" in found.cause) == ("warning", True)
        assert staged.node.network_id("pods") in found.remedy

    def test_a_gateway_that_a_pod_has(self, staged: Staged) -> None:
        plant(staged.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        staged.node.simulator.set_options(gateway_address_hresult=0)
        _pod_of_another(staged.node, IpConfigurations=[{"IpAddress": "10.88.0.1"}])
        found = staged.one("gateway-held-by-pod")
        assert found.subject == "gateway 10.88.0.1"
        assert "--address 10.88.0.1" in found.remedy

    def test_a_gateway_that_is_the_pods_own_address(self, staged: Staged) -> None:
        plant(staged.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        own = {"NextHop": "10.88.0.2", "DestinationPrefix": "0.0.0.0/0"}
        _pod_of_another(staged.node, IpConfigurations=[{"IpAddress": "10.88.0.2"}], Routes=[own])
        assert staged.one("gateway-held-by-pod").subject == "gateway 10.88.0.2"

    def test_a_gateway_that_pods_do_not_reach(self, staged: Staged) -> None:
        plant(staged.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        hop = {"NextHop": "10.4.0.1", "DestinationPrefix": "0.0.0.0/0"}
        _pod_of_another(staged.node, Routes=[hop])
        assert "10.4.0.1" in staged.one("gateway-unreachable").cause

    @pytest.mark.parametrize("hop", ["0.0.0.0", "fe80::1"])  # noqa: S104
    def test_a_route_to_nowhere_or_on_the_link_is_well(self, staged: Staged, hop: str) -> None:
        plant(staged.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        everywhere = "::/0" if ":" in hop else "0.0.0.0/0"
        _pod_of_another(staged.node, Routes=[{"NextHop": hop, "DestinationPrefix": everywhere}])
        assert staged.examined() == []


class TestOverlay:
    @pytest.fixture
    def overlay(self, staged: Staged) -> Staged:
        """Pods in 10.88.0.0/16 by their NAT, another node with 10.88.7.0/24."""
        plant(staged.node, "overlay", ("10.88.0.0/24", "10.88.0.1"))
        nat = {"exceptions": ["10.88.0.0/16", "10.96.0.0/12"]}
        staged.add(configured("overlay", outboundNat=nat))
        route = {"DestinationPrefix": "10.88.7.0/24", "IsolationId": 4096, "ProviderAddress": OTHER}
        route["DistributedRouterMacAddress"] = "00-15-5D-00-00-01"
        _route(staged.node, route)
        return staged

    def test_pods_of_a_node_with_a_route_are_well(self, overlay: Staged) -> None:
        _remote(overlay.node, "10.88.7.5", OTHER)
        assert overlay.examined() == []

    def test_pods_of_a_node_without_a_route(self, overlay: Staged) -> None:
        for last in range(2, 10):
            _remote(overlay.node, f"10.88.9.{last}", NODE)
        found = overlay.one("remote-route-missing")
        assert "10.88.9.2" in found.cause
        assert "and 3 more" in found.cause
        assert "10.88.0.0/16 (an exception of their outbound NAT)" in found.cause

    def test_an_endpoint_that_was_made_before_its_route(self, overlay: Staged) -> None:
        endpoint = _remote(overlay.node, "10.88.7.5", NODE)
        found = overlay.one("provider-address-stale")
        assert endpoint in found.subject
        assert f"leads to {OTHER}" in found.cause

    @pytest.mark.parametrize(
        ("address", "mac"),
        [
            pytest.param("10.96.0.10", "00-15-5D-00-00-09", id="a service's own address"),
            pytest.param("203.0.113.7", "02-11-CB-00-71-07", id="outside the cluster"),
            pytest.param("192.0.2.99", "02-11-C0-00-02-63", id="a node"),
        ],
    )
    def test_what_needs_no_route_is_well(self, overlay: Staged, address: str, mac: str) -> None:
        _remote(overlay.node, address, NODE, mac)
        assert overlay.examined() == []

    def test_an_mtu_that_does_not_fit(self, staged: Staged) -> None:
        plant(staged.node, "overlay", ("10.88.0.0/24", "10.88.0.1"))
        pod = staged.add(configured("overlay", mtu=1450))
        assert staged.examined() == []
        _adapter_mtu(staged.node, 1460)
        found = staged.one("overlay-mtu")
        assert found.pods == (pod,)
        assert "to 1410 or less" in found.remedy

    def test_an_overhead_that_is_too_small(self, staged: Staged) -> None:
        plant(staged.node, "overlay", ("10.88.0.0/24", "10.88.0.1"))
        policy = {"Type": "EncapOverhead", "Settings": {"Overhead": 30}}
        staged.add(configured("overlay", policies=[policy]))
        assert "EncapOverhead is 30" in staged.one("overlay-overhead").cause


class TestPolicies:
    NAT = {"exceptions": ["10.88.0.0/16"]}  # noqa: RUF012
    ROUTE = {  # noqa: RUF012
        "Type": "SDNRoute",
        "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True},
    }

    def test_nat_without_the_services_that_the_pods_have_a_route_to(self, staged: Staged) -> None:
        pods = {staged.add(outboundNat=self.NAT, policies=[self.ROUTE]) for _ in range(2)}
        found = staged.one("nat-without-services")
        assert set(found.pods) == pods
        assert "10.96.0.0/12, where services are by their SDNRoute policy" in found.cause

    def test_nat_without_the_services_that_kube_proxy_has(self, staged: Staged) -> None:
        staged.add(outboundNat=self.NAT)
        (found,) = self._with(staged, _balancer("10.96.0.10"), _balancer("10.88.3.3"))
        assert (found.kind, "10.96.0.10" in found.cause) == ("nat-without-services", True)
        assert "kube-proxy's load balancers" in found.cause

    def test_what_is_no_cluster_ip_need_not_be_excepted(self, staged: Staged) -> None:
        staged.add(outboundNat=self.NAT)
        external = _balancer("203.0.113.9", flags=16)
        health = _balancer("203.0.113.9")
        assert self._with(staged, external, health, _balancer("fd00::9"), _balancer()) == []

    def test_pods_that_are_not_translated_need_no_exceptions(self, staged: Staged) -> None:
        staged.add(policies=[self.ROUTE])
        assert self._with(staged, _balancer("10.96.0.10")) == []

    @pytest.mark.parametrize(
        ("rules", "kind"),
        [
            pytest.param([("Block", "169.254.169.254")], "acl-only-blocks", id="a lone block"),
            pytest.param([("Allow", "10.0.0.0/8")], "acl-allows-little", id="a lone allow"),
            pytest.param([("Block", "169.254.169.254"), ("Allow", "")], "", id="the rest is allowed"),
            pytest.param([("Allow", "10.0.0.0/8"), ("Block", "")], "", id="the rest is blocked on purpose"),
        ],
    )
    def test_acls_on_a_windows_that_denies_the_rest(
        self, staged: Staged, rules: list[tuple[str, str]], kind: str
    ) -> None:
        listed = [_acl(action, remote, 100 + at) for at, (action, remote) in enumerate(rules)]
        staged.add(policies=listed)
        assert [one.kind for one in staged.examined()] == ([kind] if kind else [])

    def test_an_older_windows_does_not(self, staged: Staged) -> None:
        staged.node.simulator.set_options(windows_build=20348)
        staged.add(policies=[_acl("Block", "169.254.169.254", 100)])
        assert staged.examined() == []

    @staticmethod
    def _with(staged: Staged, *balancers: LoadBalancerView) -> list[Finding]:
        """What is wrong with policies; that these load balancers lead nowhere is another thing."""
        picture = staged.picture()
        seen = picture.seen._replace(load_balancers=list(balancers))
        found = examine(Picture.of(seen, picture.host, picture.configuration))
        return [one for one in found if one.kind in policies.AREA.kinds]


class TestPorts:
    @staticmethod
    def _add(staged: Staged, port: int) -> str:
        return staged.add(**_mapped(port))

    def test_one_in_a_range_that_another_reserved(self, staged: Staged) -> None:
        pod = self._add(staged, 8080)
        staged.node.simulator.set_options(excluded_ports=[[6, 8000, 8099]])
        found = staged.one("port-excluded")
        assert (found.pods, "8000 to 8099" in found.cause) == ((pod,), True)
        assert "delete excludedportrange tcp 8000 100" in found.remedy

    @pytest.mark.parametrize(
        "ranges", [[[6, 8080, 8080]], [[17, 8000, 8099]]], ids=["HNS's own reservation", "another protocol"]
    )
    def test_one_that_is_free_is_well(self, staged: Staged, ranges: list[list[int]]) -> None:
        self._add(staged, 8080)
        staged.node.simulator.set_options(excluded_ports=ranges)
        assert staged.examined() == []

    def test_one_that_windows_gives_to_anybody(self, staged: Staged) -> None:
        self._add(staged, 50000)
        found = staged.one("port-dynamic")
        assert "below 49152" in found.remedy
        assert "add excludedportrange tcp 50000 1" in found.remedy

    def test_one_of_a_pod_that_has_it_is_well(self, staged: Staged) -> None:
        self._add(staged, 8080)
        (endpoint,) = staged.node.endpoints()
        host = staged.picture().host
        assert host is not None
        assert host.held_ports is not None
        assert [(one.port, one.owner) for one in host.held_ports] == [(8080, endpoint.id)]
        assert staged.doctor() == []

    def test_one_that_hns_holds_for_nobody(self, staged: Staged) -> None:
        staged.node.simulator.set_options(ports_stay_reserved=True)
        pod = Pod(staged.node, **_mapped(8080)).add()
        pod.done("DEL")
        found = staged.told("port-reserved-by-nobody")
        assert (found["severity"], found["subject"]) == ("warning", "host port 8080")
        assert f"HNS holds it for {pod.endpoint}, which it does not have" in found["cause"]
        assert "0x803B0013" in Pod(staged.node, **_mapped(8080)).call("ADD").words
        staged.node.simulator.restart_hns()
        assert staged.doctor() == []

    @pytest.mark.parametrize("silent", ["HcnEnumerateEndpoints", "HcnEnumerateLoadBalancers"])
    def test_of_a_holder_that_nobody_told_of_nothing_is_said(self, staged: Staged, silent: str) -> None:
        self._add(staged, 8080)
        staged.node.simulator.inject(function=silent, hresult=0x800706BA, count=0)
        assert "port-reserved-by-nobody" not in [one["kind"] for one in staged.doctor()]


class TestTheConfiguration:
    OURS = {**LIST, "plugins": [l2bridge()]}  # noqa: RUF012

    @pytest.fixture(autouse=True)
    def _programs(self, staged: Staged) -> None:
        staged.put()
        staged.default.unlink()

    def test_that_is_broken(self, staged: Staged) -> None:
        staged.configure("10-pods.conflist", self.OURS)
        (staged.conf / "05.conf").write_text("{")
        found = staged.one("configuration-broken")
        assert found.remedy == f'cni-hns config check "{staged.conf / "05.conf"}"'

    @pytest.mark.parametrize("written", ["a list in .conf", "one plugin in .conflist"])
    def test_that_has_the_other_form(self, staged: Staged, written: str) -> None:
        is_list = written.startswith("a list")
        staged.configure("10.conf" if is_list else "10.conflist", self.OURS if is_list else l2bridge())
        assert staged.one("configuration-broken").subject.endswith(".conf" if is_list else ".conflist")

    def test_that_another_file_goes_before(self, staged: Staged) -> None:
        staged.configure("10-pods.conflist", self.OURS)
        staged.configure("05-other.conf", {**LIST, "type": "bridge"})
        found = staged.one("configuration-not-loaded")
        assert "max_conf_num" in found.cause
        assert f"comes before {staged.conf / '05-other.conf'}" in found.remedy

    def test_that_has_an_ending_which_nobody_loads(self, staged: Staged) -> None:
        staged.configure("10-pods.yaml", self.OURS)
        assert "rename it to .conflist" in staged.one("configuration-not-loaded").remedy

    def test_that_lies_in_another_folder(self, staged: Staged) -> None:
        path = staged.bin / "10-pods.conflist"
        path.write_text(json.dumps(self.OURS))
        found = staged.one("configuration-not-loaded")
        assert f"put it into {staged.conf}" in found.remedy

    def test_beside_one_of_ours_that_is_loaded(self, staged: Staged) -> None:
        staged.configure("10-pods.conflist", self.OURS)
        staged.configure("20-more.conflist", {**self.OURS, "name": "more"})
        assert staged.one("configuration-left").severity == "warning"

    def test_of_another_plugin_alone_is_nobodys_business(self, staged: Staged) -> None:
        staged.configure("10.conf", {**LIST, "type": "bridge"})
        assert staged.examined() == []

    def test_whose_program_is_missing(self, staged: Staged) -> None:
        staged.configure("10-pods.conflist", self.OURS)
        (staged.bin / "cni-hns").unlink()
        assert staged.one("program-missing").remedy == f'cni-hns install --bin-dir "{staged.bin}"'

    def test_whose_program_is_of_this_version_is_well(self, staged: Staged) -> None:
        staged.configure("10-pods.conflist", self.OURS)
        staged.install(__version__)
        assert staged.doctor() == []

    @pytest.mark.parametrize("places", ["the command line", "containerd's configuration"])
    @pytest.mark.parametrize(
        ("version", "is_single", "kind"),
        [
            pytest.param("0.0.9", False, "program-other-version", id="another version"),
            pytest.param(__version__, True, "program-single-file", id="the single file"),
        ],
    )
    def test_whose_program_is(
        self, staged: Staged, version: str, is_single: bool, kind: str, places: str
    ) -> None:
        staged.configure("10-pods.conflist", self.OURS)
        exe = staged.install(version, is_single=is_single)
        found = staged.told(kind, *(staged.containerd() if "containerd" in places else ()))
        assert (found["severity"], found["subject"]) == ("warning", str(exe))
        assert found["remedy"] == f'cni-hns install --bin-dir "{staged.bin}"'
        assert is_single or f"it is version {version}; this program is {__version__}" in found["cause"]

    @pytest.mark.parametrize("shown_by", ["the ledger", "a network"])
    def test_that_is_not_there_on_a_node_with_pods(self, staged: Staged, shown_by: str) -> None:
        if shown_by == "the ledger":
            staged.add(configured("nat"))
        else:
            plant(staged.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        found = staged.told("configuration-missing")
        assert (found["severity"], f"{staged.conf} has none" in found["cause"]) == ("ill", True)
        why = {
            "the ledger": 'the ledger has pods of network "pods"',
            "a network": 'HNS has HCN network "pods" of type L2Bridge',
        }
        assert why[shown_by] in found["cause"]
        subnet = "PREFIX" if shown_by == "the ledger" else "10.88.0.0/24"
        assert f'`cni-hns install --subnet {subnet} --conf-dir "{staged.conf}"`' in found["remedy"]
        assert staged.told("configuration-missing", *staged.containerd())["cause"] != found["cause"]
        staged.configure("10.conf", {**LIST, "type": "bridge"})
        assert staged.doctor() == []

    def test_that_is_not_there_is_told_where_one_of_anothers_is_passed_over(self, staged: Staged) -> None:
        staged.add()
        staged.configure("10.yaml", {**LIST, "type": "bridge"})
        staged.told("configuration-missing")

    def test_that_is_not_there_is_well_where_no_pods_belong(self, staged: Staged) -> None:
        plant(staged.node, "nat", ("10.88.0.0/24", "10.88.0.1"))
        assert staged.doctor() == []

    def test_of_a_folder_that_cannot_be_listed_is_no_finding(self, staged: Staged) -> None:
        staged.add()
        assert staged.doctor("--bin-dir", str(staged.bin), "--conf-dir", str(staged.bin / "bridge")) == []

    @pytest.mark.parametrize("is_this_machine", [True, False], ids=["this machine", "another node"])
    def test_of_this_machine_is_that_of_no_other_node(
        self, staged: Staged, monkeypatch: pytest.MonkeyPatch, is_this_machine: bool
    ) -> None:
        """Where nobody names the folder, it is that of the machine on which the command runs."""
        staged.add()
        usual = (str(staged.bin / "config.toml"), str(staged.bin), str(staged.conf))
        monkeypatch.setattr("cni_hns.cli.install.containerd._defaults", lambda: usual)
        monkeypatch.setattr(SimulatedMachine, "is_this_machine", lambda _: is_this_machine)
        found = [one["kind"] for one in staged.doctor("--bin-dir", str(staged.bin))]
        assert found == (["configuration-missing"] if is_this_machine else [])

    def test_of_containerd_itself_that_cannot_be_read(self, staged: Staged) -> None:
        _, config = staged.containerd()
        Path(config).write_text("= nonsense")
        found = staged.told("runtime-configuration-unreadable", "--containerd-config", config)
        assert f'"{config}" cannot be read' in found["cause"]


class TestTheMachine:
    def test_a_clock_that_was_set_back(self, staged: Staged) -> None:
        staged.add()
        assert staged.examined() == []
        later = time.time() + 7200
        os.utime(staged.node.ledger_path, (later, later))
        found = staged.one("clock-set-back")
        assert "the ledger was written 7" in found.cause

    @pytest.mark.parametrize(
        ("free", "kind"), [(0, "disk-full"), (100 << 20, "disk-nearly-full"), (10 << 30, "")]
    )
    def test_a_disk(self, staged: Staged, free: int, kind: str) -> None:
        staged.node.simulator.set_options(disk_bytes=[20 << 30, free])
        assert [one.kind for one in staged.examined()] == ([kind] if kind else [])

    def test_a_ledger_of_a_newer_program(self, staged: Staged) -> None:
        import sqlite3

        staged.add()
        connection = sqlite3.connect(staged.node.ledger_path)
        connection.execute("PRAGMA user_version = 999")
        connection.close()
        assert "999" in staged.told("ledger-newer")["cause"]

    def test_a_ledger_that_others_can_write(self, staged: Staged) -> None:
        staged.add()
        Path(staged.node.ledger_path).chmod(0o666)
        staged.told("ledger-exposed")

    @pytest.mark.parametrize("suffix", ["", "-wal"])
    def test_a_ledger_in_whose_place_is_a_folder(self, staged: Staged, suffix: str) -> None:
        staged.add()
        place = Path(staged.node.ledger_path + suffix)
        place.unlink(missing_ok=True)
        place.mkdir()
        found = staged.told("ledger-exposed")
        assert f'ledger.db{suffix}" is no regular file; take it away' in found["cause"]

    @pytest.mark.skipif(sys.platform != "linux", reason="needs the rights and mounts of Linux")
    @pytest.mark.parametrize("way", [_without_the_right, _on_a_read_only_disk])
    def test_a_ledger_that_cannot_be_written(
        self, staged: Staged, way: Callable[[Path], list[str]], request: pytest.FixtureRequest
    ) -> None:
        staged.add()
        folder = Path(staged.node.ledger_path).parent
        within = way(folder)
        tried = _run(staged.node, [*within, "true"])
        if tried.returncode and not request.config.getoption("--require-lane"):
            pytest.skip(f"takes the right to write from a process: {tried.stderr.strip()}")
        doctor = [sys.executable, "-m", "cni_hns", "doctor", "--json", *staged.places]
        done = _run(staged.node, [*within, *doctor])
        folder.chmod(0o700)
        (found,) = json.loads(done.stdout)
        assert (found["kind"], found["severity"], done.returncode) == ("ledger-unwritable", "ill", 1)
        assert found["subject"] == f"ledger {folder / 'ledger.db'}"
        assert f"full access to {folder}," in found["remedy"]
        assert staged.doctor() == [], "the test was to take the right from one process only"

    def test_disks_are_told_by_what_lies_there(self) -> None:
        host = HostSeen(disks=(("the ledger", Disk("/a", 1 << 40, 0)),))
        (found,) = machine._disks(Picture.of(Seen(), host))
        assert found.subject == "the disk of /a, where the ledger is"


def test_a_netsh_that_hangs_is_a_note_and_all_else_is_found(staged: Staged) -> None:
    staged.node.simulator.set_options(netsh_hangs=True, disk_bytes=[20 << 30, 0])
    picture = staged.picture(with_notes=True)
    assert picture.host is not None
    assert (picture.host.ports, len(picture.host.notes)) == (None, 1)
    assert [one.kind for one in examine(picture)] == ["disk-full"]


def test_the_command_tells_what_lies_around(staged: Staged) -> None:
    (staged.conf / "05.conf").write_text("{")
    staged.add()
    printed = staged.node.command("doctor", "--bin-dir", str(staged.bin), "--conf-dir", str(staged.conf))
    assert printed.exit_code == 1
    assert "config check" in printed.stdout


def test_every_kind_that_is_said_is_in_its_table() -> None:
    kinds = {name for area in AREAS.values() for name in area.kinds}
    assert len(kinds) == sum(len(area.kinds) for area in AREAS.values())
    assert policies._is_of_everything({"Protocols": "", "LocalPorts": None})


def _run(node: SimulatedNode, command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=node.environment, check=False, capture_output=True, text=True)


def _pod_of_another(node: SimulatedNode, **members: Any) -> str:
    """An endpoint that another plugin made, in a namespace; that namespace."""
    endpoint, namespace = node.simulator.plant_endpoint("pods", **members), node.namespace()
    node.attach(namespace, endpoint)
    return namespace


def _mapped(port: int) -> dict[str, Any]:
    mapping = {"hostPort": port, "containerPort": 80, "protocol": "tcp"}
    return {"runtimeConfig": {"portMappings": [mapping]}}


def _route(node: SimulatedNode, settings: dict[str, Any]) -> None:
    policy = {"Type": "RemoteSubnetRoute", "Settings": settings}
    with node.hcn.networks.open(node.network_id("pods")) as opened:
        opened.modify({"ResourceType": "Policy", "RequestType": "Add", "Settings": {"Policies": [policy]}})


def _remote(node: SimulatedNode, address: str, provider: str, mac: str = "") -> str:
    """A remote endpoint as kube-proxy makes it for a pod of another node."""
    numbers = "-".join(f"{int(one):02X}" for one in address.split("."))
    return node.simulator.plant_endpoint(
        "pods",
        Name="Ethernet",
        Flags=1,
        IpConfigurations=[{"IpAddress": address, "PrefixLength": 16}],
        MacAddress=mac or f"02-11-{numbers}",
        Policies=[{"Type": "ProviderAddress", "Settings": {"ProviderAddress": provider}}],
    )


def _adapter_mtu(node: SimulatedNode, mtu: int) -> None:
    node.simulator.adapters = [{**one, "mtu": mtu} for one in node.simulator.adapters]


def _acl(action: str, remote: str, priority: int) -> dict[str, Any]:
    settings = {"Action": action, "Direction": "Out", "RuleType": "Switch", "Priority": priority}
    return {"Type": "ACL", "Settings": {**settings, **({"RemoteAddresses": remote} if remote else {})}}


def _balancer(*vips: str, flags: int = 0) -> LoadBalancerView:
    mapping = {"Protocol": 6, "InternalPort": 8080, "ExternalPort": 80, "Flags": flags}
    return LoadBalancerView.of({"FrontendVIPs": list(vips), "PortMappings": [mapping]})
