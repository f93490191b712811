"""`python -m tests.cluster.scale`: one agent in a cluster of many Nodes, which are objects of the API only.

Prints a table: what the agent takes of the machine, what it asks of the API, and how long its routes take.
It decides nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

from tests.cluster import objects
from tests.cluster.admin import Admin
from tests.cluster.agents import Agent
from tests.cluster.control_plane import ControlPlane
from tests.cluster.proxy import Proxy
from tests.cluster.waiting import until
from tests.cluster.windows_node import WindowsNode
from tests.lane import Lane

__all__ = ["main"]

_VNI = 4096
_HEALTH_HOST, _HEALTH_PORT = "127.0.0.1", 9742
_PODS, _MACHINES = ip_network("10.0.0.0/9"), ip_network("172.16.0.0/12")
_OWN, _OWN_ADDRESS = "win-0", "192.0.2.10"
# kubelet writes its Node's status so often where nothing has changed (nodeStatusReportFrequency).
_HEARTBEAT_S = 300.0
# kubelet tells that many images of a node (nodeStatusMaxImages), each with a tag and a digest.
_IMAGES = 50
# One that gives no podCIDRs: the Nodes come with theirs, more than its range has.
_NO_ALLOCATION = ("clusterrole-aggregation-controller",)
_MAKERS = 4
_AT_LEAST_S = 5.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Used(NamedTuple):
    """What a process has taken so far: CPU seconds, and now and at most so many MiB of memory."""

    cpu_s: float
    now_mib: float
    most_mib: float


def main(arguments: list[str]) -> int:
    """Exit codes: 0 measured, 1 not measured, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="cluster-scale-") as folder:
        for row in _measured(Path(folder), options.nodes, options.seconds):
            _say(row)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.cluster.scale", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000, metavar="N", help="default 1000")
    parser.add_argument(
        "--seconds",
        type=float,
        default=120.0,
        metavar="S",
        help="how long it is watched at rest; default 120",
    )
    return parser


def _measured(folder: Path, nodes: int, seconds: float) -> Iterator[str]:
    with ControlPlane(folder / "plane", Lane.here(), _NO_ALLOCATION) as plane:
        admin = plane.admin()
        own = WindowsNode(folder / "own", _OWN, _OWN_ADDRESS)
        own.join(admin, str(_pod_cidr(0)))
        _make_nodes(admin, nodes)
        size = _bytes_of(admin.get(f"{objects.NODES}/{_name(1)}"))
        yield f"| Nodes in the API, {size / 1024:.1f} KiB each | {nodes} |"
        began_s = time.monotonic()
        with Proxy(plane.host, plane.port) as proxy, _agent(plane, own, proxy) as agent:
            yield from _beginning(agent, began_s, nodes, proxy)
            yield from _at_rest(agent, admin, nodes, seconds, proxy)
            yield from _change(admin, agent, nodes)
        own.close()


@contextmanager
def _agent(plane: ControlPlane, own: WindowsNode, proxy: Proxy) -> Iterator[Agent]:
    """The program itself, in a process of its own."""
    agent = Agent(
        own,
        "overlay",
        plane.kubeconfig("agent.kubeconfig", server=proxy.server),
        clusterCIDRs=[str(_PODS)],
        serviceCIDRs=["10.254.0.0/16"],
        health=f"{_HEALTH_HOST}:{_HEALTH_PORT}",
    )
    agent.start()
    try:
        yield agent
    finally:
        agent.stop()


def _beginning(agent: Agent, began_s: float, nodes: int, proxy: Proxy) -> Iterator[str]:
    until("all routes are there", lambda: _routes(agent) == nodes, timeout_s=600)
    whole_s = time.monotonic() - began_s
    until("pods can be added", agent.says_ready, timeout_s=600)
    ready_s = time.monotonic() - began_s
    used = _used(agent.pid)
    yield f"| from its start until all {nodes} routes are in HNS | {whole_s:.1f} s |"
    yield f"| from its start until an ADD works | {ready_s:.1f} s |"
    yield f"| CPU time until then | {used.cpu_s:.1f} s |"
    yield f"| memory: most, and then | {used.most_mib:.0f} MiB, {used.now_mib:.0f} MiB |"
    yield f"| received from the API until then | {proxy.received_bytes / 2**20:.1f} MiB |"


def _at_rest(agent: Agent, admin: Admin, nodes: int, seconds: float, proxy: Proxy) -> Iterator[str]:
    """Nothing changes but what kubelets write of their own accord."""
    before, asked, received = _used(agent.pid), _requests(), proxy.received_bytes
    began_s = time.monotonic()
    beats = _heartbeats(admin, nodes, seconds)
    took_s = time.monotonic() - began_s
    after = _used(agent.pid)
    hours = took_s / 3600
    rate = beats / took_s
    yield f"| at rest: Nodes that kubelets write | {rate:.2f} a second |"
    yield f"| at rest: requests to the API | {(_requests() - asked) / hours:.0f} an hour |"
    yield f"| at rest: received | {(proxy.received_bytes - received) / took_s / 1024:.1f} KiB/s |"
    yield f"| at rest: CPU | {(after.cpu_s - before.cpu_s) / took_s * 100:.2f} % of one core |"
    yield f"| at rest: memory | {after.now_mib:.0f} MiB |"


def _change(admin: Admin, agent: Agent, nodes: int) -> Iterator[str]:
    """One Node more, and one less."""
    began_s = time.monotonic()
    admin.create(objects.NODES, _node(nodes + 1))
    until("its route is there", lambda: _routes(agent) == nodes + 1, timeout_s=60)
    yield f"| a Node joins: until its route is in HNS | {time.monotonic() - began_s:.2f} s |"
    began_s = time.monotonic()
    admin.delete(f"{objects.NODES}/{_name(nodes + 1)}")
    until("its route is gone", lambda: _routes(agent) == nodes, timeout_s=60)
    yield f"| a Node leaves: until its route is gone | {time.monotonic() - began_s:.2f} s |"


def _routes(agent: Agent) -> int:
    return len(agent.routes()) if agent.has_network() else 0


def _name(number: int) -> str:
    return f"linux-{number}"


def _pod_cidr(number: int) -> Any:
    return ip_network((int(_PODS.network_address) + number * 256, 24))


def _node(number: int) -> dict[str, Any]:
    """A Linux node with flannel, as long as kubelet makes it."""
    address = str(ip_address(int(_MACHINES.network_address) + number))
    backend = f'{{"VNI":{_VNI},"VtepMAC":"0e:2a:{number >> 24 & 255:02x}:{number >> 16 & 255:02x}:'
    backend += f'{number >> 8 & 255:02x}:{number & 255:02x}"}}'
    flannel = {
        "flannel.alpha.coreos.com/kube-subnet-manager": "true",
        "flannel.alpha.coreos.com/backend-type": "vxlan",
        "flannel.alpha.coreos.com/backend-data": backend,
        "flannel.alpha.coreos.com/public-ip": address,
    }
    made = objects.node(_name(number), address, pod_cidrs=(str(_pod_cidr(number)),), annotations=flannel)
    made["status"]["images"] = [_image(one) for one in range(_IMAGES)]
    made["status"]["conditions"] = [_ready(0)]
    return made


def _image(number: int) -> dict[str, Any]:
    name = f"registry.example/team-{number % 7}/service-{number}"
    return {
        "names": [f"{name}@sha256:{number:064x}", f"{name}:1.{number}.0"],
        "sizeBytes": 50_000_000 + number,
    }


def _ready(beat: int) -> dict[str, Any]:
    seen = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_700_000_000 + beat))
    return {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": seen}


def _make_nodes(admin: Admin, nodes: int) -> None:
    with ThreadPoolExecutor(_MAKERS) as makers:
        for made in [makers.submit(admin.create, objects.NODES, _node(one + 1)) for one in range(nodes)]:
            made.result()


def _heartbeats(admin: Admin, nodes: int, seconds: float) -> int:
    """As often as so many kubelets would write; how many it were."""
    ends = time.monotonic() + max(seconds, _AT_LEAST_S)
    beats = 0
    while time.monotonic() < ends:
        path = f"{objects.NODES}/{_name(1 + beats % nodes)}/status"
        admin.patch(path, {"status": {"conditions": [_ready(beats + 1)]}}, "strategic")
        beats += 1
        threading.Event().wait(_HEARTBEAT_S / nodes)
    return beats


def _requests() -> int:
    """All that the agent has asked of the API so far, as it counts."""
    metrics = f"http://{_HEALTH_HOST}:{_HEALTH_PORT}/metrics"
    with urllib.request.urlopen(metrics) as answer:
        lines = answer.read().decode().splitlines()
    return sum(
        int(float(one.rpartition(" ")[2]))
        for one in lines
        if one.startswith("cni_hns_agent_api_requests_total")
    )


def _bytes_of(document: dict[str, Any]) -> int:
    """As long as the API sends it."""
    return len(json.dumps(document, separators=(",", ":")))


def _used(pid: int) -> Used:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
    )
    now, most = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return Used((int(fields[11]) + int(fields[12])) / _TICKS, now, most)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
