"""The log: whole lines of JSON in the file that the configuration names, and no secret in any of them.

Each verb here is a process of its own, started as a runtime starts it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import SimulatedNode, container_id, finished, l2bridge
from tests.packaging import current

_VERBS = ["ADD", "CHECK", "DEL", "GC", "STATUS", "VERSION"]
_SECRET = "hunter2-Q7zR9k"  # noqa: S105 - it is there to be looked for


class Attached:
    """A node with one pod on it, and what the verbs of that pod are called with."""

    def __init__(self, node: SimulatedNode) -> None:
        self.node = node
        self.container, self.namespace = container_id(), node.namespace()
        self.result = node.call("ADD", l2bridge(), self.container, self.namespace).document

    def run(
        self,
        command: str,
        config: dict[str, Any] | bytes,
        *,
        folder: Path | None = None,
        **variables: str,
    ) -> subprocess.CompletedProcess[bytes]:
        """One verb, in a process that is started in this folder."""
        attachment = {"CNI_CONTAINERID": self.container, "CNI_NETNS": self.namespace, "CNI_IFNAME": "eth0"}
        variables = {
            **self.node.environment,
            "CNI_COMMAND": command,
            "CNI_PATH": current().path("/opt/cni/bin"),
            **attachment,
            **variables,
        }
        raw = config if isinstance(config, bytes) else json.dumps(config).encode()
        process = current().start(variables, raw, folder=folder)
        stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def config(self, **changes: Any) -> dict[str, Any]:
        """The pod's own, for every verb: what one of them does not need it does not read."""
        entries = [{"containerID": self.container, "ifname": "eth0"}]
        return l2bridge(**{"prevResult": self.result, "cni.dev/valid-attachments": entries, **changes})


@pytest.fixture
def attached(node: SimulatedNode) -> Attached:
    return Attached(node)


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def _logging(file: Path, **settings: Any) -> dict[str, Any]:
    return {"file": current().path(file), "level": "debug", **settings}


class TestLines:
    def test_a_call_can_be_followed_from_its_beginning_to_its_end(
        self, node: SimulatedNode, tmp_path: Path
    ) -> None:
        file = tmp_path / "logs" / "cni.log"
        config = l2bridge(log=_logging(file))
        container = container_id()
        assert node.process("ADD", config, container, node.namespace()).exit_code == 0
        first, *_, last = lines = _lines(file)
        assert {(line["request"], line["verb"], line["container_id"]) for line in lines} == {
            (first["request"], "ADD", container)
        }
        assert first["message"] == "ADD begins"
        assert (last["message"], last["addresses"]) == ("ADD is done", ["10.88.0.2/24"])
        assert last["ms"] > 0
        calls = [line for line in lines if line["message"] == "HNS call"]
        assert len(calls) == last["hns_calls"]
        assert [call["call"].partition(" ")[0] for call in calls] == node.calls()[-len(calls) :]
        assert {call["hresult"] for call in calls} == {"0x00000000"}
        assert all(call["ms"] > 0 for call in calls)

    def test_a_failed_call_says_its_code_and_the_hresult_behind_it(
        self, attached: Attached, tmp_path: Path
    ) -> None:
        file = tmp_path / "cni.log"
        attached.node.simulator.inject(function="HcnDeleteEndpoint", hresult=0x80004005)
        done = attached.run("DEL", l2bridge(log=_logging(file)))
        document = json.loads(done.stdout)
        lines = _lines(file)
        (failed,) = [line for line in lines if line.get("hresult") == "0x80004005"]
        assert failed["call"].startswith("HcnDeleteEndpoint ")
        assert (lines[-1]["level"], lines[-1]["code"]) == ("error", document["code"])
        assert document["msg"] in lines[-1]["message"]

    def test_two_calls_have_two_request_ids(self, attached: Attached, tmp_path: Path) -> None:
        file = tmp_path / "cni.log"
        for _ in range(2):
            assert attached.run("STATUS", l2bridge(log=_logging(file))).returncode == 0
        assert len({line["request"] for line in _lines(file)}) == 2

    @pytest.mark.single_file
    def test_stderr_is_empty_when_all_is_well(self, attached: Attached) -> None:
        for command in _VERBS:
            done = attached.run(command, attached.config())
            said = done.stderr.decode().splitlines()
            # The single file says that it is slow, and nothing else.
            assert (done.returncode, len(said)) == (0, int(current().is_single_file)), command
            assert all("is the single file" in line for line in said)


class TestManyProcesses:
    def test_sixteen_processes_lose_no_line(self, node: SimulatedNode, tmp_path: Path) -> None:
        file = tmp_path / "cni.log"
        config = l2bridge(log=_logging(file))
        pods = [(container_id(), node.namespace()) for _ in range(16)]
        processes = [node.start("ADD", config, container, namespace) for container, namespace in pods]
        assert {finished(process).exit_code for process in processes} == {0}
        lines = _lines(file)
        for container, _ in pods:
            own = [line for line in lines if line["container_id"] == container]
            assert (own[0]["message"], own[-1]["message"]) == ("ADD begins", "ADD is done")
            calls = [line for line in own if line["message"] == "HNS call"]
            assert len(calls) == own[-1]["hns_calls"]

    def test_sixteen_processes_turn_one_small_file_over_and_tear_no_line(
        self, node: SimulatedNode, tmp_path: Path
    ) -> None:
        folder = tmp_path / "logs"
        config = l2bridge(log=_logging(folder / "cni.log", maxSizeMB=0.005))
        pods = [(container_id(), node.namespace()) for _ in range(16)]
        processes = [node.start("ADD", config, container, namespace) for container, namespace in pods]
        assert {finished(process).exit_code for process in processes} == {0}
        assert {file.name for file in folder.iterdir()} == {"cni.log", "cni.log.1"}
        assert [line for file in folder.iterdir() for line in _lines(file)]


class TestTheFile:
    def test_its_size_is_bounded_however_long_the_node_lives(
        self, node: SimulatedNode, tmp_path: Path
    ) -> None:
        file = tmp_path / "logs" / "cni.log"
        limit = 20_000
        config = l2bridge(log=_logging(file, maxSizeMB=limit / 1_000_000))
        container, namespace = container_id(), node.namespace()
        written = 0
        while written < 5 * limit:
            before = file.stat().st_size if file.exists() else 0
            assert node.call("ADD", config, container, namespace).exit_code == 0
            assert node.call("DEL", config, container, namespace).exit_code == 0
            written += max(file.stat().st_size - before, 1)
            sizes = {one.name: one.stat().st_size for one in file.parent.iterdir()}
            longest_line = 4_000
            assert set(sizes) <= {"cni.log", "cni.log.1"}
            assert max(sizes.values()) < limit + longest_line
        assert len(sizes) == 2
        assert _lines(file)[-1]["message"] == "DEL is done"

    @pytest.mark.parametrize("command", _VERBS)
    def test_nothing_is_left_in_the_folder_that_the_runtime_happened_to_be_in(
        self, attached: Attached, tmp_path: Path, command: str
    ) -> None:
        folder = tmp_path / "here"
        folder.mkdir()
        relative = attached.config(log={"file": "cni.log"})
        for config in (attached.config(), relative, b"no json", attached.config(mtu="x")):
            attached.run(command, config, folder=folder)
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize("command", ["ADD", "CHECK"])
    def test_a_relative_file_is_a_fault_of_the_configuration(self, attached: Attached, command: str) -> None:
        done = attached.run(command, attached.config(log={"file": "cni.log"}))
        document = json.loads(done.stdout)
        assert document["code"] == 7
        assert "log.file" in document["msg"]


def _a_folder(tmp_path: Path) -> Path:
    return tmp_path


def _below_a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "cni.log"


class TestAFileThatCannotBeWritten:
    @pytest.mark.parametrize(
        "where",
        [
            pytest.param(_a_folder, id="a folder"),
            pytest.param(_below_a_file, id="below a file"),
        ],
    )
    def test_fails_no_verb_and_is_said_once(
        self, attached: Attached, tmp_path: Path, where: Callable[[Path], Path]
    ) -> None:
        log = {"file": current().path(where(tmp_path))}
        for command in ["STATUS", "ADD", "CHECK", "GC", "DEL"]:
            plain = attached.run(command, attached.config())
            done = attached.run(command, attached.config(log=log))
            assert (done.returncode, done.stdout) == (0, plain.stdout), done.stdout
            assert done.stderr.count(b"cannot be written") == 1

    def test_a_first_add_succeeds_all_the_same(self, node: SimulatedNode, tmp_path: Path) -> None:
        config = l2bridge(log={"file": current().path(tmp_path)})
        assert node.process("ADD", config, container_id(), node.namespace()).exit_code == 0


# Where a secret may lie, and what each verb says of it; {} is fine for every verb.
_GOOD: dict[str, Any] = {
    "token": _SECRET,
    "x-unknown": {"deep": [{"er": _SECRET}]},
    "runtimeConfig": {"io.kubernetes.cri.pod-annotations": {"a": _SECRET}},
    "args": {"cni": {"labels": [{"key": "a", "value": _SECRET}]}, "other": _SECRET},
    "cni.dev/something": _SECRET,
}
_ACL = {"Action": "Allow", "Direction": "In", "Protocols": "6", "Priority": 100}


def _acl(**changes: Any) -> dict[str, Any]:
    return {"policies": [{"Type": "ACL", "Settings": {**_ACL, **changes}}]}


_CHANGES = [
    pytest.param({}, "", id="all is well"),
    pytest.param(_acl(RemoteAddresses=_SECRET), "", id="a policy's value"),
    pytest.param({}, f"IgnoreUnknown=1;TOKEN={_SECRET};K8S_POD_NAME={_SECRET} x", id="CNI_ARGS"),
    pytest.param({}, f"TOKEN={_SECRET}", id="CNI_ARGS with an unknown key"),
    pytest.param({}, f"IP={_SECRET};{_SECRET};MAC={_SECRET}", id="CNI_ARGS that are wrong"),
    pytest.param(_acl(Action=_SECRET, Password=_SECRET), "", id="a policy's wrong value"),
    pytest.param(
        _acl(RemoteAddresses=f"a b {_SECRET}", LocalPorts=_SECRET), "", id="a policy's wrong addresses"
    ),
    pytest.param(
        {"policies": [{"Type": "OutBoundNAT", "Settings": {"Exceptions": [_SECRET, f" {_SECRET}/8"]}}]},
        "",
        id="a policy's wrong prefixes",
    ),
    pytest.param(_acl(Priority=_SECRET, LocalPorts=_SECRET), "", id="a policy's value of a wrong kind"),
    pytest.param({"policies": [{"Type": "ACL", "Key": _SECRET}, _SECRET]}, "", id="no policy"),
    pytest.param({"ipam": {"type": "cni-hns", "password": _SECRET}}, "", id="an unknown key of ipam"),
    pytest.param({"netwrok": _SECRET, "timeout": {"gc": 5, "key": _SECRET}}, "", id="a key misspelt"),
    pytest.param({"prevResult": {"ips": [], "secret": _SECRET}}, "", id="prevResult with more"),
    pytest.param({"prevResult": {"ips": [{"address": 1, "a": _SECRET}]}}, "", id="a wrong prevResult"),
    pytest.param({"cni.dev/valid-attachments": [{"containerID": 1, "a": _SECRET}]}, "", id="a wrong list"),
]


class TestSecrets:
    @pytest.mark.parametrize(("changes", "arguments"), _CHANGES)
    def test_a_planted_secret_is_nowhere(
        self, attached: Attached, tmp_path: Path, changes: dict[str, Any], arguments: str
    ) -> None:
        file = tmp_path / "cni.log"
        config = attached.config(**{**_GOOD, **changes, "log": _logging(file)})
        attached.node.call("DEL", config, attached.container, attached.namespace)
        for command in ["VERSION", "STATUS", "ADD", "ADD", "CHECK", "GC", "DEL", "DEL"]:
            done = attached.run(command, config, CNI_ARGS=arguments)
            said = done.stdout + done.stderr
            assert _SECRET.encode() not in said, (command, said)
        logged = file.read_text()
        assert _SECRET not in logged
        assert '"token": "(14 characters)"' in logged

    def test_nor_when_hns_refuses_or_lost_the_policy_that_has_it(
        self, attached: Attached, tmp_path: Path
    ) -> None:
        file = tmp_path / "cni.log"
        config = l2bridge(**_acl(RemoteAddresses=_SECRET), log=_logging(file))
        node = attached.node
        said = []
        for hresult in (0x803B000D, 0x803B0016):
            node.simulator.inject(function="HcnCreateEndpoint", hresult=hresult)
            node.simulator.inject(function="HcnModifyEndpoint", hresult=hresult)
            said.append(node.call("ADD", config, container_id(), node.namespace()).stdout)
            node.simulator.clear_faults()
        container, namespace = container_id(), node.namespace()
        result = node.call("ADD", config, container, namespace).document
        (endpoint,) = [one for one in node.endpoints() if one.name.startswith(container)]
        with node.hcn.endpoints.open(endpoint.id) as opened:
            opened.modify(
                {
                    "ResourceType": "Policy",
                    "RequestType": "Remove",
                    "Settings": {"Policies": [one for one in endpoint.policies if one["Type"] == "ACL"]},
                }
            )
        said.append(node.call("CHECK", {**config, "prevResult": result}, container, namespace).stdout)
        assert "ACL" in said[-1]
        assert _SECRET not in "".join(said)
        assert _SECRET not in file.read_text()
