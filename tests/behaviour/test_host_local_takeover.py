"""A node that ran a peer with host-local before: its pods keep their addresses, and leave nothing behind.

host-local keeps a file for each address, named by it, with the container id and the ifname; the endpoints of
its pods have the peers' name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.scene import IPV6_SUBNET, NEEDS_DUAL_STACK, configured, dual, joining, plant
from tests.harness import Answer, SimulatedNode, container_id
from tests.packaging import current


class Before:
    """What a peer and host-local have left on the node for the network "pods"."""

    def __init__(self, node: SimulatedNode, data_dir: Path) -> None:
        self.node = node
        self.data_dir = data_dir
        self.folder = data_dir / "pods"
        self.folder.mkdir(parents=True)

    def reserve(self, address: str, container: str, ifname: str = "eth0") -> Path:
        """The file that host-local makes for an address, lines ended as it ends them."""
        file = self.folder / address
        file.write_bytes("\r\n".join([container, ifname] if ifname else [container]).encode())
        return file

    def pod(self, address: str) -> tuple[str, str, Path]:
        """A running pod of the peer: its container, its namespace and its reservation."""
        container, namespace = container_id(), self.node.namespace()
        self.node.attach(namespace, self.node.foreign(f"{container}_pods", address))
        return container, namespace, self.reserve(address, container)

    def config(self, **changes: Any) -> dict[str, Any]:
        ipam = {"type": "host-local", "subnet": "10.88.0.0/24", "dataDir": current().path(self.data_dir)}
        return configured("l2bridge", **{"ipam": ipam, **changes})

    def add(self, config: dict[str, Any] | None = None, **more: Any) -> Answer:
        return self.node.call("ADD", config or self.config(), container_id(), self.node.namespace(), **more)

    def given(self, count: int, config: dict[str, Any] | None = None) -> list[str]:
        """The addresses of so many new pods, the first of each."""
        answers = [self.add(config) for _ in range(count)]
        assert [answer.words for answer in answers if answer.exit_code] == []
        return [answer.addresses[0].partition("/")[0] for answer in answers]

    @property
    def held(self) -> list[str]:
        return sorted(lease.address for lease in self.node.leases())


@pytest.fixture
def before(node: SimulatedNode, tmp_path: Path) -> Before:
    return Before(node, tmp_path / "host-local")


class TestReservationsStayReserved:
    """What host-local gave to a pod is given to no other."""

    def test_they_are_passed_over(self, before: Before) -> None:
        before.reserve("10.88.0.2", "old-1")
        before.reserve("10.88.0.4", "old-2")
        assert before.given(3) == ["10.88.0.3", "10.88.0.5", "10.88.0.6"]

    def test_one_that_appears_while_both_are_at_work_is_passed_over_too(self, before: Before) -> None:
        assert before.given(1) == ["10.88.0.2"]
        before.reserve("10.88.0.3", "late")
        assert before.given(1) == ["10.88.0.4"]

    def test_the_turn_goes_on_where_host_local_was(self, before: Before) -> None:
        (before.folder / "last_reserved_ip.0").write_text("10.88.0.90")
        assert before.given(2) == ["10.88.0.91", "10.88.0.92"]

    @NEEDS_DUAL_STACK
    @pytest.mark.parametrize("name", ["fd00:88::2", "fd00__2", "fd00:88__2"])
    def test_ipv6_addresses_in_both_spellings(self, before: Before, name: str) -> None:
        """On Windows a file's name has no colon."""
        subnet = "fd00:88::/112" if name.startswith("fd00:88") else "fd00::/112"
        before.reserve(name, "old")
        ranges = [[{"subnet": "10.88.0.0/24"}], [{"subnet": subnet}]]
        ipam = {"type": "host-local", "ranges": ranges, "dataDir": current().path(before.data_dir)}
        subnets = [{"prefix": "10.88.0.0/24"}, {**IPV6_SUBNET, "prefix": subnet}]
        subnets[1]["gateway"] = subnet.replace("/112", "1")
        network = {"mode": "l2bridge", "create": True, "subnets": subnets}
        answer = before.add(dual(network=network, ipam=ipam))
        assert answer.exit_code == 0, answer.words
        assert answer.addresses[1] == subnet.replace("/112", "3/112")

    def test_what_is_no_reservation_is_passed_by(self, before: Before) -> None:
        for name in ("lock", "notes.txt", "last_reserved_ip.x", "10.88.0"):
            (before.folder / name).write_text("whatever")
        assert before.given(1) == ["10.88.0.2"]

    def test_a_wanted_one_is_refused_with_its_holder(self, before: Before) -> None:
        before.reserve("10.88.0.40", "old-container")
        answer = before.add(args="IP=10.88.0.40")
        assert answer.document["code"] == 101
        assert "old-container" in answer.words

    def test_used_up_by_reservations_is_told_with_the_counts(self, before: Before) -> None:
        ipam = {"type": "host-local", "subnet": "10.88.0.0/24", "dataDir": current().path(before.data_dir)}
        ipam.update(rangeStart="10.88.0.10", rangeEnd="10.88.0.11")
        for last in (10, 11):
            before.reserve(f"10.88.0.{last}", f"old-{last}")
        answer = before.add(before.config(ipam=ipam))
        assert answer.document["code"] == 101
        assert "2 usable, 0 held by running pods, 2 reserved" in answer.words

    def test_those_of_other_networks_are_theirs(self, before: Before) -> None:
        other = before.data_dir / "others"
        other.mkdir()
        (other / "10.88.0.2").write_bytes(b"old\r\neth0")
        assert before.given(1) == ["10.88.0.2"]

    def test_one_that_host_local_itself_released_is_free_again(self, before: Before) -> None:
        only_read = before.config()
        only_read["ipam"]["type"] = "cni-hns"
        file = before.reserve("10.88.0.2", "old")
        assert before.given(1, only_read) == ["10.88.0.3"]
        file.unlink()
        before.given(1, only_read)
        assert before.held == ["10.88.0.3", "10.88.0.4"]

    def test_one_that_our_own_pod_has_stays_its_and_the_log_names_both(
        self, before: Before, tmp_path: Path
    ) -> None:
        log = tmp_path / "log" / "cni-hns.log"
        config = before.config(log={"file": current().path(log)})
        config["ipam"]["type"] = "cni-hns"
        assert before.given(1, config) == ["10.88.0.2"]
        before.reserve("10.88.0.2", "other-container")
        assert before.given(1, config) == ["10.88.0.3"]
        (lease,) = [lease for lease in before.node.leases() if lease.address == "10.88.0.2"]
        assert lease.container_id != "other-container"
        (line,) = [line for line in log.read_text().splitlines() if "not taken over" in line]
        assert "other-container" in line
        assert lease.container_id in line

    @pytest.mark.parametrize("kind", ["win-bridge", "cni-hns", "Host-Local.exe"])
    def test_whatever_the_configuration_calls_itself_now(self, before: Before, kind: str) -> None:
        plant(before.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        before.reserve("10.88.0.3", "old")
        config = before.config()
        if kind == "win-bridge":
            config = {
                **joining("win-bridge"),
                "IPAM": {**config["ipam"], "DataDir": config["ipam"]["dataDir"]},
            }
            del config["ipam"]
            del config["IPAM"]["dataDir"]
        else:
            config["ipam"]["type"] = kind
        assert "10.88.0.3" not in before.given(2, config)

    def test_host_locals_own_folder_where_none_is_named(self, before: Before) -> None:
        default = before.node.host_local_folder / "pods"
        default.mkdir(parents=True)
        (default / "10.88.0.2").write_bytes(b"old\r\neth0")
        config = before.config(ipam={"type": "host-local", "subnet": "10.88.0.0/24"})
        assert before.given(1, config) == ["10.88.0.3"]

    def test_a_reservation_that_cannot_be_read_is_an_error(self, before: Before) -> None:
        """Its address could be given twice."""
        (before.folder / "10.88.0.2").mkdir()
        answer = before.add()
        assert answer.document["code"] == 5
        assert current().path(before.folder) in answer.words
        before.node.assert_clean()


@pytest.fixture
def there(before: Before) -> Before:
    """The peer's network is there, and one pod of our own."""
    plant(before.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
    assert before.given(1) == ["10.88.0.2"]
    return before


class TestDelOfAPeersPod:
    """Endpoint, lease and file go; only those of the container and ifname."""

    @pytest.mark.parametrize("with_namespace", [True, False])
    def test_endpoint_lease_and_file_go(self, there: Before, with_namespace: bool) -> None:
        container, namespace, file = there.pod("10.88.0.77")
        there.given(1)
        answer = there.node.call("DEL", there.config(), container, namespace if with_namespace else "")
        assert answer.exit_code == 0, answer.words
        assert not file.exists()
        assert "10.88.0.77" not in there.held
        assert len(there.node.endpoints()) == 2
        assert there.node.in_namespace(namespace) == set()

    def test_as_the_first_call_after_the_switch(self, before: Before) -> None:
        plant(before.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        container, namespace, file = before.pod("10.88.0.77")
        assert before.node.call("DEL", before.config(), container, namespace).exit_code == 0
        assert not file.exists()
        before.node.assert_clean()

    def test_a_second_one_has_nothing_to_do(self, there: Before) -> None:
        container, namespace, _ = there.pod("10.88.0.77")
        for _ in range(2):
            assert there.node.call("DEL", there.config(), container, namespace).exit_code == 0

    def test_the_file_goes_though_the_endpoint_is_gone_already(self, there: Before) -> None:
        file = there.reserve("10.88.0.77", "old-container")
        assert there.node.call("DEL", there.config(), "old-container").exit_code == 0
        assert not file.exists()

    def test_the_file_of_another_interface_stays(self, there: Before) -> None:
        first = there.reserve("10.88.0.77", "old-container", "eth0")
        second = there.reserve("10.88.0.78", "old-container", "eth1")
        assert there.node.call("DEL", there.config(), "old-container", ifname="eth1").exit_code == 0
        assert first.exists()
        assert not second.exists()

    def test_the_oldest_files_have_no_ifname_and_go_too(self, there: Before) -> None:
        file = there.reserve("10.88.0.77", "old-container", "")
        assert there.node.call("DEL", there.config(), "old-container").exit_code == 0
        assert not file.exists()
        assert there.held == ["10.88.0.2"]

    def test_all_addresses_of_a_pod_go(self, there: Before) -> None:
        files = [there.reserve(name, "old-container") for name in ("10.88.0.77", "fd00__2")]
        assert there.node.call("DEL", there.config(), "old-container").exit_code == 0
        assert [file.exists() for file in files] == [False, False]
        assert there.held == ["10.88.0.2"]

    def test_while_the_endpoint_cannot_be_deleted_the_address_stays_reserved(self, there: Before) -> None:
        container, namespace, file = there.pod("10.88.0.77")
        there.node.simulator.inject(function="HcnDeleteEndpoint", hresult=0x80004005)
        assert there.node.call("DEL", there.config(), container, namespace).exit_code == 1
        assert file.exists()
        assert "10.88.0.77" in there.held
        assert there.node.call("DEL", there.config(), container, namespace).exit_code == 0
        assert not file.exists()

    def test_the_address_can_be_given_again(self, there: Before) -> None:
        container, namespace, _ = there.pod("10.88.0.77")
        there.node.call("DEL", there.config(), container, namespace)
        assert there.add(args="IP=10.88.0.77").addresses == ["10.88.0.77/24"]


class TestCheckOfAPeersPod:
    """A pod that a peer added is looked for by its name, and its result is read as the peer wrote it."""

    def check(self, before: Before, pod: tuple[str, str, Path], result: dict[str, Any]) -> Answer:
        container, namespace, _ = pod
        config = {**before.config(), "prevResult": {"cniVersion": "1.0.0", **result}}
        return before.node.call("CHECK", config, container, namespace)

    def test_a_healthy_one_of_win_bridge_passes(self, there: Before) -> None:
        """The interface has the endpoint's name and no sandbox, its MAC dashes, the address no index."""
        pod = there.pod("10.88.0.77")
        endpoint = next(one for one in there.node.endpoints() if one.name.startswith(pod[0]))
        interface = {"name": endpoint.name, "mac": endpoint.mac}
        ips = [{"address": "10.88.0.77/24", "gateway": "10.88.0.1"}]
        answer = self.check(there, pod, {"interfaces": [interface], "ips": ips})
        assert answer.exit_code == 0, answer.words

    def test_a_healthy_one_of_sdnbridge_passes(self, there: Before) -> None:
        """The interface has no sandbox, and for its MAC six bytes that no text can hold."""
        pod = there.pod("10.88.0.77")
        ips = [{"address": "10.88.0.77/24", "gateway": "10.88.0.1", "interface": 0}]
        answer = self.check(
            there, pod, {"interfaces": [{"name": "eth0", "mac": "\u0000\u0015]\ufffd"}], "ips": ips}
        )
        assert answer.exit_code == 0, answer.words

    def test_another_address_is_named(self, there: Before) -> None:
        pod = there.pod("10.88.0.77")
        ips = [{"address": "10.88.0.78/24", "interface": 0}]
        answer = self.check(there, pod, {"interfaces": [{"name": "eth0"}], "ips": ips})
        assert answer.document["code"] == 104
        assert "10.88.0.78/24 is missing" in answer.words

    def test_a_missing_endpoint_is_named(self, there: Before) -> None:
        pod = there.pod("10.88.0.77")
        endpoint = next(one for one in there.node.endpoints() if one.name.startswith(pod[0]))
        there.node.hcn.endpoints.delete(endpoint.id)
        ips = [{"address": "10.88.0.77/24", "interface": 0}]
        answer = self.check(there, pod, {"interfaces": [{"name": "eth0"}], "ips": ips})
        assert answer.document["code"] == 104
        assert "does not exist in HNS" in answer.words


class TestGc:
    """Pods of the peer that are not valid go like ours."""

    def collect(self, before: Before, *valid: tuple[str, str]) -> None:
        listed = [{"containerID": container, "ifname": ifname} for container, ifname in valid]
        answer = before.node.call("GC", {**before.config(), "cni.dev/valid-attachments": listed})
        assert answer.exit_code == 0, answer.words

    def test_a_valid_one_keeps_endpoint_lease_and_file(self, there: Before) -> None:
        container, namespace, file = there.pod("10.88.0.77")
        self.collect(there, (container, "eth0"))
        assert file.exists()
        assert there.held == ["10.88.0.77"]
        assert len(there.node.in_namespace(namespace)) == 1

    def test_of_another_one_all_three_go(self, there: Before) -> None:
        _, namespace, file = there.pod("10.88.0.77")
        self.collect(there)
        assert not file.exists()
        assert there.held == []
        assert there.node.in_namespace(namespace) == set()
        assert there.node.endpoints() == []

    @pytest.mark.parametrize("container", ["ab" * 32, "cnitool-" + "ab" * 10])
    def test_a_reservation_whose_pod_is_long_gone_goes(self, there: Before, container: str) -> None:
        file = there.reserve("10.88.0.77", container)
        self.collect(there)
        assert not file.exists()

    @pytest.mark.parametrize("owner", ["kube-proxy", "long-gone", "AB" * 32, "ab" * 31])
    def test_one_of_an_owner_that_is_no_container_stays(self, there: Before, owner: str) -> None:
        file = there.reserve("10.88.0.77", owner, "source-vip")
        self.collect(there)
        assert file.exists()
        assert there.held == ["10.88.0.77"]

    def test_one_whose_address_an_endpoint_has_stays(self, there: Before) -> None:
        there.given(1)
        there.node.foreign("somebody", "10.88.0.77")
        file = there.reserve("10.88.0.77", "ab" * 32)
        self.collect(there)
        assert file.exists()

    def test_without_an_ifname_the_container_counts(self, there: Before) -> None:
        kept, gone = (there.reserve(f"10.88.0.{last}", f"{last}" * 32, "") for last in (77, 78))
        self.collect(there, ("77" * 32, "eth3"))
        assert kept.exists()
        assert not gone.exists()

    def test_a_file_that_names_another_container_by_now_stays(self, there: Before) -> None:
        file = there.reserve("10.88.0.77", "first")
        there.given(1)
        there.reserve("10.88.0.77", "second")
        self.collect(there, ("second", "eth0"))
        assert file.read_bytes() == b"second\r\neth0"
        assert there.held == ["10.88.0.77"]
