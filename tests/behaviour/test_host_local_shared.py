"""host-local's folder is the truth that this plugin, its peers and scripts share: each lease has its file.

`Peer` does with the folder what host-local does, one call at a time; the real one is in `tests/clients`.
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cni_hns.deadline import Deadline
from cni_hns.ipam.hostlocal_files import Folder
from cni_hns.ledger import open_ledger
from tests.behaviour.scene import NEEDS_DUAL_STACK, configured, plant
from tests.harness import Answer, SimulatedNode, container_id
from tests.packaging import current

SUBNET = "10.88.0.0/24"


class Shared:
    """A node whose network "pods" has `"type": "host-local"`."""

    def __init__(self, node: SimulatedNode, data_dir: Path) -> None:
        self.node = node
        self.data_dir = data_dir
        self.folder = data_dir / "pods"

    def config(self, kind: str = "host-local", **ipam: Any) -> dict[str, Any]:
        own = {"type": kind, "subnet": SUBNET, "dataDir": current().path(self.data_dir)}
        return configured("l2bridge", ipam={**own, **ipam})

    def add(
        self, container: str = "", config: dict[str, Any] | None = None, netns: str = "", **more: Any
    ) -> Answer:
        who = container or container_id(), netns or self.node.namespace()
        return self.node.call("ADD", config or self.config(), *who, **more)

    def pod(self, config: dict[str, Any] | None = None) -> tuple[str, str, str]:
        """A pod of ours: its container, its namespace, its address."""
        container, netns = container_id(), self.node.namespace()
        answer = self.add(container, config, netns)
        assert answer.exit_code == 0, answer.words
        return container, netns, answer.addresses[0].partition("/")[0]

    def delete(self, container: str, config: dict[str, Any] | None = None) -> None:
        answer = self.node.call("DEL", config or self.config(), container)
        assert answer.exit_code == 0, answer.words

    @property
    def files(self) -> dict[str, bytes]:
        """What host-local would find, without its lock."""
        if not self.folder.exists():
            return {}
        return {one.name: one.read_bytes() for one in self.folder.iterdir() if one.name != "lock"}

    def reservations(self) -> dict[str, bytes]:
        return {name: text for name, text in self.files.items() if not name.startswith("last_reserved")}

    def reserve(self, address: str, container: str, ifname: str = "eth0") -> None:
        """What host-local's ADD leaves."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / address).write_bytes(f"{container}\r\n{ifname}".encode())
        (self.folder / "last_reserved_ip.0").write_bytes(address.encode())


@pytest.fixture
def shared(node: SimulatedNode, tmp_path: Path) -> Shared:
    return Shared(node, tmp_path / "networks")


class TestAddAndDel:
    def test_an_add_leaves_what_host_locals_would(self, shared: Shared) -> None:
        container, _, address = shared.pod()
        assert address == "10.88.0.2"
        assert shared.files == {
            "10.88.0.2": f"{container}\r\neth0".encode(),
            "last_reserved_ip.0": b"10.88.0.2",
        }

    def test_the_del_takes_the_file_and_leaves_what_was_reserved_last(self, shared: Shared) -> None:
        container, _, _ = shared.pod()
        shared.delete(container)
        assert shared.files == {"last_reserved_ip.0": b"10.88.0.2"}
        shared.node.assert_clean()

    @NEEDS_DUAL_STACK
    def test_each_range_set_has_its_own_last_one(self, shared: Shared) -> None:
        ranges = [[{"subnet": SUBNET}], [{"subnet": "fd00:88::/112"}]]
        ipam = {"type": "host-local", "ranges": ranges, "dataDir": current().path(shared.data_dir)}
        subnets = [
            {"prefix": SUBNET, "gateway": "10.88.0.1"},
            {"prefix": "fd00:88::/112", "gateway": "fd00:88::1"},
        ]
        network = {"mode": "l2bridge", "create": True, "subnets": subnets}
        answer = shared.add(config=configured("l2bridge", ipam=ipam, network=network))
        assert answer.exit_code == 0, answer.words
        assert shared.files["last_reserved_ip.0"] == b"10.88.0.2"
        assert shared.files["last_reserved_ip.1"] == b"fd00:88::2"
        assert len(shared.reservations()) == 2

    def test_a_failed_add_leaves_no_file(self, shared: Shared) -> None:
        shared.pod()
        shared.node.simulator.inject(function="HcnCreateEndpoint", hresult=0x80004005)
        assert shared.add().exit_code == 1
        assert sorted(shared.reservations()) == ["10.88.0.2"]

    @pytest.mark.not_in("windows", reason="Wine's own boot is asked, not the simulated node's")
    def test_a_killed_adds_file_stays_while_its_endpoint_may_still_arrive(self, shared: Shared) -> None:
        """host-local would give the address to another pod; after a boot nothing arrives any more."""
        shared.pod()
        node, container = shared.node, container_id()
        node.simulator.inject(function="HcnCreateEndpoint", die="before")
        assert node.process("ADD", shared.config(), container, node.namespace()).killed
        shared.delete(container)
        assert sorted(shared.reservations()) == ["10.88.0.2", "10.88.0.3"]
        node.simulator.reboot()
        assert node.call("GC", shared.config()).exit_code == 0
        assert shared.reservations() == {}
        node.assert_clean()

    def test_with_ipam_type_cni_hns_nothing_is_written(self, shared: Shared) -> None:
        shared.folder.mkdir(parents=True)
        container, _, _ = shared.pod(shared.config("cni-hns"))
        assert list(shared.folder.iterdir()) == []
        shared.delete(container, shared.config("cni-hns"))
        assert list(shared.folder.iterdir()) == []

    def test_a_configuration_that_says_cni_hns_by_now_takes_the_file_too(self, shared: Shared) -> None:
        container, _, _ = shared.pod()
        shared.delete(container, configured("l2bridge"))
        assert shared.reservations() == {}

    def test_a_folder_that_was_moved_loses_the_old_pods_files(self, shared: Shared, tmp_path: Path) -> None:
        container, _, _ = shared.pod()
        moved = shared.config(dataDir=current().path(tmp_path / "moved"))
        shared.pod(moved)
        shared.delete(container, moved)
        assert shared.reservations() == {}
        assert len(list((tmp_path / "moved" / "pods").glob("10.*"))) == 1

    @pytest.mark.in_process("Wine does not number its boots")
    def test_gc_by_hand_without_a_configuration_takes_the_file_too(
        self, shared: Shared, capsys: pytest.CaptureFixture[str]
    ) -> None:
        container, netns, _ = shared.pod()
        shared.node.simulator.reboot()
        assert netns
        assert shared.node.command("gc").exit_code == 0
        assert shared.reservations() == {}, container


class TestTakingTurns:
    """Somebody else's file: the address is not given, whatever the ledger says."""

    def test_what_somebody_reserved_since_is_gone_round(self, shared: Shared) -> None:
        shared.pod()
        shared.reserve("10.88.0.3", "peer")
        assert shared.pod()[2] == "10.88.0.4"

    def test_the_next_is_the_one_after_the_peers_last(self, shared: Shared) -> None:
        shared.pod()
        shared.reserve("10.88.0.90", "peer")
        assert shared.pod()[2] == "10.88.0.91"

    def test_many_of_them_are_read_once(self, shared: Shared) -> None:
        shared.pod()
        for last in range(3, 60):
            shared.reserve(f"10.88.0.{last}", f"peer-{last}")
        (shared.folder / "last_reserved_ip.0").write_bytes(b"10.88.0.2")
        assert shared.pod()[2] == "10.88.0.60"

    def test_a_file_without_a_word_in_it_is_somebodys(self, shared: Shared) -> None:
        shared.pod()
        (shared.folder / "10.88.0.3").touch()
        assert shared.pod()[2] == "10.88.0.4"

    def test_a_wanted_one_is_refused_with_its_holder_and_changes_nothing(self, shared: Shared) -> None:
        shared.pod()
        shared.reserve("10.88.0.40", "peer-container")
        before = shared.files
        answer = shared.add(args="IP=10.88.0.40")
        assert answer.document["code"] == 101
        assert "peer-container" in answer.words
        assert shared.files == before

    def test_an_address_that_the_peer_released_is_found_when_none_is_left(self, shared: Shared) -> None:
        few = shared.config(rangeStart="10.88.0.10", rangeEnd="10.88.0.11")
        shared.reserve("10.88.0.10", "peer")
        assert shared.pod(few)[2] == "10.88.0.11"
        assert shared.add(config=few).document["code"] == 101
        (shared.folder / "10.88.0.10").unlink()
        assert shared.pod(few)[2] == "10.88.0.10"

    def test_pods_that_a_peer_deleted_leave_room_at_once(self, shared: Shared) -> None:
        """The node went back to the peer, and has come again: endpoints and files are gone, rows are not."""
        few = shared.config(rangeStart="10.88.0.10", rangeEnd="10.88.0.12")
        for container, netns, address in [shared.pod(few) for _ in range(3)]:
            (endpoint,) = [one for one in shared.node.endpoints() if one.name.startswith(container)]
            shared.node.hcn.endpoints.delete(endpoint.id)
            shared.node.hcn.namespaces.delete(netns)
            (shared.folder / address).unlink()
        assert {shared.pod(few)[2] for _ in range(3)} == {"10.88.0.10", "10.88.0.11", "10.88.0.12"}

    def test_a_pod_that_lives_keeps_its_address_though_its_file_is_gone(self, shared: Shared) -> None:
        few = shared.config(rangeStart="10.88.0.10", rangeEnd="10.88.0.10")
        shared.pod(few)
        (shared.folder / "10.88.0.10").unlink()
        assert shared.add(config=few).document["code"] == 101
        assert shared.add(config=few).document["code"] == 101

    def test_a_second_del_of_a_peers_pod_without_an_endpoint_takes_its_file(self, shared: Shared) -> None:
        shared.pod()
        shared.reserve("10.88.0.77", "peer-container")
        shared.delete("peer-container")
        assert "10.88.0.77" not in shared.reservations()

    @pytest.mark.in_process("the lock is taken in this process")
    def test_the_lock_that_somebody_holds_is_waited_for_and_then_named(self, shared: Shared) -> None:
        shared.pod()
        with Folder(str(shared.folder)).locked(1.0):
            answer = shared.add(config={**shared.config(), "timeout": {"add": 0.4}})
        assert answer.document["code"] == 11
        assert "lock" in answer.words
        assert len(shared.reservations()) == 1
        assert shared.pod()[2] != ""


class TestPodsFromBefore:
    """Leases of a version that wrote no files, or of `ipam.type` cni-hns."""

    def test_get_their_files_with_the_first_add(self, shared: Shared) -> None:
        container, _, _ = shared.pod(shared.config("cni-hns"))
        shared.pod()
        assert shared.reservations()["10.88.0.2"] == f"{container}\r\neth0".encode()

    def test_pass_check_before_and_after(self, shared: Shared) -> None:
        container, netns = container_id(), shared.node.namespace()
        result = shared.add(container, shared.config("cni-hns"), netns).document
        config = {**shared.config(), "prevResult": result}
        assert shared.node.call("CHECK", config, container, netns).exit_code == 0
        shared.pod()
        assert shared.node.call("CHECK", config, container, netns).exit_code == 0


class TestCheck:
    def check(self, shared: Shared, change: str) -> Answer:
        container, netns = container_id(), shared.node.namespace()
        result = shared.add(container, None, netns).document
        if change == "removed":
            (shared.folder / "10.88.0.2").unlink()
        elif change == "given away":
            shared.reserve("10.88.0.2", "thief")
        config = {**shared.config(), "prevResult": result}
        return shared.node.call("CHECK", config, container, netns)

    def test_finds_nothing_wrong_with_a_reserved_address(self, shared: Shared) -> None:
        answer = self.check(shared, "")
        assert answer.exit_code == 0, answer.words

    @pytest.mark.parametrize(("change", "words"), [("removed", "no reservation"), ("given away", "thief")])
    def test_names_a_reservation_that_is_lost(self, shared: Shared, change: str, words: str) -> None:
        answer = self.check(shared, change)
        assert answer.document["code"] == 104
        assert words in answer.words

    def test_a_repeated_add_after_hns_lost_the_endpoint_makes_the_file_again(self, shared: Shared) -> None:
        container, netns, address = shared.pod()
        (endpoint,) = shared.node.endpoints()
        shared.node.hcn.endpoints.delete(endpoint.id)
        (shared.folder / address).unlink()
        assert shared.add(container, None, netns).exit_code == 0
        assert address in shared.reservations()


class TestAPodWhoseRowIsLost:
    """An ADD of a pod that lives is refused; what the pod has stays, what the ADD took goes."""

    @pytest.mark.in_process("the ledger is the same file for all")
    def test_keeps_its_lease_and_its_file(self, shared: Shared) -> None:
        container, netns, _ = shared.pod()
        with closing(open_ledger(shared.node.ledger_path, Deadline(30))) as ledger:
            (row,) = ledger.attachments()
            ledger.remove(row.key, row.token)
        before = shared.files, shared.node.leases()
        assert shared.add(container, None, netns).document["code"] == 102
        assert (shared.files, shared.node.leases()) == before

    @pytest.mark.in_process("the ledger is the same file for all")
    def test_does_not_get_an_address_more(self, shared: Shared) -> None:
        container, netns, address = shared.pod()
        shared.node.lose_ledger()
        assert shared.add(container, None, netns).document["code"] == 102
        assert list(shared.reservations()) == [address]


class TestByHand:
    def run(self, shared: Shared, *words: str) -> Any:
        return shared.node.command(*words)

    def test_an_address_is_reserved_where_peers_see_it(self, shared: Shared) -> None:
        shared.pod()
        done = self.run(
            shared, "ipam", "reserve", "--network", "pods", "--owner", "kube-proxy", "--address", "10.88.0.9"
        )
        assert done.exit_code == 0, done.stderr
        assert shared.reservations()["10.88.0.9"].split() == [b"kube-proxy"]
        assert self.run(shared, "ipam", "release", "kube-proxy").exit_code == 0
        assert "10.88.0.9" not in shared.reservations()

    def test_one_that_a_peer_has_is_refused(self, shared: Shared) -> None:
        shared.pod()
        shared.reserve("10.88.0.9", "peer-container")
        done = self.run(
            shared, "ipam", "reserve", "--network", "pods", "--owner", "kube-proxy", "--address", "10.88.0.9"
        )
        assert done.exit_code == 1
        assert "peer-container" in done.stderr
        assert shared.reservations()["10.88.0.9"] == b"peer-container\r\neth0"

    def test_leases_are_exported_for_a_peer_and_imported_from_one(
        self, shared: Shared, tmp_path: Path
    ) -> None:
        plain = configured("l2bridge")
        container, _, _ = shared.pod(plain)
        folder = current().path(tmp_path / "out")
        assert self.run(shared, "ipam", "export", "--host-local", folder).exit_code == 0
        assert (tmp_path / "out" / "pods" / "10.88.0.2").read_bytes() == f"{container}\r\neth0".encode()
        (tmp_path / "out" / "pods" / "10.88.0.3").write_bytes(b"peer\r\neth0")
        (tmp_path / "out" / "pods" / "10.88.0.2").write_bytes(b"thief\r\neth0")
        done = self.run(shared, "ipam", "import", "--host-local", folder, "--json")
        assert done.exit_code == 1
        outcomes = {one["address"]: one["outcome"] for one in json.loads(done.stdout)}
        assert outcomes["10.88.0.3"] == "taken over"
        assert "thief" in outcomes["10.88.0.2"]
        assert shared.pod(plain)[2] == "10.88.0.4"
        again = self.run(shared, "ipam", "export", "--host-local", folder)
        assert again.exit_code == 1
        assert "thief" in again.stdout


class TestTheFolderThatTheDelegateOfAPeerNeverSaw:
    """nat, sdnbridge and sdnoverlay keep `dataDir` from host-local: its files lie in its default folder."""

    def config(self, shared: Shared) -> dict[str, Any]:
        ipam = {"type": "host-local", "subnet": SUBNET, "dataDir": current().path(shared.data_dir)}
        return {"cniVersion": "1.0.0", "name": "pods", "type": "sdnbridge", "ipam": ipam}

    def test_both_count_and_the_default_one_is_written(self, shared: Shared) -> None:
        plant(shared.node, "l2bridge", (SUBNET, "10.88.0.1"))
        default = shared.node.host_local_folder / "pods"
        default.mkdir(parents=True)
        (default / "10.88.0.2").write_bytes(b"peer\r\neth0")
        shared.reserve("10.88.0.3", "another")
        container, _, address = shared.pod(self.config(shared))
        assert address == "10.88.0.4"
        assert (default / address).read_bytes() == f"{container}\r\neth0".encode()
        assert address not in shared.reservations()
