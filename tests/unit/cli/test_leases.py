"""`cni-hns ipam`: whose ledger it reads, what it shows of it, and addresses for who is no pod."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cni_hns.__main__ import choose_hns
from cni_hns.cli import main
from cni_hns.deadline import Deadline
from cni_hns.dialects.plan import RangePlan
from cni_hns.ipam.allocate import allocate
from cni_hns.ipam.held import quarantine
from cni_hns.ledger import AttachmentKey, open_ledger
from tests.behaviour.pod import Pod
from tests.behaviour.scene import plant
from tests.harness import SimulatedNode, l2bridge
from tests.unit.cli.conftest import Node

RANGES = [[RangePlan("10.1.0.0/24", "10.1.0.1", "10.1.0.254", "10.1.0.1")]]
HELD = {
    "id": "l2b/10.1.0.2",
    "network": "l2b",
    "address": "10.1.0.2",
    "containerID": "pod1",
    "ifname": "eth0",
    "podName": None,
    "podUID": None,
}

FEW = l2bridge(
    ipam={
        "type": "cni-hns",
        "ranges": [[{"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.2", "rangeEnd": "10.88.0.4"}]],
    }
)


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[SimulatedNode]:
    """A node on which pods are added, too."""
    made = SimulatedNode(tmp_path / "simulated")
    yield made
    made.close()


def fill(folder: Path) -> None:
    """One lease that is held, and one address that was set aside."""
    ledger = open_ledger(str(folder / "ledger.db"), Deadline(30))
    with ledger.transaction():
        allocate(ledger, AttachmentKey("l2b", "pod1", "eth0"), RANGES)
        quarantine(ledger, AttachmentKey("l2b", "pod2", "eth0"), "10.1.0.9", time.time() + 3600)
    ledger.close()


@pytest.fixture
def folder(node: Node) -> Path:
    """The folder of this node's own ledger."""
    made = node.folder / "cni-hns"
    node("version")
    return made


def test_a_ledger_that_is_not_there_is_an_empty_list_and_is_not_made(node: Node, folder: Path) -> None:
    assert node.make("ipam", "list") == []
    assert node("ipam", "list").out == "no leases\n"
    assert not (folder / "ledger.db").exists()


def test_leases_held_now_are_listed(node: Node, folder: Path) -> None:
    fill(folder)
    assert node.make("ipam", "list") == [HELD]
    assert node("ipam", "list").out.split() == [
        *("ADDRESS", "NETWORK", "CONTAINER", "IFNAME", "POD"),
        *("10.1.0.2", "l2b", "pod1", "eth0", "-"),
    ]


def test_all_adds_what_is_set_aside_and_how_long(node: Node, folder: Path) -> None:
    fill(folder)
    held, aside = node.make("ipam", "list", "--all")
    assert HELD.items() <= held.items()
    assert (held["state"], held["until"]) == ("held", None)
    assert (aside["address"], aside["state"]) == ("10.1.0.9", "quarantined")
    assert aside["until"].endswith("Z")
    assert "quarantined" in node("ipam", "list", "--all").out


def test_one_network_can_be_asked_for(node: Node, folder: Path) -> None:
    fill(folder)
    assert node.make("ipam", "list", "--network", "l2b") == [HELD]
    node.make("network", "create", "--name", "empty", "--mode", "nat")
    assert node.make("ipam", "list", "--network", "empty") == []


def test_data_dir_needs_no_hns(node: Node, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cni_hns.__main__ import choose_hns
    from cni_hns.cli import main

    fill(tmp_path / "other")
    assert main(["ipam", "list", "--json", "--data-dir", str(tmp_path / "other")], choose_hns({})) == 0
    assert json.loads(capsys.readouterr().out) == [HELD]


def test_the_folder_can_come_from_a_configuration(node: Node, folder: Path, tmp_path: Path) -> None:
    fill(tmp_path / "other")
    file = tmp_path / "some.conf"
    config = {"cniVersion": "1.0.0", "name": "l2b", "type": "cni-hns", "dataDir": str(tmp_path / "other")}
    file.write_text(json.dumps(config), encoding="utf-8")
    assert node.make("ipam", "list", "--config", str(file)) == [HELD]
    file.write_text(json.dumps({**config, "dataDir": None}), encoding="utf-8")
    assert node.make("ipam", "list", "--config", str(file)) == []


def test_a_relative_folder_in_a_configuration_is_refused(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "some.conf"
    file.write_text('{"name": "n", "type": "cni-hns", "dataDir": "here"}', encoding="utf-8")
    typed = node("ipam", "list", "--config", str(file))
    assert (typed.exit_code, typed.err.count("\n")) == (1, 1)
    assert "dataDir is not an absolute path" in typed.err


def test_a_damaged_ledger_is_an_error_and_no_empty_list(node: Node, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "ledger.db").write_text("this is no database, and long enough to be told from one" * 10)
    typed = node("ipam", "list", "--json")
    assert (typed.exit_code, typed.err.count("\n")) == (1, 1)
    assert "ledger.db" in typed.err
    assert "ledger.db" in typed.json["error"]["message"]


class TestALedgerThatIsMissing:
    def test_is_noted_with_its_place_before_the_first_pod(self, node: Node, folder: Path) -> None:
        typed = node("ipam", "list", "--json")
        assert (typed.exit_code, typed.json) == (0, [])
        assert typed.err.startswith(f'note: there is no ledger yet at "{folder / "ledger.db"}"')

    @pytest.mark.parametrize(
        "command",
        ["ipam list", "gc", "ipam release x", "pod list", "container list", "doctor", "endpoint show x"],
    )
    def test_in_a_folder_that_was_named_is_a_failure(
        self, node: Node, folder: Path, tmp_path: Path, command: str
    ) -> None:
        typed = node(*command.split(), "--data-dir", str(tmp_path / "typo"), "--json")
        assert (typed.exit_code, typed.err.count("\n")) == (1, 1)
        assert f'looked for "{tmp_path / "typo" / "ledger.db"}"' in typed.json["error"]["message"]
        assert not (tmp_path / "typo").exists()

    def test_is_not_made_anew_in_a_folder_that_is_missing(self, node: Node, tmp_path: Path) -> None:
        assert node("ledger", "rebuild", "--data-dir", str(tmp_path / "typo")).exit_code == 1
        assert not (tmp_path / "typo").exists()

    @pytest.mark.parametrize("command", ["ipam list", "gc", "pod list"])
    def test_on_a_machine_without_an_hns_is_a_failure_with_both(
        self,
        command: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        assert main([*command.split(), "--json"], choose_hns({})) == 1
        told = json.loads(capsys.readouterr().out)["error"]["message"]
        assert "CNI_HNS_SIMULATOR" in told
        assert f'looked for "{tmp_path / "cni-hns" / "ledger.db"}"' in told
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    ["ipam list", "gc", "ipam release x", "pod list", "endpoint list", "ipam export --host-local ."],
)
def test_a_network_that_nobody_knows_is_a_failure_that_names_those_there_are(
    node: Node, folder: Path, command: str
) -> None:
    fill(folder)
    typed = node(*command.split(), "--network", "nope", "--json")
    assert (typed.exit_code, typed.err.count("\n")) == (1, 1)
    assert '"nope"' in typed.json["error"]["message"]


class TestReserve:
    """An address for somebody who is no pod."""

    PLAIN = ("ipam", "reserve", "--network", "pods", "--owner", "kube-proxy")

    @pytest.fixture
    def config(self, tmp_path: Path) -> str:
        file = tmp_path / "pods.conf"
        file.write_text(json.dumps(FEW), encoding="utf-8")
        return str(file)

    def test_takes_the_next_address_of_the_ranges_and_is_the_same_when_it_is_repeated(
        self, node: Node, config: str
    ) -> None:
        first = node.make(*self.PLAIN, "--config", config)
        assert [(one["address"], one["network"], one["owner"]) for one in first] == [
            ("10.88.0.2", "pods", "kube-proxy")
        ]
        assert node.make(*self.PLAIN, "--config", config) == first
        # What is there needs no configuration.
        assert node.make(*self.PLAIN) == first
        assert [one["address"] for one in node.make("ipam", "list")] == ["10.88.0.2"]

    def test_gives_each_owner_its_own(self, node: Node, config: str) -> None:
        node.make(*self.PLAIN, "--config", config)
        (other,) = node.make("ipam", "reserve", "--network", "pods", "--owner", "host", "--config", config)
        assert other["address"] == "10.88.0.3"

    def test_takes_the_address_that_is_named_and_is_the_same_when_it_is_repeated(self, node: Node) -> None:
        for _ in range(2):
            (one,) = node.make(*self.PLAIN, "--address", "10.88.0.3")
            assert one["address"] == "10.88.0.3"
        assert "10.88.0.3" in node(*self.PLAIN, "--address", "10.88.0.3").out

    def test_goes_round_an_address_that_an_endpoint_of_another_program_has(
        self, simulated: SimulatedNode, config: str
    ) -> None:
        network = plant(simulated, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        addresses = [{"IpAddress": "10.88.0.2", "PrefixLength": 24}]
        simulated.simulator.plant("endpoint", {"IpConfigurations": addresses}, network=network)
        done = simulated.command(*self.PLAIN, "--config", config, "--json")
        assert [one["address"] for one in json.loads(done.stdout)] == ["10.88.0.3"], done.stderr

    def test_goes_round_an_address_that_host_local_has_a_file_for(
        self, simulated: SimulatedNode, tmp_path: Path
    ) -> None:
        folder = tmp_path / "host-local" / "pods"
        folder.mkdir(parents=True)
        (folder / "10.88.0.2").write_text("somebody\r\neth0")
        ipam = {**FEW["ipam"], "type": "host-local", "dataDir": str(folder.parent)}
        config = tmp_path / "pods.conf"
        config.write_text(json.dumps({**FEW, "ipam": ipam}))
        done = simulated.command(*self.PLAIN, "--config", str(config), "--json")
        assert [one["address"] for one in json.loads(done.stdout)] == ["10.88.0.3"], done.stderr

    def test_of_an_address_that_somebody_has_names_the_holder(self, simulated: SimulatedNode) -> None:
        pod = Pod(simulated).add()
        done = simulated.command(*self.PLAIN, "--address", pod.address)
        assert (done.exit_code, done.stdout) == (1, "")
        assert pod.container in done.stderr
        other = ["ipam", "reserve", "--network", "pods", "--owner", "host", "--address", "10.88.0.9"]
        assert simulated.command(*other).exit_code == 0
        done = simulated.command(*self.PLAIN, "--address", "10.88.0.9")
        assert done.exit_code == 1
        assert 'is reserved for "host"' in done.stderr
        assert len(simulated.leases()) == 2

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            pytest.param([], "which ranges?", id="neither address nor configuration"),
            pytest.param(["--address", "10.88.0"], "10.88.0", id="no address"),
            pytest.param(["--address", "10.88.0.9/24"], "10.88.0.9/24", id="a prefix"),
            pytest.param(
                ["--owner", "a/b", "--address", "10.88.0.9"], "the owner", id="no word for an owner"
            ),
            pytest.param(["--network", "a b", "--address", "10.88.0.9"], "the network", id="no network"),
        ],
    )
    def test_of_what_cannot_be_is_refused(self, node: Node, options: list[str], words: str) -> None:
        typed = node(*self.PLAIN, *options)
        assert (typed.exit_code, typed.out, typed.err.count("\n")) == (1, "", 1)
        assert words in typed.err
        assert node.make("ipam", "list") == []

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            pytest.param({"name": "others"}, 'of network "others"', id="another network"),
            pytest.param({"ipam": {"type": "dhcp"}}, "another IPAM", id="an external plugin"),
        ],
    )
    def test_with_a_configuration_that_has_no_such_ranges_is_refused(
        self, node: Node, tmp_path: Path, changes: dict[str, object], words: str
    ) -> None:
        file = tmp_path / "other.conf"
        file.write_text(json.dumps({**FEW, **changes}), encoding="utf-8")
        typed = node(*self.PLAIN, "--config", str(file))
        assert typed.exit_code == 1
        assert words in typed.err

    def test_where_no_address_is_left_says_who_has_them(self, node: Node, config: str) -> None:
        for last in (2, 3, 4):
            node.make("ipam", "reserve", "--network", "pods", "--owner", f"o{last}", "--config", config)
        typed = node(*self.PLAIN, "--config", config)
        assert typed.exit_code == 1
        assert "3 usable, 0 held by running pods, 3 reserved" in typed.err

    def test_is_given_to_no_pod_and_taken_by_no_verb(self, simulated: SimulatedNode) -> None:
        reserve = [*self.PLAIN, "--address", "10.88.0.3"]
        assert simulated.command(*reserve).exit_code == 0
        ranges = {"ipam": FEW["ipam"]}
        pods = [Pod(simulated, **ranges).add() for _ in range(2)]
        assert [pod.address for pod in pods] == ["10.88.0.2", "10.88.0.4"]
        assert Pod(simulated, **ranges).call("ADD").document["code"] == 101
        pods[0].done("DEL")
        simulated.simulator.reboot()
        pods[1].done("GC", **{"cni.dev/valid-attachments": []})
        assert simulated.command("gc").exit_code == 0
        assert [lease.address for lease in simulated.leases()] == ["10.88.0.3"]

    @pytest.mark.parametrize("command", ["ADD", "DEL"])
    def test_is_not_a_container_s_that_has_the_owner_s_name(
        self, simulated: SimulatedNode, command: str
    ) -> None:
        assert simulated.command(*self.PLAIN, "--address", "10.88.0.3").exit_code == 0
        answer = simulated.call(command, l2bridge(), "kube-proxy", simulated.namespace())
        assert answer.exit_code == 0, answer.words
        assert answer.addresses in ([], ["10.88.0.2/24"])
        assert simulated.call("DEL", l2bridge(), "kube-proxy").exit_code == 0
        assert [lease.address for lease in simulated.leases()] == ["10.88.0.3"]


class TestRelease:
    """Of what has no pod."""

    def released(self, simulated: SimulatedNode, what: str, code: int = 0) -> list[tuple[str, str]]:
        done = simulated.command("ipam", "release", what, "--json")
        assert done.exit_code == code, done.stderr
        return [(one["address"], one["outcome"]) for one in json.loads(done.stdout)]

    @pytest.mark.parametrize("what", ["10.88.0.9", "kube-proxy"])
    def test_ends_a_reservation_by_address_or_owner(self, simulated: SimulatedNode, what: str) -> None:
        reserve = [*TestReserve.PLAIN, "--address", "10.88.0.9"]
        assert simulated.command(*reserve).exit_code == 0
        assert self.released(simulated, what) == [("10.88.0.9", "released")]
        assert simulated.leases() == []

    def test_of_nothing_is_done_already(self, simulated: SimulatedNode) -> None:
        assert self.released(simulated, "10.88.0.9") == []
        done = simulated.command("ipam", "release", "nobody")
        assert (done.exit_code, done.stdout) == (0, 'nobody has "nobody": nothing to release\n')

    def test_leaves_what_a_running_pod_has(self, simulated: SimulatedNode) -> None:
        pod = Pod(simulated).add()
        for what in (pod.address, pod.container):
            assert self.released(simulated, what, code=1) == [
                (pod.address, "left: its pod is there: delete the pod")
            ]
        pod.assert_alive()

    def test_takes_the_whole_attachment_of_a_pod_that_is_not_there(self, simulated: SimulatedNode) -> None:
        pod = Pod(simulated).add()
        simulated.simulator.remove(pod.namespace)
        assert self.released(simulated, pod.address) == [(pod.address, "released")]
        simulated.assert_clean()

    def test_of_a_pod_says_nothing_while_hns_has_just_started(self, simulated: SimulatedNode) -> None:
        pod = Pod(simulated).add()
        simulated.simulator.remove(pod.namespace)
        simulated.simulator.set_options(hns_uptime_s=10)
        ((address, outcome),) = self.released(simulated, pod.address, code=1)
        assert address == pod.address
        assert outcome.startswith("left: HNS has just started")
        assert len(simulated.endpoints()) == 1

    def test_leaves_half_done_work_to_gc(self, simulated: SimulatedNode) -> None:
        pod = Pod(simulated)
        simulated.simulator.inject(function="HcnModifyNamespace", die="before")
        assert simulated.process("ADD", pod.config, pod.container, pod.namespace).killed
        simulated.simulator.clear_faults()
        ((_, outcome),) = self.released(simulated, pod.container, code=1)
        assert "`cni-hns gc`" in outcome
        assert len(simulated.leases()) == 1

    def test_leaves_what_hns_has_on_an_endpoint(self, simulated: SimulatedNode) -> None:
        Pod(simulated).add().done("DEL")
        simulated.foreign("source-vip", "10.88.0.9")
        reserve = [*TestReserve.PLAIN, "--address", "10.88.0.9"]
        assert simulated.command(*reserve).exit_code == 0
        ((_, outcome),) = self.released(simulated, "10.88.0.9", code=1)
        assert "source-vip" in outcome
        assert len(simulated.leases()) == 1

    @pytest.mark.parametrize("lives", [True, False], ids=["its pod lives", "its pod is gone"])
    def test_lets_an_address_be_tried_again_that_hns_refused(
        self, simulated: SimulatedNode, lives: bool
    ) -> None:
        """It is set aside in the name of the pod that asked for it, and not that pod's."""
        Pod(simulated).add()
        foreign = simulated.foreign("somebody's", "10.88.0.3")
        pod = Pod(simulated).add()
        assert pod.address == "10.88.0.4"
        simulated.hcn.endpoints.delete(foreign)
        if not lives:
            simulated.simulator.remove(pod.namespace)
        assert self.released(simulated, "10.88.0.3") == [("10.88.0.3", "released")]
        assert pod.endpoint in [view.id for view in simulated.endpoints()]
        assert pod.address in [lease.address for lease in simulated.leases()]

    def test_only_of_the_network_that_is_named(self, simulated: SimulatedNode) -> None:
        reserve = [*TestReserve.PLAIN, "--address", "10.88.0.9"]
        assert simulated.command(*reserve).exit_code == 0
        assert simulated.command("network", "create", "--name", "others", "--mode", "nat").exit_code == 0
        done = simulated.command("ipam", "release", "kube-proxy", "--network", "others", "--json")
        assert (done.exit_code, json.loads(done.stdout)) == (0, [])
        assert len(simulated.leases()) == 1

    def test_drops_the_file_of_host_locals(self, simulated: SimulatedNode, tmp_path: Path) -> None:
        folder = tmp_path / "host-local" / "pods"
        folder.mkdir(parents=True)
        (folder / "10.88.0.9").write_bytes(b"old-container\r\neth0")
        ipam = {"type": "host-local", "subnet": "10.88.0.0/24", "dataDir": str(tmp_path / "host-local")}
        file = tmp_path / "pods.conf"
        file.write_text(json.dumps(l2bridge(ipam=ipam)))
        Pod(simulated, ipam=ipam).add()
        done = simulated.command("ipam", "release", "old-container", "--config", str(file), "--json")
        assert [one["outcome"] for one in json.loads(done.stdout)] == ["released"]
        assert "10.88.0.9" not in [one.name for one in folder.iterdir()]
        Pod(simulated, ipam=ipam).add()
        assert "10.88.0.9" not in [lease.address for lease in simulated.leases()]


class TestThePod:
    """Whose an address is, by the names that the ADD told."""

    ARGS = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_UID=uid-1"

    @pytest.fixture
    def pod(self, simulated: SimulatedNode) -> Pod:
        made = Pod(simulated)
        answer = simulated.call("ADD", made.config, made.container, made.namespace, args=self.ARGS)
        assert answer.exit_code == 0, answer.words
        return made

    @pytest.mark.parametrize("options", [[], ["--all"]])
    def test_is_listed_with_it(self, simulated: SimulatedNode, pod: Pod, options: list[str]) -> None:
        (row,) = json.loads(simulated.command("ipam", "list", "--json", *options).stdout)
        assert (row["containerID"], row["podName"], row["podUID"]) == (pod.container, "shop/web-0", "uid-1")
        assert "shop/web-0" in simulated.command("ipam", "list", *options).stdout

    def test_is_named_where_it_is_released(self, simulated: SimulatedNode, pod: Pod) -> None:
        (row,) = json.loads(simulated.command("ipam", "release", pod.container, "--json").stdout)
        assert row["podName"] == "shop/web-0"
        assert row["outcome"].startswith("left: ")

    def test_is_named_where_it_is_collected(self, simulated: SimulatedNode, pod: Pod) -> None:
        simulated.hcn.endpoints.delete(pod.endpoint)
        simulated.hcn.namespaces.delete(pod.namespace)
        done = simulated.command("gc", "--dry-run")
        assert f"container {pod.container} (pod shop/web-0) to network" in done.stdout
        (row,) = json.loads(simulated.command("gc", "--dry-run", "--json").stdout)
        assert (row["podName"], row["podUID"]) == ("shop/web-0", "uid-1")

    def test_is_exported_with_it(self, simulated: SimulatedNode, pod: Pod, tmp_path: Path) -> None:
        done = simulated.command("ipam", "export", "--host-local", str(tmp_path / "files"), "--json")
        assert [(row["owner"], row["podName"]) for row in json.loads(done.stdout)] == [
            (f"{pod.container} eth0", "shop/web-0")
        ]
