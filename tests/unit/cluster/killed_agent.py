"""The routes of one agent's run, for a test to kill.

Before it a run has made routes to two nodes. Now one of them has moved, another one is new, and a third is
gone.
"""

from __future__ import annotations

from cni_hns.binding.service import Service
from cni_hns.cluster.routes import on_host, overlay
from cni_hns.cluster.routes.note import Note
from cni_hns.cluster.routes.removal import Gone
from cni_hns.cluster.routes.route import Route
from cni_hns.hcn.client import Hcn
from cni_hns.log import Log
from cni_hns.simulator import Simulator, open_simulator
from tests.unit.cluster.nodes import VNI, mac

NOBODY = Gone(proven=True, claimed=frozenset())
RANGES = ["10.244.0.0/16"]
SUBNET = {
    "IpAddressPrefix": "10.244.1.0/24",
    "Routes": [{"NextHop": "10.244.1.1", "DestinationPrefix": "0.0.0.0/0"}],
    "Policies": [{"Type": "VSID", "Settings": {"IsolationId": VNI}}],
}
_BY_HOST = [Route("10.244.2.0/24", "192.0.2.77"), Route("10.244.4.0/24", "192.0.2.4")]
_BEFORE = [Route("10.244.2.0/24", "192.0.2.2"), Route("10.244.9.0/24", "192.0.2.9")]


def _on_overlay(routes: list[Route]) -> list[Route]:
    return [one._replace(vsid=VNI, mac=mac(2)) for one in routes]


WANTED = {"l2bridge": _BY_HOST, "overlay": _on_overlay(_BY_HOST)}
BEFORE = {"l2bridge": _BEFORE, "overlay": _on_overlay(_BEFORE)}


def begin(folder: str, mode: str) -> None:
    """What an earlier agent left."""
    node = open_simulator(folder)
    if mode == "overlay":
        node.plant("network", {"Name": "pods", "Type": "Overlay", "Ipams": [{"Subnets": [SUBNET]}]})
    _bring(node, mode, BEFORE[mode])
    node.close()


def run(folder: str, mode: str, *, gone: bool = False) -> list[Route]:
    """One run, `gone`: all other nodes have left; the routes that are there afterwards."""
    node = open_simulator(folder)
    _bring(node, mode, [] if gone else WANTED[mode])
    if mode == "overlay":
        found = overlay.held(node.dump()["networks"][0])
    else:
        table = node.machine().route_table()
        found = [Route(one.prefix, one.next_hop) for one in table.routes()]
    node.close()
    return sorted(one for one in found if one.prefix.startswith("10.244."))


def _bring(node: Simulator, mode: str, wanted: list[Route]) -> None:
    machine = node.machine()
    if mode == "overlay":
        hcn = Hcn(Service(node.libraries(), Log(stderr=False)))
        with hcn.networks.open(node.dump()["networks"][0]["ID"]) as network:
            overlay.bring(network, wanted, NOBODY, pod_ranges=RANGES)
    else:
        note = Note(machine.state_folder(), machine.boot_id())
        on_host.bring(machine.route_table(), wanted, NOBODY, note=note)
