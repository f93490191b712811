"""host-local and static 1.9.0, as released, give the addresses: our plugin delegates to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cni_hns.hcn.views import EndpointView
from tests.behaviour.scene import IPV6_SUBNET, configured, network
from tests.clients.host import Host
from tests.harness import Answer, container_id

RANGE = {"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.10", "rangeEnd": "10.88.0.12"}
DUAL = network("l2bridge", {"prefix": "10.88.0.0/24", "gateway": "10.88.0.1"}, IPV6_SUBNET)


class Pod:
    """One container on a host, with the configuration that its verbs get."""

    def __init__(self, host: Host, config: dict[str, Any]) -> None:
        self.host, self.config = host, config
        self.namespace, self.container = host.node.namespace(), container_id()
        self.result: dict[str, Any] = {}

    def call(self, command: str, *, args: str = "", **more: Any) -> Answer:
        config = {**self.config, **more}
        return self.host.call(command, config, self.container, self.namespace, args=args)

    def added(self, **more: Any) -> Answer:
        answer = self.call("ADD", **more)
        assert answer.exit_code == 0, answer.words
        self.result = answer.document
        return answer

    def refused(self, code: int, *words: str, **more: Any) -> Answer:
        """An ADD that fails with this code and these words, and leaves nothing."""
        answer = self.call("ADD", **more)
        assert (answer.exit_code, answer.document.get("code")) == (1, code), answer
        assert [each for each in words if each not in answer.words] == [], answer.words
        assert self.host.node.in_namespace(self.namespace) == set()
        return answer

    def check(self, **more: Any) -> Answer:
        return self.call("CHECK", prevResult=self.result, **more)

    def succeeds(self, command: str, **more: Any) -> None:
        answer = self.call(command, **more)
        assert (answer.exit_code, answer.stdout) == (0, ""), answer.words

    @property
    def endpoint(self) -> EndpointView:
        (found,) = [one for one in self.host.node.endpoints() if one.namespace == self.namespace]
        return found


class Reservations:
    """The folder in which host-local keeps a file for each address of the network "pods"."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.data_dir = host.folder / "reservations"

    def ipam(self, **changes: Any) -> dict[str, Any]:
        return {
            "type": "host-local",
            "delegate": True,
            "dataDir": self.host.path(self.data_dir),
            "ranges": [[RANGE]],
            **changes,
        }

    def config(self, **changes: Any) -> dict[str, Any]:
        settings = {"ipam": self.ipam(), "dns": {}, **changes}
        return configured("l2bridge", **settings)

    def pod(self, **changes: Any) -> Pod:
        return Pod(self.host, self.config(**changes))

    @property
    def files(self) -> dict[str, list[str]]:
        """The lines of each reservation, by its address."""
        kept = {"lock"}
        return {
            file.name.replace("_", ":"): file.read_text().split()
            for file in sorted((self.data_dir / "pods").glob("*"))
            if file.name not in kept and not file.name.startswith("last_reserved_ip")
        }

    def of(self, *pods: Pod) -> list[list[str]]:
        return [[pod.container, "eth0"] for pod in pods]


@pytest.fixture
def reservations(host: Host) -> Reservations:
    host.install("host-local")
    return Reservations(host)


class TestHostLocalGives:
    """What the endpoint has is what the plugin gave."""

    def test_addresses_one_after_the_other(self, reservations: Reservations) -> None:
        pods = [reservations.pod() for _ in range(2)]
        assert [pod.added().addresses for pod in pods] == [["10.88.0.10/24"], ["10.88.0.11/24"]]
        assert [pod.endpoint.addresses for pod in pods] == [[("10.88.0.10", 24)], [("10.88.0.11", 24)]]
        assert pods[0].result["ips"][0]["gateway"] == "10.88.0.1"
        assert pods[0].endpoint.routes == [("0.0.0.0/0", "10.88.0.1")]
        assert list(reservations.files) == ["10.88.0.10", "10.88.0.11"]
        assert list(reservations.files.values()) == reservations.of(*pods)
        assert reservations.host.node.leases() == [], "they are the plugin's, not ours"
        for pod in pods:
            assert pod.check() == ({}, 0, "")
            for _ in range(2):
                pod.succeeds("DEL")
        assert reservations.files == {}
        reservations.host.node.assert_clean()

    def test_addresses_of_both_families(self, reservations: Reservations) -> None:
        ranges = [[RANGE], [{"subnet": "fd00:88::/112", "rangeStart": "fd00:88::20"}]]
        pod = reservations.pod(network=DUAL, ipam=reservations.ipam(ranges=ranges))
        assert pod.added().addresses == ["10.88.0.10/24", "fd00:88::20/112"]
        assert pod.endpoint.addresses == [("10.88.0.10", 24), ("fd00:88::20", 112)]
        assert list(reservations.files) == ["10.88.0.10", "fd00:88::20"]
        assert pod.check().exit_code == 0
        pod.succeeds("DEL")
        assert reservations.files == {}

    def test_routes_and_what_resolv_conf_says(self, reservations: Reservations, tmp_path: Path) -> None:
        resolv_conf = tmp_path / "resolv.conf"
        resolv_conf.write_text("nameserver 198.51.100.53\nsearch ipam.example\n")
        ipam = reservations.ipam(
            routes=[{"dst": "0.0.0.0/0"}, {"dst": "192.0.2.0/24", "gw": "10.88.0.9"}],
            resolvConf=reservations.host.path(resolv_conf),
        )
        pod = reservations.pod(ipam=ipam)
        document = pod.added().document
        assert sorted(pod.endpoint.routes) == [("0.0.0.0/0", "10.88.0.1"), ("192.0.2.0/24", "10.88.0.9")]
        assert pod.endpoint.dns == {"ServerList": ["198.51.100.53"], "Search": ["ipam.example"]}
        assert document["dns"] == {"nameservers": ["198.51.100.53"], "search": ["ipam.example"]}
        assert pod.check().exit_code == 0

    def test_the_address_that_is_asked_for(self, reservations: Reservations) -> None:
        pod = reservations.pod()
        assert pod.added(args="IP=10.88.0.12").addresses == ["10.88.0.12/24"]
        other = reservations.pod()
        other.refused(999, "requested IP address 10.88.0.12 is not available", args="IP=10.88.0.12")
        assert list(reservations.files) == ["10.88.0.12"]

    @pytest.mark.parametrize("version", ["0.2.0", "0.4.0", "1.1.0"])
    def test_results_of_every_version(self, reservations: Reservations, version: str) -> None:
        pod = reservations.pod(cniVersion=version)
        assert "10.88.0.10/24" in pod.added().stdout
        assert pod.result["cniVersion"] == version
        pod.succeeds("DEL")
        reservations.host.node.assert_clean()

    def test_its_own_folder_where_none_is_configured(self, host: Host) -> None:
        host.install("host-local")
        ipam = {"type": "host-local", "delegate": True, "subnet": "10.88.0.0/24"}
        pod = Pod(host, configured("l2bridge", ipam=ipam))
        assert pod.added().addresses == ["10.88.0.2/24"]
        assert (host.state / "networks" / "pods" / "10.88.0.2").exists()
        pod.succeeds("DEL")
        assert not (host.state / "networks" / "pods" / "10.88.0.2").exists()

    def test_nothing_without_being_forced(self, reservations: Reservations) -> None:
        """Our own allocator reads host-local's configuration, starts no program, and leaves its file."""
        pod = reservations.pod(ipam=reservations.ipam(delegate=False))
        assert pod.added().addresses == ["10.88.0.10/24"]
        assert list(reservations.files.values()) == reservations.of(pod)
        assert [lease.address for lease in reservations.host.node.leases()] == ["10.88.0.10"]


class TestHostLocalFails:
    """Its errors come through with their code and text, and nothing is left."""

    def test_when_the_range_is_full(self, reservations: Reservations) -> None:
        pods = [reservations.pod() for _ in range(3)]
        for pod in pods:
            pod.added()
        late = reservations.pod()
        late.refused(
            999, 'IPAM plugin "host-local"', "no IP addresses available in range set: 10.88.0.10-10.88.0.12"
        )
        assert list(reservations.files.values()) == reservations.of(*pods)
        pods[1].succeeds("DEL")
        assert late.added().addresses == ["10.88.0.11/24"]

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            pytest.param({"ranges": []}, "no IP ranges specified", id="no range"),
            pytest.param(
                {"ranges": [[{**RANGE, "rangeStart": "10.99.0.1"}]]},
                "RangeStart 10.99.0.1 not in network 10.88.0.0/24",
                id="a start outside",
            ),
            pytest.param(
                {"ranges": [[{"subnet": "10.88.0.0/31"}]]},
                "Network 10.88.0.0/31 too small to allocate from",
                id="too small",
            ),
        ],
    )
    def test_for_a_bad_configuration(
        self, reservations: Reservations, changes: dict[str, Any], words: str
    ) -> None:
        reservations.pod(ipam=reservations.ipam(**changes)).refused(999, words)
        assert reservations.host.node.endpoints() == []

    def test_when_its_reservation_is_lost(self, reservations: Reservations) -> None:
        pod = reservations.pod()
        pod.added()
        (reservations.data_dir / "pods" / "10.88.0.10").unlink()
        answer = pod.check()
        assert answer.document["code"] == 999
        assert f"Failed to find address added by container {pod.container}" in answer.words
        pod.succeeds("DEL")
        reservations.host.node.assert_clean()

    def test_at_del_and_the_address_stays_until_it_works(self, reservations: Reservations) -> None:
        pod = reservations.pod()
        pod.added()
        broken = reservations.ipam(ranges=[])
        answer = pod.call("DEL", ipam=broken)
        assert (answer.exit_code, answer.document["code"]) == (1, 999)
        assert "no IP ranges specified" in answer.words
        assert reservations.host.node.endpoints() == [], "what is ours goes all the same"
        assert list(reservations.files) == ["10.88.0.10"]
        pod.succeeds("DEL")
        assert reservations.files == {}
        reservations.host.node.assert_clean()

    def test_by_not_being_there(self, reservations: Reservations) -> None:
        reservations.host.uninstall("host-local")
        pod = reservations.pod()
        pod.refused(4, '"host-local" is in none', reservations.host.cni_path)
        status = pod.call("STATUS")
        assert status.document["code"] == 50
        assert '"host-local" is in none' in status.words

    def test_by_not_being_there_any_more_at_del(self, reservations: Reservations) -> None:
        pod = reservations.pod()
        pod.added()
        reservations.host.uninstall("host-local")
        answer = pod.call("DEL")
        assert (answer.exit_code, answer.document["code"]) == (1, 4)
        assert reservations.host.node.endpoints() == []
        reservations.host.install("host-local")
        pod.succeeds("DEL")
        assert reservations.files == {}
        reservations.host.node.assert_clean()


class TestTheOrder:
    """An address is free only when no endpoint has it."""

    def test_a_refused_endpoint_gives_its_address_back(self, reservations: Reservations) -> None:
        reservations.host.node.simulator.inject(function="HcnCreateEndpoint", hresult=0x80004005)
        reservations.pod().refused(100, "0x80004005")
        assert reservations.files == {}

    def test_an_endpoint_that_stays_keeps_its_address(self, reservations: Reservations) -> None:
        pod = reservations.pod()
        pod.added()
        reservations.host.node.simulator.inject(function="HcnDeleteEndpoint", hresult=0x80004005)
        assert pod.call("DEL").document["code"] == 105
        assert list(reservations.files) == ["10.88.0.10"]
        pod.succeeds("DEL")
        assert reservations.files == {}
        reservations.host.node.assert_clean()

    def test_a_repeated_add_asks_for_no_second_address(self, reservations: Reservations) -> None:
        pod = reservations.pod()
        assert pod.added() == pod.added()
        assert list(reservations.files) == ["10.88.0.10"]

    def test_gc_frees_the_addresses_of_pods_that_are_gone(self, reservations: Reservations) -> None:
        gone, kept = reservations.pod(), reservations.pod()
        gone.added()
        kept.added()
        valid = [{"containerID": kept.container, "ifname": "eth0"}]
        answer = reservations.host.call(
            "GC", {**reservations.config(), "cni.dev/valid-attachments": valid, "cni.dev/attachments": valid}
        )
        assert answer == ({}, 0, ""), answer.words
        assert list(reservations.files.values()) == reservations.of(kept)
        assert [one.namespace for one in reservations.host.node.endpoints()] == [kept.namespace]
        assert kept.check().exit_code == 0

    def test_status_asks_the_plugin(self, reservations: Reservations) -> None:
        reservations.pod().succeeds("STATUS")


class TestKilled:
    """Our process is killed after host-local has given an address: the next verb gives it back."""

    @pytest.fixture(params=["before", "after"])
    def killed(self, reservations: Reservations, request: pytest.FixtureRequest) -> Pod:
        """A pod whose ADD was killed around the creation of its endpoint."""
        pod = reservations.pod()
        simulator = reservations.host.node.simulator
        fault = simulator.inject(function="HcnCreateEndpoint", die=request.param)
        answer = pod.call("ADD")
        assert (answer.exit_code != 0, answer.stdout, simulator.fired(fault)) == (True, "", 1)
        simulator.forget_leaks()
        assert list(reservations.files.values()) == reservations.of(pod)
        return pod

    def test_by_its_del(self, killed: Pod, reservations: Reservations) -> None:
        for _ in range(2):
            killed.succeeds("DEL")
        assert reservations.files == {}
        reservations.host.node.assert_nothing_owned()

    def test_by_its_next_add(self, killed: Pod, reservations: Reservations) -> None:
        killed.added()
        assert list(reservations.files.values()) == reservations.of(killed)
        assert killed.endpoint.addresses == [(next(iter(reservations.files)), 24)]
        killed.succeeds("DEL")
        assert reservations.files == {}

    def test_by_the_add_of_another(self, killed: Pod, reservations: Reservations) -> None:
        other = reservations.pod()
        other.added()
        assert list(reservations.files.values()) == reservations.of(other)
        assert len(reservations.host.node.endpoints()) == 1

    def test_by_gc(self, killed: Pod, reservations: Reservations) -> None:
        answer = reservations.host.call("GC", {**reservations.config(), "cni.dev/valid-attachments": []})
        assert answer == ({}, 0, ""), answer.words
        assert reservations.files == {}
        reservations.host.node.assert_nothing_owned()


class TestTakingOver:
    """The built-in allocator goes on where host-local was."""

    def test_reservations_stay_with_their_pods(self, reservations: Reservations) -> None:
        before = [reservations.pod() for _ in range(2)]
        for pod in before:
            pod.added()
        builtin = reservations.ipam(delegate=False)
        for pod in before:
            assert pod.check(ipam=builtin).exit_code == 0
        after = reservations.pod(ipam=builtin)
        assert after.added().addresses == ["10.88.0.12/24"]
        assert sorted(reservations.files.values()) == sorted(reservations.of(*before, after))
        reservations.pod(ipam=builtin).refused(101, "3 held")
        for pod in before:
            assert pod.check(ipam=builtin).exit_code == 0
            for _ in range(2):
                pod.succeeds("DEL", ipam=builtin)
        assert list(reservations.files.values()) == reservations.of(after)
        assert reservations.pod(ipam=builtin).added().addresses == ["10.88.0.10/24"]
        after.succeeds("DEL", ipam=builtin)

    def test_gc_knows_them(self, reservations: Reservations) -> None:
        gone, kept = reservations.pod(), reservations.pod()
        gone.added()
        kept.added()
        valid = [{"containerID": kept.container, "ifname": "eth0"}]
        config = reservations.config(ipam=reservations.ipam(delegate=False))
        answer = reservations.host.call("GC", {**config, "cni.dev/valid-attachments": valid})
        assert answer == ({}, 0, ""), answer.words
        assert list(reservations.files.values()) == reservations.of(kept)
        assert [lease.container_id for lease in reservations.host.node.leases()] == [kept.container]


def static(*addresses: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"type": "static", "addresses": list(addresses), **more}


ONE = {"address": "10.88.0.50/24", "gateway": "10.88.0.254"}


class TestStatic:
    """static keeps nothing: what HNS has decides."""

    @pytest.fixture(autouse=True)
    def _installed(self, host: Host) -> None:
        host.install("static")

    def test_address_gateway_routes_and_dns_are_applied(self, host: Host) -> None:
        ipam = static(
            ONE,
            routes=[{"dst": "0.0.0.0/0"}, {"dst": "192.0.2.0/24", "gw": "10.88.0.9"}],
            dns={"nameservers": ["198.51.100.1"], "domain": "ipam.example", "search": ["ipam.example"]},
        )
        pod = Pod(host, configured("l2bridge", ipam=ipam, dns={}))
        document = pod.added().document
        assert document["ips"] == [{"address": "10.88.0.50/24", "gateway": "10.88.0.254", "interface": 0}]
        assert pod.endpoint.addresses == [("10.88.0.50", 24)]
        assert sorted(pod.endpoint.routes) == [("0.0.0.0/0", "10.88.0.254"), ("192.0.2.0/24", "10.88.0.9")]
        assert pod.endpoint.dns == {
            "ServerList": ["198.51.100.1"],
            "Domain": "ipam.example",
            "Search": ["ipam.example"],
        }
        assert pod.check().exit_code == 0
        for _ in range(2):
            pod.succeeds("DEL")
        host.node.assert_clean()

    def test_addresses_of_both_families(self, host: Host) -> None:
        ipam = static({"address": "10.88.0.50/24"}, {"address": "fd00:88::50/112"})
        pod = Pod(host, configured("l2bridge", network=DUAL, ipam=ipam))
        assert pod.added().addresses == ["10.88.0.50/24", "fd00:88::50/112"]
        assert pod.endpoint.addresses == [("10.88.0.50", 24), ("fd00:88::50", 112)]
        pod.succeeds("DEL")

    def test_the_address_of_the_arguments(self, host: Host) -> None:
        pod = Pod(host, configured("l2bridge", ipam=static()))
        args = "IgnoreUnknown=1;IP=10.88.0.51/24;GATEWAY=10.88.0.254"
        answer = pod.added(args=args)
        assert answer.document["ips"][0]["address"] == "10.88.0.51/24"
        assert answer.document["ips"][0]["gateway"] == "10.88.0.254"
        pod.succeeds("DEL", args=args)

    def test_the_address_of_the_runtime(self, host: Host) -> None:
        pod = Pod(host, configured("l2bridge", capabilities={"ips": True}, ipam=static(ONE)))
        assert pod.added(runtimeConfig={"ips": ["10.88.0.52/24"]}).addresses == ["10.88.0.52/24"]

    def test_no_address_is_an_error_of_ours(self, host: Host) -> None:
        Pod(host, configured("l2bridge", ipam=static())).refused(7, 'IPAM plugin "static" gave no address')

    @pytest.mark.parametrize(
        ("ipam", "args", "words"),
        [
            pytest.param(
                static({"address": "10.88.0.50"}),
                "",
                "the 'address' field is expected to be in CIDR notation, got: '10.88.0.50'",
                id="an address without its prefix",
            ),
            pytest.param(
                static(),
                "IP=10.88.0.50",
                "the 'ip' field is expected to be in CIDR notation, got: '10.88.0.50'",
                id="an argument without its prefix",
            ),
            pytest.param(
                static(ONE), "IgnoreUnknown=1;GATEWAY=router", "invalid gateway address: ", id="a gateway"
            ),
        ],
    )
    def test_its_errors_come_through(self, host: Host, ipam: dict[str, Any], args: str, words: str) -> None:
        Pod(host, configured("l2bridge", ipam=ipam)).refused(999, 'IPAM plugin "static"', words, args=args)
        host.node.assert_clean()

    def test_an_address_that_is_held_is_refused_with_its_holder(self, host: Host) -> None:
        config = configured("l2bridge", ipam=static(ONE))
        first, second = Pod(host, config), Pod(host, config)
        first.added()
        second.refused(100, "10.88.0.50", first.container)
        assert first.check().exit_code == 0
        first.succeeds("DEL")
        second.added()

    def test_a_changed_gateway_fails_its_check(self, host: Host) -> None:
        pod = Pod(host, configured("l2bridge", ipam=static(ONE)))
        pod.added()
        changed = json.loads(json.dumps(pod.result).replace("10.88.0.254", "10.88.0.253"))
        answer = pod.call("CHECK", prevResult=changed)
        assert answer.document["code"] == 999
        assert "Failed to match addr 10.88.0.50" in answer.words

    def test_gc_and_status_are_passed_on(self, host: Host) -> None:
        pod = Pod(host, configured("l2bridge", ipam=static(ONE)))
        pod.added()
        pod.succeeds("STATUS")
        assert host.call("GC", {**pod.config, "cni.dev/valid-attachments": []}) == ({}, 0, "")
        host.node.assert_clean()
