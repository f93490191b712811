"""The binding that ships, in a Windows CPython, on the stand-in DLLs: the same node, the same answers."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.simulator import Simulator
from cni_hns.simulator.core.errors import signed
from cni_hns.simulator.server import serve
from tests.lane import Lane

ROOT = Path(__file__).parent.parent.parent
EVERYWHERE = {"DestinationPrefix": "0.0.0.0/0"}
L2BRIDGE = {
    "cniVersion": "1.0.0",
    "name": "pods",
    "type": "cni-hns",
    "network": {
        "mode": "l2bridge",
        "create": True,
        "subnets": [{"prefix": "10.88.0.0/24", "gateway": "10.88.0.1"}],
    },
    "ipam": {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/24"}]]},
}


class WindowsPython:
    """python.exe on the served node."""

    def __init__(self, lane: Lane, simulator: Simulator, address: str) -> None:
        self.lane = lane
        self.variables = {
            "CNI_HNS_STANDIN": address,
            "PROGRAMDATA": lane.windows_path(simulator.folder),
            "PYTHONPATH": lane.windows_path(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *arguments: str, stdin: bytes = b"", **variables: str) -> tuple[int, dict[str, Any], str]:
        done = subprocess.run(
            self.lane.launch_command(self.lane.python, *arguments),
            env=self.lane.launch_environment({**self.variables, **variables}),
            input=stdin,
            capture_output=True,
            timeout=90,
            check=False,
        )
        document = json.loads(done.stdout) if done.stdout.strip() else {}
        return done.returncode, document, done.stderr.decode(errors="replace")


@pytest.fixture
def python(lane: Lane, simulator: Simulator, wine: None) -> Iterator[WindowsPython]:
    with serve(simulator) as address:
        yield WindowsPython(lane, simulator, address)


def test_every_family_through_the_binding(python: WindowsPython, simulator: Simulator) -> None:
    code, seen, words = python.run(python.lane.windows_path(ROOT / "tests" / "windows" / "binding_script.py"))
    assert code == 0, words
    assert seen["v1"] == "Größe \U0001f433"
    assert "BytesReceived" in seen["statistics"]
    assert seen["refused"] == [
        [True, "803B0001", "The network was not found."],
        [False, "803B001B", "Invalid JSON document string."],
        [True, "803B0002", "The endpoint was not found."],
    ]
    network, namespace = seen["Network"], seen["Namespace"]
    assert seen["told"] == [
        [1, network],
        [2, network],
        [5, namespace],
        [6, namespace],
        [3, network],
        [4, network],
    ]
    boot, start, folder = seen["machine"]
    assert boot == "1"
    assert re.fullmatch(r"\d+/\d+", start), start
    assert folder.endswith("\\cni-hns")
    left = simulator.dump()
    assert (left["networks"], left["endpoints"], left["loadbalancers"]) == ([], [], [])
    assert simulator.leaks() == []


def test_the_machine_tells_of_itself(python: WindowsPython) -> None:
    script = python.lane.windows_path(ROOT / "tests" / "windows" / "host_script.py")
    code, seen, words = python.run(script)
    assert code == 0, words
    name, state, pid, started_s = seen["hns"]
    wall_s, uptime_s = seen["clock"]
    assert (name, state) == ("hns", "running")
    assert pid > 0
    assert wall_s - uptime_s - 60 < started_s < wall_s
    assert seen["missing"] == ["cni-hns-nothing", "missing", 0, None]
    assert all(0 < free <= total for total, free in (seen["memory"], seen["disk"][1:]))
    addresses = [text for _, _, texts, *_ in seen["interfaces"] for text in texts]
    assert all(mtu > 0 for _, mtu, *_ in seen["interfaces"])
    assert all(re.fullmatch(r"([0-9A-F]{2}(-[0-9A-F]{2})*)?", mac) for *_, mac in seen["interfaces"])
    assert not [one for one in addresses if one.startswith("127.")]
    # Wine's netsh knows no port ranges.
    assert isinstance(seen["ports"], str) or seen["ports"] == [[], []]


def test_status_is_one_screen_on_windows(python: WindowsPython, simulator: Simulator) -> None:
    # Each question has a second, which is not enough for Wine on a machine that does other things.
    for _ in range(5):
        code, document, words = python.run("-m", "cni_hns", "status", "--json")
        assert code == 1, words  # no configuration is there
        found = {one["id"]: one for one in document["checks"]}
        if found["hns"]["facts"].get("service"):
            break
    assert found["hns"]["facts"]["service"] == "running"
    assert found["hns"]["facts"]["answerMs"] > 0
    assert found["windows"]["facts"]["hns"] == "16.0"
    assert found["configuration"]["state"] == "ill"
    assert found["disk"]["state"] != "unknown"
    assert simulator.leaks() == []


def test_wine_has_no_sentence_for_a_code_of_hcn(python: WindowsPython) -> None:
    """Only the error record has it. The day Wine has one, a row of docs/simulator.md can go."""
    script = "import ctypes, json; print(json.dumps({'words': [ctypes.FormatError(code) for code in %s]}))"
    code, seen, words = python.run("-c", script % [signed(0x803B0014), signed(0x80070005)])
    assert code == 0, words
    of_hcn, of_windows = seen["words"]
    assert of_windows == "Access denied."
    assert "switch" not in of_hcn


def test_a_pod_lives_and_goes(python: WindowsPython, simulator: Simulator) -> None:
    namespace = simulator.plant("namespace", {})

    def call(verb: str, **more: Any) -> dict[str, Any]:
        variables = {"CNI_COMMAND": verb, "CNI_CONTAINERID": "pod", "CNI_IFNAME": "eth0", "CNI_PATH": "Z:\\"}
        stdin = json.dumps({**L2BRIDGE, **more}).encode()
        code, document, words = python.run("-m", "cni_hns", stdin=stdin, CNI_NETNS=namespace, **variables)
        assert code == 0, (document, words)
        return document

    result = call("ADD")
    (endpoint,) = simulator.dump()["endpoints"]
    assert endpoint["Name"] == "pod_pods"
    assert endpoint["HostComputeNamespace"] == namespace
    assert [one["address"] for one in result["ips"]] == ["10.88.0.2/24"]
    assert call("CHECK", prevResult=result) == {}
    assert call("ADD") == result
    for _ in range(2):
        assert call("DEL") == {}
        assert simulator.dump()["endpoints"] == []
    assert simulator.leaks() == []


def test_without_a_server_it_says_that_hns_does_not_run(python: WindowsPython, simulator: Simulator) -> None:
    variables = {
        "CNI_COMMAND": "ADD",
        "CNI_CONTAINERID": "pod",
        "CNI_IFNAME": "eth0",
        "CNI_NETNS": simulator.plant("namespace", {}),
        "CNI_PATH": "Z:\\",
        "CNI_HNS_STANDIN": "127.0.0.1:1",
    }
    code, document, _ = python.run("-m", "cni_hns", stdin=json.dumps(L2BRIDGE).encode(), **variables)
    assert code == 1
    assert "0x800706BA" in f"{document['msg']} {document.get('details')}"
    assert simulator.journal() == []


def test_a_container_of_dockers_lives_and_goes(python: WindowsPython, simulator: Simulator) -> None:
    """HNS V1 and HotAttach, through vmcompute.dll."""
    subnets = [{"IpAddressPrefix": "10.88.0.0/24", "Routes": [{"NextHop": "10.88.0.1", **EVERYWHERE}]}]
    network = {"Name": "pods", "Type": "L2Bridge", "Ipams": [{"Type": "Static", "Subnets": subnets}]}
    simulator.plant("network", network)
    config = {
        "cniVersion": "1.0.0",
        "name": "pods",
        "type": "win-bridge",
        "ipam": {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/24"}]]},
    }
    for container in ("sandbox", "workload"):
        simulator.run_container(container)

    def call(verb: str, container: str, netns: str) -> list[list[str]]:
        variables = {"CNI_COMMAND": verb, "CNI_CONTAINERID": container, "CNI_NETNS": netns}
        variables |= {"CNI_IFNAME": "eth0", "CNI_PATH": "Z:\\"}
        code, document, words = python.run("-m", "cni_hns", stdin=json.dumps(config).encode(), **variables)
        assert code == 0, (document, words)
        return [one["Health"]["Extra"]["SharedContainers"] for one in simulator.dump()["endpoints"]]

    assert call("ADD", "sandbox", "none") == [["sandbox"]]
    assert call("ADD", "workload", "container:sandbox") == [["sandbox", "workload"]]
    assert call("DEL", "workload", "container:sandbox") == [["sandbox"]]
    assert call("DEL", "sandbox", "none") == []
    assert simulator.leaks() == []
